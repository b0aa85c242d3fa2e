"""From many dimensions to two: UMAP, PCA and t-SNE behind one call, each with a measure of what was lost."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from embedlab.analysis.neighbors import Metric, Neighbors, knn
from embedlab.analysis.quality import Quality, measure
from embedlab.embeddings import Embeddings, unit_rows
from embedlab.errors import BadItem, EmbedlabError

Method = Literal["umap", "pca", "tsne"]
METHODS: tuple[str, ...] = ("umap", "pca", "tsne")
NAMES = {"umap": "UMAP", "pca": "PCA", "tsne": "t-SNE"}
FEWEST_FOR_LAYOUT = 5  # below, a force layout has nothing to balance: PCA places the points instead


@dataclass(frozen=True, eq=False)
class Projection:
    """A map: one place per item, and how far to trust it.

    Attributes
    ----------
    coords : ndarray, shape (n_items, 2 or 3), float32
        Places on the map. The axes have no unit and no meaning of their own.
    embeddings : Embeddings
        What was projected.
    method : str
        The method that really ran: ``"umap"``, ``"pca"`` or ``"tsne"``.
    params : dict
        Its parameters, for the caption and for doing it again.
    neighbors : Neighbors
        The true neighbours in the full space.
    quality : Quality
        Trustworthiness, continuity, and the distortion of every item.
    note : str
        What had to be adapted, empty when nothing.
    """

    coords: np.ndarray
    embeddings: Embeddings
    method: str
    params: dict[str, Any]
    neighbors: Neighbors
    quality: Quality
    note: str = ""

    def __len__(self) -> int:
        return len(self.coords)

    @property
    def caption(self) -> str:
        """Method and parameters in one line."""
        settings = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{NAMES[self.method]} ({settings})"

    def __repr__(self) -> str:
        note = f", note={self.note!r}" if self.note else ""
        return f"Projection({len(self)} items, {self.caption}, {self.quality!r}{note})"


def project(
    embeddings: Embeddings,
    method: Method = "umap",
    *,
    n_neighbors: int = 15,
    min_dist: float = 0.1,
    metric: Metric = "cosine",
    random_state: int = 0,
    n_components: int = 2,
    neighbors: Neighbors | None = None,
) -> Projection:
    """Lay the items out on a plane so that neighbours stay together as far as two dimensions allow.

    Parameters
    ----------
    embeddings : Embeddings
    method : {"umap", "pca", "tsne"}
        UMAP (McInnes et al. 2018, ``umap-learn``), PCA or t-SNE (van der Maaten & Hinton 2008,
        ``scikit-learn``).
    n_neighbors : int
        Size of the neighbourhood that UMAP keeps together, and that the quality is measured at. t-SNE uses
        it as its perplexity.
    min_dist : float
        How closely UMAP may pack points (map units).
    metric : {"cosine", "euclidean"}
        Distance in the full space. Under the cosine, PCA and t-SNE see the vectors at length 1.
    random_state : int
        Seed: the same input and seed give the same map on the same machine.
    n_components : {2, 3}
        A plane, or a space to turn around in: it keeps a little more, and is harder to read.
    neighbors : Neighbors, optional
        The graph of these embeddings by ``metric``, if it is known already; used when it says enough.

    Returns
    -------
    Projection

    Raises
    ------
    BadItem
        When there is nothing to project, a parameter is out of range, or a vector is all zeros.

    Notes
    -----
    One neighbour graph serves UMAP, the quality measures and the neighbour views; it is exact up to 20,000
    items. With fewer than five items the points are placed by PCA, and ``note`` says so.
    """
    if method not in METHODS:
        raise BadItem(f"Unknown method {method!r}: choose one of {', '.join(METHODS)}.")
    if n_components not in (2, 3):
        raise BadItem(f"n_components must be 2 (a plane) or 3 (a space), not {n_components}.")
    if n_neighbors < 2:
        raise BadItem(f"n_neighbors must be at least 2, not {n_neighbors}.")
    n = len(embeddings)
    if n == 0:
        raise BadItem("There are no items to project.")
    wanted = min(n_neighbors, n - 1)
    if neighbors is None or neighbors.metric != metric or neighbors.k < wanted:
        neighbors = knn(embeddings.vectors, n_neighbors, metric)
    elif len(neighbors.indices) != n:
        raise BadItem(f"A graph of {len(neighbors.indices)} items, but {n} embeddings.")
    neighbors = neighbors.first(wanted)
    vectors = unit_rows(embeddings.vectors) if metric == "cosine" else embeddings.vectors
    used: str = method
    note = ""
    if n < FEWEST_FOR_LAYOUT and method != "pca":
        used, note = (
            "pca",
            f"{NAMES[method]} needs at least {FEWEST_FOR_LAYOUT} items: {n} were placed by PCA.",
        )
    elif neighbors.k < n_neighbors and method != "pca":
        note = f"n_neighbors={n_neighbors} was cut to {neighbors.k}: there are only {n} items."
    params: dict[str, Any] = {"metric": metric}
    if used == "umap":
        params |= {"n_neighbors": neighbors.k, "min_dist": min_dist, "random_state": random_state}
        coords = _umap(vectors, neighbors, min_dist, random_state, n_components)
    elif used == "tsne":
        params |= {"perplexity": min(neighbors.k, (n - 1) / 3), "random_state": random_state}
        coords = _tsne(vectors, params["perplexity"], random_state, n_components)
    else:
        coords = _pca(vectors, n_components)
    if n_components != 2:
        params["n_components"] = n_components
    quality = measure(
        embeddings.vectors, coords, k=n_neighbors, metric=metric, true_neighbors=neighbors.indices
    )
    return Projection(coords, embeddings, used, params, neighbors, quality, note)


def _pca(vectors: np.ndarray, n_components: int) -> np.ndarray:
    """First principal components; missing ones (one item, one dimension) are zero."""
    from sklearn.decomposition import PCA

    coords = np.zeros((len(vectors), n_components), np.float32)
    components = min(n_components, *vectors.shape)
    if len(vectors) > 1 and np.ptp(vectors, axis=0).any():
        coords[:, :components] = PCA(components, svd_solver="full").fit_transform(vectors.astype(np.float64))
    return coords


def _tsne(vectors: np.ndarray, perplexity: float, random_state: int, n_components: int) -> np.ndarray:
    from sklearn.manifold import TSNE

    start = _small_start(vectors, random_state, n_components)
    layout = TSNE(
        n_components, perplexity=perplexity, init=start, random_state=random_state, learning_rate="auto"
    )
    return np.asarray(layout.fit_transform(vectors), np.float32)


def _umap(
    vectors: np.ndarray, neighbors: Neighbors, min_dist: float, random_state: int, n_components: int
) -> np.ndarray:
    umap = _import_umap()
    n = len(vectors)
    # umap-learn counts an item as its own first neighbour, and wants fewer neighbours than items.
    count = min(neighbors.k + 1, n - 1)
    indices = np.column_stack([np.arange(n), neighbors.indices])[:, :count]
    distances = np.column_stack([np.zeros(n, np.float32), neighbors.distances])[:, :count]
    layout = umap.UMAP(
        n_components=n_components,
        n_neighbors=count,
        min_dist=min_dist,
        metric=neighbors.metric,
        random_state=random_state,
        n_jobs=1,  # a seed forces this; saying so avoids a warning
        init=_small_start(vectors, random_state, n_components, width=10.0),
        precomputed_knn=(indices, distances),
    )
    with warnings.catch_warnings():
        # No search index comes with our graph; umap-learn warns that new points cannot be placed later.
        warnings.filterwarnings("ignore", message="precomputed_knn")
        coords = np.asarray(layout.fit_transform(vectors), np.float32)
    if not np.isfinite(coords).all():
        raise EmbedlabError(f"UMAP gave no finite layout for these {n} items; try method='pca'.")
    return coords


def _small_start(
    vectors: np.ndarray, random_state: int, n_components: int, width: float = 1e-4
) -> np.ndarray:
    """PCA scaled to ``width``, with a seeded touch of noise so that exact copies can part.

    A PCA start keeps the large-scale order of the clouds and does not depend on an eigen-solver's mood
    (Kobak & Linderman 2021, "Initialization is critical for preserving global data structure").
    """
    start = _pca(vectors, n_components)
    spread = float(np.abs(start).max()) or 1.0
    noise = np.random.default_rng(random_state).normal(scale=1e-2, size=start.shape)
    return ((start / spread + noise) * width).astype(np.float32)


def _import_umap() -> Any:
    """Import umap-learn and let numba keep its compiled code on disk.

    Without the cache each new process compiles the three hot loops again: about five seconds for a map that
    takes less than one.
    """
    import umap
    from umap import layouts, umap_

    hot = (
        (layouts, "_nb_optimize_layout_euclidean_single_epoch"),
        (umap_, "smooth_knn_dist"),
        (umap_, "compute_membership_strengths"),
    )
    for module, name in hot:
        loop = getattr(module, name, None)
        if loop is not None and hasattr(loop, "enable_caching") and not loop.stats.cache_path:
            loop.enable_caching()
    return umap

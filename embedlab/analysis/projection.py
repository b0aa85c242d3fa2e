"""Project embeddings to a map with UMAP, PCA or t-SNE, and measure how far to trust it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from enum import StrEnum
from types import ModuleType
from typing import Any, Literal

import numpy as np

from embedlab.analysis.neighbors import Metric, Neighbors, knn
from embedlab.analysis.quality import Quality, measure_quality
from embedlab.embeddings import Embeddings, unit_rows
from embedlab.errors import Argument, BadItem, EmbedlabError

Method = Literal["umap", "pca", "tsne"]
METHODS: tuple[str, ...] = ("umap", "pca", "tsne")
METHOD_NAMES = {"umap": "UMAP", "pca": "PCA", "tsne": "t-SNE"}
MIN_LAYOUT_ITEMS = 5  # with fewer, UMAP and t-SNE have nothing to balance: PCA places the points instead


class NoteCode(StrEnum):
    """What a projection adapted or what was done to it afterwards."""

    PLACED_BY_PCA = "placed_by_pca"  # too few items for the method
    NEIGHBORS_CUT = "neighbors_cut"  # fewer items than n_neighbors
    ALIGNED = "aligned"  # rotated onto another map
    SAMPLED = "sampled"  # shows some of the items
    FLATTENED = "flattened"  # a space drawn from one side


@dataclass(frozen=True)
class Note:
    """Something that a reader of a map should know: a code to decide on, a sentence to read."""

    code: NoteCode
    text: str

    def __str__(self) -> str:
        """Return the sentence."""
        return self.text


@dataclass(frozen=True, eq=False)
class Projection:
    """A map: coordinates for every item, and how far to trust them.

    Attributes
    ----------
    coords : ndarray, shape (n_items, 2 or 3), float32
        Coordinates on the map. The axes have no unit and no meaning of their own.
    embeddings : Embeddings
        What was projected.
    method : str
        The method that ran: ``"umap"``, ``"pca"`` or ``"tsne"``.
    params : dict
        Its parameters, for the caption and to reproduce the map.
    neighbors : Neighbors
        The true neighbours in the full space.
    quality : Quality
        Trustworthiness, continuity, and the distortion of every item.
    notes : tuple of Note
        What was adapted; empty if nothing was.
    """

    coords: np.ndarray
    embeddings: Embeddings
    method: str
    params: dict[str, Any]
    neighbors: Neighbors
    quality: Quality
    notes: tuple[Note, ...] = ()

    def __len__(self) -> int:
        return len(self.coords)

    @property
    def note(self) -> str:
        """The notes as one text, empty if there are none."""
        return " ".join(map(str, self.notes))

    @property
    def caption(self) -> str:
        """Method and parameters in one line."""
        params = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{METHOD_NAMES[self.method]} ({params})"

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
    """Project embeddings to two or three dimensions so that neighbours stay together.

    Parameters
    ----------
    embeddings : Embeddings
    method : {"umap", "pca", "tsne"}
        UMAP (McInnes et al. 2018, ``umap-learn``), PCA or t-SNE (van der Maaten & Hinton 2008,
        ``scikit-learn``).
    n_neighbors : int
        Size of the neighbourhood that UMAP preserves and at which the quality is measured. t-SNE uses it as
        its perplexity.
    min_dist : float
        How closely UMAP may pack points (map units).
    metric : {"cosine", "euclidean"}
        Distance in the full space. With the cosine, PCA and t-SNE receive vectors of length 1.
    random_state : int
        Seed: the same input and seed give the same map on the same machine.
    n_components : {2, 3}
        A plane, or a space that can be rotated: it preserves a little more and is harder to read.
    neighbors : Neighbors, optional
        The graph of these embeddings by ``metric``, if known already; ignored if it has too few neighbours.

    Returns
    -------
    Projection

    Raises
    ------
    BadItem
        If there is nothing to project, a parameter is out of range, or a vector is all zeros.

    Notes
    -----
    One neighbour graph serves UMAP, the quality measures and the neighbour views; it is exact up to 20,000
    items. With fewer than five items PCA places the points, and ``notes`` says so.
    """
    _check_arguments(len(embeddings), method, n_neighbors, n_components)
    n = len(embeddings)
    neighbors = _neighbor_graph(embeddings, n_neighbors, metric, neighbors)
    vectors = unit_rows(embeddings.vectors) if metric == "cosine" else embeddings.vectors
    method_run, notes = _adapt(method, n, n_neighbors, neighbors.k)
    params: dict[str, Any] = {"metric": metric}
    if method_run == "umap":
        params |= {"n_neighbors": neighbors.k, "min_dist": min_dist, "random_state": random_state}
        coords = _umap(vectors, neighbors, min_dist, random_state, n_components)
    elif method_run == "tsne":
        perplexity = min(neighbors.k, (n - 1) / 3)
        params |= {"perplexity": perplexity, "random_state": random_state}
        coords = _tsne(vectors, perplexity, random_state, n_components)
    else:
        coords = _pca(vectors, n_components)
    if n_components != 2:
        params["n_components"] = n_components
    quality = measure_quality(
        embeddings.vectors, coords, k=n_neighbors, metric=metric, true_neighbors=neighbors.indices
    )
    return Projection(coords, embeddings, method_run, params, neighbors, quality, notes)


def _check_arguments(n: int, method: str, n_neighbors: int, n_components: int) -> None:
    if method not in METHODS:
        raise BadItem(f"Unknown method {method!r}: choose one of {', '.join(METHODS)}.")
    if n_components not in (2, 3):
        raise BadItem(f"n_components must be 2 (a plane) or 3 (a space), not {n_components}.")
    if n_neighbors < 2:
        raise BadItem(f"n_neighbors must be at least 2, not {n_neighbors}.")
    if n == 0:
        raise BadItem("There are no items to project. Embed at least one.")


def _neighbor_graph(
    embeddings: Embeddings, n_neighbors: int, metric: Metric, known: Neighbors | None
) -> Neighbors:
    """Return the known graph if it suffices, otherwise compute it."""
    n = len(embeddings)
    k = min(n_neighbors, n - 1)
    if known is None or known.metric != metric or known.k < k:
        return knn(embeddings.vectors, n_neighbors, metric).first(k)
    if len(known.indices) != n:
        raise BadItem(f"neighbors is a graph of {len(known.indices)} items, but there are {n} embeddings.")
    return known.first(k)


def _adapt(method: Method, n: int, n_neighbors: int, k: int) -> tuple[Method, tuple[Note, ...]]:
    """Return the method that can run with ``n`` items, and a note on what was changed."""
    if method == "pca":
        return method, ()
    if n < MIN_LAYOUT_ITEMS:
        text = f"{METHOD_NAMES[method]} needs at least {MIN_LAYOUT_ITEMS} items: {n} were placed by PCA."
        return "pca", (Note(NoteCode.PLACED_BY_PCA, text),)
    if k < n_neighbors:
        text = f"n_neighbors={n_neighbors} was cut to {k}: there are only {n} items."
        return method, (Note(NoteCode.NEIGHBORS_CUT, text),)
    return method, ()


def _pca(vectors: np.ndarray, n_components: int) -> np.ndarray:
    """Compute the first principal components; missing ones (one item, one dimension) are zero."""
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
    # umap-learn counts an item as its own first neighbour, and requires fewer neighbours than items.
    count = min(neighbors.k + 1, n - 1)
    indices = np.column_stack([np.arange(n), neighbors.indices])[:, :count]
    distances = np.column_stack([np.zeros(n, np.float32), neighbors.distances])[:, :count]
    layout = umap.UMAP(
        n_components=n_components,
        n_neighbors=count,
        min_dist=min_dist,
        metric=neighbors.metric,
        random_state=random_state,
        n_jobs=1,  # a seed forces this; passing it avoids a warning
        init=_small_start(vectors, random_state, n_components, width=10.0),
        precomputed_knn=(indices, distances),
    )
    with warnings.catch_warnings():
        # umap-learn warns that without a search index new points cannot be added; nothing adds any.
        warnings.filterwarnings("ignore", message="precomputed_knn")
        coords = np.asarray(layout.fit_transform(vectors), np.float32)
    if not np.isfinite(coords).all():
        raise EmbedlabError(
            f"UMAP returned NaN or infinite coordinates for these {n} items. Use ",
            Argument("method", "pca"),
            ".",
        )
    return coords


def _small_start(
    vectors: np.ndarray, random_state: int, n_components: int, width: float = 1e-4
) -> np.ndarray:
    """Return PCA scaled to ``width``, with seeded noise so that exact copies can separate.

    A PCA start preserves the global order of the clusters and, unlike a spectral start, does not depend on an
    eigen-solver (Kobak & Linderman 2021, "Initialization is critical for preserving global data structure").
    """
    start = _pca(vectors, n_components)
    spread = float(np.abs(start).max()) or 1.0
    noise = np.random.default_rng(random_state).normal(scale=1e-2, size=start.shape)
    return ((start / spread + noise) * width).astype(np.float32)


def _import_umap() -> ModuleType:
    """Import umap-learn and let numba cache its compiled code on disk.

    Without the cache each new process compiles the three loops again: about five seconds for a map that takes
    less than one.
    """
    import umap
    from umap import layouts, umap_

    loops = (
        (layouts, "_nb_optimize_layout_euclidean_single_epoch"),
        (umap_, "smooth_knn_dist"),
        (umap_, "compute_membership_strengths"),
    )
    for module, name in loops:
        loop = getattr(module, name, None)
        if loop is not None and hasattr(loop, "enable_caching") and not loop.stats.cache_path:
            loop.enable_caching()
    loaded: ModuleType = umap
    return loaded

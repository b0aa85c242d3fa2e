"""Draw a stratified sample of items, and reduce a map to it."""

from __future__ import annotations

import dataclasses

import numpy as np

from embedlab.analysis.neighbors import Metric, knn
from embedlab.analysis.projection import Projection
from embedlab.analysis.quality import measure_quality
from embedlab.errors import BadItem
from embedlab.items import Items


def sample_stratified(items: Items, n_samples: int, random_state: int = 0) -> np.ndarray:
    """Draw a random sample in which every label has its share, and at least one item.

    Parameters
    ----------
    items : Items
        Items without a label form one more stratum.
    n_samples : int
        Size of the sample; all items if there are not more.
    random_state : int
        Seed.

    Returns
    -------
    ndarray, shape (min(n_samples, n_items),), int64
        Row numbers, ascending. With more labels than ``n_samples``, the most frequent labels get one item
        each.

    Raises
    ------
    BadItem
        If ``n_samples`` is below 1.
    """
    if n_samples < 1:
        raise BadItem(f"n_samples must be at least 1, not {n_samples}.")
    n = len(items)
    if n_samples >= n:
        return np.arange(n)
    labels = ["" if label is None else f"={label}" for label in items.labels or [None] * n]
    _, codes, sizes = np.unique(np.array(labels, dtype=object), return_inverse=True, return_counts=True)
    rng = np.random.default_rng(random_state)
    chosen = [
        rng.choice(np.flatnonzero(codes == code), count, replace=False)
        for code, count in enumerate(_allocate(sizes, n_samples))
    ]
    rows: np.ndarray = np.sort(np.concatenate(chosen))
    return rows


def _allocate(sizes: np.ndarray, n_samples: int) -> np.ndarray:
    """Divide ``n_samples`` among strata in proportion to their sizes, at least one each if possible."""
    if n_samples <= len(sizes):
        counts: np.ndarray = np.zeros(len(sizes), np.int64)
        counts[np.argsort(-sizes, kind="stable")[:n_samples]] = 1
        return counts
    exact = n_samples * sizes / sizes.sum()
    counts = np.maximum(1, np.floor(exact)).astype(np.int64)
    while (left := n_samples - counts.sum()) != 0:
        # Add to the strata that lost most by rounding; take from those that gained most.
        order = np.argsort(counts - exact, kind="stable")
        counts[order[: max(left, 0)]] += 1
        counts[[code for code in order[::-1] if counts[code] > 1][: max(-left, 0)]] -= 1
    return counts


def select_points(projection: Projection, mask: np.ndarray) -> Projection:
    """Keep some points of a map where they are, and compute neighbours and quality among them.

    Parameters
    ----------
    projection : Projection
    mask : ndarray, shape (n_items,), bool
    """
    emb, coords = projection.embeddings.select(mask), projection.coords[mask]
    metric: Metric = "euclidean" if projection.neighbors.metric == "euclidean" else "cosine"
    k = max(projection.neighbors.k, 1)
    neighbors = knn(emb.vectors, k, metric)
    quality = measure_quality(emb.vectors, coords, k=k, metric=metric, true_neighbors=neighbors.indices)
    return dataclasses.replace(
        projection, coords=coords, embeddings=emb, neighbors=neighbors, quality=quality
    )

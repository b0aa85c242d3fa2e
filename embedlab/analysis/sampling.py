"""Some items for all: a random sample that keeps the share of every label."""

from __future__ import annotations

import dataclasses

import numpy as np

from embedlab.analysis.neighbors import Metric, knn
from embedlab.analysis.projection import Projection
from embedlab.analysis.quality import measure
from embedlab.errors import BadItem
from embedlab.items import Items


def stratified(items: Items, n_samples: int, random_state: int = 0) -> np.ndarray:
    """Rows of a random sample in which every label has its share, and at least one item.

    Parameters
    ----------
    items : Items
        Those without a label count as one more label.
    n_samples : int
        How many; all, when there are no more.
    random_state : int
        Seed.

    Returns
    -------
    ndarray, shape (min(n_samples, n_items),), int64
        In the items' order. With more labels than ``n_samples``, the commonest have one item each.

    Raises
    ------
    BadItem
        When ``n_samples`` is below 1.
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
        for code, count in enumerate(_shares(sizes, n_samples))
    ]
    rows: np.ndarray = np.sort(np.concatenate(chosen))
    return rows


def _shares(sizes: np.ndarray, n_samples: int) -> np.ndarray:
    """How many of each: by size, at least one where that is possible; the sum is right."""
    if n_samples <= len(sizes):
        counts: np.ndarray = np.zeros(len(sizes), np.int64)
        counts[np.argsort(-sizes, kind="stable")[:n_samples]] = 1
        return counts
    exact = n_samples * sizes / sizes.sum()
    counts = np.maximum(1, np.floor(exact)).astype(np.int64)
    while (left := n_samples - counts.sum()) != 0:
        # One more for those that lost most by rounding; one less for those that can best do without.
        order = np.argsort(counts - exact, kind="stable")
        counts[order[: max(left, 0)]] += 1
        counts[[code for code in order[::-1] if counts[code] > 1][: max(-left, 0)]] -= 1
    return counts


def thinned(projection: Projection, mask: np.ndarray) -> Projection:
    """Some items of a map, where they were; neighbours and quality are those among them.

    Parameters
    ----------
    projection : Projection
    mask : ndarray, shape (n_items,), bool
    """
    emb, coords = projection.embeddings.select(mask), projection.coords[mask]
    metric: Metric = "euclidean" if projection.neighbors.metric == "euclidean" else "cosine"
    k = max(projection.neighbors.k, 1)
    near = knn(emb.vectors, k, metric)
    quality = measure(emb.vectors, coords, k=k, metric=metric, true_neighbors=near.indices)
    return dataclasses.replace(projection, coords=coords, embeddings=emb, neighbors=near, quality=quality)

"""The nearest-neighbour graph that UMAP, the quality measures and the neighbour views share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from embedlab.embeddings import unit_rows
from embedlab.errors import BadItem

Metric = Literal["cosine", "euclidean"]

# Up to this many rows comparing every pair takes no longer than the approximate search needs to compile.
EXACT_UP_TO = 20_000
_MAX_TREE_DIM = 3  # on a map a k-d tree is hundreds of times faster than comparing all pairs
_BLOCK_VALUES = 8_000_000  # similarities held at once (32 MB)


@dataclass(frozen=True, eq=False)
class Neighbors:
    """The k nearest other items of every item.

    Attributes
    ----------
    indices : ndarray, shape (n_samples, k), int64
        Row numbers, nearest first; an item is never its own neighbour.
    distances : ndarray, shape (n_samples, k), float32
        Cosine distance (1 - cosine, from 0 to 2) or Euclidean distance.
    metric : str
    exact : bool
        False if the graph is approximate.
    """

    indices: np.ndarray
    distances: np.ndarray
    metric: str
    exact: bool

    @property
    def k(self) -> int:
        """Neighbours per item."""
        return int(self.indices.shape[1])

    def first(self, k: int) -> Neighbors:
        """Return the same graph with only the ``k`` nearest neighbours of each item."""
        return Neighbors(self.indices[:, :k], self.distances[:, :k], self.metric, self.exact)


def knn(vectors: np.ndarray, k: int, metric: Metric = "cosine", exact: bool | None = None) -> Neighbors:
    """Find the nearest neighbours of every row among the other rows.

    Parameters
    ----------
    vectors : ndarray, shape (n_samples, dim)
    k : int
        Neighbours per row; at most ``n_samples - 1`` are returned.
    metric : {"cosine", "euclidean"}
    exact : bool, optional
        Exact (True), or approximate with NN-Descent (False; Dong et al. 2011, library ``pynndescent``). By
        default exact up to 20,000 rows, and always in up to 3 dimensions, with a k-d tree (``scipy``).

    Returns
    -------
    Neighbors

    Raises
    ------
    BadItem
        If ``k`` is below 1, the metric is unknown, or a row is all zeros and the metric is the cosine.
    """
    if k < 1:
        raise BadItem(f"k must be at least 1, not {k}.")
    if metric not in ("cosine", "euclidean"):
        raise BadItem(f"Unknown metric {metric!r}: choose 'cosine' or 'euclidean'.")
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    n = len(vectors)
    k = min(k, max(n - 1, 0))
    if k == 0:
        return Neighbors(np.empty((n, 0), np.int64), np.empty((n, 0), np.float32), metric, True)
    if metric == "cosine":
        vectors = unit_rows(vectors)
    low_dim = metric == "euclidean" and vectors.shape[1] <= _MAX_TREE_DIM
    is_exact = low_dim or n <= EXACT_UP_TO if exact is None else exact
    search = _search_approximate if not is_exact else _search_tree if low_dim else _search_exact
    indices, squared = search(vectors, k)
    # On unit vectors |a - b|² = 2 (1 - cos), so one search serves both metrics.
    distances = squared / 2 if metric == "cosine" else np.sqrt(squared)
    return Neighbors(indices, distances.astype(np.float32), metric, is_exact)


def _search_tree(vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Find neighbours and squared Euclidean distances with a k-d tree."""
    from scipy.spatial import KDTree

    n = len(vectors)
    points = vectors.astype(np.float64)
    distances, indices = KDTree(points).query(points, k + 1)
    itself = _mark_itself(indices)
    indices, squared = indices[~itself].reshape(n, k), distances[~itself].reshape(n, k) ** 2
    order = np.lexsort((indices, squared), axis=1)
    return (
        np.take_along_axis(indices, order, axis=1).astype(np.int64),
        np.take_along_axis(squared, order, axis=1),
    )


def _search_exact(vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Compare all pairs, as |a|² + |b|² - 2ab, in blocks so that memory stays bounded."""
    n = len(vectors)
    indices = np.empty((n, k), np.int64)
    squared = np.empty((n, k), np.float32)
    norms = np.einsum("ij,ij->i", vectors, vectors)
    rows = max(1, _BLOCK_VALUES // n)
    for start in range(0, n, rows):
        stop = min(start + rows, n)
        block = norms[start:stop, None] + norms[None, :] - 2 * (vectors[start:stop] @ vectors.T)
        block[np.arange(stop - start), np.arange(start, stop)] = np.inf
        nearest = np.argpartition(block, k - 1, axis=1)[:, :k]
        values = np.take_along_axis(block, nearest, axis=1)
        order = np.lexsort((nearest, values), axis=1)
        indices[start:stop] = np.take_along_axis(nearest, order, axis=1)
        squared[start:stop] = np.maximum(np.take_along_axis(values, order, axis=1), 0)
    return indices, squared


def _search_approximate(vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Find approximate neighbours and squared Euclidean distances with NN-Descent."""
    from pynndescent import NNDescent

    graph = NNDescent(vectors, metric="sqeuclidean", n_neighbors=k + 1, random_state=0)
    indices, squared = graph.neighbor_graph
    n = len(vectors)
    itself = _mark_itself(indices)
    neighbors = indices[~itself].reshape(n, k).astype(np.int64)
    return neighbors, np.maximum(squared[~itself].reshape(n, k).astype(np.float32), 0)


def _mark_itself(indices: np.ndarray) -> np.ndarray:
    """Mark one entry per row to drop: the item itself, or the last if it is not in its own list.

    An item is not always first in its own list, nor always in it: exact copies tie with it.
    """
    itself: np.ndarray = indices == np.arange(len(indices))[:, None]
    itself[~itself.any(axis=1), -1] = True
    return itself

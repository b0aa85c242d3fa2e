"""The nearest-neighbour graph: computed once for UMAP, the quality measures and the neighbour views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from embedlab.embeddings import unit_rows
from embedlab.errors import BadItem

Metric = Literal["cosine", "euclidean"]

# Up to here every pair is compared: that takes no longer than the approximation needs to compile.
EXACT_UP_TO = 20_000
_FLAT = 3  # dimensions: a map, where a tree is hundreds of times faster than comparing all pairs
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
        False when the graph was approximated.
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
        """The same graph with only the ``k`` nearest of each item."""
        return Neighbors(self.indices[:, :k], self.distances[:, :k], self.metric, self.exact)


def knn(vectors: np.ndarray, k: int, metric: Metric = "cosine", exact: bool | None = None) -> Neighbors:
    """Nearest neighbours of every row among the other rows.

    Parameters
    ----------
    vectors : ndarray, shape (n_samples, dim)
    k : int
        Neighbours per row; cut to ``n_samples - 1``.
    metric : {"cosine", "euclidean"}
    exact : bool, optional
        Exact (True), or approximate with NN-Descent (False; Dong et al. 2011, library ``pynndescent``). By
        default exact up to 20,000 rows, and always for places on a map, where a tree (``scipy``) finds them.

    Returns
    -------
    Neighbors

    Raises
    ------
    BadItem
        When ``k`` is below 1, the metric is unknown, or a row is all zeros under the cosine.
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
    flat = metric == "euclidean" and vectors.shape[1] <= _FLAT
    exactly = flat or n <= EXACT_UP_TO if exact is None else exact
    search = _approximate if not exactly else _in_tree if flat else _exact
    indices, squared = search(vectors, k)
    # On unit vectors |a - b|² = 2 (1 - cos), so one search serves both metrics.
    distances = squared / 2 if metric == "cosine" else np.sqrt(squared)
    return Neighbors(indices, distances.astype(np.float32), metric, exactly)


def _in_tree(vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Squared Euclidean neighbours in a few dimensions."""
    from scipy.spatial import KDTree

    n = len(vectors)
    points = vectors.astype(np.float64)
    distances, indices = KDTree(points).query(points, k + 1)
    # Each is among its own nearest, but not always the first: copies lie as near. Or it is not at all, and
    # the last goes.
    own = indices == np.arange(n)[:, None]
    own[~own.any(axis=1), -1] = True
    indices, squared = indices[~own].reshape(n, k), distances[~own].reshape(n, k) ** 2
    order = np.lexsort((indices, squared), axis=1)
    return (
        np.take_along_axis(indices, order, axis=1).astype(np.int64),
        np.take_along_axis(squared, order, axis=1),
    )


def _exact(vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Squared Euclidean neighbours by blocks of |a|² + |b|² - 2ab, so that memory stays flat."""
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


def _approximate(vectors: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    from pynndescent import NNDescent

    graph = NNDescent(vectors, metric="sqeuclidean", n_neighbors=k + 1, random_state=0)
    indices, squared = graph.neighbor_graph
    n = len(vectors)
    keep_i = np.empty((n, k), np.int64)
    keep_d = np.empty((n, k), np.float32)
    # An item is not always first in its own list (exact copies tie with it): drop it wherever it stands.
    itself = indices == np.arange(n)[:, None]
    itself[~itself.any(axis=1), -1] = True
    keep_i[:] = indices[~itself].reshape(n, k)
    keep_d[:] = squared[~itself].reshape(n, k)
    return keep_i, np.maximum(keep_d, 0)

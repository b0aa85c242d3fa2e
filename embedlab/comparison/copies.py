"""Find items that occur more than once: a model that finds an item's copy has shown nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from embedlab.analysis.neighbors import Neighbors
from embedlab.items import Items

NEAR = 0.02  # of the median distance to the nearest neighbour
_ROUNDING = 5e-7  # float32 leaves about 1e-7 between the cosines of identical vectors


@dataclass(frozen=True, eq=False)
class Copies:
    """Which items are copies of each other.

    Attributes
    ----------
    groups : ndarray, shape (n_items,), int64
        Items with the same number are copies of each other.
    n_exact : int
        Items with the same content as another.
    n_near : int
        Items with different content that lie next to another in every model.
    n_conflicting : int
        Groups of copies with different labels: at least one label must be wrong.
    examples : tuple of tuple of str
        Ids of up to three groups.
    """

    groups: np.ndarray
    n_exact: int
    n_near: int
    n_conflicting: int
    examples: tuple[tuple[str, ...], ...]

    @property
    def n_items(self) -> int:
        """Items that have a copy."""
        return self.n_exact + self.n_near


def find_copies(items: Items, neighbors: Sequence[Neighbors]) -> Copies:
    """Find exact copies by content, and near copies by distance in all models.

    Parameters
    ----------
    items : Items
    neighbors : sequence of Neighbors
        One graph of these items for each model.

    Returns
    -------
    Copies
        Two items are near copies if, in every model, their distance is below a fiftieth of the median
        distance to a nearest neighbour.
    """
    n = len(items)
    content = pd.factorize(pd.Series([content_hash.hex() for content_hash in items.content_hashes()]))[0]
    first_of_content = pd.Series(content).map(pd.Series(np.arange(n)).groupby(content).first()).to_numpy()
    near_pairs = set.intersection(*(_find_near_pairs(graph) for graph in neighbors)) if neighbors else set()
    pairs = [*zip(range(n), first_of_content, strict=True), *near_pairs]
    groups = _connect(np.array(pairs, np.int64).reshape(-1, 2), n)
    has_copy = np.bincount(groups)[groups] > 1
    is_exact = np.bincount(content)[content] > 1
    labels = pd.Series(items.labels or [None] * n, dtype=object)
    ids = np.array(items.ids, dtype=object)
    examples = [tuple(ids[groups == group]) for group in dict.fromkeys(groups[has_copy])][:3]
    return Copies(
        groups=groups,
        n_exact=int(is_exact.sum()),
        n_near=int((has_copy & ~is_exact).sum()),
        n_conflicting=int((labels.groupby(groups).nunique() > 1).sum()),
        examples=tuple(examples),
    )


def _connect(pairs: np.ndarray, n: int) -> np.ndarray:
    """Return the connected components of a graph given by its edges as numbers, shape (n,)."""
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1], np.int64)


def _find_near_pairs(graph: Neighbors) -> set[tuple[int, int]]:
    """Return the pairs of rows that lie as close as copies do, the smaller row first."""
    if not graph.k:
        return set()
    limit = max(NEAR * float(np.median(graph.distances[:, 0])), _ROUNDING)
    row, rank = np.nonzero(graph.distances < limit)
    neighbor = graph.indices[row, rank]
    smaller, larger = np.minimum(row, neighbor), np.maximum(row, neighbor)
    return set(zip(smaller.tolist(), larger.tolist(), strict=True))

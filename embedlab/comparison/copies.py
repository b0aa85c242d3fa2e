"""Items that are there twice. A model that finds an item's copy has shown nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from embedlab.analysis.neighbors import Neighbors
from embedlab.items import Items

NEAR = 0.02  # of the usual distance to the nearest neighbour


@dataclass(frozen=True, eq=False)
class Copies:
    """Which items are copies of one another.

    Attributes
    ----------
    groups : ndarray, shape (n_items,), int64
        Items with the same number are copies of one another.
    exact : int
        Items with the very same content as another.
    near : int
        Items that are not, but lie next to each other in every model.
    torn : int
        Groups of copies that have different labels: one of them must be wrong.
    examples : tuple of tuple of str
        Ids of up to three groups.
    """

    groups: np.ndarray
    exact: int
    near: int
    torn: int
    examples: tuple[tuple[str, ...], ...]

    @property
    def n_items(self) -> int:
        """Items that have a copy."""
        return self.exact + self.near


def find_copies(items: Items, neighbors: Sequence[Neighbors]) -> Copies:
    """Find exact copies by content, and near ones by what all models agree on.

    Parameters
    ----------
    items : Items
    neighbors : sequence of Neighbors
        One graph for each model, of these items.

    Returns
    -------
    Copies
        Two items count as near copies when, in every model, they lie nearer to each other than a fiftieth of
        the median distance to a nearest neighbour.
    """
    n = len(items)
    by_content = pd.factorize(pd.Series([digest.hex() for digest in items.content_hashes()]))[0]
    first = pd.Series(by_content).map(pd.Series(np.arange(n)).groupby(by_content).first()).to_numpy()
    pairs = set.intersection(*(_close(graph) for graph in neighbors)) if neighbors else set()
    rows = np.array([*zip(range(n), first, strict=True), *pairs], np.int64).reshape(-1, 2)
    links = coo_array((np.ones(len(rows)), (rows[:, 0], rows[:, 1])), shape=(n, n))
    groups = connected_components(links, directed=False)[1].astype(np.int64)
    several = np.bincount(groups)[groups] > 1
    exact = np.bincount(by_content)[by_content] > 1
    labels = pd.Series(items.labels or [None] * n, dtype=object)
    torn = int((labels.groupby(groups).nunique() > 1).sum())
    ids = np.array(items.ids, dtype=object)
    shown = [tuple(ids[groups == group]) for group in dict.fromkeys(groups[several])]
    return Copies(groups, int(exact.sum()), int((several & ~exact).sum()), torn, tuple(shown[:3]))


def _close(graph: Neighbors) -> set[tuple[int, int]]:
    """Pairs that lie as close as copies do, the smaller row first."""
    if not graph.k:
        return set()
    # Single precision leaves about 1e-7 between the cosines of the very same vectors.
    limit = max(NEAR * float(np.median(graph.distances[:, 0])), 5e-7)
    row, place = np.nonzero(graph.distances < limit)
    other = graph.indices[row, place]
    return set(zip(np.minimum(row, other).tolist(), np.maximum(row, other).tolist(), strict=True))

"""Where models agree and where they do not: the neighbours that an item has in one space and in another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from embedlab.analysis.neighbors import Neighbors
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem


def same_items(embeddings: Sequence[Embeddings]) -> list[Embeddings]:
    """The embeddings with the items that all of them have, in the order of the first.

    Parameters
    ----------
    embeddings : sequence of Embeddings
        At least one; items are known by their id.

    Raises
    ------
    BadItem
        When they have no item in common, or fewer than half of the items of the largest: they would be of
        different things.
    """
    if not embeddings:
        raise BadItem("There are no embeddings to lay side by side.")
    everywhere = set.intersection(*(set(emb.items.ids) for emb in embeddings))
    largest = max(embeddings, key=len)
    if len(everywhere) < max(1, len(largest) / 2):
        missing = [id for id in largest.items.ids if id not in everywhere][:3]
        raise BadItem(
            f"Only {len(everywhere)} of {len(largest)} items are in all {len(embeddings)} embeddings; "
            f"missing somewhere: {', '.join(missing)} … Embed the same items with each model."
        )
    kept = [id for id in embeddings[0].items.ids if id in everywhere]
    return [emb if list(emb.items.ids) == kept else emb.select(kept) for emb in embeddings]


def neighbor_overlap(neighbors: Sequence[Neighbors], k: int | None = None) -> np.ndarray:
    """How many of an item's k nearest neighbours two spaces share, as a mean over all pairs of spaces.

    Parameters
    ----------
    neighbors : sequence of Neighbors
        Of the same items in the same order, from two spaces or more.
    k : int, optional
        Neighbours that count; by default all that every graph has.

    Returns
    -------
    ndarray, shape (n_items,), float32
        From 0, no neighbour in common, to 1. By chance k / (n_items − 1).

    Raises
    ------
    BadItem
        For fewer than two graphs, graphs of different lengths, or more neighbours than they have.
    """
    k = checked_k(neighbors, k)
    shared = [_shared(a.indices[:, :k], b.indices[:, :k]) for a, b in combinations(neighbors, 2)]
    overlap: np.ndarray = np.mean(shared, axis=0) / max(k, 1)
    return overlap.astype(np.float32)


def shared_by_all(neighbors: Sequence[Neighbors], row: int, k: int | None = None) -> np.ndarray:
    """The neighbours of one item that every space has among its k nearest: row numbers, ascending."""
    k = checked_k(neighbors, k)
    common = set.intersection(*(set(graph.indices[row, :k].tolist()) for graph in neighbors))
    return np.array(sorted(common), np.int64)


def checked_k(neighbors: Sequence[Neighbors], k: int | None) -> int:
    """``k``, or the most neighbours that all graphs have; errors as :func:`neighbor_overlap`."""
    if len(neighbors) < 2:
        raise BadItem(f"Two spaces or more are needed to see where they agree, not {len(neighbors)}.")
    sizes = {len(graph.indices) for graph in neighbors}
    if len(sizes) > 1:
        raise BadItem(f"The spaces hold different numbers of items: {', '.join(map(str, sorted(sizes)))}.")
    most = min(graph.k for graph in neighbors)
    if k is not None and not 1 <= k <= most:
        raise BadItem(f"k must be from 1 to {most}, as many neighbours as are known; not {k}.")
    return most if k is None else k


def _shared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """For each row, how many numbers are in both, shape (n,); no number stands twice in a row."""
    both = np.sort(np.hstack([a, b]), axis=1)
    return np.asarray((both[:, 1:] == both[:, :-1]).sum(axis=1))

"""Where models agree and where they do not: the neighbours of an item in two or more spaces."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from embedlab.analysis.neighbors import Neighbors
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem


def select_common_items(embeddings: Sequence[Embeddings]) -> list[Embeddings]:
    """Reduce embeddings to the items that all of them have, in the order of the first.

    Parameters
    ----------
    embeddings : sequence of Embeddings
        At least one; items are matched by id.

    Raises
    ------
    BadItem
        If they share no item, or fewer than half of the items of the largest: they would be about different
        things.
    """
    if not embeddings:
        raise BadItem("There are no embeddings to compare. Pass at least one.")
    common = set.intersection(*(set(emb.items.ids) for emb in embeddings))
    largest = max(embeddings, key=len)
    if len(common) < max(1, len(largest) / 2):
        missing = [id for id in largest.items.ids if id not in common][:3]
        raise BadItem(
            f"Only {len(common)} of {len(largest)} items are in all {len(embeddings)} embeddings; "
            f"missing from at least one: {', '.join(missing)} … Embed the same items with each model."
        )
    kept = [id for id in embeddings[0].items.ids if id in common]
    return [emb if list(emb.items.ids) == kept else emb.select(kept) for emb in embeddings]


def neighbor_overlap(neighbors: Sequence[Neighbors], k: int | None = None) -> np.ndarray:
    """Compute the share of an item's k nearest neighbours that two spaces have in common.

    Parameters
    ----------
    neighbors : sequence of Neighbors
        Two graphs or more, of the same items in the same order.
    k : int, optional
        Neighbours per item; by default as many as every graph has.

    Returns
    -------
    ndarray, shape (n_items,), float32
        Mean over all pairs of spaces, from 0 (no common neighbour) to 1. By chance k / (n_items − 1).

    Raises
    ------
    BadItem
        For fewer than two graphs, graphs of different lengths, or more neighbours than they have.
    """
    k = _check_k(neighbors, k)
    shared = [_count_shared(a.indices[:, :k], b.indices[:, :k]) for a, b in combinations(neighbors, 2)]
    overlap: np.ndarray = np.mean(shared, axis=0) / max(k, 1)
    return overlap.astype(np.float32)


def _check_k(neighbors: Sequence[Neighbors], k: int | None) -> int:
    """Return ``k``, or the largest k that all graphs have."""
    if len(neighbors) < 2:
        raise BadItem(f"Agreement needs two spaces or more, not {len(neighbors)}.")
    sizes = {len(graph.indices) for graph in neighbors}
    if len(sizes) > 1:
        raise BadItem(
            f"The spaces have different numbers of items: {', '.join(map(str, sorted(sizes)))}. Embed the "
            "same items with each model."
        )
    largest = min(graph.k for graph in neighbors)
    if k is not None and not 1 <= k <= largest:
        raise BadItem(f"k must be from 1 to {largest}, the number of known neighbours; not {k}.")
    return largest if k is None else k


def _count_shared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Count the numbers that both rows contain, shape (n,); no row repeats a number."""
    both = np.sort(np.hstack([a, b]), axis=1)
    return np.asarray((both[:, 1:] == both[:, :-1]).sum(axis=1))

"""Recommend from content: items near those that a user liked, yet different from each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem


def recommend(
    embeddings: Embeddings,
    likes: Sequence[str] | str = (),
    *,
    k: int = 10,
    tastes: int = 1,
    diversity: float = 0.0,
    exclude: Iterable[str] = (),
) -> pd.DataFrame:
    """Recommend items to a user by what they liked; for a single liked item, find similar ones.

    Parameters
    ----------
    embeddings : Embeddings
        Of all items. A new item can be recommended at once: nobody needs to have liked it.
    likes : sequence of str
        Ids. Without any (a cold start), the items nearest to the mean of all are recommended, and
        ``diversity`` is at least 0.5, so that the first page shows the whole range.
    k : int
        Most items to recommend.
    tastes : int
        Number of groups, at most, to split the likes into. A user is represented by the mean of their likes,
        and the mean of two tastes may be near neither; each group gets its share of the list.
    diversity : float
        From 0 (the nearest items) to 1: the penalty for similarity to an item already chosen
        (:func:`rank_by_mmr`).
    exclude : iterable of str
        Ids not to recommend, in addition to the likes.

    Returns
    -------
    DataFrame
        ``rank``, ``id``, ``score`` (cosine to the mean of the likes of its taste), ``taste`` (0 is the one
        with the most likes), ``title`` and, if the items have labels, ``label``.

    Raises
    ------
    BadItem
        If an id is unknown, or a parameter is out of range.
    """
    if k < 1 or tastes < 1 or not 0 <= diversity <= 1:
        raise BadItem(
            f"k is {k}, tastes is {tastes} and diversity is {diversity}. Pass k and tastes of at least 1 "
            "and a diversity from 0 to 1."
        )
    likes = [likes] if isinstance(likes, str) else list(dict.fromkeys(likes))
    vectors = embeddings.normalize().vectors
    liked = embeddings.items.positions(likes)
    is_free = np.ones(len(vectors), bool)
    is_free[liked] = False
    is_free[embeddings.items.positions(dict.fromkeys(exclude))] = False
    if len(liked):
        groups = cluster_likes(vectors[liked], tastes)
        centres = [vectors[liked[groups == group]].mean(axis=0) for group in range(groups.max() + 1)]
        sizes = np.bincount(groups)
    else:
        centres, sizes, diversity = [vectors.mean(axis=0)], np.array([1]), max(diversity, 0.5)
    rows: list[tuple[int, float, int]] = []
    for taste, n_wanted in enumerate(_allocate(sizes, k)):
        length = np.linalg.norm(centres[taste])
        scores = vectors @ (centres[taste] / length) if length else np.zeros(len(vectors))
        candidates = np.flatnonzero(is_free)
        chosen = candidates[rank_by_mmr(scores[candidates], vectors[candidates], n_wanted, diversity)]
        is_free[chosen] = False
        rows += [(int(row), float(scores[row]), taste) for row in chosen]
    return _table(embeddings, rows, sizes)


def rank_by_mmr(relevance: np.ndarray, vectors: np.ndarray, k: int, diversity: float = 0.5) -> np.ndarray:
    """Rank items by maximal marginal relevance: relevant, yet unlike those already chosen [1]_.

    The next item has the largest (1 - d) relevance(i) - d max over chosen j of cos(i, j), where d is the
    diversity; Carbonell and Goldstein write λ for 1 - d.

    Parameters
    ----------
    relevance : ndarray, shape (n,)
    vectors : ndarray, shape (n, dim), unit length
    k : int
        Number of items to choose, at most n.
    diversity : float
        From 0 to 1.

    Returns
    -------
    ndarray, shape (k,), int64
        Row numbers in the order of choice.

    References
    ----------
    .. [1] Carbonell and Goldstein 1998, "The use of MMR, diversity-based reranking for reordering documents
       and producing summaries", SIGIR.
    """
    remaining = np.ones(len(relevance), bool)
    max_similarity = np.zeros(len(relevance))  # to any chosen item; 0 while none is chosen
    chosen = np.empty(min(k, len(relevance)), np.int64)
    for place in range(len(chosen)):
        gain = np.where(remaining, (1 - diversity) * relevance - diversity * max_similarity, -np.inf)
        best = int(gain.argmax())
        chosen[place], remaining[best] = best, False
        similarity = vectors @ vectors[best]
        max_similarity = similarity if place == 0 else np.maximum(max_similarity, similarity)
    return chosen


def cluster_likes(vectors: np.ndarray, tastes: int) -> np.ndarray:
    """Cluster likes by average linkage of their cosines; the largest cluster is 0.

    Average linkage needs no starting point, so the same likes always give the same clusters.
    """
    n = min(tastes, len(vectors))
    if n == 1:
        return np.zeros(len(vectors), np.int64)
    from scipy.cluster.hierarchy import fcluster, linkage

    found = fcluster(linkage(vectors.astype(np.float64), "average", metric="cosine"), n, "maxclust") - 1
    order = np.argsort(-np.bincount(found), kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    groups: np.ndarray = rank[found]
    return groups


def _allocate(sizes: np.ndarray, k: int) -> list[int]:
    """Divide a list of k among groups in proportion to their sizes, by largest remainder."""
    exact = k * sizes / sizes.sum()
    shares = np.floor(exact).astype(int)
    for group in np.argsort(-(exact - shares), kind="stable")[: k - shares.sum()]:
        shares[group] += 1
    return [int(share) for share in shares]


def _table(embeddings: Embeddings, rows: list[tuple[int, float, int]], sizes: np.ndarray) -> pd.DataFrame:
    """Tabulate the chosen rows, the tastes in turn, so that the top of the list shows all of them."""
    place: dict[int, int] = {}
    keyed = []
    for row, score, taste in rows:
        place[taste] = place.get(taste, 0) + 1
        keyed.append(((place[taste] - 0.5) / sizes[taste], taste, row, score))
    keyed.sort(key=lambda entry: entry[:2])
    items = embeddings.items
    ids = [items.ids[row] for _, _, row, _ in keyed]
    table = pd.DataFrame({"rank": range(1, len(ids) + 1), "id": ids})
    table["score"] = [score for *_, score in keyed]
    table["taste"] = [taste for _, taste, _, _ in keyed]
    table["title"] = [items.title(id) for id in ids]
    if (labels := items.labels) is not None:
        table["label"] = [labels[row] for _, _, row, _ in keyed]
    return table

"""Recommend from content: what lies near the things somebody liked, and not the same thing ten times."""

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
    """Items for somebody who liked some others; for one liked item, those that are like it.

    Parameters
    ----------
    embeddings : Embeddings
        Of all items. A new item is found as soon as it is among them: nobody needs to have liked it.
    likes : sequence of str
        Ids. Without any (a cold start), the items nearest to the middle of all are taken, and ``diversity``
        is at least 0.5, so that the first page shows what there is.
    k : int
        How many, at most.
    tastes : int
        A user is the mean of their likes. With two tastes that mean may lie between both, near neither; so
        split the likes into so many groups, at most, and give each its share of the list.
    diversity : float
        From 0, the nearest, to 1: how much an item loses that is like one already chosen (:func:`mmr`).
    exclude : iterable of str
        Ids not to recommend, besides the likes.

    Returns
    -------
    DataFrame
        ``rank``, ``id``, ``score`` (cosine to the mean of the likes of its taste), ``taste`` (from 0, the one
        with the most likes), ``title`` and, where there is one, ``label``.

    Raises
    ------
    BadItem
        For an unknown id, or settings that do not fit.
    """
    if k < 1 or tastes < 1 or not 0 <= diversity <= 1:
        raise BadItem(f"k is {k}, tastes {tastes}, diversity {diversity}: at least 1, at least 1, 0 to 1.")
    likes = [likes] if isinstance(likes, str) else list(dict.fromkeys(likes))
    vectors = embeddings.normalize().vectors
    liked = embeddings.items.positions(likes)
    free = np.ones(len(vectors), bool)
    free[liked] = False
    free[embeddings.items.positions(dict.fromkeys(exclude))] = False
    if len(liked):
        groups = taste_groups(vectors[liked], tastes)
        centres = [vectors[liked[groups == group]].mean(axis=0) for group in range(groups.max() + 1)]
        sizes = np.bincount(groups)
    else:
        centres, sizes, diversity = [vectors.mean(axis=0)], np.array([1]), max(diversity, 0.5)
    rows: list[tuple[int, float, int]] = []
    for taste, wanted in enumerate(_shares(sizes, k)):
        length = np.linalg.norm(centres[taste])
        scores = vectors @ (centres[taste] / length) if length else np.zeros(len(vectors))
        # Of what no taste has taken yet.
        candidates = np.flatnonzero(free)
        chosen = candidates[mmr(scores[candidates], vectors[candidates], wanted, diversity)]
        free[chosen] = False
        rows += [(int(row), float(scores[row]), taste) for row in chosen]
    return _table(embeddings, rows, sizes)


def mmr(relevance: np.ndarray, vectors: np.ndarray, k: int, diversity: float = 0.5) -> np.ndarray:
    """Maximal marginal relevance: again and again, take what is relevant and unlike what is taken [1]_.

    The next item is the one with the largest (1 - d) relevance(i) - d max over chosen j of cos(i, j), with d
    the diversity; Carbonell and Goldstein write λ for 1 - d.

    Parameters
    ----------
    relevance : ndarray, shape (n,)
    vectors : ndarray, shape (n, dim), unit length
    k : int
        How many to choose; cut to n.
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
    left = np.ones(len(relevance), bool)
    # Nothing is like something chosen, as long as nothing is chosen.
    nearest = np.zeros(len(relevance))
    chosen = np.empty(min(k, len(relevance)), np.int64)
    for place in range(len(chosen)):
        gain = np.where(left, (1 - diversity) * relevance - diversity * nearest, -np.inf)
        best = int(gain.argmax())
        chosen[place], left[best] = best, False
        likeness = vectors @ vectors[best]
        nearest = likeness if place == 0 else np.maximum(nearest, likeness)
    return chosen


def taste_groups(vectors: np.ndarray, tastes: int) -> np.ndarray:
    """Split likes into groups by average linkage of their cosines; the largest group is 0.

    Average linkage needs no starting point, so the same likes always give the same groups.
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


def _shares(sizes: np.ndarray, k: int) -> list[int]:
    """Places of a list of k for each group, in proportion, by largest remainder."""
    exact = k * sizes / sizes.sum()
    shares = np.floor(exact).astype(int)
    for group in np.argsort(-(exact - shares), kind="stable")[: k - shares.sum()]:
        shares[group] += 1
    return [int(share) for share in shares]


def _table(embeddings: Embeddings, rows: list[tuple[int, float, int]], sizes: np.ndarray) -> pd.DataFrame:
    """The chosen rows, the tastes by turns so that the top of the list shows all of them."""
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

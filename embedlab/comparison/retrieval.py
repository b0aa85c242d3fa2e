"""How well queries find their documents: retrieval metrics, each with a bootstrap interval.

Call :func:`rank` once; every metric takes the ranking. Documents that are equally near have no order, so
they get the expected value of the metric over all orders of the tie (McSherry & Najork 2008): neither the
order of the documents nor a model that gives every item the same vector gains anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from embedlab.comparison.ranking import Ranking as Ranking
from embedlab.comparison.ranking import rank as rank
from embedlab.comparison.ranking import relevant_by as relevant_by
from embedlab.comparison.scores import Score as Score
from embedlab.comparison.scores import bootstrap as bootstrap
from embedlab.comparison.scores import group_codes
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem
from embedlab.io.formats import listed


def recall_at_k(ranking: Ranking, k: int) -> Score:
    """Share of the relevant documents that are among the first ``k``; grades do not count."""
    found = _at_places(ranking, _top(ranking, k))
    return _score(ranking, _per_query(ranking, found) / np.bincount(ranking.query))


def success_at_k(ranking: Ranking, k: int) -> Score:
    """Whether a relevant document is among the first ``k``: hit rate, "R@k" of Hodosh et al. 2013."""
    return _score(ranking, _at_best_place(ranking, _top(ranking, k)))


def mrr(ranking: Ranking) -> Score:
    """Mean reciprocal rank: 1 / place of the first relevant document (Voorhees 1999)."""
    return _score(ranking, _at_best_place(ranking, 1 / np.arange(1, ranking.n_documents + 1)))


def ndcg_at_k(ranking: Ranking, k: int) -> Score:
    """Normalized discounted cumulative gain of the first ``k`` (Järvelin & Kekäläinen 2002).

    The gain is the grade itself (linear); the discount is 1 / log2(1 + place), as in trec_eval. A score of 1
    means that no order of the documents could have given more gain.
    """
    weights = _top(ranking, k) / np.log2(np.arange(2, ranking.n_documents + 2))
    gained = _per_query(ranking, ranking.grade * _at_places(ranking, weights))
    best_first = ranking.grade[np.lexsort((-ranking.grade, ranking.query))]
    place = np.arange(len(ranking.query)) - _starts(ranking)[ranking.query]
    return _score(ranking, gained / _per_query(ranking, best_first * weights[place]))


def mean_average_precision(ranking: Ranking) -> Score:
    """Mean of the precision at the place of each relevant document (Buckley & Voorhees 2000)."""
    nearer, alike = _relevant_around(ranking)
    # At place j of a tie of t with m relevant ones, 1 + (j - 1) (m - 1) / (t - 1) of them are expected so
    # far; divided by the rank, before + j, and averaged over j, that leaves a harmonic sum.
    inverse = _at_places(ranking, 1 / np.arange(1, ranking.n_documents + 1))
    share = (alike - 1) / np.maximum(ranking.tied - 1, 1)
    precision = (nearer + 1) * inverse + share * (1 - (ranking.before + 1) * inverse)
    return _score(ranking, _per_query(ranking, precision) / np.bincount(ranking.query))


def zero_shot_accuracy(
    embeddings: Embeddings, class_vectors: Any, class_names: Sequence[str], *, groups: Any = None
) -> Score:
    """Share of the items whose nearest class vector, by cosine, is that of their label (Radford et al. 2021).

    Parameters
    ----------
    embeddings : Embeddings
        With labels; items without one are not counted.
    class_vectors : Embeddings or ndarray, shape (n_classes, dim)
    class_names : sequence of str, shape (n_classes,)
        Several vectors may have the same name. Among t equally near vectors each counts 1 / t.
    groups : array-like, shape (n_items,), optional
        Items that depend on each other; see :func:`bootstrap`.

    Raises
    ------
    BadItem
        When no item has a label, or naming the labels without a class vector.
    """
    vectors = class_vectors.vectors if isinstance(class_vectors, Embeddings) else np.asarray(class_vectors)
    if len(vectors) != len(class_names):
        raise BadItem(f"{len(vectors)} class vectors but {len(class_names)} class names.")
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(class_names):
        rows.setdefault(str(name), []).append(row)
    labels = np.array(embeddings.items.labels or [None] * len(embeddings), dtype=object)
    known = np.array([label is not None for label in labels], dtype=bool)
    if not known.any():
        raise BadItem("No item has a label, so there is nothing to be right about.")
    if unknown := sorted(set(labels[known]) - rows.keys()):
        raise BadItem(f"No class vector for the label {listed(unknown)}; there are {listed(rows)}.")
    codes = None if groups is None else group_codes(groups, len(labels))[known]
    right = [rows[label] for label in labels[known]]
    return success_at_k(rank(embeddings.select(known), vectors, right, groups=codes), 1)


def _top(ranking: Ranking, k: int) -> np.ndarray:
    """1 for the first k places and 0 for the others, shape (n_documents,)."""
    if k < 1:
        raise BadItem(f"k must be at least 1, not {k}.")
    return (np.arange(ranking.n_documents) < k).astype(np.float64)


def _at_places(ranking: Ranking, weights: np.ndarray) -> np.ndarray:
    """Expected weight of each relevant document's place, shape (n_relevant,)."""
    total = np.concatenate([[0], np.cumsum(weights)])
    mean: np.ndarray = (total[ranking.before + ranking.tied] - total[ranking.before]) / ranking.tied
    return mean


def _at_best_place(ranking: Ranking, weights: np.ndarray) -> np.ndarray:
    """Expected weight of the place of each query's first relevant document, shape (n_queries,)."""
    starts = _starts(ranking)
    alike = _relevant_around(ranking)[1][starts]
    expected = np.empty(len(starts))
    ties = zip(ranking.before[starts], ranking.tied[starts], alike, strict=True)
    for i, (before, tied, m) in enumerate(ties):
        # While none of the m was met, the next of the documents left is one of them with the chance m / left.
        left = np.arange(tied, m - 1, -1)
        unmet = np.cumprod(1 - m / left)
        expected[i] = -np.diff(unmet, prepend=1) @ weights[before : before + len(left)]
    return expected


def _relevant_around(ranking: Ranking) -> tuple[np.ndarray, np.ndarray]:
    """How many relevant documents of the same query are nearer, and how many as near (with itself)."""
    place = ranking.query * (ranking.n_documents + 1) + ranking.before
    _, first, inverse, counts = np.unique(place, return_index=True, return_inverse=True, return_counts=True)
    return first[inverse] - _starts(ranking)[ranking.query], counts[inverse]


def _starts(ranking: Ranking) -> np.ndarray:
    """Where each query begins in the ranking, shape (n_queries,)."""
    return np.flatnonzero(np.diff(ranking.query, prepend=-1))


def _per_query(ranking: Ranking, values: np.ndarray) -> np.ndarray:
    return np.bincount(ranking.query, weights=values)


def _score(ranking: Ranking, per_query: np.ndarray) -> Score:
    # Sums of fractions may end a rounding error above 1.
    return bootstrap(np.clip(per_query, 0, 1), groups=ranking.groups)

"""Retrieval metrics: how well queries find their documents, with bootstrap intervals.

Call :func:`rank` once; every metric takes the ranking. Documents that are equally near have no order, so they
get the expected value of the metric over all orders of the tie (McSherry & Najork 2008). Neither a lucky
order of the documents nor a model that gives every item the same vector gains anything.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embedlab.comparison.ranking import Ranking as Ranking
from embedlab.comparison.ranking import match_column as match_column
from embedlab.comparison.ranking import rank as rank
from embedlab.comparison.scores import GroupLabels, encode_groups
from embedlab.comparison.scores import Score as Score
from embedlab.comparison.scores import bootstrap as bootstrap
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem
from embedlab.io.formats import listed


def recall_at_k(ranking: Ranking, k: int) -> Score:
    """Compute the share of the relevant documents that are among the first ``k``; grades do not count."""
    found = _expected_weights(ranking, _top(ranking, k))
    return _score(ranking, _sum_per_query(ranking, found) / np.bincount(ranking.query))


def success_at_k(ranking: Ranking, k: int) -> Score:
    """Compute the share of queries with a relevant document among the first ``k`` (hit rate, "R@k").

    Hodosh et al. 2013.
    """
    return _score(ranking, _expected_weight_of_first(ranking, _top(ranking, k)))


def mrr(ranking: Ranking) -> Score:
    """Compute the mean reciprocal rank, 1 / rank of the first relevant document (Voorhees 1999)."""
    return _score(ranking, _expected_weight_of_first(ranking, 1 / np.arange(1, ranking.n_documents + 1)))


def ndcg_at_k(ranking: Ranking, k: int) -> Score:
    """Compute the normalized discounted cumulative gain of the first ``k`` (Järvelin & Kekäläinen 2002).

    The gain is the grade itself (linear); the discount is 1 / log2(1 + rank), as in trec_eval. A score of 1
    means that no order of the documents has a higher gain.
    """
    weights = _top(ranking, k) / np.log2(np.arange(2, ranking.n_documents + 2))
    gained = _sum_per_query(ranking, ranking.grade * _expected_weights(ranking, weights))
    best_first = ranking.grade[np.lexsort((-ranking.grade, ranking.query))]
    ideal_rank = np.arange(len(ranking.query)) - _starts(ranking)[ranking.query]
    return _score(ranking, gained / _sum_per_query(ranking, best_first * weights[ideal_rank]))


def mean_average_precision(ranking: Ranking) -> Score:
    """Average the precision at the rank of each relevant document (Buckley & Voorhees 2000)."""
    nearer, tied_relevant = _count_relevant(ranking)
    # At position j of a tie of t with m relevant ones, 1 + (j - 1) (m - 1) / (t - 1) of them are expected so
    # far; divided by the rank, before + j, and averaged over j, that is a harmonic sum.
    inverse = _expected_weights(ranking, 1 / np.arange(1, ranking.n_documents + 1))
    share = (tied_relevant - 1) / np.maximum(ranking.tied - 1, 1)
    precision = (nearer + 1) * inverse + share * (1 - (ranking.before + 1) * inverse)
    return _score(ranking, _sum_per_query(ranking, precision) / np.bincount(ranking.query))


def zero_shot_accuracy(
    embeddings: Embeddings,
    class_vectors: Embeddings | np.ndarray,
    class_names: Sequence[str],
    *,
    groups: GroupLabels | None = None,
) -> Score:
    """Compute the share of items whose nearest class vector, by cosine, is that of their label.

    Parameters
    ----------
    embeddings : Embeddings
        With labels; items without one are ignored.
    class_vectors : Embeddings or ndarray, shape (n_classes, dim)
    class_names : sequence of str, shape (n_classes,)
        Several vectors may have the same name. Among t equally near vectors each counts 1 / t.
    groups : array-like, shape (n_items,), optional
        Items that depend on each other; see :func:`bootstrap`.

    Raises
    ------
    BadItem
        If no item has a label, or a label has no class vector.

    Notes
    -----
    Zero-shot classification as in Radford et al. 2021.
    """
    vectors = class_vectors.vectors if isinstance(class_vectors, Embeddings) else np.asarray(class_vectors)
    if len(vectors) != len(class_names):
        raise BadItem(
            f"{len(vectors)} class vectors but {len(class_names)} class names. Pass as many of each."
        )
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(class_names):
        rows.setdefault(str(name), []).append(row)
    labels = np.array(embeddings.items.labels or [None] * len(embeddings), dtype=object)
    known = np.array([label is not None for label in labels], dtype=bool)
    if not known.any():
        raise BadItem("No item has a label, so there is no accuracy. Give the items labels.")
    if unknown := sorted(set(labels[known]) - rows.keys()):
        raise BadItem(f"No class vector for the label {listed(unknown)}; there are {listed(rows)}.")
    codes = None if groups is None else encode_groups(groups, len(labels))[known]
    correct = [rows[label] for label in labels[known]]
    return success_at_k(rank(embeddings.select(known), vectors, correct, groups=codes), 1)


def _top(ranking: Ranking, k: int) -> np.ndarray:
    """Return weights of 1 for the first k ranks and 0 for the others, shape (n_documents,)."""
    if k < 1:
        raise BadItem(f"k must be at least 1, not {k}.")
    return (np.arange(ranking.n_documents) < k).astype(np.float64)


def _expected_weights(ranking: Ranking, weights: np.ndarray) -> np.ndarray:
    """Compute the expected weight of each relevant document's rank, shape (n_relevant,)."""
    total = np.concatenate([[0], np.cumsum(weights)])
    mean: np.ndarray = (total[ranking.before + ranking.tied] - total[ranking.before]) / ranking.tied
    return mean


def _expected_weight_of_first(ranking: Ranking, weights: np.ndarray) -> np.ndarray:
    """Compute the expected weight of the rank of each query's first relevant document, shape (n_queries,)."""
    starts = _starts(ranking)
    tied_relevant = _count_relevant(ranking)[1][starts]
    expected = np.empty(len(starts))
    ties = zip(ranking.before[starts], ranking.tied[starts], tied_relevant, strict=True)
    for i, (before, tied, m) in enumerate(ties):
        # As long as none of the m has come up, the next document is one of them with probability m / left.
        left = np.arange(tied, m - 1, -1)
        unmet = np.cumprod(1 - m / left)
        expected[i] = -np.diff(unmet, prepend=1) @ weights[before : before + len(left)]
    return expected


def _count_relevant(ranking: Ranking) -> tuple[np.ndarray, np.ndarray]:
    """Count the relevant documents of the same query that are nearer, and those as near (itself included)."""
    tie = ranking.query * (ranking.n_documents + 1) + ranking.before
    _, first, inverse, counts = np.unique(tie, return_index=True, return_inverse=True, return_counts=True)
    return first[inverse] - _starts(ranking)[ranking.query], counts[inverse]


def _starts(ranking: Ranking) -> np.ndarray:
    """Return the first position of each query in the ranking, shape (n_queries,)."""
    return np.flatnonzero(np.diff(ranking.query, prepend=-1))


def _sum_per_query(ranking: Ranking, values: np.ndarray) -> np.ndarray:
    return np.bincount(ranking.query, weights=values)


def _score(ranking: Ranking, per_query: np.ndarray) -> Score:
    # Sums of fractions may exceed 1 by a rounding error.
    return bootstrap(np.clip(per_query, 0, 1), groups=ranking.groups)

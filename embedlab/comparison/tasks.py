"""How well vectors do at a task. Each gives a :class:`Score`: a mean, its interval, and each item's part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import silhouette_samples
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from embedlab.analysis.neighbors import Neighbors, knn
from embedlab.comparison.scores import Score, bootstrap, group_codes
from embedlab.embeddings import Embeddings, unit_rows
from embedlab.errors import BadItem
from embedlab.io.formats import listed

MOST = 2000  # items of which the slower tasks take a sample
_SPARE = 30  # neighbours beyond k that are looked up, in case the nearest are copies


def knn_accuracy(
    embeddings: Embeddings,
    k: int = 1,
    *,
    groups: Any = None,
    drawn: Any = None,
    neighbors: Neighbors | None = None,
) -> Score:
    """Leave-one-out nearest-neighbour accuracy: how often the ``k`` nearest others vote for an item's label.

    Parameters
    ----------
    embeddings : Embeddings
        With labels; items without one neither ask nor vote.
    k : int
        Votes; the nearest item decides a tie.
    groups : array-like, shape (n_items,), optional
        Items that belong together, such as copies of one another: none votes for another of its group.
    drawn : array-like, shape (n_items,), optional
        Items that the interval draws together; by default ``groups``.
    neighbors : Neighbors, optional
        The graph of these embeddings by cosine, if it is known already; used when it says enough.

    Returns
    -------
    Score
        Share of the labelled items, and 0 or 1 for each of them.

    Raises
    ------
    BadItem
        When fewer than two labels or ``k + 1`` labelled items are there, or an item has no neighbour outside
        its own group.
    """
    known, classes = _classes(embeddings, k + 1)
    codes = np.arange(len(classes)) if groups is None else group_codes(groups, len(embeddings))[known]
    if neighbors is None or not known.all() or neighbors.k < min(k, len(classes) - 1):
        neighbors = knn(embeddings.vectors[known], k if groups is None else k + _SPARE)
    indices = _of_others(neighbors.indices, codes, k)
    if indices is None:  # more copies of one item than were looked for
        largest = int(np.bincount(codes).max())
        indices = _of_others(knn(embeddings.vectors[known], k + largest).indices, codes, k)
    if indices is None:
        raise BadItem(f"Too few items outside the own group for {k} neighbours of each.")
    near = classes[indices]
    votes = np.zeros((len(classes), classes.max() + 1))
    for place in range(k):
        # A little less for each place further away: it never outweighs a vote, and it decides a tie.
        np.add.at(votes, (np.arange(len(classes)), near[:, place]), 1 - place / (k + 1) ** 2)
    together = codes if drawn is None else group_codes(drawn, len(embeddings))[known]
    return bootstrap(votes.argmax(axis=1) == classes, groups=together)


def linear_probe(
    embeddings: Embeddings,
    *,
    n_splits: int = 5,
    groups: Any = None,
    drawn: Any = None,
    random_state: int = 0,
) -> Score:
    """Accuracy of a linear classifier on the vectors, each item judged by one that has not seen it.

    Parameters
    ----------
    embeddings : Embeddings
        With labels, at least ``n_splits`` items of each; rarer labels are left out. Above 2,000 items a
        random 2,000 are taken.
    n_splits : int
        Parts of the cross-validation.
    groups : array-like, shape (n_items,), optional
        Items that belong together are never on both sides of a split.
    drawn : array-like, shape (n_items,), optional
        As in :func:`knn_accuracy`.
    random_state : int

    Returns
    -------
    Score

    Raises
    ------
    BadItem
        When fewer than two labels have ``n_splits`` items or groups.

    Notes
    -----
    Logistic regression (scikit-learn, C = 1) on standardised dimensions of vectors of length 1; Alain &
    Bengio 2017 called it a probe.
    """
    known, classes = _classes(embeddings, 2)
    codes = np.arange(len(known)) if groups is None else group_codes(groups, len(embeddings))
    rows = _sampled(np.flatnonzero(known), random_state)
    classes, codes = classes[np.searchsorted(np.flatnonzero(known), rows)], codes[rows]
    enough = np.array([len(np.unique(codes[classes == c])) >= n_splits for c in range(classes.max() + 1)])
    rows, codes, classes = rows[enough[classes]], codes[enough[classes]], classes[enough[classes]]
    if len(np.unique(classes)) < 2:
        raise BadItem(f"A probe in {n_splits} parts wants {n_splits} different items of two labels or more.")
    vectors = unit_rows(embeddings.vectors[rows])
    right = np.zeros(len(rows))
    split = StratifiedGroupKFold(n_splits, shuffle=True, random_state=random_state)
    for train, test in split.split(vectors, classes, codes):
        # Standardised on the training part alone: the other must not be seen in any way.
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300, tol=1e-3))
        right[test] = probe.fit(vectors[train], classes[train]).predict(vectors[test]) == classes[test]
    return bootstrap(right, groups=codes if drawn is None else group_codes(drawn, len(embeddings))[rows])


def silhouette(embeddings: Embeddings, *, groups: Any = None, random_state: int = 0) -> Score:
    """How much nearer an item is to its own label's items than to those of the nearest other label.

    Parameters
    ----------
    embeddings : Embeddings
        With labels; above 2,000 items a random 2,000 are taken.
    groups : array-like, shape (n_items,), optional
        Items that the interval draws together.
    random_state : int

    Returns
    -------
    Score
        From −1 to 1, by cosine distance; 0 where labels overlap. A label with one item counts 0.

    Raises
    ------
    BadItem
        For fewer than two labels, or as many labels as items.

    Notes
    -----
    Rousseeuw 1987. Labels that are rings or islands of several pieces have a low one, though they may be
    found easily.
    """
    known, classes = _classes(embeddings, 3)
    rows = _sampled(np.flatnonzero(known), random_state)
    classes = classes[np.searchsorted(np.flatnonzero(known), rows)]
    if not 2 <= len(np.unique(classes)) < len(classes):
        raise BadItem("The silhouette wants two labels or more, and one of them with two items.")
    unit = unit_rows(embeddings.vectors[rows])
    values = silhouette_samples(np.clip(1 - unit @ unit.T, 0, 2) * ~np.eye(len(rows), dtype=bool), classes,
                                metric="precomputed")  # fmt: skip
    return bootstrap(values, groups=None if groups is None else group_codes(groups, len(embeddings))[rows])


def pair_similarity(
    embeddings: Embeddings, first: Sequence[str], second: Sequence[str], scores: Any
) -> Score:
    """Do the cosines of pairs rise with how alike people find them?

    Parameters
    ----------
    embeddings : Embeddings
    first, second : sequence of str, shape (n_pairs,)
        The ids of each pair.
    scores : array-like, shape (n_pairs,)
        How alike they are to people; only the order counts.

    Returns
    -------
    Score
        Spearman's correlation with its bootstrap interval over the pairs; ``per_query`` holds the cosine of
        each pair. 0 without an interval where all pairs have the same cosine.

    Raises
    ------
    BadItem
        For different numbers of pairs and scores, fewer than 3, unknown ids, scores that are not finite or
        all the same.
    """
    truth = np.asarray(scores, np.float64)
    if not len(first) == len(second) == len(truth):
        raise BadItem(f"{len(first)} first ids, {len(second)} second ids, and {len(truth)} scores.")
    if len(truth) < 3 or not np.isfinite(truth).all():
        raise BadItem(f"Three finite scores or more are needed; got {len(truth)}.")
    if np.ptp(truth) == 0:
        raise BadItem("All pairs have the same score: there is no order to find.")
    row = {id: number for number, id in enumerate(embeddings.ids)}
    if unknown := [id for id in (*first, *second) if str(id) not in row]:
        raise BadItem(f"No item {listed(unknown)} in these embeddings.")
    unit = unit_rows(embeddings.vectors)
    a, b = ([row[str(id)] for id in ids] for ids in (first, second))
    cosines = np.einsum("ij,ij->i", unit[a], unit[b], dtype=np.float64)
    if np.ptp(cosines) < 1e-6:  # a model that sees no difference puts nothing in order
        return Score(0.0, np.nan, np.nan, len(truth), np.full(len(truth), cosines.mean()))
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(truth), size=(1000, len(truth)))
    low, high = np.nanquantile(spearman_rows(cosines[drawn], truth[drawn]), [0.025, 0.975])
    value = float(spearman_rows(cosines[None], truth[None])[0])
    return Score(value, float(low), float(high), len(truth), cosines)


def spearman_rows(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Spearman's correlation of each row of one table with that row of the other; NaN for constant rows."""
    from scipy.stats import rankdata

    a, b = (rankdata(table, axis=1) for table in (one, other))
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    sizes = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    found: np.ndarray = np.where(sizes > 0, (a * b).sum(axis=1) / np.where(sizes > 0, sizes, 1), np.nan)
    return found


def _classes(embeddings: Embeddings, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Which items have a label, shape (n_items,), and the classes of those as numbers."""
    labels = embeddings.items.labels or [None] * len(embeddings)
    known = np.array([label is not None for label in labels], dtype=bool)
    names = [label for label in labels if label is not None]
    if len(set(names)) < 2 or len(names) < least:
        raise BadItem(
            f"{len(names)} items with {len(set(names))} different labels: at least {least} items and 2 "
            "labels are needed to count how often neighbours agree."
        )
    return known, np.unique(names, return_inverse=True)[1]


def _of_others(indices: np.ndarray, codes: np.ndarray, k: int) -> np.ndarray | None:
    """The first k neighbours outside the own group, shape (n, k); None where some item has fewer."""
    foreign = codes[indices] != codes[:, None]
    if (foreign.sum(axis=1) < k).any():
        return None
    first = np.argsort(~foreign, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(indices, first, axis=1)


def _sampled(rows: np.ndarray, random_state: int) -> np.ndarray:
    """At most 2,000 of the rows, ascending: the same for every model."""
    if len(rows) <= MOST:
        return rows
    return np.sort(np.random.default_rng(random_state).choice(rows, MOST, replace=False))

"""How well vectors do at a task; each function returns a :class:`Score`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import silhouette_samples
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from embedlab.analysis.neighbors import Neighbors, knn
from embedlab.comparison.scores import GroupLabels, Score, bootstrap, encode_groups
from embedlab.embeddings import Embeddings, unit_rows
from embedlab.errors import BadItem
from embedlab.io.formats import listed

MAX_SAMPLED = 2000  # the slower tasks use a random sample of this many items
_EXTRA_NEIGHBORS = 30  # looked up beyond k, in case the nearest are in the item's own group


def knn_accuracy(
    embeddings: Embeddings,
    k: int = 1,
    *,
    groups: GroupLabels | None = None,
    resample_groups: GroupLabels | None = None,
    neighbors: Neighbors | None = None,
) -> Score:
    """Compute leave-one-out k-nearest-neighbour accuracy, by cosine.

    Parameters
    ----------
    embeddings : Embeddings
        With labels; items without one are ignored.
    k : int
        Neighbours that vote; the nearest breaks a tie.
    groups : array-like, shape (n_items,), optional
        Items that belong together, such as copies of each other: no item votes for another of its group.
    resample_groups : array-like, shape (n_items,), optional
        Items that the bootstrap resamples together; by default ``groups``.
    neighbors : Neighbors, optional
        The graph of these embeddings by cosine, if known already; ignored if it has too few neighbours.

    Returns
    -------
    Score
        Share of the labelled items whose label the vote predicts, and 0 or 1 for each of them.

    Raises
    ------
    BadItem
        If there are fewer than two labels or ``k + 1`` labelled items, or an item has too few neighbours
        outside its own group.
    """
    known, classes = _classes(embeddings, k + 1)
    codes = np.arange(len(classes)) if groups is None else encode_groups(groups, len(embeddings))[known]
    if neighbors is None or not known.all() or neighbors.k < min(k, len(classes) - 1):
        neighbors = knn(embeddings.vectors[known], k if groups is None else k + _EXTRA_NEIGHBORS)
    indices = _outside_group(neighbors.indices, codes, k)
    if indices is None:  # a group is larger than the number of neighbours that were looked up
        largest = int(np.bincount(codes).max())
        indices = _outside_group(knn(embeddings.vectors[known], k + largest).indices, codes, k)
    if indices is None:
        raise BadItem(f"Some items have fewer than {k} neighbours outside their own group. Use a smaller k.")
    near = classes[indices]
    votes = np.zeros((len(classes), classes.max() + 1))
    for place in range(k):
        # Farther neighbours count slightly less: enough to break a tie, never to outweigh a vote.
        np.add.at(votes, (np.arange(len(classes)), near[:, place]), 1 - place / (k + 1) ** 2)
    if resample_groups is not None:
        codes = encode_groups(resample_groups, len(embeddings))[known]
    return bootstrap(votes.argmax(axis=1) == classes, groups=codes)


def linear_probe(
    embeddings: Embeddings,
    *,
    n_splits: int = 5,
    groups: GroupLabels | None = None,
    resample_groups: GroupLabels | None = None,
    random_state: int = 0,
) -> Score:
    """Compute the cross-validated accuracy of a linear classifier on the vectors.

    Parameters
    ----------
    embeddings : Embeddings
        With labels, at least ``n_splits`` items of each; rarer labels are left out. Of more than 2,000
        items a random 2,000 are used.
    n_splits : int
        Folds of the cross-validation.
    groups : array-like, shape (n_items,), optional
        Items of one group are never on both sides of a split.
    resample_groups : array-like, shape (n_items,), optional
        As in :func:`knn_accuracy`.
    random_state : int

    Returns
    -------
    Score

    Raises
    ------
    BadItem
        If fewer than two labels have ``n_splits`` items or groups.

    Notes
    -----
    Logistic regression (``scikit-learn``, C = 1) on standardised dimensions of vectors of length 1; a linear
    probe in the sense of Alain & Bengio 2017.
    """
    known, classes = _classes(embeddings, 2)
    codes = np.arange(len(known)) if groups is None else encode_groups(groups, len(embeddings))
    rows = _sampled(np.flatnonzero(known), random_state)
    classes, codes = classes[np.searchsorted(np.flatnonzero(known), rows)], codes[rows]
    enough = np.array([len(np.unique(codes[classes == c])) >= n_splits for c in range(classes.max() + 1)])
    rows, codes, classes = rows[enough[classes]], codes[enough[classes]], classes[enough[classes]]
    if len(np.unique(classes)) < 2:
        raise BadItem(
            f"A linear probe with {n_splits} folds needs two labels with at least {n_splits} items each, "
            "from different groups. Pass fewer n_splits, or items with more of each label."
        )
    vectors = unit_rows(embeddings.vectors[rows])
    right = np.zeros(len(rows))
    split = StratifiedGroupKFold(n_splits, shuffle=True, random_state=random_state)
    for train, test in split.split(vectors, classes, codes):
        # Standardised on the training fold alone, so that nothing of the test fold leaks into the probe.
        probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300, tol=1e-3))
        right[test] = probe.fit(vectors[train], classes[train]).predict(vectors[test]) == classes[test]
    if resample_groups is not None:
        codes = encode_groups(resample_groups, len(embeddings))[rows]
    return bootstrap(right, groups=codes)


def silhouette(embeddings: Embeddings, *, groups: GroupLabels | None = None, random_state: int = 0) -> Score:
    """Compute the silhouette: how much closer items are to their own label than to the nearest other one.

    Parameters
    ----------
    embeddings : Embeddings
        With labels; of more than 2,000 items a random 2,000 are used.
    groups : array-like, shape (n_items,), optional
        Items that the bootstrap resamples together.
    random_state : int

    Returns
    -------
    Score
        From −1 to 1, by cosine distance; 0 if labels overlap. The only item of a label counts 0.

    Raises
    ------
    BadItem
        For fewer than two labels, or as many labels as items.

    Notes
    -----
    Rousseeuw 1987. A label that forms a ring or several clusters has a low silhouette, even if nearest
    neighbours identify it easily.
    """
    known, classes = _classes(embeddings, 3)
    rows = _sampled(np.flatnonzero(known), random_state)
    classes = classes[np.searchsorted(np.flatnonzero(known), rows)]
    if not 2 <= len(np.unique(classes)) < len(classes):
        raise BadItem("The silhouette needs two labels or more, and one of them with two items.")
    unit = unit_rows(embeddings.vectors[rows])
    values = silhouette_samples(np.clip(1 - unit @ unit.T, 0, 2) * ~np.eye(len(rows), dtype=bool), classes,
                                metric="precomputed")  # fmt: skip
    return bootstrap(values, groups=None if groups is None else encode_groups(groups, len(embeddings))[rows])


def pair_similarity(
    embeddings: Embeddings, first: Sequence[str], second: Sequence[str], scores: ArrayLike
) -> Score:
    """Compute Spearman's correlation of the cosines of pairs with the scores that people gave.

    Parameters
    ----------
    embeddings : Embeddings
    first, second : sequence of str, shape (n_pairs,)
        The ids of each pair.
    scores : array-like, shape (n_pairs,)
        Similarity of each pair according to people; only the order counts.

    Returns
    -------
    Score
        The correlation with its bootstrap interval over the pairs; ``per_query`` holds the cosine of each
        pair. 0 without an interval if all pairs have the same cosine.

    Raises
    ------
    BadItem
        For different numbers of pairs and scores, fewer than 3, unknown ids, scores that are not finite or
        all the same.
    """
    truth = np.asarray(scores, np.float64)
    if not len(first) == len(second) == len(truth):
        raise BadItem(
            f"{len(first)} first ids, {len(second)} second ids and {len(truth)} scores. Pass as many of each."
        )
    if len(truth) < 3 or not np.isfinite(truth).all():
        raise BadItem(f"scores must hold at least 3 finite numbers; got {len(truth)}.")
    if np.ptp(truth) == 0:
        raise BadItem("All pairs have the same score, so there is no order to compare with.")
    row = {id: number for number, id in enumerate(embeddings.ids)}
    if unknown := [id for id in (*first, *second) if str(id) not in row]:
        raise BadItem(f"No item {listed(unknown)} in these embeddings.")
    unit = unit_rows(embeddings.vectors)
    a, b = ([row[str(id)] for id in ids] for ids in (first, second))
    cosines = np.einsum("ij,ij->i", unit[a], unit[b], dtype=np.float64)
    if np.ptp(cosines) < 1e-6:  # constant up to rounding: there is no order
        return Score(0.0, np.nan, np.nan, len(truth), np.full(len(truth), cosines.mean()))
    rng = np.random.default_rng(0)
    rows = rng.integers(len(truth), size=(1000, len(truth)))
    low, high = np.nanquantile(spearman_rows(cosines[rows], truth[rows]), [0.025, 0.975])
    value = float(spearman_rows(cosines[None], truth[None])[0])
    return Score(value, float(low), float(high), len(truth), cosines)


def spearman_rows(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Compute Spearman's correlation of each row of ``x`` with that row of ``y``; NaN for constant rows."""
    from scipy.stats import rankdata

    a, b = (rankdata(table, axis=1) for table in (x, y))
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    sizes = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    correlations: np.ndarray = np.where(
        sizes > 0, (a * b).sum(axis=1) / np.where(sizes > 0, sizes, 1), np.nan
    )
    return correlations


def _classes(embeddings: Embeddings, least: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a mask of the items with a label, shape (n_items,), and their labels as numbers."""
    labels = embeddings.items.labels or [None] * len(embeddings)
    known = np.array([label is not None for label in labels], dtype=bool)
    names = [label for label in labels if label is not None]
    if len(set(names)) < 2 or len(names) < least:
        raise BadItem(
            f"{len(names)} items with {len(set(names))} different labels are too few: this needs at least "
            f"{least} items and 2 labels."
        )
    return known, np.unique(names, return_inverse=True)[1]


def _outside_group(indices: np.ndarray, codes: np.ndarray, k: int) -> np.ndarray | None:
    """Return the first k neighbours outside each item's group, shape (n, k); None if an item has fewer."""
    foreign = codes[indices] != codes[:, None]
    if (foreign.sum(axis=1) < k).any():
        return None
    first = np.argsort(~foreign, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(indices, first, axis=1)


def _sampled(rows: np.ndarray, random_state: int) -> np.ndarray:
    """Draw at most 2,000 of the rows, ascending: the same for every model."""
    if len(rows) <= MAX_SAMPLED:
        return rows
    return np.sort(np.random.default_rng(random_state).choice(rows, MAX_SAMPLED, replace=False))

"""Paired tests of whether one model is better than another on the same questions, or by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from embedlab.comparison.scores import GroupLabels, Score, bootstrap, encode_groups
from embedlab.comparison.tasks import spearman_rows
from embedlab.errors import BadItem

N_PERMUTATIONS = 9999
_BLOCK_VALUES = 4_000_000  # signs drawn at once
_ROUNDING = 1e-5  # scores closer than this are equal: the last digits of float32 vectors are noise


@dataclass(frozen=True)
class Difference:
    """The difference of two scores on the same questions.

    Attributes
    ----------
    value, low, high : float
        The difference and its 95 % bootstrap interval.
    p_value : float
        Share of the permutations with a difference at least as large, if for each question a coin decides
        which model gave which answer.
    n : int
        Number of questions.
    """

    value: float
    low: float
    high: float
    p_value: float
    n: int


def paired_difference(
    a: Score,
    b: Score,
    *,
    groups: GroupLabels | None = None,
    n_permutations: int = N_PERMUTATIONS,
    random_state: int = 0,
) -> Difference:
    """Test the difference of two means over the same questions.

    Parameters
    ----------
    a, b : Score
        Of the same questions in the same order; the difference is ``a`` minus ``b``.
    groups : array-like, shape (n,), optional
        Questions that depend on each other: one coin is tossed per group. By default the groups by which the
        interval of ``a`` was resampled.
    n_permutations, random_state : int

    Returns
    -------
    Difference

    Raises
    ------
    BadItem
        If the scores are of different numbers of questions.

    Notes
    -----
    Fisher's randomization test with random signs, which Smucker, Allan & Carterette 2007 recommend for
    rankings. Pairing removes what makes a question hard for both models, so the test detects smaller
    differences than a look at two intervals does.
    """
    if a.n != b.n:
        raise BadItem(f"The scores are of {a.n} and {b.n} questions: pair scores of the same questions.")
    differences = a.per_query - b.per_query
    differences[np.abs(differences) < _ROUNDING] = 0
    groups = a.groups if groups is None else groups
    codes = encode_groups(groups, len(differences))
    sums = np.bincount(codes, weights=differences)
    if not differences.any():
        # No difference in n questions does not exclude one in the next (rule of three).
        rest = 1 - 0.025 ** (1 / len(sums))
        return Difference(0.0, -rest, rest, 1.0, a.n)
    score = bootstrap(differences, groups=groups, random_state=random_state)
    low, high = (score.low, score.high) if np.ptp(sums) else (np.nan, np.nan)
    moved = sums[sums != 0]
    observed, count, rng = abs(moved.sum()), 0, np.random.default_rng(random_state)
    step = max(1, _BLOCK_VALUES // max(len(moved), 1))
    for start in range(0, n_permutations, step):
        signs = rng.integers(0, 2, size=(min(step, n_permutations - start), len(moved)), dtype=np.int8)
        count += int((np.abs((2.0 * signs - 1) @ moved) >= observed - 1e-9).sum())
    return Difference(score.value, float(low), float(high), (1 + count) / (1 + n_permutations), a.n)


def paired_spearman(
    a: Score, b: Score, scores: ArrayLike, *, n_permutations: int = 1999, random_state: int = 0
) -> Difference:
    """Test the difference of two results of :func:`pair_similarity` on the same pairs.

    Parameters
    ----------
    a, b : Score
        With the cosines of the same pairs; the difference is ``a`` minus ``b``.
    scores : array-like, shape (n_pairs,)
        Similarity of each pair according to people.
    n_permutations, random_state : int

    Returns
    -------
    Difference
        The test swaps, pair by pair, the ranks that the two models gave.

    Raises
    ------
    BadItem
        If the numbers of pairs differ.
    """
    from scipy.stats import rankdata

    truth = np.asarray(scores, np.float64)
    if not a.n == b.n == len(truth):
        raise BadItem(f"{a.n} and {b.n} pairs, but {len(truth)} scores. Pass the same pairs to all three.")
    rng, n = np.random.default_rng(random_state), a.n

    def subtract(x: np.ndarray, y: np.ndarray, t: np.ndarray) -> np.ndarray:
        # A constant row has no order: its correlation counts as 0.
        return np.asarray(np.nan_to_num(spearman_rows(x, t)) - np.nan_to_num(spearman_rows(y, t)))

    rows = rng.integers(n, size=(1000, n))
    low, high = np.quantile(subtract(a.per_query[rows], b.per_query[rows], truth[rows]), [0.025, 0.975])
    ranks_a, ranks_b = rankdata(a.per_query), rankdata(b.per_query)
    swap = rng.integers(0, 2, size=(n_permutations, n)).astype(bool)
    swapped_a, swapped_b = np.where(swap, ranks_b, ranks_a), np.where(swap, ranks_a, ranks_b)
    permuted = subtract(swapped_a, swapped_b, np.tile(truth, (n_permutations, 1)))
    count = int((np.abs(permuted) >= abs(a.value - b.value) - 1e-12).sum())
    p_value = (1 + count) / (1 + n_permutations)
    return Difference(a.value - b.value, float(low), float(high), p_value, n)


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Adjust p values for multiple comparisons (Holm 1979), shape (n,); NaN is ignored.

    The probability of any false positive among them stays below the level at which they are read.
    """
    p = np.asarray(p_values, np.float64)
    adjusted = np.full(len(p), np.nan)
    finite = np.flatnonzero(np.isfinite(p))
    order = finite[np.argsort(p[finite], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted

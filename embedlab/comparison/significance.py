"""Is one model better than another on the same questions, or is it luck? Paired tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from embedlab.comparison.scores import Score, bootstrap, group_codes
from embedlab.comparison.tasks import spearman_rows
from embedlab.errors import BadItem

N_PERMUTATIONS = 9999
_AT_ONCE = 4_000_000  # values
_ROUNDING = 1e-5  # scores nearer than this are equal: vectors are float32, and their last digits are luck


@dataclass(frozen=True)
class Difference:
    """One score minus another of the same questions.

    Attributes
    ----------
    value, low, high : float
        The difference and its 95 % bootstrap interval.
    p_value : float
        How often a difference at least as large comes about when, for each question, a coin decides which
        model gave which answer.
    n : int
        Questions.
    """

    value: float
    low: float
    high: float
    p_value: float
    n: int


def paired_difference(
    one: Score,
    other: Score,
    *,
    groups: Any = None,
    n_permutations: int = N_PERMUTATIONS,
    random_state: int = 0,
) -> Difference:
    """Compare two means over the same questions, question by question.

    Parameters
    ----------
    one, other : Score
        Of the same questions in the same order.
    groups : array-like, shape (n,), optional
        Questions that depend on each other: a coin is tossed for each group. By default the groups that the
        interval of ``one`` was drawn by.
    n_permutations, random_state : int

    Returns
    -------
    Difference

    Raises
    ------
    BadItem
        When the scores are of different numbers of questions.

    Notes
    -----
    Fisher's randomization test with random signs; for rankings recommended by Smucker, Allan & Carterette
    2007. Pairing takes away what makes a question hard for both, so it sees more than two intervals side by
    side do.
    """
    if one.n != other.n:
        raise BadItem(f"One score is of {one.n} questions, the other of {other.n}: they cannot be paired.")
    apart = one.per_query - other.per_query
    apart[np.abs(apart) < _ROUNDING] = 0
    groups = one.groups if groups is None else groups
    codes = group_codes(groups, len(apart))
    sums = np.bincount(codes, weights=apart)
    if not apart.any():
        # Alike in all: what was seen in n questions may still differ in a few more (rule of three).
        rest = 1 - 0.025 ** (1 / len(sums))
        return Difference(0.0, -rest, rest, 1.0, one.n)
    score = bootstrap(apart, groups=groups, random_state=random_state)
    low, high = (score.low, score.high) if np.ptp(sums) else (np.nan, np.nan)
    moved = sums[sums != 0]
    observed, count, rng = abs(moved.sum()), 0, np.random.default_rng(random_state)
    step = max(1, _AT_ONCE // max(len(moved), 1))
    for start in range(0, n_permutations, step):
        signs = rng.integers(0, 2, size=(min(step, n_permutations - start), len(moved)), dtype=np.int8)
        count += int((np.abs((2.0 * signs - 1) @ moved) >= observed - 1e-9).sum())
    return Difference(score.value, float(low), float(high), (1 + count) / (1 + n_permutations), one.n)


def paired_spearman(
    one: Score, other: Score, scores: Any, *, n_permutations: int = 1999, random_state: int = 0
) -> Difference:
    """Compare two results of :func:`pair_similarity` on the same pairs.

    Parameters
    ----------
    one, other : Score
        With the cosines of the same pairs.
    scores : array-like, shape (n_pairs,)
        How alike the pairs are to people.
    n_permutations, random_state : int

    Returns
    -------
    Difference
        The test exchanges, pair by pair, the ranks that the two models gave.

    Raises
    ------
    BadItem
        When the numbers of pairs differ.
    """
    from scipy.stats import rankdata

    truth = np.asarray(scores, np.float64)
    if not one.n == other.n == len(truth):
        raise BadItem(f"Pairs: {one.n} and {other.n}, and {len(truth)} scores. They must be the same.")
    rng, n = np.random.default_rng(random_state), one.n

    def apart(a: np.ndarray, b: np.ndarray, t: np.ndarray) -> np.ndarray:
        # A constant row has no order: it counts as 0.
        return np.asarray(np.nan_to_num(spearman_rows(a, t)) - np.nan_to_num(spearman_rows(b, t)))

    drawn = rng.integers(n, size=(1000, n))
    low, high = np.quantile(apart(one.per_query[drawn], other.per_query[drawn], truth[drawn]), [0.025, 0.975])
    a, b = rankdata(one.per_query), rankdata(other.per_query)
    swap = rng.integers(0, 2, size=(n_permutations, n)).astype(bool)
    mixed = apart(np.where(swap, b, a), np.where(swap, a, b), np.tile(truth, (n_permutations, 1)))
    count = int((np.abs(mixed) >= abs(one.value - other.value) - 1e-12).sum())
    p_value = (1 + count) / (1 + n_permutations)
    return Difference(one.value - other.value, float(low), float(high), p_value, n)


def holm(p_values: Sequence[float]) -> np.ndarray:
    """p values made larger for having asked several questions at once, shape (n,); NaN stays out (Holm 1979).

    The chance of any false alarm among all of them stays below the level at which they are read.
    """
    p = np.asarray(p_values, np.float64)
    adjusted = np.full(len(p), np.nan)
    asked = np.flatnonzero(np.isfinite(p))
    order = asked[np.argsort(p[asked], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return adjusted

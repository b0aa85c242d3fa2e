"""A mean score over queries, with its bootstrap interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from embedlab.errors import BadItem

GroupLabels = Sequence[object] | np.ndarray | pd.Series  # one value per query or item
_BLOCK_VALUES = 2_000_000  # values resampled at once (16 MB)


@dataclass(frozen=True, eq=False, repr=False)
class Score:
    """The mean of a metric over queries, its interval, and the value of each query.

    Attributes
    ----------
    value, low, high : float
        The mean and the ends of its interval.
    n : int
        Number of queries.
    per_query : ndarray, shape (n,), float64
        The metric of each query.
    groups : ndarray, shape (n,), int64, or None
        Queries with the same number were resampled together; None if each was resampled by itself.
    """

    value: float
    low: float
    high: float
    n: int
    per_query: np.ndarray
    groups: np.ndarray | None = None

    def __float__(self) -> float:
        return self.value

    def __format__(self, spec: str) -> str:
        return format(self.value, spec) if spec else repr(self)

    def __repr__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}], n = {self.n}"


def bootstrap(
    per_query: ArrayLike,
    *,
    n_resamples: int = 1000,
    confidence: float = 0.95,
    groups: GroupLabels | None = None,
    random_state: int = 0,
) -> Score:
    """Compute a mean and its percentile bootstrap interval.

    Parameters
    ----------
    per_query : array-like, shape (n_queries,)
    n_resamples : int
    confidence : float
        Share of the resampled means that lie inside the interval.
    groups : array-like, shape (n_queries,), optional
        Queries of one group depend on each other, such as captions of one photo, so whole groups are
        resampled. A missing value is a group of its own.
    random_state : int

    Returns
    -------
    Score
        With NaN ends for a single query or group, which says nothing about spread.

    Raises
    ------
    BadItem
        If there are no values, one is not finite, or the numbers of groups and values differ.

    Notes
    -----
    Percentile interval (Efron 1979; Efron & Tibshirani 1993, chapter 13); resampling of groups as in Davison
    & Hinkley 1997, section 3.8. With fewer than about 20 groups it is somewhat too narrow.

    If all n groups have the same mean m, every resample repeats it, and a width of 0 would be wrong. What was
    observed n times may still have had a probability of only p = ((1 − confidence) / 2)^(1/n) (Clopper &
    Pearson 1934), with any value from 0 to 1 otherwise: the interval is then [p m, p m + 1 − p], or NaN for
    an m outside 0 to 1.
    """
    values = np.asarray(per_query, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise BadItem(
            f"per_query must hold one finite number per query, at least one; got the shape {values.shape}."
        )
    if n_resamples < 1 or not 0 < confidence < 1:
        raise BadItem(
            "n_resamples must be at least 1 and confidence between 0 and 1, not "
            f"{n_resamples} and {confidence}."
        )
    codes = encode_groups(groups, len(values))
    sums, sizes = np.bincount(codes, weights=values), np.bincount(codes)
    mean, n = float(values.mean()), len(sizes)
    if n == 1:
        low = high = np.nan
    elif np.ptp(sums / sizes) < 1e-12:
        rest = 1 - ((1 - confidence) / 2) ** (1 / n) if 0 <= mean <= 1 else np.nan
        low, high = mean - rest * mean, mean + rest * (1 - mean)
    else:
        rng = np.random.default_rng(random_state)
        means, step = np.empty(n_resamples), max(1, _BLOCK_VALUES // n)
        for start in range(0, n_resamples, step):
            drawn = rng.integers(n, size=(min(step, n_resamples - start), n))
            means[start : start + step] = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
        low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Score(mean, float(low), float(high), len(values), values, codes if n < len(values) else None)


def encode_groups(groups: GroupLabels | None, n: int) -> np.ndarray:
    """Encode groups as numbers from 0, shape (n,); a missing value is a group of its own."""
    if groups is None:
        return np.arange(n)
    codes = pd.factorize(pd.Series(groups))[0]
    if len(codes) != n:
        raise BadItem(f"{len(codes)} groups but {n} queries. Pass one group per query.")
    return np.unique(np.where(codes < 0, len(codes) + np.arange(n), codes), return_inverse=True)[1]

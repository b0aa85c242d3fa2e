"""A mean over queries, and how far it can be trusted: the bootstrap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from embedlab.errors import BadItem

_DRAWN_AT_ONCE = 2_000_000  # values (16 MB)


@dataclass(frozen=True, eq=False, repr=False)
class Score:
    """The mean of a metric over the queries, its interval, and the values it came from.

    Attributes
    ----------
    value, low, high : float
        The mean and the ends of its interval.
    n : int
        Queries.
    per_query : ndarray, shape (n,), float64
        The metric of each query, in their order.
    groups : ndarray, shape (n,), int64, or None
        Queries with the same number were drawn together; None when each was drawn by itself.
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
    per_query: Any,
    *,
    n_resamples: int = 1000,
    confidence: float = 0.95,
    groups: Any = None,
    random_state: int = 0,
) -> Score:
    """Percentile interval of the mean (Efron 1979; Efron & Tibshirani 1993, chapter 13).

    Parameters
    ----------
    per_query : array-like, shape (n_queries,)
    n_resamples, confidence : int, float
        How often the queries are drawn anew, and the share of the drawn means inside the interval.
    groups : array-like, shape (n_queries,), optional
        Queries of one group depend on each other (captions of one photo), so whole groups are drawn
        (Davison & Hinkley 1997, section 3.8). A missing value is a group of its own.
    random_state : int

    Returns
    -------
    Score
        One query or group says nothing about spread: its ends are nan. When all n groups have the same
        mean m, every draw repeats it, and a width of 0 would be false. What was seen n times may still have
        had a chance of only p = ((1 - confidence) / 2)^(1/n) (Clopper & Pearson 1934), with anything from 0
        to 1 in the rest: the interval is then [p m, p m + 1 - p], or nan for an m outside 0 to 1.
        Below about 20 groups, percentile intervals are somewhat too narrow.

    Raises
    ------
    BadItem
        When there are no values, one is not finite, or there are more or fewer groups than values.
    """
    values = np.asarray(per_query, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        raise BadItem(f"One finite number per query is needed, at least one; got the shape {values.shape}.")
    if n_resamples < 1 or not 0 < confidence < 1:
        raise BadItem(f"Not {n_resamples} resamples at {confidence}: at least 1, between 0 and 1.")
    codes = group_codes(groups, len(values))
    sums, sizes = np.bincount(codes, weights=values), np.bincount(codes)
    mean, n = float(values.mean()), len(sizes)
    if n == 1:
        low = high = np.nan
    elif np.ptp(sums / sizes) < 1e-12:
        rest = 1 - ((1 - confidence) / 2) ** (1 / n) if 0 <= mean <= 1 else np.nan
        low, high = mean - rest * mean, mean + rest * (1 - mean)
    else:
        rng = np.random.default_rng(random_state)
        means, step = np.empty(n_resamples), max(1, _DRAWN_AT_ONCE // n)
        for start in range(0, n_resamples, step):
            drawn = rng.integers(n, size=(min(step, n_resamples - start), n))
            means[start : start + step] = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
        low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    together = codes if n < len(values) else None
    return Score(mean, float(low), float(high), len(values), values, together)


def group_codes(groups: Any, n: int) -> np.ndarray:
    """Group of each query as a number from 0, shape (n,)."""
    if groups is None:
        return np.arange(n)
    codes = pd.factorize(pd.Series(groups))[0]
    if len(codes) != n:
        raise BadItem(f"{len(codes)} groups but {n} queries.")
    return np.unique(np.where(codes < 0, len(codes) + np.arange(n), codes), return_inverse=True)[1]

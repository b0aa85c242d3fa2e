"""The shape of one cloud of vectors."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestNeighbors

from embedlab.errors import BadItem

_DISCARDED = 0.1


def two_nn(vectors: np.ndarray) -> float:
    """Intrinsic dimension: in how many directions the cloud really extends, whatever the length of a vector.

    Looks only at each item's two nearest others: in a space of ``d`` dimensions, the second is farther than
    the first by a factor ``mu`` with P(mu > x) = x^-d. The ``d`` that fits is the answer.

    Parameters
    ----------
    vectors : ndarray, shape (n_items, dim)
        At least 10 different ones. Exact duplicates are counted once: their distance of 0 says nothing.

    Returns
    -------
    float
        Between 0 and about 20 for what neural networks give. Large values are estimated too low.

    Raises
    ------
    BadItem
        For fewer than 10 different vectors.

    Notes
    -----
    TwoNN of Facco, d'Errico, Rodriguez and Laio (2017), Scientific Reports 7, 12140: a line through the
    origin is fitted to (log mu, −log(1 − F)) without the tenth with the largest ratios, where noise rules.
    """
    vectors = np.unique(np.asarray(vectors, np.float64), axis=0)
    n = len(vectors)
    if n < 10:
        raise BadItem(f"{n} different vectors are too few to estimate a dimension from; 10 are needed.")
    # In double precision: single precision loses the small distances of a tight cloud.
    near = NearestNeighbors(n_neighbors=2).fit(vectors - vectors.mean(axis=0))
    first, second = near.kneighbors()[0].T
    apart = first > 0
    ratio = np.sort(second[apart] / first[apart])
    kept = int(len(ratio) * (1 - _DISCARDED))
    share = np.arange(1, len(ratio) + 1) / len(ratio)
    x, y = np.log(ratio[:kept]), -np.log1p(-share[:kept])
    return float((x @ y) / (x @ x)) if (x @ x) > 0 else float("nan")

"""The shapes of several clouds side by side, and what each number means for a search."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from embedlab.analysis.neighbors import Neighbors
from embedlab.comparison.geometry import (
    effective_rank,
    hubness,
    iso_score,
    mean_cosine,
    mle_dimension,
    two_nn,
)
from embedlab.embeddings import unit_rows
from embedlab.errors import BadItem

MOST = 2000  # items from which a dimension is estimated
HUBS = 10  # neighbours
MEANING: dict[str, str] = {
    "two_nn": "Intrinsic dimension (TwoNN): in how many directions the cloud really extends. A map of two "
    "must tear apart what has fifteen.",
    "mle": "A second opinion on it (maximum likelihood, 20 neighbours). Where the two differ much, believe "
    "neither.",
    "mean_cosine": "Cosine of two items taken at random. Where it is 0.6, a hit of 0.65 says little: look at "
    "the order, not at the number.",
    "iso_score": "How evenly the directions are used: 1 for a ball, 0 for a line. Where it is small, PCA may "
    "shorten the vectors at little loss.",
    "effective_rank": "How many directions it would be, were all used alike. Compare it with the length of a "
    "vector.",
    "hub_skewness": "How unevenly items turn up as neighbours. Above about 2, a few hubs are in everybody's "
    "results.",
    "anti_hubs": "Share of the items that are among nobody's 10 nearest: no other item leads to them.",
    "length": "Mean length of a vector. By itself it changes no order: the next line does.",
    "length_spread": "Standard deviation of the lengths, as a share of the mean. At 0 dot product, cosine "
    "and Euclidean distance give the same order.",
}


def geometry_table(vectors: Mapping[str, np.ndarray], neighbors: Mapping[str, Neighbors]) -> pd.DataFrame:
    """Each cloud in numbers.

    Parameters
    ----------
    vectors : mapping of str to ndarray, shape (n_items, dim)
        As the model gave them, by its name.
    neighbors : mapping of str to Neighbors
        Their graphs by cosine.

    Returns
    -------
    DataFrame
        One row per model, indexed by name, and the columns that ``MEANING`` explains. All but the lengths are
        of directions (vectors at length 1), because that is what a search by cosine sees. The two intrinsic
        dimensions are those of at most 2,000 items, taken at random. NaN where items are too few.
    """
    return pd.DataFrame({name: _numbers(vectors[name], neighbors[name]) for name in vectors}).T


def _numbers(vectors: np.ndarray, neighbors: Neighbors) -> dict[str, float]:
    lengths = np.linalg.norm(vectors, axis=1)
    unit, few = unit_rows(vectors), unit_rows(vectors)
    if len(few) > MOST:
        few = few[np.sort(np.random.default_rng(0).choice(len(few), MOST, replace=False))]
    try:
        skewness, anti_hubs = hubness(neighbors.first(HUBS))
    except BadItem:
        skewness = anti_hubs = float("nan")
    mean = float(lengths.mean(dtype=np.float64))
    return {
        "two_nn": _or_nan(two_nn, few),
        "mle": _or_nan(mle_dimension, few),
        "mean_cosine": _or_nan(mean_cosine, unit),
        "iso_score": _or_nan(iso_score, unit),
        "effective_rank": _or_nan(effective_rank, unit),
        "hub_skewness": skewness,
        "anti_hubs": anti_hubs,
        "length": mean,
        "length_spread": float(lengths.std(dtype=np.float64)) / mean,
    }


def _or_nan(measure: Callable[[np.ndarray], float], vectors: np.ndarray) -> float:
    try:
        return float(measure(vectors))
    except BadItem:
        return float("nan")

"""A table of the shapes of several clouds, and what each number means for search."""

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

MAX_SAMPLED = 2000  # intrinsic dimensions are estimated from at most this many items
HUB_NEIGHBORS = 10  # k of the neighbour lists that hubs are counted in
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
    """Measure the shape of each cloud.

    Parameters
    ----------
    vectors : mapping of str to ndarray, shape (n_items, dim)
        By the name of the model, as the model returned them.
    neighbors : mapping of str to Neighbors
        Their graphs by cosine.

    Returns
    -------
    DataFrame
        One row per model, indexed by name, and the columns that ``MEANING`` explains. All but the lengths are
        measured on vectors of length 1, which is what a search by cosine uses. The two intrinsic dimensions
        are estimated from at most 2,000 items, drawn at random. NaN if there are too few items.
    """
    return pd.DataFrame({name: _measure_shape(vectors[name], neighbors[name]) for name in vectors}).T


def _measure_shape(vectors: np.ndarray, neighbors: Neighbors) -> dict[str, float]:
    lengths = np.linalg.norm(vectors, axis=1)
    unit = sample = unit_rows(vectors)
    if len(unit) > MAX_SAMPLED:
        sample = unit[np.sort(np.random.default_rng(0).choice(len(unit), MAX_SAMPLED, replace=False))]
    try:
        skewness, anti_hubs = hubness(neighbors.first(HUB_NEIGHBORS))
    except BadItem:
        skewness = anti_hubs = float("nan")
    mean = float(lengths.mean(dtype=np.float64))
    return {
        "two_nn": _measure_or_nan(two_nn, sample),
        "mle": _measure_or_nan(mle_dimension, sample),
        "mean_cosine": _measure_or_nan(mean_cosine, unit),
        "iso_score": _measure_or_nan(iso_score, unit),
        "effective_rank": _measure_or_nan(effective_rank, unit),
        "hub_skewness": skewness,
        "anti_hubs": anti_hubs,
        "length": mean,
        "length_spread": float(lengths.std(dtype=np.float64)) / mean,
    }


def _measure_or_nan(measure: Callable[[np.ndarray], float], vectors: np.ndarray) -> float:
    try:
        return float(measure(vectors))
    except BadItem:
        return float("nan")

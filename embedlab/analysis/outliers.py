"""What is worth a second look: items that are nearly the same, and items far from all others."""

from __future__ import annotations

import numpy as np
import pandas as pd

from embedlab.analysis.neighbors import Neighbors


def near_duplicates(ids: list[str], neighbors: Neighbors, n: int = 20) -> pd.DataFrame:
    """The pairs that lie closest to each other.

    Parameters
    ----------
    ids : list of str
    neighbors : Neighbors
        Of the items, in the order of ``ids``; a pair is found when either has the other in its list.
    n : int
        How many pairs, at most.

    Returns
    -------
    DataFrame
        ``id``, ``other`` and ``distance``, the closest pair first; exact copies have 0.
    """
    # What rounding leaves of zero would make an order among exact copies.
    distances = neighbors.distances.ravel().astype(float).round(6).clip(0)
    enough = 2 * n  # a pair is there twice at most
    limit = np.partition(distances, enough)[enough] if len(distances) > enough else np.inf
    near = np.flatnonzero(distances <= limit)
    rows, others = near // max(neighbors.k, 1), neighbors.indices.ravel()[near]
    pairs = pd.DataFrame(
        {
            "row": np.minimum(rows, others),
            "with": np.maximum(rows, others),
            "distance": distances[near],
        }
    ).drop_duplicates(["row", "with"])
    best = pairs.sort_values(["distance", "row", "with"], kind="stable").head(n)
    names = np.array(ids, dtype=object)
    columns = {
        "id": names[best["row"]],
        "other": names[best["with"]],
        "distance": best["distance"].to_numpy(),
    }
    return pd.DataFrame(columns)


def outliers(ids: list[str], neighbors: Neighbors, n: int = 20) -> pd.DataFrame:
    """The items that lie farthest from their neighbours, for how close their neighbours lie to each other.

    Parameters
    ----------
    ids, neighbors, n
        As for :func:`near_duplicates`.

    Returns
    -------
    DataFrame
        ``id`` and ``factor``: mean distance to its k neighbours, divided by the mean of the same number of
        those neighbours. About 1 inside of a crowd; the largest first.

    Notes
    -----
    A plain form of the local outlier factor (Breunig et al. 2000): a thin crowd is not all outliers.
    """
    if neighbors.k == 0:
        return pd.DataFrame({"id": ids[:0], "factor": np.empty(0)})
    own = neighbors.distances.mean(axis=1, dtype=np.float64)
    around = own[neighbors.indices].mean(axis=1)
    tiny = np.finfo(np.float32).eps
    factor = (own + tiny) / (around + tiny)
    order = np.lexsort((np.arange(len(ids)), -factor))[:n]
    return pd.DataFrame({"id": [ids[row] for row in order], "factor": factor[order]})

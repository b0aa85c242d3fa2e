"""Items worth a second look: near duplicates, and outliers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from embedlab.analysis.neighbors import Neighbors


def find_near_duplicates(ids: list[str], neighbors: Neighbors, n: int = 20) -> pd.DataFrame:
    """List the pairs of items that lie closest to each other.

    Parameters
    ----------
    ids : list of str
    neighbors : Neighbors
        Of the items, in the order of ``ids``. A pair is found if at least one lists the other as neighbour.
    n : int
        Maximum number of pairs.

    Returns
    -------
    DataFrame
        ``id``, ``other`` and ``distance``, the closest pair first; exact copies have a distance of 0.
    """
    # Rounding errors near zero would put exact copies in an arbitrary order.
    distances = neighbors.distances.ravel().astype(float).round(6).clip(0)
    enough = 2 * n  # a pair is listed twice at most
    limit = np.partition(distances, enough)[enough] if len(distances) > enough else np.inf
    near = np.flatnonzero(distances <= limit)
    rows, partners = near // max(neighbors.k, 1), neighbors.indices.ravel()[near]
    pairs = pd.DataFrame(
        {
            "row": np.minimum(rows, partners),
            "partner": np.maximum(rows, partners),
            "distance": distances[near],
        }
    ).drop_duplicates(["row", "partner"])
    closest = pairs.sort_values(["distance", "row", "partner"], kind="stable").head(n)
    names = np.array(ids, dtype=object)
    columns = {
        "id": names[closest["row"]],
        "other": names[closest["partner"]],
        "distance": closest["distance"].to_numpy(),
    }
    return pd.DataFrame(columns)


def find_outliers(ids: list[str], neighbors: Neighbors, n: int = 20) -> pd.DataFrame:
    """List the items that lie far from their neighbours, compared with what is normal nearby.

    Parameters
    ----------
    ids, neighbors, n
        As for :func:`find_near_duplicates`.

    Returns
    -------
    DataFrame
        ``id`` and ``factor``, the largest first: the item's mean distance to its k neighbours, divided by the
        mean of the same number over those neighbours. About 1 inside a cluster.

    Notes
    -----
    A simplified local outlier factor (Breunig et al. 2000): items of a sparse cluster are not all outliers.
    """
    if neighbors.k == 0:
        return pd.DataFrame({"id": ids[:0], "factor": np.empty(0)})
    mean_distance = neighbors.distances.mean(axis=1, dtype=np.float64)
    nearby = mean_distance[neighbors.indices].mean(axis=1)
    tiny = np.finfo(np.float32).eps
    factor = (mean_distance + tiny) / (nearby + tiny)
    order = np.lexsort((np.arange(len(ids)), -factor))[:n]
    return pd.DataFrame({"id": [ids[row] for row in order], "factor": factor[order]})

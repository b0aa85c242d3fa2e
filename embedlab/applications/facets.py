"""Facets: count the values of some columns among hits, as shops and libraries do beside their results."""

from __future__ import annotations

import pandas as pd

from embedlab.errors import BadItem
from embedlab.store import VectorStore


def count_facets(hits: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Count how often each value of some columns occurs among hits.

    Parameters
    ----------
    hits : DataFrame
        As from :meth:`VectorStore.search`, with a ``k`` well above the number of hits that are shown.
    *columns : str
        Columns of texts, numbers or booleans.

    Returns
    -------
    DataFrame
        ``column``, ``value``, ``hits``, ``best`` (the first rank with this value) and ``filter`` (the
        expression that keeps only these hits); the most frequent value of each column first.

    Raises
    ------
    BadItem
        If the hits have no such column.
    """
    rows = []
    for column in columns:
        if column not in hits.columns:
            raise BadItem(f"The hits have no column {column!r}; they have {', '.join(hits.columns)}.")
        present = hits[hits[column].notna()]
        groups = present.groupby(column, sort=False)["rank"].agg(["size", "min"])
        for value, (size, best) in zip(groups.index, groups.to_numpy(), strict=True):
            expression = f"{column} == {VectorStore.quote(value)}"
            rows.append((column, value, int(size), int(best), expression))
    table = pd.DataFrame(rows, columns=["column", "value", "hits", "best", "filter"])
    table["place"] = table["column"].map({c: i for i, c in enumerate(columns)})
    table = table.sort_values(["place", "hits", "best"], ascending=[True, False, True], kind="stable")
    return table.drop(columns="place").reset_index(drop=True)

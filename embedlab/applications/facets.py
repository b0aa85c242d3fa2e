"""What else is among the hits: counts by column, as the side bar of a shop or a library shows them."""

from __future__ import annotations

import pandas as pd

from embedlab.errors import BadItem
from embedlab.store import VectorStore


def facets(hits: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """How often each value of some columns occurs among hits, with the filter that keeps only those.

    Parameters
    ----------
    hits : DataFrame
        As from :meth:`VectorStore.search`, with a ``k`` well above what is shown.
    *columns : str
        Columns of texts, numbers or booleans.

    Returns
    -------
    DataFrame
        ``column``, ``value``, ``hits``, ``best`` (the first rank with this value) and ``filter``; of each
        column the most frequent value first.

    Raises
    ------
    BadItem
        For a column that the hits do not have.
    """
    rows = []
    for column in columns:
        if column not in hits.columns:
            raise BadItem(f"The hits have no column {column!r}; they have {', '.join(hits.columns)}.")
        there = hits[hits[column].notna()]
        groups = there.groupby(column, sort=False)["rank"].agg(["size", "min"])
        for value, (size, best) in zip(groups.index, groups.to_numpy(), strict=True):
            expression = f"{column} == {VectorStore.quote(value)}"
            rows.append((column, value, int(size), int(best), expression))
    table = pd.DataFrame(rows, columns=["column", "value", "hits", "best", "filter"])
    order = table.assign(first=table["column"].map({c: i for i, c in enumerate(columns)}))
    order = order.sort_values(["first", "hits", "best"], ascending=[True, False, True], kind="stable")
    return order.drop(columns="first").reset_index(drop=True)

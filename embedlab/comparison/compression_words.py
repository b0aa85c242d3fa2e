"""What a compression table says, in sentences."""

from __future__ import annotations

from typing import Literal

import pandas as pd

_TOLERANCE = 0.01  # a smaller loss of quality counts as none
QualityColumn = Literal["recall", "accuracy", "kept"]


def quality_column(table: pd.DataFrame) -> QualityColumn:
    """Return the column that says most about compressed vectors."""
    for column in ("recall", "accuracy"):
        if column in table and table[column].notna().any():
            return column
    return "kept"


def quality_title(column: QualityColumn, k: int) -> str:
    """Name a column of quality for a reader."""
    titles = {
        "recall": f"recall@{k} of the queries",
        "accuracy": "1-NN accuracy",
        "kept": f"recall@{k} of the full vectors' neighbours",
    }
    return titles[column]


def describe_compression(table: pd.DataFrame, k: int) -> list[str]:
    """Say how few bytes lose less than a hundredth of quality, and which models match others with less space.

    Parameters
    ----------
    table : DataFrame
        From :func:`compression_table` for several models, with a column ``model``.
    k : int
    """
    quality = quality_column(table)
    full = table[table["way"] == "float32"].sort_values(quality, kind="stable")
    lines = [
        _describe_model(table[table["model"] == name], quality, k) for name in dict.fromkeys(table["model"])
    ]
    if quality == "kept":  # each model's own neighbours: no basis to compare models
        return lines
    best = full.iloc[-1]["model"]
    for other in full.to_dict("records")[:-1]:
        enough = table[(table["model"] == best) & (table[quality] >= other[quality])]
        fewest = int(enough["bytes"].min())
        if fewest < other["bytes"]:
            compared = f"{other['model']} with its {other['bytes']:,.0f}"
            lines.append(f"With {fewest:,} bytes {best} does as well as {compared}.")
    return lines


def _describe_model(rows: pd.DataFrame, quality: QualityColumn, k: int) -> str:
    full = rows[rows["way"] == "float32"].iloc[0]
    smallest = rows[rows[quality] >= full[quality] - _TOLERANCE].sort_values("bytes").iloc[0]
    size = f"{int(smallest['bytes']):,} ({smallest['way']}, {int(smallest['dim'])} numbers)"
    before = f"{quality_title(quality, k)} {full[quality]:.2f} with {int(full['bytes']):,} bytes"
    return f"{full['model']}: {before}; {smallest[quality]:.2f} with {size}."

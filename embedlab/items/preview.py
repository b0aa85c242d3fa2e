"""Short names of items, and their table in a notebook."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from markupsafe import Markup

from embedlab.io.html import render
from embedlab.io.text import clean
from embedlab.items.columns import is_missing

_MAX_ROWS = 5
_MAX_COLUMNS = 8


def short_title(content: object, is_text: bool, max_chars: int) -> str:
    """Return the beginning of a text on one line, or the name of a file, cut to ``max_chars``."""
    line = " ".join(str(content).split()) if is_text else file_name(str(content))
    return line if len(line) <= max_chars else line[: max_chars - 1].rstrip() + "…"


def file_name(path: object) -> str:
    """Return the last part of a path, written with slashes or backslashes."""
    return str(path).replace("\\", "/").split("/")[-1]


def preview_html(
    frame: pd.DataFrame, name: str, modality: str, labels: Sequence[str | None] | None, report: str
) -> Markup:
    """Render the first rows of items as a table.

    Parameters
    ----------
    frame : DataFrame
        The table of the items.
    name, modality : str
        Of the items.
    labels : sequence of str or None
        Of every item; None if the items have no labels.
    report : str
        How the items were read; may be empty.
    """
    values = {
        "name": name,
        "modality": modality,
        "n_items": len(frame),
        "n_labels": None if labels is None else len(set(labels) - {None}),
        "report": report,
        "table": _table_html(frame.head(_MAX_ROWS), modality),
        "n_more": len(frame) - _MAX_ROWS,
    }
    return render("embedlab.items", "items.html", values)


def _table_html(rows: pd.DataFrame, modality: str) -> Markup:
    if modality != "text":
        # Only the file's name: its folder may reveal the user's name.
        rows = rows.assign(path=["" if is_missing(path) else file_name(path) for path in rows["path"]])
    table = clean(rows.to_html(index=False, escape=True, max_cols=_MAX_COLUMNS, justify="left"))
    for cell in ("th", "td"):  # JupyterLab's own style aligns tables to the right
        table = table.replace(f"<{cell}>", f'<{cell} style="text-align:left;vertical-align:top">')
    return Markup(table)

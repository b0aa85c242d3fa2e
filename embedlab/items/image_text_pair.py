"""Tables in which some rows are pictures and others texts."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from embedlab.errors import BadItem

MODALITIES: tuple[str, ...] = ("text", "image", "image+text", "audio", "video")


def check_modality(modality: str) -> None:
    """Refuse a modality that there is not."""
    if modality not in MODALITIES:
        raise BadItem(f"Unknown modality {modality!r}: choose one of {', '.join(MODALITIES)}.")


def no_column(name: str, columns: Iterable[object], where: str, use: str = "") -> BadItem:
    """The error for a column that is not there, with those that are, and what is probably meant."""
    there = [str(column) for column in columns]
    same = [column for column in there if column.strip().casefold() == name.strip().casefold()]
    near = same or difflib.get_close_matches(name, there, n=1, cutoff=0.75)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    cure = f" Name it with {use}={near[0]!r}." if near and use else f" Name it with {use}=…" if use else ""
    return BadItem(f"No column {name!r} in {where}; it has {there}.{meant}{cure}")


def check(frame: pd.DataFrame) -> None:
    """In each row of a mixture there is a picture or a text, not both and not neither."""
    both = [
        missing(path) == missing(text) for path, text in zip(frame["path"], frame["content"], strict=True)
    ]
    if any(both):
        raise BadItem(
            f"An item of image+text is a picture or a text, but {some(frame['id'][both])} has both a path "
            "and a content, or neither. For pairs use Items.from_frame with content= and caption=."
        )


def pairs(
    df: pd.DataFrame, picture: str, caption: str | None, id: str | None, label: str | None
) -> pd.DataFrame:
    """Rows of a picture and its text as two rows each: all pictures, then all texts."""
    named = {"content": picture, "caption": caption, "id": id, "label": label}
    if caption is None:
        raise BadItem("Items of image+text need caption=, the column with the text of each picture.")
    for column in filter(None, named.values()):
        if column not in df.columns:
            raise BadItem(f"No column {column!r} in the frame; it has {list(df.columns)}.")
    keys = [str(i) for i in (range(len(df)) if id is None else df[id])]
    rest = df.drop(columns=[column for column in named.values() if column is not None])
    rest = rest.drop(columns=["id", "path", "content", "pair"], errors="ignore").reset_index(drop=True)
    rest = rest if label is None else rest.assign(label=df[label].to_numpy())
    parts = [
        rest.assign(id=[f"{key}/{kind}" for key in keys], path=None, content=None, pair=keys)
        for kind in ("image", "text")
    ]
    parts[0]["path"], parts[1]["content"] = list(df[picture]), list(df[caption])
    rows = pd.concat([part.astype({"path": object, "content": object}) for part in parts])
    first = ["id", "path", "content", *(["label"] if label else []), "pair"]
    return rows[[*first, *(c for c in rows.columns if c not in first)]]


def missing(value: Any) -> bool:
    """Whether a cell is empty: None, NaN or pandas' own signs for it."""
    return value is None or (np.ndim(value) == 0 and bool(pd.isna(value)))


def some(values: Iterable[object], most: int = 5) -> str:
    """A few of many values, and how many more there are."""
    values = list(values)
    shown = ", ".join(repr(str(v)) for v in values[:most])
    return shown + (f" and {len(values) - most} more" if len(values) > most else "")

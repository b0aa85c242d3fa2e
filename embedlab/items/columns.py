"""Modalities, and the columns that a table of items has for each."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Literal

import numpy as np
import pandas as pd

from embedlab.errors import Argument, BadItem, Part

Modality = Literal["text", "image", "image+text", "audio", "video"]
MODALITIES: tuple[str, ...] = ("text", "image", "image+text", "audio", "video")


def check_modality(modality: str) -> None:
    """Raise an error unless the modality is one of ``MODALITIES``."""
    if modality not in MODALITIES:
        raise BadItem(f"Unknown modality {modality!r}: choose one of {', '.join(MODALITIES)}.")


def content_column(modality: str) -> str:
    """Return the column that is embedded: ``content`` for text, ``path`` for media files."""
    return "content" if modality == "text" else "path"


def content_columns(modality: str) -> tuple[str, ...]:
    """Return the columns that items must have besides ``id``.

    Items of ``"image+text"`` have two, of which one is empty in each row.
    """
    return ("path", "content") if modality == "image+text" else (content_column(modality),)


def is_missing(value: object) -> bool:
    """Return whether a cell is empty: None, NaN or one of pandas' own missing values."""
    return value is None or (np.ndim(value) == 0 and bool(pd.isna(value)))  # type: ignore[call-overload, arg-type]


def unknown_column(name: str, columns: Iterable[object], where: str, use: str | None = None) -> BadItem:
    """Return the error for a column that a table does not have.

    Parameters
    ----------
    name : str
        The column that was asked for.
    columns : iterable
        The columns that the table has; the most similar one is suggested.
    where : str
        The table, for example ``"notes.csv"``.
    use : str, optional
        The argument that names the column, for example ``"content"``.
    """
    present = [str(column) for column in columns]
    same = [column for column in present if column.strip().casefold() == name.strip().casefold()]
    near = same or difflib.get_close_matches(name, present, n=1, cutoff=0.75)
    parts: list[Part] = [f"No column {name!r} in {where}; it has {present}."]
    if near:
        parts.append(f" Did you mean {near[0]!r}?")
    if use:
        parts += [" Name it with ", Argument(use, near[0] if near else ...), "."]
    return BadItem(*parts)

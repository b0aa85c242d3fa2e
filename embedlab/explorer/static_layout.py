"""Lay out maps and their captions on a static picture, in pixels."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from embedlab.analysis.projection import METHOD_NAMES, Note, NoteCode, Projection
from embedlab.explorer.captions import describe_limits
from embedlab.explorer.item_image import IMAGE_TEXT_LEGEND
from embedlab.io.text import clip

WIDTH, HEIGHT, DPI = 900, 600, 100  # pixels, pixels, pixels per inch
LINE_HEIGHT, GAP, TITLE_HEIGHT = 24, 14, 26  # pixels
MAX_NAME_CHARS = 40  # of a model
_LINE_CHARS = 130
_YAW, _PITCH = 0.5, 0.3  # radians; the first view of a space in front/data.js

Range = tuple[float, float]


class Frame(NamedTuple):
    """The place of a map, in pixels from the lower left corner."""

    left: float
    bottom: float
    width: float
    height: float


class Layout(NamedTuple):
    """The places of all maps, the lines of text below them, and the height of the picture."""

    frames: list[Frame]
    lines: list[str]
    height: float


def lay_out(maps: Sequence[Projection], right: float) -> Layout:
    """Place maps in rows, with their captions below.

    Parameters
    ----------
    maps : sequence of Projection
    right : float
        Share of the width up to the legend.
    """
    n, width, left = len(maps), right * WIDTH, 0.02 * WIDTH
    if n == 1:
        return Layout(
            [Frame(left, 0.14 * HEIGHT, width - left, 0.84 * HEIGHT)], caption_lines(maps[0]), HEIGHT
        )
    lines = [caption_lines(projection)[0] for projection in maps]
    lines += textwrap.wrap(f"{describe_limits(maps[0])} {maps[-1].note}", _LINE_CHARS)
    columns = 2 if n in (2, 4) else 3
    rows = -(-n // columns)
    side = (width - left - GAP * (columns - 1)) / columns
    below = LINE_HEIGHT * len(lines) + 18
    frames = [
        Frame(
            left + (place % columns) * (side + GAP),
            below + (rows - 1 - place // columns) * (side + TITLE_HEIGHT + GAP),
            side,
            side,
        )
        for place in range(n)
    ]
    height = below + rows * (side + TITLE_HEIGHT) + GAP * (rows - 1) + 6
    return Layout(frames, lines, height)


def caption_lines(projection: Projection) -> list[str]:
    """Write the caption of a map: what it is, and what must not be read out of it."""
    embeddings, quality = projection.embeddings, projection.quality
    name = clip(embeddings.model.name, MAX_NAME_CHARS)
    first = f"{METHOD_NAMES[projection.method]} of {len(projection)} items, {name}"
    if np.isfinite(quality.trustworthiness):
        first += f" · trustworthiness {quality.trustworthiness:.2f}, continuity {quality.continuity:.2f}"
    rest = describe_limits(projection)
    if embeddings.items.modality == "image+text":
        rest = f"{IMAGE_TEXT_LEGEND} · {rest}"
    return [
        f"{first}: {quality.words}",
        *textwrap.wrap(f"{rest} {projection.note}".strip(), _LINE_CHARS)[:2],
    ]


def project_to_plane(projection: Projection) -> Projection:
    """Show a space from the side that the explorer shows first; a plane is returned as it is."""
    if projection.coords.shape[1] == 2:
        return projection
    x, y, z = (projection.coords - projection.coords.mean(axis=0)).T
    away = z * np.cos(_YAW) - x * np.sin(_YAW)
    plane = np.column_stack([x * np.cos(_YAW) + z * np.sin(_YAW), y * np.cos(_PITCH) - away * np.sin(_PITCH)])
    note = Note(NoteCode.FLATTENED, "Three dimensions, seen from one side.")
    return dataclasses.replace(projection, coords=plane.astype(np.float32), notes=(note, *projection.notes))


def axis_limits(coords: np.ndarray, frame: Frame) -> tuple[Range, Range]:
    """Return ranges of x and y with some margin and the same scale on both axes.

    Parameters
    ----------
    coords : ndarray, shape (n_items, 2)
    frame : Frame
    """
    low, high = coords.min(axis=0).astype(float), coords.max(axis=0).astype(float)
    margin = 0.05 * float((high - low).max()) or 1.0
    x, y = (low[0] - margin, high[0] + margin), (low[1] - margin, high[1] + margin)
    unit = max((x[1] - x[0]) / frame.width, (y[1] - y[0]) / frame.height)
    return _widen(x, unit * frame.width), _widen(y, unit * frame.height)


def _widen(limits: Range, length: float) -> Range:
    low, high = limits
    return (low + high - length) / 2, (low + high + length) / 2

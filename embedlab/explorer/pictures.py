"""How items that can be seen are shown: small in lists and grids, large in the panel."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence

from embedlab.explorer.coloring import Coloring
from embedlab.explorer.text import clip, escape
from embedlab.items import Items
from embedlab.mixture import missing
from embedlab.thumbnails import LARGE, SMALL, has_thumbnails, thumbnail

MOST_IN_GRID = 24
MIXED_WORDS = "● pictures ◆ texts"  # the markers of a mixture


def are_seen(items: Items) -> bool:
    """Whether items of this kind have small pictures: images do, sounds have their spectrogram."""
    return items.modality == "image+text" or has_thumbnails(items.modality)


def kind_of(items: Items, row: int) -> str:
    """The modality, and in a mixture ``"image"`` or ``"text"``; only pictures have a small picture there."""
    if items.modality != "image+text":
        return items.modality
    return "text" if missing(items.frame["path"].iloc[row]) else "image"


def small_picture(items: Items, row: int) -> bytes:
    """What stands for an item in lists and beside the mouse, as JPEG."""
    return thumbnail(items.frame["path"].iloc[row], SMALL, kind_of(items, row))


def picture_html(items: Items, row: int) -> str:
    """One picture, large, with its file name; no folder of this machine is shown."""
    name = escape(clip(items.title(items.ids[row]), 80))
    image = _img(items, row, thumbnail(items.frame["path"].iloc[row], LARGE))
    return (
        f'<figure class="embedlab-picture">{image}'
        f'<figcaption class="embedlab-note"><bdi>{name}</bdi></figcaption></figure>'
    )


def strip_html(items: Items, coloring: Coloring, near: Iterable[tuple[int, str]]) -> str:
    """Small pictures as a grid of buttons; ``near`` gives rows, each with a word to stand below."""
    labels, ids = items.labels, items.ids
    tiles = []
    for row, word in near:
        color, _ = coloring.style_of(row)
        label = escape(clip(labels[row], 24)) if labels and labels[row] is not None else ""
        score = f'<span class="embedlab-score">{escape(word)}</span> ' if word else ""
        shown = _words(items, row, color) if kind_of(items, row) == "text" else _tile(items, row, color)
        tiles.append(
            f'<li><button type="button" data-id="{escape(json.dumps(ids[row]))}" title="{escape(ids[row])}">'
            f'{shown}<span class="embedlab-under">{score}<bdi>{label}</bdi></span>'
            "</button></li>"
        )
    return f'<ol class="embedlab-strip">{"".join(tiles)}</ol>' if tiles else ""


def grid_html(items: Items, coloring: Coloring, rows: Sequence[int]) -> str:
    """The first pictures of a selection, and how many more there are."""
    rest = len(rows) - MOST_IN_GRID
    more = f'<p class="embedlab-note">… and {rest:,} more</p>' if rest > 0 else ""
    return strip_html(items, coloring, [(row, "") for row in rows[:MOST_IN_GRID]]) + more


def _tile(items: Items, row: int, color: str) -> str:
    return _img(items, row, small_picture(items, row), color)


def _words(items: Items, row: int, color: str) -> str:
    """What stands in a grid of pictures for a text."""
    text = escape(clip(items.frame["content"].iloc[row], 60))
    return f'<span class="embedlab-words" style="border-color:{color}"><bdi>{text}</bdi></span>'


def _img(items: Items, row: int, jpeg: bytes, border: str | None = None) -> str:
    name = escape(clip(items.ids[row], 80))
    data = base64.b64encode(jpeg).decode("ascii")
    style = f' style="border-color:{border}"' if border else ""
    kind = kind_of(items, row)
    named = f'class="embedlab-{kind}" alt="{name}" data-picture="{name}"'
    return f'<img {named}{style} src="data:image/jpeg;base64,{data}">'

"""How items that are pictures are shown: as themselves, in the panel, in lists and in grids."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence

from embedlab.explorer.coloring import Coloring
from embedlab.explorer.text import clip, escape
from embedlab.items import Items
from embedlab.thumbnails import LARGE, SMALL, thumbnail

MOST_IN_GRID = 24


def are_pictures(items: Items) -> bool:
    """Whether the items are image files."""
    return items.modality == "image"


def picture_html(items: Items, row: int) -> str:
    """One picture, large, with its file name; no folder of this machine is shown."""
    name = escape(clip(items.title(items.ids[row]), 80))
    return (
        f'<figure class="embedlab-picture">{_img(items, row, LARGE)}'
        f'<figcaption class="embedlab-note"><bdi>{name}</bdi></figcaption></figure>'
    )


def strip_html(items: Items, coloring: Coloring, near: Iterable[tuple[int, str]]) -> str:
    """Pictures as a grid of buttons; ``near`` gives rows, each with a word that stands under the picture."""
    labels, ids = items.labels, items.ids
    tiles = []
    for row, word in near:
        color, _ = coloring.style_of(row)
        label = escape(clip(labels[row], 24)) if labels and labels[row] is not None else ""
        score = f'<span class="embedlab-score">{escape(word)}</span> ' if word else ""
        tiles.append(
            f'<li><button type="button" data-id="{escape(json.dumps(ids[row]))}" title="{escape(ids[row])}">'
            f'{_img(items, row, SMALL, color)}<span class="embedlab-under">{score}<bdi>{label}</bdi></span>'
            "</button></li>"
        )
    return f'<ol class="embedlab-strip">{"".join(tiles)}</ol>' if tiles else ""


def grid_html(items: Items, coloring: Coloring, rows: Sequence[int]) -> str:
    """The first pictures of a selection, and how many more there are."""
    rest = len(rows) - MOST_IN_GRID
    more = f'<p class="embedlab-note">… and {rest:,} more</p>' if rest > 0 else ""
    return strip_html(items, coloring, [(row, "") for row in rows[:MOST_IN_GRID]]) + more


def _img(items: Items, row: int, size: int, border: str | None = None) -> str:
    path, name = items.frame["path"].iloc[row], escape(clip(items.ids[row], 80))
    data = base64.b64encode(thumbnail(path, size)).decode("ascii")
    style = f' style="border-color:{border}"' if border else ""
    return f'<img alt="{name}" data-picture="{name}"{style} src="data:image/jpeg;base64,{data}">'

"""What the panel shows of one item: its words, picture, sound or film, and its metadata. All escaped here."""

from __future__ import annotations

import pandas as pd

from embedlab.explorer.films import film_html
from embedlab.explorer.pictures import kind_of, picture_html
from embedlab.explorer.sounds import sound_html
from embedlab.io.text import clip, escape
from embedlab.items import Items
from embedlab.items.columns import content_column

MOST_CHARS = 4_000  # of a text
MOST_FIELDS = 12


def item_html(items: Items, row: int) -> str:
    """The item itself and its metadata."""
    return _content(items, row) + _fields(items, row)


def _content(items: Items, row: int) -> str:
    kind = kind_of(items, row)
    shown = {"image": picture_html, "audio": sound_html, "video": film_html}.get(kind)
    if shown:
        return shown(items, row)
    text = str(items.frame[content_column(kind)].iloc[row])
    words = escape(text[:MOST_CHARS]) or '<span class="embedlab-note">(empty text)</span>'
    rest = len(text) - MOST_CHARS
    more = f'<p class="embedlab-note">… and {rest:,} more characters</p>' if rest > 0 else ""
    return f'<p class="embedlab-text" dir="auto">{words}</p>{more}'


def _fields(items: Items, row: int) -> str:
    metadata, lines = items.metadata, []
    for column in list(metadata.columns)[:MOST_FIELDS]:
        value = metadata[column].iloc[row]
        if pd.api.types.is_scalar(value) and pd.isna(value):
            continue
        name, shown = escape(clip(column, 40)), escape(clip(value, 200))
        lines.append(f"<tr><th>{name}</th><td><bdi>{shown}</bdi></td></tr>")
    return f"<table>{''.join(lines)}</table>" if lines else ""

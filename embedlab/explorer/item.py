"""Render what the panel shows of one item: its text, image, sound or video, and its metadata."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from markupsafe import Markup

from embedlab.explorer.item_audio import render_audio
from embedlab.explorer.item_image import item_kind, render_image
from embedlab.explorer.item_video import render_video
from embedlab.io.html import render
from embedlab.io.text import clean, clip
from embedlab.items import Items
from embedlab.items.columns import content_column

MAX_CHARS = 4_000  # of a text
MAX_FIELDS = 12
_MAX_NAME_CHARS, _MAX_VALUE_CHARS = 40, 200

_RENDERERS: dict[str, Callable[[Items, int], Markup]] = {
    "image": render_image,
    "audio": render_audio,
    "video": render_video,
}


def render_item(items: Items, row: int) -> Markup:
    """Render an item and its metadata as HTML, with everything that comes from the item escaped."""
    render_content = _RENDERERS.get(item_kind(items, row), _render_text)
    return render_content(items, row) + _render_fields(items, row)


def _render_text(items: Items, row: int) -> Markup:
    text = str(items.frame[content_column("text")].iloc[row])
    values = {"text": clean(text[:MAX_CHARS]), "n_more": len(text) - MAX_CHARS}
    return render("embedlab.explorer", "text.html", values)


def _render_fields(items: Items, row: int) -> Markup:
    metadata, fields = items.metadata, []
    for column in list(metadata.columns)[:MAX_FIELDS]:
        value = metadata[column].iloc[row]
        if pd.api.types.is_scalar(value) and pd.isna(value):
            continue
        fields.append((clip(column, _MAX_NAME_CHARS), clip(value, _MAX_VALUE_CHARS)))
    return render("embedlab.explorer", "fields.html", {"fields": fields})

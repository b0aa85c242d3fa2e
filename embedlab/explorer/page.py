"""One file that holds a whole explorer: opened from disk, without Python and without a network."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from embedlab.analysis.projection import Projection
from embedlab.errors import BadItem
from embedlab.explorer.films import mp4
from embedlab.explorer.item import item_html
from embedlab.explorer.payload import payload
from embedlab.explorer.pictures import are_seen, kind_of, small_picture
from embedlab.explorer.scripts import css, script
from embedlab.explorer.sounds import wav
from embedlab.io.text import escape
from embedlab.items import Items

WORDS = {"possible": True, "placeholder": "Search for words…", "measure": ""}
_PLAYED = {"audio": (wav, "audio/wav"), "video": (mp4, "video/mp4")}


def page(
    projections: Sequence[Projection],
    color_by: str,
    k: int,
    height: int,
    *,
    plays: bool = True,
    passing: dict[str, Any] | None = None,
) -> str:
    """The page as HTML; see :meth:`embedlab.explorer.Explorer.to_html`."""
    items = projections[0].embeddings.items
    data = payload(projections, color_by, k, WORDS) | {"height": height}
    data["columns"] |= passing or {}
    title = escape(f"{items.name}: {' and '.join(p.embeddings.model.name for p in projections)}")
    body = script("page.js", EXPORTED=data, MEDIA=media(items, plays=plays))
    # Whatever a label says, this page asks nobody for anything.
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' blob:; "
        "img-src data: blob:; media-src data: blob:"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{title}</title><style>{css()}</style></head>"
        f'<body class="embedlab-page"><h1>{title}</h1><div id="explorer"></div>'
        f'<script type="module">{body}</script></body></html>\n'
    )


def media(items: Items, *, plays: bool) -> dict[str, Any]:
    """Small pictures, what the panel shows of each item, and what can be played, by row."""
    rows = range(len(items))
    pictures = are_seen(items)
    play, mime = _PLAYED.get(items.modality, (None, ""))
    return {
        "thumbs": [
            encoded(small_picture(items, row)) if kind_of(items, row) != "text" else None for row in rows
        ] if pictures else None,
        "items": [item_html(items, row) for row in rows],
        "plays": [_played(play, items, row) for row in rows] if play and plays else None,
        "mime": mime,
    }  # fmt: skip


def _played(play: Any, items: Items, row: int) -> str | None:
    try:
        return encoded(play(str(items.frame["path"].iloc[row])))
    except BadItem:
        return None  # what the panel shows of it says why


def encoded(data: bytes) -> str:
    """Bytes as base64."""
    return base64.b64encode(data).decode("ascii")

"""Write an explorer as one HTML page that works from disk, without Python and without a network."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TypedDict

from markupsafe import Markup

from embedlab.analysis.projection import Projection
from embedlab.explorer.item import render_item
from embedlab.explorer.item_image import have_thumbnails, item_kind, item_thumbnail
from embedlab.explorer.payload import Column, SearchBox, build_payload
from embedlab.explorer.playback import PLAYERS, encode_for_playing
from embedlab.explorer.scripts import join_scripts, read_css
from embedlab.io.html import render
from embedlab.items import Items

WORD_SEARCH: SearchBox = {"possible": True, "placeholder": "Search for words…", "measure": ""}
# Whatever an item says, the page cannot load or send anything.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' blob:; "
    "img-src data: blob:; media-src data: blob:"
)


class Media(TypedDict):
    """What the page shows and plays of each item, by row; a file is base64."""

    thumbs: list[str | None] | None
    items: list[str]
    plays: list[str | None] | None
    mime: str


def render_page(
    projections: Sequence[Projection],
    color_by: str,
    k: int,
    height: int,
    *,
    plays: bool = True,
    passing: dict[str, Column] | None = None,
) -> str:
    """Render the page.

    Parameters
    ----------
    projections : sequence of Projection
        One per map.
    color_by : str
        Name of the first colouring.
    k : int
        Number of neighbours to ring.
    height : int
        Of a map, in pixels.
    plays : bool
        Whether to include sounds and videos.
    passing : dict, optional
        Colourings that the items do not have themselves: tags and query scores.
    """
    items = projections[0].embeddings.items
    data = build_payload(projections, color_by, k, WORD_SEARCH)
    data["columns"] |= passing or {}
    models = " and ".join(projection.embeddings.model.name for projection in projections)
    script = join_scripts(
        "page.js", {"EXPORTED": {**data, "height": height}, "MEDIA": collect_media(items, plays=plays)}
    )
    values = {
        "policy": Markup(_POLICY),
        "title": f"{items.name}: {models}",
        "css": Markup(read_css()),
        "script": Markup(script),
    }
    return render("embedlab.explorer", "page.html", values)


def collect_media(items: Items, *, plays: bool) -> Media:
    """Collect what the page shows and plays of each item."""
    rows = range(len(items))
    player = PLAYERS.get(items.modality) if plays else None
    return {
        "thumbs": [_thumbnail(items, row) for row in rows] if have_thumbnails(items) else None,
        "items": [render_item(items, row) for row in rows],
        "plays": [_playable(items, row) for row in rows] if player else None,
        "mime": PLAYERS[items.modality].mime if items.modality in PLAYERS else "",
    }


def _thumbnail(items: Items, row: int) -> str | None:
    return None if item_kind(items, row) == "text" else _base64(item_thumbnail(items, row))


def _playable(items: Items, row: int) -> str | None:
    data = encode_for_playing(items, row)
    return None if data is None else _base64(data)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")

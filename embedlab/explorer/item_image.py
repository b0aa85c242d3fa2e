"""Images of items: small ones in lists and on maps, a large one in the panel."""

from __future__ import annotations

import base64

from markupsafe import Markup

from embedlab.io.html import render
from embedlab.io.text import clip
from embedlab.items import Items
from embedlab.items.columns import is_missing
from embedlab.media.thumbnails import LARGE, SMALL, has_thumbnails, thumbnail

IMAGE_TEXT_LEGEND = "● pictures ◆ texts"  # the markers on a map of images and texts
MAX_TITLE_CHARS = 80


def have_thumbnails(items: Items) -> bool:
    """Return whether items of this modality have thumbnails; those of sounds are spectrograms."""
    return items.modality == "image+text" or has_thumbnails(items.modality)


def item_kind(items: Items, row: int) -> str:
    """Return the modality of one item: ``"image"`` or ``"text"`` if the items are both."""
    if items.modality != "image+text":
        return items.modality
    return "text" if is_missing(items.frame["path"].iloc[row]) else "image"


def item_thumbnail(items: Items, row: int) -> bytes:
    """Return the thumbnail of an item as JPEG."""
    return thumbnail(items.frame["path"].iloc[row], SMALL, item_kind(items, row))


def item_title(items: Items, row: int) -> str:
    """Return what an item is called: its file name without the folder."""
    return clip(items.title(items.ids[row]), MAX_TITLE_CHARS)


def data_url(data: bytes, mime: str) -> str:
    """Encode a file as a ``data:`` URL."""
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"


def render_image(items: Items, row: int) -> Markup:
    """Render an image, large, with its file name."""
    jpeg = thumbnail(items.frame["path"].iloc[row], LARGE)
    values = {
        "kind": item_kind(items, row),
        "name": clip(items.ids[row], MAX_TITLE_CHARS),
        "source": data_url(jpeg, "image/jpeg"),
        "title": item_title(items, row),
    }
    return render("embedlab.explorer", "image.html", values)

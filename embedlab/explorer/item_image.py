"""How items that can be seen are shown: small in lists and grids, large in the panel."""

from __future__ import annotations

import base64

from embedlab.io.text import clip, escape
from embedlab.items import Items
from embedlab.items.columns import is_missing
from embedlab.media.thumbnails import LARGE, SMALL, has_thumbnails, thumbnail

MIXED_WORDS = "● pictures ◆ texts"  # the markers of a mixture


def are_seen(items: Items) -> bool:
    """Whether items of this kind have small pictures: images do, sounds have their spectrogram."""
    return items.modality == "image+text" or has_thumbnails(items.modality)


def kind_of(items: Items, row: int) -> str:
    """The modality, and in a mixture ``"image"`` or ``"text"``; only pictures have a small picture there."""
    if items.modality != "image+text":
        return items.modality
    return "text" if is_missing(items.frame["path"].iloc[row]) else "image"


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


def _img(items: Items, row: int, jpeg: bytes) -> str:
    name = escape(clip(items.ids[row], 80))
    data = base64.b64encode(jpeg).decode("ascii")
    kind = kind_of(items, row)
    named = f'class="embedlab-{kind}" alt="{name}" data-picture="{name}"'
    return f'<img {named} src="data:image/jpeg;base64,{data}">'

"""Small versions of pictures, made once and kept: what a map shows under the mouse and in lists."""

from __future__ import annotations

import contextlib
import hashlib
import os
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw

from embedlab import media, settings
from embedlab.errors import BadItem
from embedlab.palette import GREY, INK

SMALL, LARGE = 128, 512  # longer side in pixels: for lists and the mouse, and for the one that is looked at


def thumbnail(path: str | os.PathLike[str], size: int = SMALL) -> bytes:
    """A picture made small, as JPEG.

    Kept under the hash of the file's bytes, so a file that changes gets a new one. A cache that cannot be
    written is no error: the picture is made again the next time.

    Parameters
    ----------
    path : path
        Of the picture.
    size : int
        Longer side in pixels; a smaller picture keeps its size.

    Returns
    -------
    bytes
        For a file that is gone or cannot be read, a grey tile that says so.
    """
    try:
        content = Path(path).read_bytes()
    except OSError:
        return _tile("the file is gone", size)
    kept = _place(content, size)
    with contextlib.suppress(OSError):
        return kept.read_bytes()
    try:
        picture = media.read_image(content, at_least=size)
    except BadItem:
        return _tile("not readable", size)
    picture.thumbnail((size, size), Image.Resampling.LANCZOS)
    made = _jpeg(picture)
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(f".{os.getpid()}")
        partial.write_bytes(made)
        partial.replace(kept)
    return made


def _place(content: bytes, size: int) -> Path:
    digest = hashlib.blake2b(content, digest_size=16).hexdigest()
    return settings.cache_root() / "thumbnails" / str(size) / digest[:2] / f"{digest}.jpg"


def _tile(words: str, size: int) -> bytes:
    tile = Image.new("RGB", (size, size * 3 // 4), "#F2F2F2")
    pen = ImageDraw.Draw(tile)
    pen.rectangle((0, 0, tile.width - 1, tile.height - 1), outline=GREY)
    pen.text((tile.width / 2, tile.height / 2), words, fill=INK, anchor="mm", font_size=max(11, size // 12))
    return _jpeg(tile)


def _jpeg(picture: Image.Image) -> bytes:
    file = BytesIO()
    picture.save(file, "JPEG", quality=85)
    return file.getvalue()

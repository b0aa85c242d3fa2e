"""Thumbnails of items, cached: what a map shows under the mouse and in lists."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw

from embedlab import settings
from embedlab.items.fragments import parse_fragment
from embedlab.media.audio import read_start
from embedlab.media.errors import UnreadableMedia
from embedlab.media.image import read_image
from embedlab.palette import GREY, INK

SMALL, LARGE = 128, 512  # longer side in pixels: for lists and the mouse, and for the selected item
_TILE_GROUND = "#F2F2F2"

StrPath = str | os.PathLike[str]
Tile = Literal["the file is gone", "not readable"]


def thumbnail(path: StrPath, size: int = SMALL, modality: str = "image") -> bytes:
    """Return a small JPEG: an image, a sound's mel spectrogram or four frames of a video.

    It is cached, and made again when the file changes. If the cache cannot be written, it is made again the
    next time.

    Parameters
    ----------
    path : path
        Of the file; for sound and video perhaps with a part, ``talk.mp3#t=30,60``.
    size : int
        Longer side in pixels; a smaller image keeps its size, a sound is always 4 : 3.
    modality : {"image", "audio", "video"}

    Returns
    -------
    bytes
        For a file that is gone or cannot be read, a grey tile that says so.
    """
    try:
        cached = _cache_path(_KEYS[modality](path), size)
    except OSError:
        return _draw_tile("the file is gone", size)
    with contextlib.suppress(OSError):
        return cached.read_bytes()
    try:
        jpeg = _encode_jpeg(_PAINTERS[modality](path, size))
    except UnreadableMedia:
        return _draw_tile("not readable", size)
    with contextlib.suppress(OSError):
        cached.parent.mkdir(parents=True, exist_ok=True)
        partial = cached.with_suffix(f".{os.getpid()}")
        partial.write_bytes(jpeg)
        partial.replace(cached)
    return jpeg


def has_thumbnails(modality: str) -> bool:
    """Return whether items of this modality are shown as thumbnails."""
    return modality in _PAINTERS


def _scale_image(path: StrPath, size: int) -> Image.Image:
    image = read_image(path, at_least=size)
    image.thumbnail((size, size), Image.Resampling.LANCZOS)
    return image


def _draw_spectrogram(path: StrPath, size: int) -> Image.Image:
    from embedlab.media.spectrogram import MAX_SECONDS, draw_mel

    return draw_mel(read_start(path, MAX_SECONDS), size, size * 3 // 4)


def _draw_contact_sheet(path: StrPath, size: int) -> Image.Image:
    """Draw four frames from beginning to end, row by row, in the shape of the video."""
    from embedlab.media.video import read_frames

    tiles = [Image.fromarray(frame) for frame in read_frames(path, 4, shorter_side=size // 2)]
    for tile in tiles:
        tile.thumbnail((size // 2, size // 2), Image.Resampling.LANCZOS)
    width, height = tiles[0].width + 1, tiles[0].height + 1
    sheet = Image.new("RGB", (2 * width - 1, 2 * height - 1), "white")
    for number, tile in enumerate(tiles):
        sheet.paste(tile, (number % 2 * width, number // 2 * height))
    return sheet


def _read_content(path: StrPath) -> bytes:
    return Path(path).read_bytes()


def _identify_part(path: StrPath) -> bytes:
    """Identify a part by size and time of its file, which is too large to be read each time."""
    stat = Path(parse_fragment(path)[0]).stat()
    return f"part {os.fspath(path)} {stat.st_size} {stat.st_mtime_ns}".encode(errors="surrogatepass")


_PAINTERS: dict[str, Callable[[StrPath, int], Image.Image]] = {
    "image": _scale_image,
    "audio": _draw_spectrogram,
    "video": _draw_contact_sheet,
}
_KEYS: dict[str, Callable[[StrPath], bytes]] = {
    "image": _read_content,
    "audio": _identify_part,
    "video": _identify_part,
}


def _cache_path(key: bytes, size: int) -> Path:
    digest = hashlib.blake2b(key, digest_size=16).hexdigest()
    return settings.cache_root() / "thumbnails" / str(size) / digest[:2] / f"{digest}.jpg"


def _draw_tile(words: Tile, size: int) -> bytes:
    tile = Image.new("RGB", (size, size * 3 // 4), _TILE_GROUND)
    pen = ImageDraw.Draw(tile)
    pen.rectangle((0, 0, tile.width - 1, tile.height - 1), outline=GREY)
    pen.text((tile.width / 2, tile.height / 2), words, fill=INK, anchor="mm", font_size=max(11, size // 12))
    return _encode_jpeg(tile)


def _encode_jpeg(image: Image.Image) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()

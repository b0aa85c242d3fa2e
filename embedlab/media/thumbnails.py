"""Small pictures of items, made once and kept: what a map shows under the mouse and in lists."""

from __future__ import annotations

import contextlib
import hashlib
import os
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw

from embedlab import settings
from embedlab.errors import BadItem
from embedlab.items.fragments import fragment
from embedlab.media import audio
from embedlab.media import image as media
from embedlab.palette import GREY, INK

SMALL, LARGE = 128, 512  # longer side in pixels: for lists and the mouse, and for the one that is looked at


def thumbnail(path: str | os.PathLike[str], size: int = SMALL, modality: str = "image") -> bytes:
    """A small picture of an item, as JPEG: a picture made small, a sound's mel spectrogram, a film's frames.

    Kept in the cache, and made anew when the file changes. A cache that cannot be written is no error: the
    picture is made again the next time.

    Parameters
    ----------
    path : path
        Of the file; for sound and film perhaps with a part, ``talk.mp3#t=30,60``.
    size : int
        Longer side in pixels; a smaller picture keeps its size, a sound is always 4 : 3.
    modality : {"image", "audio", "video"}

    Returns
    -------
    bytes
        For a file that is gone or cannot be read, a grey tile that says so.
    """
    try:
        kept = _place(_KEYS[modality](path), size)
    except OSError:
        return _tile("the file is gone", size)
    with contextlib.suppress(OSError):
        return kept.read_bytes()
    try:
        made = _jpeg(_PAINTERS[modality](path, size))
    except BadItem:
        return _tile("not readable", size)
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_suffix(f".{os.getpid()}")
        partial.write_bytes(made)
        partial.replace(kept)
    return made


def has_thumbnails(modality: str) -> bool:
    """Whether items of this kind are shown as small pictures."""
    return modality in _PAINTERS


def _picture(path: str | os.PathLike[str], size: int) -> Image.Image:
    picture = media.read_image(path, at_least=size)
    picture.thumbnail((size, size), Image.Resampling.LANCZOS)
    return picture


def _spectrogram(path: str | os.PathLike[str], size: int) -> Image.Image:
    from embedlab.media.spectrogram import MOST, mel_picture

    return mel_picture(audio.beginning(path, MOST), size, size * 3 // 4)


def _contact_sheet(path: str | os.PathLike[str], size: int) -> Image.Image:
    """Four frames from beginning to end, row by row: together they have the shape of the film."""
    from embedlab.media.video import read_frames

    tiles = [Image.fromarray(frame) for frame in read_frames(path, 4, shorter_side=size // 2)]
    for tile in tiles:
        tile.thumbnail((size // 2, size // 2), Image.Resampling.LANCZOS)
    width, height = tiles[0].width + 1, tiles[0].height + 1
    sheet = Image.new("RGB", (2 * width - 1, 2 * height - 1), "white")
    for place, tile in enumerate(tiles):
        sheet.paste(tile, (place % 2 * width, place // 2 * height))
    return sheet


def _content_key(path: str | os.PathLike[str]) -> bytes:
    return Path(path).read_bytes()


def _part_key(path: str | os.PathLike[str]) -> bytes:
    """A recording can be a hundred times as large as a picture, and have as many parts: it is not read."""
    stat = Path(fragment(path)[0]).stat()
    return f"part {os.fspath(path)} {stat.st_size} {stat.st_mtime_ns}".encode(errors="surrogatepass")


_PAINTERS = {"image": _picture, "audio": _spectrogram, "video": _contact_sheet}
_KEYS = {"image": _content_key, "audio": _part_key, "video": _part_key}


def _place(key: bytes, size: int) -> Path:
    digest = hashlib.blake2b(key, digest_size=16).hexdigest()
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

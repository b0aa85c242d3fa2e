"""A look at each item before anything is embedded: can it be read, how large is it, is it there twice?"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from embedlab.io.progress import progress_bar
from embedlab.io.text import LONE_SURROGATE
from embedlab.items import Items
from embedlab.items.columns import is_missing
from embedlab.items.content_hash import content_hashes
from embedlab.items.fragments import parse_fragment
from embedlab.media.errors import UnreadableMedia
from embedlab.media.prefetch import prefetch

UNITS = {"text": "characters", "image": "pixels on the shorter side", "audio": "seconds", "video": "seconds"}
_FRAMES = 16  # of a film, when it is decoded


@dataclass(frozen=True)
class Look:
    """What a look at one item found.

    Attributes
    ----------
    problem : str or None
        Why it cannot be embedded.
    size : float
        In the unit of its kind, see ``UNITS``; NaN where that is not known.
    n_bytes : int
    like : str
        Equal for items that are nearly the same; empty where nothing is known.
    note : str
        What is odd about it, though it can be embedded.
    """

    problem: str | None = None
    size: float = float("nan")
    n_bytes: int = 0
    like: str = ""
    note: str = ""


def look_at(items: Items, *, full: bool) -> list[Look]:
    """A look at each item, in order; files are opened in threads, behind a bar when it takes long."""
    look = partial(_look, full=full)
    pairs = list(zip(items.kinds, items.contents, strict=True))
    if items.modality == "text":
        return [look(pair) for pair in pairs]
    looks = []
    with progress_bar("checking files", len(pairs), unit="file") as bar:
        for result in prefetch(look, pairs):
            if isinstance(result, Exception):
                raise result
            looks.append(result)
            bar.update()
    return looks


def groups(ids: Sequence[str], keys: Iterable[Any]) -> tuple[tuple[str, ...], ...]:
    """Ids that share a key, in order, where at least two do; an empty key is shared with nobody."""
    found: dict[Any, list[str]] = {}
    for id, key in zip(ids, keys, strict=True):
        if key:
            found.setdefault(key, []).append(id)
    return tuple(tuple(group) for group in found.values() if len(group) > 1)


def content_keys(items: Items, looks: Sequence[Look]) -> list[bytes | None]:
    """Equal for items of equal content; files are read only where another one has as many bytes."""
    readable = np.array([look.problem is None for look in looks], bool)
    kinds, contents = items.kinds, items.contents
    sizes = [(kind, look.n_bytes) for kind, look in zip(kinds, looks, strict=True)]
    counts: dict[Any, int] = {}
    for size, good in zip(sizes, readable, strict=True):
        counts[size] = counts.get(size, 0) + int(good)
    asked = [row for row in np.flatnonzero(readable) if counts[sizes[row]] > 1]
    keys: list[bytes | None] = [None] * len(items)
    for row, digest in zip(
        asked, content_hashes([kinds[r] for r in asked], [contents[r] for r in asked]), strict=True
    ):
        keys[row] = digest
    return keys


# -- kind by kind --------------------------------------------------------------------------------------------


def _look(pair: tuple[str, Any], full: bool) -> Look:
    kind, content = pair
    if kind == "text":
        return _text(content)
    if is_missing(content) or not str(content):
        return Look("no file is named")
    path = Path(parse_fragment(str(content))[0])
    try:
        n_bytes = path.stat().st_size
        size, like = _MEDIA[kind](content, full)
    except UnreadableMedia as error:
        return Look(error.problem.reason)
    except FileNotFoundError:
        address = str(content).find("://")
        return Look("there is no such file" + ("; an address must be downloaded first" * (address > 0)))
    except OSError as error:
        return Look(f"it cannot be read: {error.strerror}")
    return Look(None, size, n_bytes, like)


def _text(content: Any) -> Look:
    if not isinstance(content, str):
        return Look("no text" if is_missing(content) else f"not a text but {type(content).__name__}")
    n_bytes = len(content.encode("utf-8", "surrogatepass"))
    if not content.strip():
        return Look("empty text", len(content), n_bytes)
    if LONE_SURROGATE.search(content):
        return Look("it holds half a character (a lone surrogate)", len(content), n_bytes)
    plain = "".join(c for c in unicodedata.normalize("NFKC", content).casefold() if c.isalnum())
    like = hashlib.blake2b(plain.encode(), digest_size=16).hexdigest() if plain else ""
    odd = "NUL characters" if "\0" in content else "� characters" if "�" in content else ""
    return Look(None, len(content), n_bytes, like, odd)


def _image(content: Any, full: bool) -> tuple[float, str]:
    from PIL import Image

    from embedlab.media import image as media

    if not full:
        return float(min(media.read_size(content))), ""
    decoded = media.read_image(content)
    # The difference hash of Krawetz (2013): is each of 9 x 8 pixels brighter than the one at its right?
    small = np.asarray(decoded.convert("L").resize((9, 8), Image.Resampling.BOX), np.int16)
    brighter = small[:, 1:] > small[:, :-1]
    flat = int(small.max() - small.min()) < 8  # of an empty picture the hash says nothing
    return float(min(decoded.size)), "" if flat else np.packbits(brighter).tobytes().hex()


def _audio(content: Any, full: bool) -> tuple[float, str]:
    from embedlab.media import audio

    if not full:
        length = audio.read_duration(content)
        return float("nan") if length is None else length, ""
    loudest, n = 0.0, 0
    for piece in audio.read_blocks(content):
        n += len(piece)
        loudest = max(loudest, float(np.abs(piece).max(initial=0.0)))
    if not n or loudest < audio.SILENT:
        raise UnreadableMedia(content, "audio", audio.SILENCE if n else audio.NO_SOUND)
    return n / audio.RATE, ""


def _video(content: Any, full: bool) -> tuple[float, str]:
    from embedlab.media import video

    length = video.read_duration(content)
    if full:
        video.read_frames(content, _FRAMES, shorter_side=64)
    return length, ""


_MEDIA: dict[str, Callable[[Any, bool], tuple[float, str]]] = {
    "image": _image,
    "audio": _audio,
    "video": _video,
}

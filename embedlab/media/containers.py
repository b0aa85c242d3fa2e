"""Opening files of sound and video that come from strangers, with PyAV (FFmpeg)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Literal

import av

from embedlab.errors import BadItem

Kind = Literal["audio", "video"]

# Only formats that hold sound and pictures themselves: a playlist could name any other file, or an address.
FORMATS = "wav,w64,flac,ogg,mp3,aac,mov,matroska,avi,aiff,caf,au,amr,asf,gif,webm"
# The largest frame that any standard knows (AV1, level 7). A small file may claim far more: a bomb.
MOST_PIXELS = 16_384 * 8_704
CURE = "or leave it out with on_error='skip'"
_WORD: dict[Kind, str] = {"audio": "sound", "video": "video"}
_WANTED: dict[Kind, str] = {
    "audio": "A sound is a path, bytes, or (samples, rate) with the rate in Hz",
    "video": "A video is a path, bytes, or an array of uint8 of shape (n_frames, height, width, 3)",
}


@contextmanager
def opened(source: Any, kind: Kind) -> Iterator[Any]:
    """An open container that has a track of this kind; FFmpeg's complaints become ours.

    Parameters
    ----------
    source : path or bytes
    kind : {"audio", "video"}

    Raises
    ------
    BadItem
        Naming the file, what is wrong with it, and the cure; also for what goes wrong while it is open.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        file: Any = BytesIO(bytes(source))
    elif isinstance(source, (str, os.PathLike)):
        if Path(source).is_file() and Path(source).stat().st_size == 0:
            raise BadItem(f"{source} is an empty file (0 bytes). Copy it again, {CURE}.")
        file = os.path.abspath(source)  # noqa: PTH100 - a name such as "http:x" must stay a file's name
    else:
        raise BadItem(f"{_WANTED[kind]}, not {type(source).__name__}.")
    try:
        with av.open(
            file,
            metadata_errors="replace",
            options={"max_pixels": str(MOST_PIXELS)},  # while FFmpeg looks at what it begins with
            container_options={"format_whitelist": FORMATS},
        ) as container:
            if not (container.streams.audio if kind == "audio" else picture_of(container)):
                what = _lacking(container, kind)
                raise BadItem(f"{name(source, kind)} is {what}. Choose another file, {CURE}.")
            yield container
    except BadItem:
        raise
    except FileNotFoundError as error:
        raise BadItem(f"{name(source, kind)} does not exist.") from error
    except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
        raise BadItem(
            f"{name(source, kind)} cannot be read: {_meaning(error, source, kind)}. Copy it again, {CURE}."
        ) from error


def name(source: Any, kind: Kind) -> str:
    """What a message calls it."""
    return str(source) if isinstance(source, (str, os.PathLike)) else f"The {_WORD[kind]}"


def picture_of(container: Any) -> Any:
    """The track of moving pictures, or None; the cover of a song is none."""
    track = container.streams.best("video")
    return None if track is None or track.disposition & av.stream.Disposition.attached_pic else track


def _lacking(container: Any, kind: Kind) -> str:
    if kind == "audio":
        return "a video without a sound track" if container.streams.video else "without a sound track"
    return "a sound without a picture" if container.streams.audio else "without a picture"


def _meaning(error: BaseException, source: Any, kind: Kind) -> str:
    words = str(error)
    if isinstance(error, MemoryError):
        return "it does not fit into memory"
    damaged = isinstance(error, av.error.InvalidDataError)
    if isinstance(error, EOFError) or "End of file" in words or (damaged and is_cut(source)):
        return "it ends too early (it is truncated)"
    if damaged:
        return f"it is no {_WORD[kind]} file, or its data are damaged"
    return words.splitlines()[0][:160] if words else type(error).__name__


# -- files that were cut off ---------------------------------------------------------------------------------


def is_cut(source: Any) -> bool:
    """Whether a file is shorter than it says itself; False also where it does not say.

    FFmpeg plays what is left of such a file without a word.
    """
    in_memory = not isinstance(source, (str, os.PathLike))
    with BytesIO(bytes(source)) if in_memory else Path(source).open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(256)
        if head[:4] == b"RIFF":
            return size < int.from_bytes(head[4:8], "little") + 8
        if head[:4] == b"GIF8":
            file.seek(max(0, size - 1_024))
            return b"\0;" not in file.read()  # the end of the last frame, and of all
        if head[:4] == b"\x1a\x45\xdf\xa3":
            return size < _matroska_size(head)
        return _is_cut_in_a_box(file, size)


def _matroska_size(head: bytes) -> int:
    """Bytes in all, as the beginning tells; 0 where it was written live, without knowing."""
    body, length, _ = _number(head, 4)
    segment = body + length
    if head[segment : segment + 4] != b"\x18\x53\x80\x67":
        return 0
    body, length, known = _number(head, segment + 4)
    return body + length if known else 0


def _number(head: bytes, at: int) -> tuple[int, int, bool]:
    """A number as long as its leading zeros say: where it ends, its value, and whether it is known."""
    width = 9 - (head[at : at + 1] or b"\1")[0].bit_length()
    value = int.from_bytes(head[at : at + width]) & ((1 << 7 * width) - 1)
    return at + width, value, value != (1 << 7 * width) - 1


def _is_cut_in_a_box(file: BinaryIO, size: int) -> bool:
    """MP4 and MOV are a row of boxes; each tells in its head how long it is, 0 for "to the end"."""
    at, kind = 0, b""
    for _ in range(100_000):
        if at + 8 > size:
            break
        file.seek(at)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4]), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16])
        if length < 8:
            return False
        at += length
    return at > size and kind in (b"mdat", b"moof", b"moov")

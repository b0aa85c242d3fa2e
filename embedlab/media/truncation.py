"""Find out whether a sound or video file was cut off.

FFmpeg plays what is left of such a file without a word, and the vector of a half must not pass for that of
the whole.
"""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"  # how Matroska and WebM begin
_MAX_BOXES = 100_000
_TAIL = 65_536  # bytes; an Ogg page has at most 65,307


def is_truncated(source: str | os.PathLike[str] | bytes | bytearray | memoryview) -> bool:
    """Return whether a file is shorter than it says itself.

    False also for formats that do not say how long they are. WAV, AVI, GIF, Matroska, WebM, MP4 and MOV do.
    """
    in_memory = isinstance(source, (bytes, bytearray, memoryview))
    with BytesIO(bytes(source)) if in_memory else Path(source).open("rb") as file:  # type: ignore[arg-type]
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(256)
        if head[:4] == b"RIFF":
            return size < int.from_bytes(head[4:8], "little") + 8
        if head[:4] == b"GIF8":
            file.seek(max(0, size - 1_024))
            return b"\0;" not in file.read()  # the end of the last frame, and of the file
        if head[:4] == _EBML:
            return size < _matroska_size(head)
        return _ends_within_a_box(file, size)


def read_ends(source: str | os.PathLike[str] | bytes | bytearray | memoryview) -> tuple[bytes, bytes]:
    """Read the first and the last 64 KiB of a file."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source[:_TAIL]), bytes(source[-_TAIL:])
    with Path(source).open("rb") as file:
        head = file.read(_TAIL)
        file.seek(-min(_TAIL, Path(source).stat().st_size), os.SEEK_END)
        return head, file.read()


def is_wav_truncated(head: bytes, size: int) -> bool:
    """Return whether a WAV file of ``size`` bytes is shorter than its header says."""
    declared = int.from_bytes(head[4:8], "little")
    is_known = 0 < declared < 0xFFFFFFF0  # what records live writes one of the ends
    return head[:4] == b"RIFF" and is_known and size < declared + 8 - 1


def is_ogg_truncated(tail: bytes) -> bool:
    """Return whether the last page of an Ogg file is shorter than its header says."""
    page = tail[max(0, tail.rfind(b"OggS")) :]
    n_segments = page[26] if len(page) > 26 else 0
    return len(page) < 27 + n_segments + sum(page[27 : 27 + n_segments])


def _matroska_size(head: bytes) -> int:
    """Return how many bytes the file should have; 0 if it was written live, without knowing."""
    body, length, _ = _ebml_number(head, 4)
    segment = body + length
    if head[segment : segment + 4] != _SEGMENT:
        return 0
    body, length, is_known = _ebml_number(head, segment + 4)
    return body + length if is_known else 0


def _ebml_number(head: bytes, at: int) -> tuple[int, int, bool]:
    """Read a number of variable length: where it ends, its value, and whether it is known."""
    width = 9 - (head[at : at + 1] or b"\1")[0].bit_length()
    value = int.from_bytes(head[at : at + width]) & ((1 << 7 * width) - 1)
    return at + width, value, value != (1 << 7 * width) - 1


def _ends_within_a_box(file: BinaryIO, size: int) -> bool:
    """Return whether an MP4 or MOV file ends within a box that holds data.

    Such a file is a row of boxes, each with its length. A length of 0 means "to the end".
    """
    at, kind = 0, b""
    for _ in range(_MAX_BOXES):
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

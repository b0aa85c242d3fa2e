"""Parts of sound and video files, written as W3C Media Fragments: ``talk.mp3#t=30,60``."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TypeVar, overload

_FRAGMENT = re.compile(r"(.+)#t=(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?")
T = TypeVar("T")


@overload
def parse_fragment(source: str) -> tuple[str, float, float | None]: ...
@overload
def parse_fragment(source: os.PathLike[str]) -> tuple[str | os.PathLike[str], float, float | None]: ...
@overload
def parse_fragment(source: T) -> tuple[T, float, float | None]: ...
def parse_fragment(source: object) -> tuple[object, float, float | None]:
    """Split a source into the file, the start and the end, in seconds.

    ``"talk.mp3#t=30,60"`` → ``("talk.mp3", 30.0, 60.0)``. Without a fragment the result is
    ``(source, 0.0, None)``, also for a file whose name really ends like one.
    """
    if isinstance(source, (str, os.PathLike)):
        found = _FRAGMENT.fullmatch(str(source))
        if found and not Path(source).exists():
            path, start, end = found.groups()
            return path, float(start), None if end is None else float(end)
    return source, 0.0, None

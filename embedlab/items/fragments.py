"""Parts of sound and video files, named as the web names them: ``talk.mp3#t=30,60`` (W3C Media Fragments)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

_FRAGMENT = re.compile(r"(.+)#t=(\d+(?:\.\d+)?)(?:,(\d+(?:\.\d+)?))?")


def fragment(source: Any) -> tuple[Any, float, float | None]:
    """``"talk.mp3#t=30,60"`` → ``("talk.mp3", 30.0, 60.0)``, in seconds.

    The whole of a file is ``(file, 0.0, None)``. A file whose name really ends like this is taken whole.
    """
    if isinstance(source, (str, os.PathLike)):
        found = _FRAGMENT.fullmatch(str(source))
        if found and not Path(source).exists():
            path, start, end = found.groups()
            return path, float(start), None if end is None else float(end)
    return source, 0.0, None

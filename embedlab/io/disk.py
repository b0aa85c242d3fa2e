"""Errors of a disk that is full or cannot be written, with the way out."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedlab.errors import EmbedlabError

# No space, no larger files on this file system, the user's quota used up.
FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
# The last three: the path leads through a file, or to a drive that is not connected.
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOENT}


class CacheUnusable(EmbedlabError):
    """The cache folder is full, read-only, or cannot be created; ``path`` is the folder."""


def disk_full(folder: Path, needed: int, free: int | None = None) -> CacheUnusable:
    """Return the error for a disk without enough space.

    Parameters
    ----------
    folder : Path
        Where the files would be written.
    needed, free : int
        Bytes; ``free`` is None if it is not known.
    """
    room = "" if free is None else f", {free / 1e6:.0f} MB are free"
    return CacheUnusable(
        f"Not enough disk space in {folder}: {needed / 1e6:.0f} MB are needed{room}. Free some space, or set "
        "EMBEDLAB_CACHE to a folder on a larger disk.",
        path=folder,
    )


@contextmanager
def cache_errors(folder: Path, needed: int) -> Iterator[None]:
    """Turn the system's errors about a full or read-only disk into :class:`CacheUnusable`.

    Parameters
    ----------
    folder : Path
        The cache folder in which the body writes.
    needed : int
        Bytes that the body needs at most.
    """
    try:
        yield
    except OSError as error:
        translated = as_cache_error(error.errno, folder, needed)
        if translated is None:
            raise
        raise translated from error


def as_cache_error(number: int | None, folder: Path, needed: int) -> CacheUnusable | None:
    """Return the error for a system error number, or None if the folder is not the cause."""
    if number in FULL:
        return disk_full(folder, needed)
    if number in _FORBIDDEN:
        return CacheUnusable(
            f"The cache folder {folder} cannot be written ({os.strerror(number or 0)}). Set EMBEDLAB_CACHE "
            "to a folder that you may write to, or ask someone who may write there to fetch them once.",
            path=folder,
        )
    return None

"""What can go wrong with weights, each with its cure in the message."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedlab.errors import EmbedlabError

# Also: the user's quota is used up, and the file system has no larger files.
FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
# The last three: the path leads through a file, or to a drive that is not there.
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOENT}


class WeightsError(EmbedlabError):
    """Base of all errors about weights."""


class WeightsUnavailable(WeightsError):
    """No source could serve the weights; the message has a line for each source that was tried."""


class WeightsMismatch(WeightsError):
    """A file is missing or is not the pinned one; the message gives both sha256."""


class UnsafeArchive(WeightsError):
    """An archive has an entry that would land outside of the target folder; the message names it."""


class CacheUnusable(WeightsError):
    """The cache folder is full, read-only, or cannot be created; the message names the cure."""


class SourceFailed(WeightsError):
    """One source could not serve the weights; the search goes on with the next."""


def full(folder: Path, needed: int, free: int | None) -> CacheUnusable:
    """The error for a disk without enough room; sizes in bytes."""
    room = "" if free is None else f", {free / 1e6:.0f} MB are free"
    return CacheUnusable(
        f"Not enough disk space in {folder}: {needed / 1e6:.0f} MB are needed{room}. Free some space, or set "
        "EMBEDLAB_CACHE to a folder on a larger disk."
    )


@contextmanager
def cache_errors(folder: Path, needed: int) -> Iterator[None]:
    """Turn the system's errors about a full or read-only disk into messages with a cure.

    Parameters
    ----------
    folder
        The cache folder in which the body writes.
    needed
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
    """The error for a system error number, or None when it does not concern the cache folder."""
    if number in FULL:
        return full(folder, needed, None)
    if number in _FORBIDDEN:
        return CacheUnusable(
            f"The cache folder {folder} cannot be written ({os.strerror(number or 0)}). Set EMBEDLAB_CACHE "
            "to a folder that you may write, or have someone who may write there fetch the weights once."
        )
    return None

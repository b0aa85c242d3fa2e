"""Writing a file whole or not at all, and errors that say where and what to do."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from embedlab.errors import EmbedlabError

_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


class CannotWrite(EmbedlabError, OSError):
    """A file cannot be written; the message names it, the reason and the cure."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A place beside ``path`` to write to, which is moved there at the end.

    What is interrupted or fails leaves the old file as it was, and nothing beside it.

    Raises
    ------
    CannotWrite
        For every error of the system.
    """
    part = _part(path)
    with _said(path):
        try:
            yield part
            part.replace(path)
        except BaseException:
            _remove(part)
            raise


def check(path: Path) -> None:
    """Raise :class:`CannotWrite` unless a file can be written there; none is left behind."""
    part = _part(path)
    with _said(path):
        part.touch()
        part.unlink()


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _remove(part: Path) -> None:
    with suppress(OSError):  # what is said is why it could not be written
        part.unlink(missing_ok=True)


@contextmanager
def _said(path: Path) -> Iterator[None]:
    try:
        yield
    except CannotWrite:
        raise
    except OSError as error:
        cure = (
            "Free some space, or choose another disk"
            if error.errno in _FULL
            else "Choose a folder that is there and that you may write to, and close what has the file open"
        )
        # pyarrow's own words repeat the path; the number is the system's.
        why = os.strerror(error.errno) if error.errno else str(error)
        raise CannotWrite(f"{path} cannot be written: {why}. {cure}.") from error

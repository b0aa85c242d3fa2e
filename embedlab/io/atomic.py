"""Write a file completely or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from embedlab.errors import EmbedlabError
from embedlab.io.disk import FULL

_ADVICE = {
    errno.ENOENT: "Choose a folder that exists",
    errno.ENOTDIR: "Choose a folder that exists",
    errno.EISDIR: "Choose a name that is not a folder's",
}
_OTHER_ADVICE = "Choose a folder that you may write to, and close programs that have the file open"


class CannotWrite(EmbedlabError, OSError):
    """A file cannot be written; ``path`` is the file."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` to write to, and rename it to ``path`` at the end.

    If the body fails or is interrupted, an existing file stays as it was, and nothing is left beside it.

    Raises
    ------
    CannotWrite
        For every error of the operating system.
    """
    part = _part(path)
    with _write_errors(path):
        try:
            yield part
            part.replace(path)
        except BaseException:
            with suppress(OSError):  # the error to report is the one above
                part.unlink(missing_ok=True)
            raise


def check_writable(path: Path) -> None:
    """Raise :class:`CannotWrite` unless a file can be written at ``path``; nothing is left behind."""
    part = _part(path)
    with _write_errors(path):
        part.touch()
        part.unlink()


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


@contextmanager
def _write_errors(path: Path) -> Iterator[None]:
    """Turn the system's errors into :class:`CannotWrite`."""
    try:
        yield
    except CannotWrite:
        raise
    except OSError as error:
        if error.errno in FULL:
            advice = "Free some space, or choose another disk"
        else:
            advice = _ADVICE.get(error.errno or 0, _OTHER_ADVICE)
        # pyarrow's message repeats the path; the system's has only the reason.
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise CannotWrite(f"{path} cannot be written: {reason}. {advice}.", path=path) from error

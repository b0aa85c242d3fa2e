"""Open text files in the encoding that is given or that their first bytes name."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from embedlab.errors import Argument, BadItem, Problem, ProblemCode
from embedlab.io.text import LONE_SURROGATE

# Byte order marks; UTF-32's begins with UTF-16's, so the longer one comes first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ZIP = b"PK\x03\x04"
WESTERN_WINDOWS = "cp1252"  # the most frequent encoding that is not UTF-8


def detect_encoding(path: Path, encoding: str | None) -> str:
    """Return the given encoding, or the one that the byte order mark names, or UTF-8.

    Raises
    ------
    BadItem
        If the file or the encoding does not exist, or the file is empty or not a text.
    """
    head = _read_head(path)
    if not head:
        raise _unusable(path, ProblemCode.EMPTY, "is an empty file (0 bytes)", "Choose another file.")
    if head.startswith(_ZIP):
        raise _unusable(
            path,
            ProblemCode.WRONG_KIND,
            "is a spreadsheet or another zip file, not text",
            "Save it as CSV, or read it with pandas.read_excel and pass the table to Items.from_frame.",
        )
    if encoding is not None:
        return normalise_encoding(encoding)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if b"\0" in head[:2] and head.count(b"\0") >= len(head) // 3:
        order = "be" if head[:1] == b"\0" else "le"
        problem = Problem(
            ProblemCode.ENCODING, "looks like UTF-16 without a byte order mark", "encoding", f"utf-16-{order}"
        )
        raise BadItem(
            f"{path} {problem}. Pass ",
            Argument("encoding", f"utf-16-{order}"),
            ".",
            path=path,
            problems={path.name: problem},
        )
    return "utf-8"


def normalise_encoding(encoding: str) -> str:
    """Return Python's own name for an encoding of text.

    Raises
    ------
    BadItem
        If there is no such encoding, or it is not one of text.
    """
    try:
        name = codecs.lookup(encoding).name
        "".encode(encoding)  # some codecs, such as zip, turn bytes into bytes
    except (LookupError, ValueError) as error:
        raise BadItem(
            f"There is no encoding {encoding!r}. Pass, for example, ",
            Argument("encoding", WESTERN_WINDOWS),
            ".",
        ) from error
    return name


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[IO[str]]:
    """Open a text file; bytes that are not in the encoding become lone surrogates.

    So each line can be checked by itself. UTF-16 and UTF-32 allow no such replacement.

    Raises
    ------
    BadItem
        If the file cannot be read, or is not in UTF-16 or UTF-32 as stated.
    """
    on_bad_bytes = "strict" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
    try:
        with path.open(encoding=encoding, errors=on_bad_bytes, newline="") as file:
            yield file
    except UnicodeError as error:
        raise BadItem(
            f"{path} is not {encoding} ({error}). Pass ",
            Argument("encoding"),
            " with the one it was saved in.",
            path=path,
            problems={path.name: Problem(ProblemCode.ENCODING, f"not {encoding}", "encoding")},
        ) from error
    except OSError as error:
        raise unreadable(path, error) from error


def encoding_problem(text: str, encoding: str) -> Problem | None:
    """Return the problem of a text that :func:`open_text` could not decode, or None.

    The reason shows what the text would be in cp1252.
    """
    if text.isascii() or not (found := LONE_SURROGATE.search(text)):
        return None
    around = text[max(0, found.start() - 12) : found.end() + 12]
    raw = around.encode(encoding.removesuffix("-sig"), "surrogateescape")
    guess = raw.decode(WESTERN_WINDOWS, "replace")
    return Problem(
        ProblemCode.ENCODING,
        f"not {encoding}; as {WESTERN_WINDOWS} it reads {guess!r}",
        "encoding",
        WESTERN_WINDOWS,
    )


def unreadable(path: Path, error: OSError) -> BadItem:
    """Return the error for a file that the system does not let us read."""
    code = ProblemCode.FORBIDDEN if isinstance(error, PermissionError) else ProblemCode.UNREADABLE
    reason = error.strerror or type(error).__name__
    return BadItem(
        f"{path} cannot be read: {reason}. Check the file and its permissions.",
        path=path,
        problems={path.name: Problem(code, reason)},
    )


def _read_head(path: Path, n_bytes: int = 64) -> bytes:
    if not path.is_file():
        raise BadItem(
            f"There is no file {path}. Check the path.",
            path=path,
            problems={path.name: Problem(ProblemCode.MISSING, "there is no such file")},
        )
    try:
        with path.open("rb") as file:
            return file.read(n_bytes)
    except OSError as error:
        raise unreadable(path, error) from error


def _unusable(path: Path, code: ProblemCode, reason: str, advice: str) -> BadItem:
    return BadItem(f"{path} {reason}. {advice}", path=path, problems={path.name: Problem(code, reason)})

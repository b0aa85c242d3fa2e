"""Hash the content of items, so that equal contents are recognised."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from embedlab.errors import BadItem, Problem, ProblemCode
from embedlab.items.fragments import parse_fragment

_BYTES = 16


def content_hashes(kinds: Iterable[str], contents: Iterable[object]) -> list[bytes]:
    """Return a BLAKE2b hash of 16 bytes for each content.

    A text is hashed as UTF-8. For a path the bytes of the file are hashed, so that a file that was
    replaced under its old name has another hash; a fragment (``talk.mp3#t=30,60``) adds its times.

    Parameters
    ----------
    kinds : iterable of str
        ``"text"`` or a kind of media file, one per content.
    contents : iterable
        Texts and paths.

    Raises
    ------
    BadItem
        If a file cannot be read; ``path`` is the file.
    """
    hash_of_file: dict[str, bytes] = {}  # a recording cut into windows is read once
    return [
        _hash_text(str(content)) if kind == "text" else _hash_fragment(str(content), hash_of_file)
        for kind, content in zip(kinds, contents, strict=True)
    ]


def _hash_text(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest()


def _hash_fragment(content: str, hash_of_file: dict[str, bytes]) -> bytes:
    path, start, end = parse_fragment(content)
    if path not in hash_of_file:
        hash_of_file[path] = _hash_file(path)
    if not start and end is None:
        return hash_of_file[path]
    return hashlib.blake2b(hash_of_file[path] + f"{start},{end}".encode(), digest_size=_BYTES).digest()


def _hash_file(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=_BYTES)).digest()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BadItem(
            f"{path} cannot be read: {reason}. Check the path.",
            path=path,
            problems={path: Problem(ProblemCode.UNREADABLE, reason)},
        ) from error

"""What an item is, in sixteen bytes: equal content, equal digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from embedlab.errors import BadItem
from embedlab.items.fragments import fragment


def content_hashes(kinds: Iterable[str], contents: Iterable[Any]) -> list[bytes]:
    """A hash of each content; of a file, of the bytes in it: a picture replaced under its name is another."""
    known: dict[Any, bytes] = {}  # a recording cut into windows is read once
    return [
        _of_text(content) if kind == "text" else _of_file(content, known)
        for kind, content in zip(kinds, contents, strict=True)
    ]


def _of_text(content: object) -> bytes:
    return hashlib.blake2b(str(content).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _of_file(content: object, known: dict[Any, bytes]) -> bytes:
    path, start, end = fragment(str(content))
    if path not in known:
        try:
            with Path(path).open("rb") as file:
                known[path] = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
        except OSError as error:
            raise BadItem(f"{path} cannot be read: {error.strerror}.") from error
    if not start and end is None:
        return known[path]
    return hashlib.blake2b(known[path] + f"{start},{end}".encode(), digest_size=16).digest()

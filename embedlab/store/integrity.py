"""Whether the files of a Milvus Lite folder are whole, before Milvus opens them.

Milvus Lite 3.2 goes on without a file that is missing, falls back to an older list of files where the newest
is cut off, and then deletes what that does not list. So rows would be lost without a word; and one broken
collection keeps it from listing the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from embedlab.store.errors import StoreError

_PARQUET = b"PAR1"  # at both ends of a whole file


def check_whole(path: Path) -> None:
    """Raise unless every collection's files are there and whole; nothing is changed.

    Parameters
    ----------
    path : Path
        The folder of the store.

    Raises
    ------
    StoreError
        Naming each damaged collection, what is wrong with it, and what to do.
    """
    found = {}
    for folder in sorted((path / "collections").iterdir()):
        if folder.is_dir() and (harm := next(_harm(folder), None)):
            found[folder] = harm
    if found:
        told = "; ".join(f"{folder.name!r}: {harm}" for folder, harm in found.items())
        away = " and ".join(str(folder) for folder in found)
        raise StoreError(
            f"{path} has damaged collections and was not opened, so nothing was changed ({told}). Bring the "
            f"whole folder back from a copy. Or move {away} to another place: the store then opens without, "
            "and the items can be added again."
        )


def _harm(folder: Path) -> Iterator[str]:
    """What is wrong with the files of one collection."""
    if not any(folder.iterdir()):
        folder.rmdir()  # Milvus was stopped when it was about to make it, and would now refuse the name
        return
    for name in ("schema.json", "manifest.json"):
        file = folder / name
        if not file.exists():
            # A collection has no manifest before its first rows are flushed.
            if name == "schema.json" or (folder / "manifest.json.prev").exists() or _rows(folder):
                yield f"{name} is missing"
            continue
        try:
            about = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            yield f"{name} is cut off or not readable"
            continue
        if name == "manifest.json":
            for partition, lists in about.get("partitions", {}).items():
                for listed in [*lists.get("data_files", []), *lists.get("delta_files", [])]:
                    yield from _broken(folder / "partitions" / partition / listed)


def _rows(folder: Path) -> bool:
    return any(folder.rglob("data_*.parquet"))


def _broken(file: Path) -> Iterator[str]:
    if not file.exists():
        yield f"{file.name} is missing"
        return
    with file.open("rb") as opened:
        begin = opened.read(4)
        opened.seek(-min(4, file.stat().st_size), 2)
        if begin != _PARQUET or opened.read() != _PARQUET:
            yield f"{file.name} is cut off"

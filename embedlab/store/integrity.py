"""Check that the files of a Milvus Lite folder are all there and complete, before Milvus opens them.

Milvus Lite 3.2 goes on without a file that is missing, falls back to an older list of files if the newest is
cut off, and then deletes what that does not list. So rows would be lost silently; and one damaged collection
keeps it from listing the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from embedlab.store.errors import StoreError, StoreErrorCode

_PARQUET_MAGIC = b"PAR1"  # at both ends of a complete file


class DamagedStore(StoreError):
    """Files of a store are missing or cut off; ``damage`` says what, by collection."""

    def __init__(self, path: Path, damage: dict[str, str]) -> None:
        details = "; ".join(f"{name!r}: {reason}" for name, reason in damage.items())
        folders = " and ".join(str(path / "collections" / name) for name in damage)
        super().__init__(
            f"{path} has damaged collections and was not opened, so nothing was changed ({details}). Restore "
            f"the whole folder from a copy. Or move {folders} to another place: the store then opens without "
            "them, and the items can be added again.",
            code=StoreErrorCode.DAMAGED,
            path=path,
        )
        self.damage = damage


def check_files(path: Path) -> None:
    """Raise unless every collection's files are there and complete; nothing is changed.

    Parameters
    ----------
    path : Path
        The folder of the store.

    Raises
    ------
    DamagedStore
        With the first damage of each collection.
    """
    damage = {}
    for folder in sorted((path / "collections").iterdir()):
        if folder.is_dir() and (reason := next(_find_damage(folder), None)):
            damage[folder.name] = reason
    if damage:
        raise DamagedStore(path, damage)


def _find_damage(folder: Path) -> Iterator[str]:
    """Yield what is wrong with the files of one collection."""
    if not any(folder.iterdir()):
        folder.rmdir()  # Milvus was stopped when it was about to make it, and would now refuse the name
        return
    for name in ("schema.json", "manifest.json"):
        file = folder / name
        if not file.exists():
            # A collection has no manifest before its first rows are flushed.
            if name == "schema.json" or (folder / "manifest.json.prev").exists() or _has_rows(folder):
                yield f"{name} is missing"
            continue
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:
            yield f"{name} is cut off or not readable"
            continue
        if name == "manifest.json":
            for partition, lists in content.get("partitions", {}).items():
                for listed in [*lists.get("data_files", []), *lists.get("delta_files", [])]:
                    yield from _check_parquet(folder / "partitions" / partition / listed)


def _has_rows(folder: Path) -> bool:
    return any(folder.rglob("data_*.parquet"))


def _check_parquet(file: Path) -> Iterator[str]:
    if not file.exists():
        yield f"{file.name} is missing"
        return
    with file.open("rb") as opened:
        start = opened.read(4)
        opened.seek(-min(4, file.stat().st_size), 2)
        if start != _PARQUET_MAGIC or opened.read() != _PARQUET_MAGIC:
            yield f"{file.name} is cut off"

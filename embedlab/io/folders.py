"""Folders that are made once and kept: whole or not at all, and made again when a file is missing."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from embedlab.io.disk import cache_errors

log = logging.getLogger("embedlab")

_LIST = ".files.json"


def build_once(folder: Path, make: Callable[[Path], None], room: int = 30_000_000) -> Path:
    """A folder that ``make`` fills; it is there whole or not at all, whoever interrupts.

    Parameters
    ----------
    folder : Path
    make : callable
        Is given another, empty folder to write into, which becomes ``folder`` when it returns.
    room : int
        Bytes that it takes, about: said when the disk is full.

    Raises
    ------
    CacheUnusable
        When nothing can be written there.
    """
    if _whole(folder):
        return folder
    with cache_errors(folder.parent, room):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{folder.name}.lock"):
            if not _whole(folder):
                _make(folder, make)
    return folder


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    # Always the same name: what a killed process left is cleared by the next one.
    half = folder.with_name(f".{folder.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    try:
        make(half)
        (half / _LIST).write_text(json.dumps(_sizes(half)), encoding="utf-8")
        if folder.exists():
            log.warning("%s is incomplete and is made again.", folder)
            shutil.rmtree(folder)
        half.replace(folder)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise


def _whole(folder: Path) -> bool:
    """Whether every file that was made is still there in its size."""
    try:
        noted: dict[str, int] = json.loads((folder / _LIST).read_text(encoding="utf-8"))
        return all((folder / name).stat().st_size == size for name, size in noted.items())
    except (OSError, ValueError, AttributeError):
        return False


def _sizes(folder: Path) -> dict[str, int]:
    return {p.relative_to(folder).as_posix(): p.stat().st_size for p in folder.rglob("*") if p.is_file()}

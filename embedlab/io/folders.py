"""Build a folder once, completely or not at all, and again if a file is missing."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from embedlab.io.disk import cache_errors

log = logging.getLogger("embedlab")

_SIZES = ".files.json"  # the size of every file, written last


def build_once(folder: Path, build: Callable[[Path], None], needed_bytes: int = 30_000_000) -> Path:
    """Fill a folder, unless it is complete already; other processes wait.

    Parameters
    ----------
    folder : Path
        The folder to return.
    build : callable
        Called with an empty folder to write into, which is renamed to ``folder`` when it returns.
    needed_bytes : int
        Roughly how large the folder becomes, for the error about a full disk.

    Returns
    -------
    Path
        ``folder``.

    Raises
    ------
    CacheUnusable
        If nothing can be written there.
    """
    if _is_complete(folder):
        return folder
    with cache_errors(folder.parent, needed_bytes):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{folder.name}.lock"):
            if not _is_complete(folder):
                _build(folder, build)
    return folder


def _build(folder: Path, build: Callable[[Path], None]) -> None:
    # Always the same name, so that the next process removes what a killed one left.
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    try:
        build(part)
        (part / _SIZES).write_text(json.dumps(_sizes(part)), encoding="utf-8")
        if folder.exists():
            log.warning("%s is incomplete; building it again.", folder)
            shutil.rmtree(folder)
        part.replace(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _is_complete(folder: Path) -> bool:
    """Return whether every file that was built still has its size."""
    try:
        sizes: dict[str, int] = json.loads((folder / _SIZES).read_text(encoding="utf-8"))
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):
        return False


def _sizes(folder: Path) -> dict[str, int]:
    return {p.relative_to(folder).as_posix(): p.stat().st_size for p in folder.rglob("*") if p.is_file()}

"""Files in a folder as items: which files belong, what they are called, and what their label is."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

from embedlab.errors import BadItem

SUFFIXES: dict[str, frozenset[str]] = {
    "text": frozenset({".txt", ".md"}),
    "image": frozenset({".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff"}),
    "audio": frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff"}),
    "video": frozenset({".mp4", ".webm", ".mkv", ".mov", ".avi", ".gif"}),
}


def rows(folder: Path, modality: str) -> list[dict[str, Any]]:
    """One row per file of a modality: id (path below ``folder``), content or path, label (its subfolder).

    Files are found by suffix, at any depth, in a stable order. Hidden files are left out, and so are links
    that lead out of the folder.

    Raises
    ------
    BadItem
        When there is no such folder, no such file in it, or a text file is not UTF-8.
    """
    if modality not in SUFFIXES:
        raise BadItem(f"A folder can hold {', '.join(SUFFIXES)}; not {modality!r}.")
    if not folder.is_dir():
        raise BadItem(f"There is no folder {folder}.")
    inside = _files(folder)
    chosen = [path for path in inside if path.suffix.lower() in SUFFIXES[modality]]
    if not chosen:
        seen = Counter(path.suffix.lower() or "(no suffix)" for path in inside)
        others = ", ".join(f"{count} {suffix}" for suffix, count in seen.most_common(5)) or "nothing"
        wanted = ", ".join(sorted(SUFFIXES[modality]))
        raise BadItem(f"No {modality} files ({wanted}) in {folder}; it holds {others}.")
    return [_row(path, folder, modality) for path in chosen]


def _files(folder: Path) -> list[Path]:
    """All files below a folder, sorted; neither hidden ones nor links that lead outside."""
    root = folder.resolve()
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent, name)
            if not name.startswith(".") and path.is_file() and path.resolve().is_relative_to(root):
                found.append(path)
    return found


def _row(path: Path, folder: Path, modality: str) -> dict[str, Any]:
    below = path.relative_to(folder)
    row: dict[str, Any] = {"id": below.as_posix()}
    if modality == "text":
        try:
            row["content"] = path.read_text("utf-8-sig")
        except UnicodeDecodeError as error:
            raise BadItem(f"{path} is not UTF-8 text ({error}). Save it as UTF-8, or move it out.") from error
    else:
        row["path"] = str(path)
    row["label"] = below.parent.name or None
    return row

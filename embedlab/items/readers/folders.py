"""Files in a folder as items: which files belong, what they are called, and what their label is."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Container
from pathlib import Path
from typing import Any

import pandas as pd

from embedlab.errors import BadItem, OnError
from embedlab.io.formats import listed
from embedlab.items.columns import unknown_column
from embedlab.items.read_report import nothing_left, refuse
from embedlab.items.readers import tables
from embedlab.items.readers.csv import known_encoding

SUFFIXES: dict[str, frozenset[str]] = {
    "text": frozenset({".txt", ".md"}),
    "image": frozenset({".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff"}),
    "audio": frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff"}),
    "video": frozenset({".mp4", ".webm", ".mkv", ".mov", ".avi", ".gif"}),
}


def rows(
    folder: Path, modality: str, encoding: str = "utf-8", on_error: OnError = "raise"
) -> tuple[list[dict[str, Any]], dict[str, str], list[str]]:
    """One row per file of a modality: id (path below ``folder``), content or path, label (its subfolder).

    Files are found by suffix, at any depth, in a stable order. Hidden files are left out, and so are links
    that lead out of the folder.

    Returns
    -------
    rows : list of dict
    left_out : dict of str to str
        Files and folders that could not be read, each with the reason; links to nothing are among them.
    outside : list of str
        Links that were not followed: to folders, and to files outside of the folder.

    Raises
    ------
    BadItem
        When there is no such folder, no such file in it, or with ``on_error="raise"`` something unreadable.
    """
    if modality not in SUFFIXES:
        raise BadItem(f"A folder can hold {', '.join(SUFFIXES)}; not {modality!r}.")
    if not folder.is_dir():
        raise BadItem(f"There is no folder {folder}.")
    encoding = known_encoding(encoding)
    bad: dict[str, str] = {}
    inside, outside = _files(folder, SUFFIXES[modality], bad)
    chosen = [path for path in inside if path.suffix.lower() in SUFFIXES[modality]]
    if not chosen and not bad:
        raise BadItem(_nothing(folder, modality, inside, outside))
    made = []
    for path in chosen:
        below = path.relative_to(folder)
        row: dict[str, Any] = {"id": _name(below)}
        if modality == "text":
            try:
                row["content"] = _text(path, encoding)
            except BadItem as error:
                bad[_name(below)] = str(error)
                continue
        else:
            row["path"] = str(path)
        made.append(row | {"label": below.parent.name or None})
    refuse(bad, f"of {len(inside)} files in {folder}", on_error)
    if not made:
        raise nothing_left(bad, f"None of the {modality} files in {folder}")
    return made, bad, outside


def _nothing(folder: Path, modality: str, inside: list[Path], outside: list[str]) -> str:
    """What a folder holds that has no files of a modality."""
    seen = Counter(path.suffix.lower() or "(no suffix)" for path in inside)
    others = [f"{count} {suffix}" for suffix, count in seen.most_common(5)]
    words = ", ".join([*others, *([linked(outside)] if outside else [])]) or "nothing"
    cure = " Copy the files into the folder, or give the folder they are in." if outside else ""
    wanted = ", ".join(sorted(SUFFIXES[modality]))
    return f"No {modality} files ({wanted}) in {folder}; it holds {words}.{cure}"


def linked(outside: list[str]) -> str:
    """How many links are not followed, and some of them."""
    words = "links that lead elsewhere and are" if len(outside) > 1 else "link that leads elsewhere and is"
    return f"{len(outside):,} {words} not followed ({listed(outside)})"


def joined(
    frame: pd.DataFrame, metadata: Path, label: str | None, on_error: OnError
) -> tuple[pd.DataFrame, dict[str, str]]:
    """The table of files with what a table beside them says; and its rows that have no file.

    Raises
    ------
    BadItem
        When the table cannot be read, has no column ``file_name``, or names a file twice or one that is not
        there.
    """
    exact = {"file_name", *([label] if label else [])}
    if metadata.suffix.lower() in (".jsonl", ".ndjson"):
        more, origin = tables.jsonl_frame(metadata, exact, None, on_error)
    else:
        more, origin = tables.csv_frame(metadata, exact, None, None, None, on_error)
    for needed in exact:
        if needed not in more.columns:
            raise unknown_column(needed, more.columns, metadata.name)
    names = [str(name).replace("\\", "/").removeprefix("./") for name in more["file_name"]]
    more = more.assign(file_name=names)
    twice = more["file_name"][more["file_name"].duplicated()]
    if len(twice):
        raise BadItem(f"{metadata.name} names {len(twice)} files twice: {listed(twice)}.")
    known = set(frame["id"])
    lost = {f"{metadata.name}, {name!r}": "there is no such file" for name in names if name not in known}
    refuse(lost, f"rows of {metadata.name}", on_error)
    more = more.rename(columns={label: "label"} if label else {})
    frame = frame.drop(columns=[c for c in more.columns if c == "label"])
    clash = [c for c in more.columns if c in frame.columns]
    found = frame.merge(more.drop(columns=clash), how="left", left_on="id", right_on="file_name")
    return found.drop(columns="file_name"), dict(origin.left_out) | lost


def _files(folder: Path, suffixes: Container[str], bad: dict[str, str]) -> tuple[list[Path], list[str]]:
    """All files below a folder, sorted, without hidden ones; and the links that are not followed.

    What cannot be opened goes into ``bad``: folders, and of the files those that were asked for.
    """
    root = folder.resolve()
    found: list[Path] = []
    outside: list[str] = []

    def closed(error: OSError) -> None:
        where = Path(str(error.filename)).relative_to(folder)
        bad[f"{_name(where)}/"] = f"the folder cannot be opened ({error.strerror})"

    for parent, folders, names in os.walk(folder, onerror=closed):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        linked_folders = [p for p in map(Path(parent).joinpath, folders) if _is_link(p)]
        outside += [f"{_name(path.relative_to(folder))}/" for path in linked_folders]
        for name in sorted(name for name in names if not name.startswith(".")):
            path = Path(parent, name)
            wanted, where = path.suffix.lower() in suffixes, _name(path.relative_to(folder))
            try:
                is_file = stat.S_ISREG(path.stat().st_mode)
                within = path.resolve().is_relative_to(root)
            except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
                if wanted:
                    bad[where] = _closed_file(path, error)
                continue
            if is_file and within:
                found.append(path)
            elif is_file and wanted:
                outside.append(where)
    return found, outside


def _closed_file(path: Path, error: Exception) -> str:
    why = getattr(error, "strerror", None) or error
    if _is_link(path):
        return f"the link leads to nothing that can be opened ({why}); mend or delete it"
    return f"it cannot be opened ({why})"


def _is_link(path: Path) -> bool:
    return os.path.islink(path)  # noqa: PTH114 — Path.is_symlink raises where not even that may be asked


def _name(below: Path) -> str:
    """The path below the folder; a byte in it that is no letter in UTF-8 is written ``\\xe9``."""
    return os.fsencode(below.as_posix()).decode("utf-8", "backslashreplace")


def _text(path: Path, encoding: str) -> str:
    try:
        return path.read_text("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeError as error:
        at = f"byte {error.start:,}" if isinstance(error, UnicodeDecodeError) else str(error)
        cure = "encoding='cp1252', or what it is in" if encoding == "utf-8" else "the encoding it is in"
        raise BadItem(f"not {encoding.upper()} text ({at}); save it so, or pass {cure}") from error
    except OSError as error:
        raise BadItem(f"it cannot be read: {error.strerror}") from error

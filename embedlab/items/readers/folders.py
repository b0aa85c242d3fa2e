"""Read the files of a folder as rows: which belong, what their id is, and what their label is."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from embedlab.errors import Argument, BadItem, OnError, Part, Problem, ProblemCode
from embedlab.items.read_report import (
    ReadReport,
    check_on_error,
    describe_links,
    nothing_readable,
    raise_unless_skipped,
)
from embedlab.items.readers.encodings import WESTERN_WINDOWS, normalise_encoding
from embedlab.items.readers.tables import Table

SUFFIXES: dict[str, frozenset[str]] = {
    "text": frozenset({".txt", ".md"}),
    "image": frozenset({".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp", ".tif", ".tiff"}),
    "audio": frozenset({".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff"}),
    "video": frozenset({".mp4", ".webm", ".mkv", ".mov", ".avi", ".gif"}),
}


@dataclass
class _Listing:
    """The files of a folder.

    Attributes
    ----------
    files : list of Path
        Regular files inside of the folder, sorted, without hidden ones.
    not_followed : list of str
        Links to folders, and to files outside of the folder.
    problems : dict of str to Problem
        Folders and files that cannot be opened.
    """

    files: list[Path] = field(default_factory=list)
    not_followed: list[str] = field(default_factory=list)
    problems: dict[str, Problem] = field(default_factory=dict)


def read_folder(
    folder: str | Path, modality: str, encoding: str = "utf-8", on_error: OnError = "raise"
) -> Table:
    """Read one row per file: ``id`` (path below the folder), ``content`` or ``path``, ``label`` (subfolder).

    Files are found by suffix, at any depth, in a stable order. Hidden files are left out, and so are
    links that lead out of the folder.

    Parameters
    ----------
    folder : path
    modality : {"text", "image", "audio", "video"}
    encoding : str
        Of text files.
    on_error : {"raise", "skip"}
        What to do with folders and files that cannot be opened, links to nothing, and texts in another
        encoding.

    Raises
    ------
    BadItem
        If there is no such folder or no such file in it, or with ``problems`` by file.
    """
    folder = Path(folder).expanduser()
    check_on_error(on_error)
    if modality not in SUFFIXES:
        raise BadItem(f"A folder can hold {', '.join(SUFFIXES)}; not {modality!r}.")
    if not folder.is_dir():
        raise BadItem(
            f"There is no folder {folder}. Check the path.",
            path=folder,
            problems={str(folder): Problem(ProblemCode.MISSING, "there is no such folder")},
        )
    encoding = normalise_encoding(encoding)
    listing = _list_files(folder, SUFFIXES[modality])
    chosen = [path for path in listing.files if path.suffix.lower() in SUFFIXES[modality]]
    if not chosen and not listing.problems:
        raise _no_files(folder, modality, listing)
    rows, problems = [], listing.problems
    for path in chosen:
        id, label = _id(path.relative_to(folder)), path.relative_to(folder).parent.name or None
        if modality != "text":
            rows.append({"id": id, "path": str(path), "label": label})
            continue
        text = _read_text(path, encoding)
        if isinstance(text, Problem):
            problems[id] = text
        else:
            rows.append({"id": id, "content": text, "label": label})
    advice = _encoding_advice(problems)
    raise_unless_skipped(problems, f"of {len(listing.files)} files in {folder}", on_error, advice)
    if not rows:
        raise nothing_readable(problems, f"None of the {modality} files in {folder}", advice)
    report = ReadReport(
        f"{folder.resolve().name}/",
        len(rows),
        f"{modality} files",
        not_followed=tuple(listing.not_followed),
        left_out=problems,
    )
    return Table(folder.resolve(), pd.DataFrame(rows, dtype=object), report)


def _list_files(folder: Path, suffixes: Container[str]) -> _Listing:
    """List all files below a folder; of files that cannot be opened only those with these suffixes."""
    root, listing = folder.resolve(), _Listing()

    def note_closed_folder(error: OSError) -> None:
        below = Path(str(error.filename)).relative_to(folder)
        problem = Problem(ProblemCode.FORBIDDEN, f"the folder cannot be opened ({error.strerror})")
        listing.problems[f"{_id(below)}/"] = problem

    for parent, folders, names in os.walk(folder, onerror=note_closed_folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        linked = [path for path in map(Path(parent).joinpath, folders) if _is_link(path)]
        listing.not_followed += [f"{_id(path.relative_to(folder))}/" for path in linked]
        for name in sorted(name for name in names if not name.startswith(".")):
            path = Path(parent, name)
            wanted, id = path.suffix.lower() in suffixes, _id(path.relative_to(folder))
            try:
                is_file = stat.S_ISREG(path.stat().st_mode)
                is_inside = path.resolve().is_relative_to(root)
            except (OSError, RuntimeError) as error:  # RuntimeError: a circle of links, before Python 3.13
                if wanted:
                    listing.problems[id] = _closed_file(path, error)
                continue
            if is_file and is_inside:
                listing.files.append(path)
            elif is_file and wanted:
                listing.not_followed.append(id)
    return listing


def _closed_file(path: Path, error: OSError | RuntimeError) -> Problem:
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    if _is_link(path):
        return Problem(ProblemCode.MISSING, f"the link leads to nothing that can be opened ({reason})")
    return Problem(ProblemCode.FORBIDDEN, f"it cannot be opened ({reason})")


def _is_link(path: Path) -> bool:
    return os.path.islink(path)  # noqa: PTH114 — Path.is_symlink raises where even that is forbidden


def _id(below: Path) -> str:
    r"""Return the path below the folder; a byte of it that is not UTF-8 becomes ``\xe9``."""
    return os.fsencode(below.as_posix()).decode("utf-8", "backslashreplace")


def _read_text(path: Path, encoding: str) -> str | Problem:
    try:
        return path.read_text("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeError as error:
        where = f"byte {error.start:,}" if isinstance(error, UnicodeDecodeError) else str(error)
        guess = WESTERN_WINDOWS if encoding == "utf-8" else ...
        return Problem(ProblemCode.ENCODING, f"not {encoding.upper()} text ({where})", "encoding", guess)
    except OSError as error:
        code = ProblemCode.FORBIDDEN if isinstance(error, PermissionError) else ProblemCode.UNREADABLE
        return Problem(code, f"it cannot be read ({error.strerror})")


def _encoding_advice(problems: dict[str, Problem]) -> tuple[Part, ...]:
    problem = next((p for p in problems.values() if p.code is ProblemCode.ENCODING), None)
    if problem is None:
        return ()
    if problem.value is ...:
        return "Pass ", Argument("encoding"), " with the one they are in. "
    return "Save them as UTF-8, or pass ", Argument("encoding", problem.value), ", or the one they are in. "


def _no_files(folder: Path, modality: str, listing: _Listing) -> BadItem:
    """Return the error for a folder without files of a modality, with what it holds instead."""
    counts = Counter(path.suffix.lower() or "(no suffix)" for path in listing.files)
    found = [f"{count} {suffix}" for suffix, count in counts.most_common(5)]
    advice = "Choose another folder or modality."
    if listing.not_followed:
        found.append(describe_links(tuple(listing.not_followed)))
        advice = "Copy the files into the folder, or choose the folder they are in."
    wanted = ", ".join(sorted(SUFFIXES[modality]))
    return BadItem(
        f"No {modality} files ({wanted}) in {folder}; it holds {', '.join(found) or 'nothing'}. {advice}",
        path=folder,
    )

"""Choose the reader for a path by its suffix."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from embedlab.errors import Argument, BadItem, OnError, Problem, ProblemCode
from embedlab.items.readers.csv import read_csv
from embedlab.items.readers.jsonl import read_jsonl
from embedlab.items.readers.parquet import read_parquet
from embedlab.items.readers.tables import JSONL_SUFFIXES, ColumnRoles, Table

FileFormat = Literal["folder", "csv", "jsonl", "parquet"]
_FORMATS: dict[str, FileFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    **dict.fromkeys(JSONL_SUFFIXES, "jsonl"),
    ".parquet": "parquet",
}


def format_of(path: Path) -> FileFormat:
    """Return which reader a path needs, by its suffix.

    Raises
    ------
    BadItem
        If nothing is there, or no reader takes such a file.
    """
    if not path.exists():
        raise BadItem(
            f"There is no file or folder {path}. Check the path.",
            path=path,
            problems={str(path): Problem(ProblemCode.MISSING, "there is no such file or folder")},
        )
    if path.is_dir():
        return "folder"
    if path.suffix.lower() not in _FORMATS:
        raise BadItem(
            f"{path} is neither a folder nor one of {', '.join(_FORMATS)}. Convert it to one of these.",
            path=path,
            problems={str(path): Problem(ProblemCode.WRONG_KIND, "not a folder or a table")},
        )
    return _FORMATS[path.suffix.lower()]


def check_no_columns(folder: Path, content: str | None, id: str | None, label: str | None) -> None:
    """Raise an error if a column of a folder is asked for."""
    columns = {"content": content, "id": id, "label": label}
    for name, column in columns.items():
        if column:
            raise BadItem(
                f"{folder} is a folder, which has no columns. Leave out ",
                Argument(name, column),
                ": its files are the items, and the name of a file's subfolder is its label.",
                path=folder,
            )


def read_table(path: Path, roles: ColumnRoles, encoding: str | None, on_error: OnError) -> Table:
    """Read a table with the reader for its suffix.

    Raises
    ------
    BadItem
        As the reader does, and for an encoding that the format does not have.
    """
    kind = format_of(path)
    if kind == "csv":
        separator = "\t" if path.suffix.lower() == ".tsv" else None
        return read_csv(path, roles, encoding=encoding, separator=separator, on_error=on_error)
    if encoding:
        raise BadItem(
            Argument("encoding"),
            " is for CSV and text files. JSON lines are UTF-8, and parquet needs none: leave it out.",
        )
    return read_jsonl(path, roles, on_error=on_error) if kind == "jsonl" else read_parquet(path, roles)

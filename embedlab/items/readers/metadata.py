"""Read a folder together with a table that describes its files."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from embedlab.errors import Argument, BadItem, OnError, Problem, ProblemCode
from embedlab.io.formats import listed
from embedlab.items.columns import unknown_column
from embedlab.items.read_report import raise_unless_skipped
from embedlab.items.readers.csv import read_csv
from embedlab.items.readers.folders import read_folder
from embedlab.items.readers.jsonl import read_jsonl
from embedlab.items.readers.tables import JSONL_SUFFIXES, ColumnRoles, Table

_FILE_NAME = "file_name"  # the convention of Hugging Face's ImageFolder


def read_described_folder(
    folder: str | Path,
    modality: str,
    metadata: str | Path | None,
    label: str | None,
    encoding: str,
    on_error: OnError,
) -> Table:
    """Read a folder and, if given, the table of its files; see :meth:`Items.from_folder`."""
    if label is not None and metadata is None:
        raise BadItem(
            "label names a column of a table that describes the files. Pass ", Argument("metadata"), " too."
        )
    files = read_folder(folder, modality, encoding, on_error)
    return files if metadata is None else join_metadata(files, metadata, label, on_error)


def join_metadata(files: Table, path: str | Path, label: str | None, on_error: OnError) -> Table:
    """Add the columns of a CSV or JSON lines file to the files of a folder.

    Parameters
    ----------
    files : Table
        From :func:`read_folder`.
    path : path
        A table with a column ``file_name``: paths below the folder.
    label : str or None
        The column that becomes the label; by default the subfolder stays the label.
    on_error : {"raise", "skip"}
        What to do with rows that have no file.

    Returns
    -------
    Table
        In its report ``left_out`` also has the rows without a file.

    Raises
    ------
    BadItem
        If the table cannot be read, lacks a column, or names a file twice or one that does not exist.
    """
    path = Path(path).expanduser()
    roles = ColumnRoles("text", _FILE_NAME, label=label)
    if path.suffix.lower() in JSONL_SUFFIXES:
        table = read_jsonl(path, roles, on_error=on_error)
    else:
        table = read_csv(path, roles, on_error=on_error)
    for column in roles.role_of:
        if column not in table.frame.columns:
            raise unknown_column(column, table.frame.columns, path.name)
    names = [str(name).replace("\\", "/").removeprefix("./") for name in table.frame[_FILE_NAME]]
    rows = table.frame.assign(**{_FILE_NAME: names})
    repeated = rows[_FILE_NAME][rows[_FILE_NAME].duplicated()]
    if len(repeated):
        raise BadItem(
            f"{path.name} names {len(repeated)} files twice: {listed(repeated)}. Keep one row for each.",
            path=path,
        )
    known = set(files.frame["id"])
    no_file = Problem(ProblemCode.MISSING, "there is no such file")
    missing = {f"{path.name}, {name!r}": no_file for name in names if name not in known}
    raise_unless_skipped(missing, f"rows of {path.name}", on_error)
    rows = rows.rename(columns={label: "label"} if label else {})
    frame = files.frame.drop(columns=[column for column in rows.columns if column == "label"])
    repeated_columns = [column for column in rows.columns if column in frame.columns]
    joined = frame.merge(
        rows.drop(columns=repeated_columns), how="left", left_on="id", right_on=_FILE_NAME
    ).drop(columns=_FILE_NAME)
    left_out = {**files.report.left_out, **table.report.left_out, **missing}
    return Table(files.path, joined, dataclasses.replace(files.report, left_out=left_out))

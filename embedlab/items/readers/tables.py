"""Tables read from files: which columns they have, and where their paths lead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from embedlab.errors import BadItem
from embedlab.items.columns import check_modality, is_missing, unknown_column
from embedlab.items.frames import rename_columns
from embedlab.items.read_report import ReadReport

JSONL_SUFFIXES = (".jsonl", ".ndjson")


@dataclass(frozen=True)
class Table:
    """The rows of a file or folder, and how they were read."""

    path: Path
    frame: pd.DataFrame
    report: ReadReport


@dataclass(frozen=True)
class ColumnRoles:
    """Which columns of a table to read, and what they are.

    Attributes
    ----------
    modality : str
        What ``content`` holds.
    content, id, label, caption : str or None
        Names of columns, as in :meth:`Items.from_frame`.
    extra : sequence of str or None
        Other columns to keep; None keeps all.
    """

    modality: str
    content: str
    id: str | None = None
    label: str | None = None
    caption: str | None = None
    extra: Sequence[str] | None = None

    def __post_init__(self) -> None:
        check_modality(self.modality)
        _ = self.role_of

    @property
    def role_of(self) -> dict[str, str]:
        """Column → role, in the order content, id, label, caption.

        Raises
        ------
        BadItem
            If a column has two roles.
        """
        roles = {"content": self.content, "id": self.id, "label": self.label, "caption": self.caption}
        role_of: dict[str, str] = {}
        for role, column in roles.items():
            if column is None:
                continue
            if column in role_of:
                raise BadItem(f"Column {column!r} cannot be the {role_of[column]} and the {role} at once.")
            role_of[column] = role
        return role_of

    @property
    def wanted(self) -> list[str] | None:
        """Names of the columns to read; None for all."""
        return None if self.extra is None else [*self.role_of, *self.extra]

    def check(self, table: Table) -> None:
        """Raise an error if the table lacks a column."""
        role_of, present, file_name = self.role_of, table.frame.columns, table.path.name
        for column in [*role_of, *(self.extra or ())]:
            if column in present:
                continue
            if self.extra is not None:  # the other columns were not read
                raise BadItem(f"No column {column!r} in {file_name}; the file has none of that name.")
            raise unknown_column(column, present, file_name, role_of[column])


def frame_of_table(table: Table, roles: ColumnRoles) -> pd.DataFrame:
    """Return the columns that items need; paths become absolute.

    Raises
    ------
    BadItem
        If the table lacks a column.
    """
    roles.check(table)
    frame = table.frame
    if roles.modality != "text":
        frame = frame.assign(**{roles.content: _resolve_paths(table.path, frame[roles.content])})
    return rename_columns(frame, roles.modality, roles.content, roles.id, roles.label, roles.caption)


def _resolve_paths(table: Path, values: pd.Series) -> pd.Series:
    """Make the paths in a column absolute; they start at the folder of the table.

    Web addresses stay as they are, so that a later check can name them.
    """
    names = ["" if is_missing(value) else str(value).strip() for value in values]
    paths = [name if not name or "://" in name else str(_resolve(table.parent, name)) for name in names]
    return pd.Series(paths, dtype=object, index=values.index)


def _resolve(folder: Path, name: str) -> Path:
    path = folder / Path(name).expanduser()
    from_windows = folder / name.replace("\\", "/")
    return from_windows if "\\" in name and not path.exists() and from_windows.exists() else path

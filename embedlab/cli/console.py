"""The two consoles of the command line, and what the commands print to them."""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
from typing import Literal

from rich.console import Console
from rich.table import Table

Status = Literal["ok", "warn", "fail"]

console = Console(highlight=False)
error_console = Console(stderr=True, highlight=False)
_COLOURS: dict[Status, str] = {"ok": "green", "warn": "yellow", "fail": "red"}


def replace_unencodable() -> None:
    """Write ``?`` for characters that a stream cannot encode (``→`` in a Windows pipe), not a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and "utf" not in stream.encoding.lower():
            stream.reconfigure(errors="replace")


def print_line(line: str) -> None:
    """Print a line without markup and without wrapping, so that paths can be copied and piped."""
    console.print(line, markup=False, soft_wrap=True)


def print_error(line: str) -> None:
    """Print a line in red to standard error."""
    error_console.print(line, style="red", markup=False, soft_wrap=True)


def print_status(status: Status, line: str) -> None:
    """Print a coloured status word, then a line."""
    console.print(f"{status:<5}", style=_COLOURS[status], end="")
    print_line(line)


def make_table(*columns: str, numbers: tuple[str, ...] = (), fold: tuple[str, ...] = ()) -> Table:
    """Make a table without a frame, in which nothing is truncated.

    Parameters
    ----------
    *columns : str
        The headings.
    numbers : tuple of str
        Columns to align right.
    fold : tuple of str
        Columns that may wrap; the others never do.
    """
    table = Table(box=None)
    for column in columns:
        justify: Literal["left", "right"] = "right" if column in numbers else "left"
        table.add_column(column, justify=justify, no_wrap=column not in fold, overflow="fold")
    return table


def quote(argument: str) -> str:
    """Quote an argument as the shell of this system needs it."""
    if os.name != "nt":
        return shlex.quote(argument)
    return argument if re.fullmatch(r"[\w.:\\/~+-]+", argument) else f'"{argument}"'

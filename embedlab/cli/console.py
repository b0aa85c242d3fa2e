"""What the commands share: the two consoles, and errors as messages."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from embedlab.errors import EmbedlabError

console = Console(highlight=False)
problems = Console(stderr=True, highlight=False)
P = ParamSpec("P")
R = TypeVar("R")


def speak_plainly() -> None:
    """Where the terminal, a file or a pipe cannot write a letter (→ on Windows), a ? instead of a crash."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and "utf" not in stream.encoding.lower():
            stream.reconfigure(errors="replace")


def clear_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Our own errors are messages for people: print them, exit 1, no traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except EmbedlabError as error:
            complain(str(error))
            raise typer.Exit(1) from error

    return run


def say(line: str) -> None:
    """Print a line as it is: no markup, and never broken, so that a pipe gets whole paths."""
    console.print(line, markup=False, soft_wrap=True)


def complain(line: str) -> None:
    """Print a line, in red, where errors go."""
    problems.print(line, style="red", markup=False, soft_wrap=True)


def marked(status: str, line: str) -> None:
    """Print ``ok``, ``warn`` or ``fail`` in its colour, then a line."""
    console.print(f"{status:<5}", style={"ok": "green", "warn": "yellow", "fail": "red"}[status], end="")
    say(line)


def table(*columns: str, numbers: tuple[str, ...] = (), fold: tuple[str, ...] = ()) -> Table:
    """A table without a frame; only the columns in ``fold`` may be broken, and none is ever cut short."""
    made = Table(box=None)
    for column in columns:
        justify = "right" if column in numbers else "left"
        made.add_column(column, justify=justify, no_wrap=column not in fold, overflow="fold")  # type: ignore[arg-type]
    return made

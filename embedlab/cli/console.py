"""What the commands share: the two consoles, and errors as messages."""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from embedlab.errors import EmbedlabError

console = Console(highlight=False)
problems = Console(stderr=True, highlight=False)
KeyFrom = Annotated[
    str | None, typer.Option(help="openai: the environment variable that holds the key (its name, no key).")
]
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
            complain(spoken(str(error)))
            raise typer.Exit(1) from error

    return run


def quoted(argument: str) -> str:
    """An argument as a shell of this system takes it, whatever letters are in it."""
    if os.name != "nt":
        return shlex.quote(argument)
    return argument if re.fullmatch(r"[\w.:\\/~+-]+", argument) else f'"{argument}"'


def spoken(words: str) -> str:
    """What the package says to people who write Python, in the options of this command line."""
    for python, shell in _SPOKEN:
        words = python.sub(shell, words)
    return words


def _option(found: re.Match[str]) -> str:
    """``on_error='skip'`` → ``--on-error skip``."""
    text, value = found.groupdict().get("text"), found.groupdict().get("value") or ""
    shown = quoted(text) if text else value.replace("_", "")
    return f"--{found['name'].replace('_', '-')}" + (f" {shown}" if shown not in ("", "True") else "")


_NAMES = "on_error|encoding|key_from|modality|content|label|id"
# The messages name arguments of functions, exactly; here the same things are options.
_SPOKEN: tuple[tuple[re.Pattern[str], Any], ...] = (
    (re.compile(r"use el\.Embeddings\.load\(('[^']*'|\"[^\"]*\")\); their \.items are the items"),
     r"look at them with `embedlab explore`"),
    (re.compile(r"say so once: el\.load_model\(.*\)"), "name it in the environment variable OPENAI_BASE_URL"),
    (re.compile(r"Explore fewer items,.*most_mb=\d+"), "Show a sample: --n-samples"),
    (re.compile(r"load_model\(…, (key_from='NAME')\)"), r"\1"),
    (re.compile(r"(token_limit=[\d_]+) to load_model(?: \([^)]*\))?"), r"\1"),
    (re.compile(rf"\b(?P<name>{_NAMES})=(?:'(?P<text>[^']*)'|(?P<value>…))"), _option),
    (re.compile(r"\b(?P<name>full|token_limit)=(?P<value>True|[\d_]+)"), _option),
    (re.compile(r"\b(?P<name>encoding)=(?= is )"), _option),
    (re.compile(r"\bkey_from\b"), "--key-from"),
    (re.compile(r"\bor pass (--on-error \w+) to leave them out"), r"or leave them out with \1"),
)  # fmt: skip


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

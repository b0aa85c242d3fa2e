"""Describe how a file or folder was read, and what in it could not be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from embedlab.errors import Argument, BadItem, OnError, Part, Problem
from embedlab.io.formats import listed

_LISTED = 5  # problems written out in a message; `problems` has all of them


@dataclass(frozen=True)
class ReadReport:
    """How items were read.

    Attributes
    ----------
    source : str
        Name of the file, or of the folder with a slash: ``"notes.csv"``, ``"photos/"``.
    n_rows : int
        How many rows, objects or files were read.
    rows_are : str
        What they are: ``"rows"``, ``"JSON objects"``, ``"image files"``.
    format : str or None
        The encoding of a text file, for example ``"utf-8"``, or ``"parquet"``.
    separator : str or None
        Of a CSV file.
    n_blank : int
        Blank rows that were skipped.
    not_followed : tuple of str
        Links to folders, and to files outside of the folder, which were not followed.
    left_out : mapping of str to Problem
        What could not be read, by line or by file (``on_error="skip"``).
    """

    source: str
    n_rows: int
    rows_are: str = "rows"
    format: str | None = None
    separator: str | None = None
    n_blank: int = 0
    not_followed: tuple[str, ...] = ()
    left_out: Mapping[str, Problem] = field(default_factory=dict)

    @property
    def description(self) -> str:
        """One line, for example ``"notes.csv: utf-8, separator ';', 602 rows"``."""
        parts = [self.format] if self.format else []
        if self.separator:
            parts.append(f"separator {separator_name(self.separator, quoted=True)}")
        parts.append(f"{self.n_rows:,} {self.rows_are}")
        if self.n_blank:
            parts.append(f"{self.n_blank:,} blank rows skipped")
        links = f"; {describe_links(self.not_followed)}" if self.not_followed else ""
        return f"{self.source}: {', '.join(parts)}{links}"


def separator_name(separator: str, *, quoted: bool = False) -> str:
    """Return ``tab``, or the separator itself."""
    return "tab" if separator == "\t" else repr(separator) if quoted else separator


def describe_links(links: tuple[str, ...]) -> str:
    """Describe how many links were not followed, and name the first."""
    noun = "links that lead elsewhere and are" if len(links) > 1 else "link that leads elsewhere and is"
    return f"{len(links):,} {noun} not followed ({listed(links)})"


def check_on_error(on_error: OnError) -> None:
    """Raise an error unless ``on_error`` is ``"raise"`` or ``"skip"``."""
    if on_error not in ("raise", "skip"):
        raise BadItem(f"on_error must be 'raise' or 'skip', not {on_error!r}.")


def raise_unless_skipped(
    problems: Mapping[str, Problem], what: str, on_error: OnError, advice: tuple[Part, ...] = ()
) -> None:
    """Raise an error that names what cannot be read, if ``on_error="raise"``.

    Parameters
    ----------
    problems : mapping of str to Problem
        By line or by file.
    what : str
        What cannot be read, to follow their number: ``"lines of notes.csv"``.
    on_error : {"raise", "skip"}
    advice : tuple of str and Argument
        A sentence about this kind of problem.

    Raises
    ------
    BadItem
        With ``problems``; the message lists the first five.
    """
    check_on_error(on_error)
    if not problems or on_error == "skip":
        return
    shown = list(problems.items())[:_LISTED]
    reasons = "; ".join(f"{where}: {problem}" for where, problem in shown)
    more = f" and {len(problems) - _LISTED} more" if len(problems) > _LISTED else ""
    raise BadItem(
        f"{len(problems)} {what} cannot be read ({reasons}{more}). ",
        *(advice or option_advice(problems)),
        "Fix them, or pass ",
        Argument("on_error", "skip"),
        " to leave them out.",
        problems=problems,
    )


def nothing_readable(problems: Mapping[str, Problem], what: str, advice: tuple[Part, ...] = ()) -> BadItem:
    """Return the error if every line or file had to be left out, with the first reason."""
    where, problem = next(iter(problems.items()))
    parts = (f"{what} can be read; {where}, for example: {problem}. ", *(advice or option_advice(problems)))
    last = parts[-1]
    return BadItem(*parts[:-1], last.rstrip() if isinstance(last, str) else last, problems=problems)


def option_advice(problems: Mapping[str, Problem]) -> tuple[Part, ...]:
    """Return the advice to pass the first argument that one of the problems names."""
    for problem in problems.values():
        if argument := problem.argument:
            return "If they are all alike, pass ", argument, ", or another value. "
    return ()

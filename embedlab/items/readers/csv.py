"""Read CSV files as spreadsheets of any country write them."""

from __future__ import annotations

import csv
import re
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pandas as pd

from embedlab.errors import Argument, BadItem, OnError, Part, Problem, ProblemCode
from embedlab.io.text import replace_surrogates
from embedlab.items.read_report import ReadReport, nothing_readable, raise_unless_skipped, separator_name
from embedlab.items.readers.encodings import WESTERN_WINDOWS, detect_encoding, encoding_problem, open_text
from embedlab.items.readers.tables import ColumnRoles, Table
from embedlab.items.readers.values import parse_numbers

SEPARATORS = (",", ";", "\t", "|")
_MAX_FIELD = 2**31 - 1  # characters; Python's own limit is 131,072
# `from_frame` uses these names by default, so that they stay as written even if nobody names them.
_AS_WRITTEN = ("id", "label")


@dataclass
class _Content:
    """What the lines of a file hold."""

    columns: dict[str, list[str]]
    n_rows: int = 0
    n_blank: int = 0
    problems: dict[str, Problem] = field(default_factory=dict)


def read_csv(
    path: str | Path,
    roles: ColumnRoles,
    *,
    encoding: str | None = None,
    separator: str | None = None,
    on_error: OnError = "raise",
) -> Table:
    """Read a CSV file with a header.

    Parameters
    ----------
    path : path
    roles : ColumnRoles
        Which columns to keep. Those with a role stay texts: ``007`` stays ``007``. Others become numbers if
        all their values are.
    encoding : str, optional
        By default UTF-8, or what the byte order mark names (UTF-8, UTF-16 or UTF-32).
    separator : str, optional
        By default the one of ``,`` ``;`` tab ``|`` that splits the first line into most fields; a first
        line ``sep=;``, which some spreadsheets write, is respected.
    on_error : {"raise", "skip"}
        What to do with lines in another encoding, or with more or fewer fields than the header.

    Raises
    ------
    BadItem
        With ``problems`` by line, or if nothing can be read.
    """
    path = Path(path).expanduser()
    encoding = detect_encoding(path, encoding)
    with open_text(path, encoding) as file, _long_fields():
        separator, n_skipped = _read_separator(file, separator)
        reader = csv.reader(file, delimiter=separator, strict=True)
        header = _read_header(reader, path)
        content = _read_rows(reader, header, n_skipped, roles.wanted, encoding, separator)
    _check(content, header, path, encoding, on_error)
    columns = {
        name: pd.Series(values, dtype=object)
        if name in roles.role_of or name in _AS_WRITTEN
        else parse_numbers(values)
        for name, values in content.columns.items()
    }
    report = ReadReport(
        path.name,
        content.n_rows,
        format=encoding,
        separator=separator,
        n_blank=content.n_blank,
        left_out=content.problems,
    )
    return Table(path, pd.DataFrame(columns), report)


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(_MAX_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _read_separator(file: IO[str], separator: str | None) -> tuple[str, int]:
    """Return the separator, and how many lines before the header were read."""
    first = file.readline()
    declared = re.fullmatch(r"sep=(.)", first.rstrip("\r\n"))
    separator = separator or (declared[1] if declared else _guess_separator(first))
    if len(separator) != 1:
        raise BadItem(f"The separator must be one character, not {separator!r}.")
    file.seek(0)
    if declared:
        file.readline()
    return separator, 1 if declared else 0


def _guess_separator(line: str) -> str:
    """Return the separator that splits the line into most fields, quotes respected."""

    def n_fields(separator: str) -> int:
        return max(map(len, csv.reader([line], delimiter=separator)), default=0)

    return max(SEPARATORS, key=n_fields)


def _read_header(reader: Iterator[list[str]], path: Path) -> list[str]:
    """Return the names of the columns; a repeated name gets a number, an empty one its position."""
    try:
        row = next((row for row in reader if any(row)), [])
    except csv.Error as error:
        problem = _quote_problem(error)
        raise BadItem(
            f"The first line of {path} cannot be read: {problem}. Fix its quotes.",
            path=path,
            problems={"line 1": problem},
        ) from error
    while row and not row[-1].strip():
        row.pop()
    if not row:
        raise BadItem(f"{path} holds no text. Choose another file.", path=path)
    names: list[str] = []
    for position, cell in enumerate(row, 1):
        name = stem = replace_surrogates(cell.strip()) or f"column {position}"
        n_times = 1
        while name in names:
            n_times += 1
            name = f"{stem}.{n_times}"
        names.append(name)
    return names


def _read_rows(
    reader: Iterator[list[str]],
    header: list[str],
    n_skipped: int,
    wanted: Container[str] | None,
    encoding: str,
    separator: str,
) -> _Content:
    content = _Content({name: [] for name in header if wanted is None or name in wanted})
    kept = [(position, name) for position, name in enumerate(header) if name in content.columns]
    for line, row in _number_rows(reader, content.problems, n_skipped):
        while len(row) > len(header) and not row[-1]:
            row.pop()
        if not any(row):
            content.n_blank += 1
        elif len(row) != len(header):
            content.problems[f"line {line}"] = _field_problem(len(row), len(header), separator)
        elif problem := next(filter(None, (encoding_problem(cell, encoding) for cell in row)), None):
            content.problems[f"line {line}"] = problem
        else:
            content.n_rows += 1
            for position, name in kept:
                content.columns[name].append(row[position])
    return content


def _number_rows(
    reader: Iterator[list[str]], problems: dict[str, Problem], n_skipped: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield rows with the number of the line on which they begin; note those that are not CSV."""
    while True:
        line = reader.line_num + 1 + n_skipped  # type: ignore[attr-defined]
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems[f"line {line}"] = _quote_problem(error)


def _quote_problem(error: csv.Error) -> Problem:
    """Translate an error of Python's csv module, which has nothing but a message."""
    if "unexpected end" in str(error):
        return Problem(ProblemCode.MALFORMED, "a quote opens here and is never closed")
    return Problem(ProblemCode.MALFORMED, f"its quotes are wrong ({error})")


def _field_problem(n_found: int, n_expected: int, separator: str) -> Problem:
    reason = f"{n_found} fields, but the header has {n_expected}"
    if n_found > n_expected:
        reason += f": is there a {separator_name(separator)} in a text without quotes?"
    return Problem(ProblemCode.MALFORMED, reason)


def _check(content: _Content, header: list[str], path: Path, encoding: str, on_error: OnError) -> None:
    problems = content.problems
    advice = _encoding_advice(problems, content.n_rows)
    raise_unless_skipped(problems, f"line{'s' * (len(problems) > 1)} of {path.name}", on_error, advice)
    if problems and not content.n_rows:
        raise nothing_readable(problems, f"No row of {path}", advice)
    if not content.n_rows:
        raise BadItem(
            f"{path} has a header ({', '.join(header)}) and no rows. Choose another file.", path=path
        )


def _encoding_advice(problems: dict[str, Problem], n_rows: int) -> tuple[Part, ...]:
    n_wrong = sum(problem.code is ProblemCode.ENCODING for problem in problems.values())
    if not n_wrong:
        return ()
    argument = Argument("encoding", WESTERN_WINDOWS)
    if n_wrong > n_rows:
        return "The file seems to be in another encoding: pass ", argument, ", or the one it was saved in. "
    return "If the whole file was saved so, pass ", argument, f"; but {n_rows:,} other rows are fine. "

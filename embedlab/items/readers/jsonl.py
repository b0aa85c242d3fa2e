"""Read JSON lines: a file with one JSON object a line."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from embedlab.errors import BadItem, OnError, Problem, ProblemCode
from embedlab.io.text import LONE_SURROGATE, replace_surrogates
from embedlab.items.read_report import ReadReport, nothing_readable, raise_unless_skipped
from embedlab.items.readers.encodings import detect_encoding, open_text
from embedlab.items.readers.tables import ColumnRoles, Table
from embedlab.items.readers.values import simplify

_ONE_A_LINE = 'Write one object a line, such as {"content": "A text."}.'


def read_jsonl(path: str | Path, roles: ColumnRoles, *, on_error: OnError = "raise") -> Table:
    """Read a file with one JSON object a line.

    Parameters
    ----------
    path : path
    roles : ColumnRoles
        Which columns to keep. Values of those with a role stay as they are; in others lists and objects
        become JSON texts.
    on_error : {"raise", "skip"}
        What to do with lines that are not JSON objects.

    Raises
    ------
    BadItem
        With ``problems`` by line, or if nothing can be read.
    """
    path, wanted = Path(path).expanduser(), roles.wanted
    encoding = detect_encoding(path, None)
    rows: list[dict[str, object]] = []
    problems: dict[str, Problem] = {}
    with open_text(path, encoding) as file:
        for number, line in enumerate(file, 1):
            if number == 1 and line.lstrip().startswith("["):
                raise BadItem(
                    f"{path} is one JSON list, not one object a line. Rewrite it, or read it with "
                    "pandas.read_json and pass the table to Items.from_frame.",
                    path=path,
                )
            if not line.strip():
                continue
            row = _parse_line(line, encoding)
            if isinstance(row, Problem):
                problems[f"line {number}"] = row
            else:
                rows.append(
                    {replace_surrogates(k): v for k, v in row.items() if wanted is None or k in wanted}
                )
    _check(rows, problems, path, on_error)
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        columns[name] = pd.Series(values, dtype=object) if name in roles.role_of else simplify(values)
    report = ReadReport(path.name, len(rows), "JSON objects", format=encoding, left_out=problems)
    return Table(path, pd.DataFrame(columns), report)


def _parse_line(line: str, encoding: str) -> dict[str, object] | Problem:
    if LONE_SURROGATE.search(line):
        return Problem(ProblemCode.ENCODING, f"not {encoding}")
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Problem(ProblemCode.MALFORMED, str(error))
    if not isinstance(row, dict):
        return Problem(ProblemCode.MALFORMED, f"a JSON object was expected, not {type(row).__name__}")
    return row


def _check(
    rows: list[dict[str, object]], problems: dict[str, Problem], path: Path, on_error: OnError
) -> None:
    raise_unless_skipped(problems, f"line{'s' * (len(problems) > 1)} of {path.name}", on_error)
    if problems and not rows:
        wrong_encoding = any(problem.code is ProblemCode.ENCODING for problem in problems.values())
        advice = "Save the file as UTF-8." if wrong_encoding else _ONE_A_LINE
        raise nothing_readable(problems, f"No line of {path}", (advice,))
    if not rows:
        raise BadItem(f"{path} holds no objects. {_ONE_A_LINE}", path=path)

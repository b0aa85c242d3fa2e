"""CSV files as they come: from spreadsheets of any country, with marks, quotes and broken lines."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from embedlab.errors import BadItem, OnError
from embedlab.io.text import LONE_SURROGATE
from embedlab.items.read_report import ReadReport, nothing_left, refuse

SEPARATORS = (",", ";", "\t", "|")
_LONGEST = 2**31 - 1  # characters in a field; Python's own limit is 131,072
_NAMES = {"\t": "tab"}
# A file says so itself in its first bytes; the longer mark comes first.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Table:
    """What a file holds: its columns, all of one length, and how it was read."""

    columns: dict[str, list[str]]
    origin: ReadReport


def read_csv(
    path: Path,
    *,
    encoding: str | None = None,
    separator: str | None = None,
    wanted: Container[str] | None = None,
    on_error: OnError = "raise",
) -> Table:
    """A CSV file as columns of texts, exactly as they are written: ``007`` stays ``007``.

    Parameters
    ----------
    path : Path
    encoding : str, optional
        By default what the file's first bytes say (UTF-8, UTF-16 or UTF-32 with a byte order mark), else
        UTF-8.
    separator : str, optional
        By default the one of ``,`` ``;`` tab ``|`` that cuts the first line into most fields; a line
        ``sep=;``, which some spreadsheets write, is obeyed.
    wanted : collection of str, optional
        Columns to keep in memory; by default all.
    on_error : {"raise", "skip"}
        What to do with lines of another encoding or with more or fewer fields than the header.

    Raises
    ------
    BadItem
        Naming the lines and the cure.
    """
    encoding = encoding_of(path, encoding)
    bad: dict[str, str] = {}
    with open_text(path, encoding) as file, _long_fields():
        first = file.readline()
        told = re.fullmatch(r"sep=(.)", first.rstrip("\r\n"))
        separator = separator or (told[1] if told else _separator(first))
        if len(separator) != 1:
            raise BadItem(f"separator must be one character, not {separator!r}.")
        offset = 1 if told else 0
        file.seek(0)
        if told:
            file.readline()
        reader = csv.reader(file, delimiter=separator, strict=True)
        header = _header(reader, path)
        columns: dict[str, list[str]] = {c: [] for c in header if wanted is None or c in wanted}
        places = [(place, columns[name]) for place, name in enumerate(header) if name in columns]
        rows = blank = 0
        for line, row in _records(reader, bad, offset):
            while len(row) > len(header) and not row[-1]:
                row.pop()
            if not any(row):
                blank += 1
            elif len(row) != len(header):
                bad[f"line {line}"] = _fields(len(row), len(header), separator)
            elif why := _undecoded(row, encoding):
                bad[f"line {line}"] = why
            else:
                rows += 1
                for place, column in places:
                    column.append(row[place])
    cure = _cure(bad, encoding, rows)
    refuse(bad, f"line{'s' * (len(bad) > 1)} of {path.name}", on_error, cure)
    if bad and not rows:
        raise nothing_left(bad, f"No row of {path}", cure)
    if not rows:
        raise BadItem(f"{path} has a header ({', '.join(header)}) and no rows.")
    words = f"{path.name}: {encoding}, separator {_NAMES.get(separator, repr(separator))}, {rows:,} rows"
    return Table(columns, ReadReport(words + (f", {blank:,} blank ones passed over" if blank else ""), bad))


def encoding_of(path: Path, encoding: str | None) -> str:
    """The encoding given, or the one that the file's byte order mark names, or UTF-8.

    Raises
    ------
    BadItem
        When there is no such file or encoding, when the file is empty, or plainly something else.
    """
    if not path.is_file():
        raise BadItem(f"There is no file {path}.")
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise BadItem(f"{path} cannot be read: {error.strerror}.") from error
    if not head:
        raise BadItem(f"{path} is an empty file (0 bytes).")
    if head.startswith(b"PK\x03\x04"):
        raise BadItem(
            f"{path} is a spreadsheet or another zip file, not text. Save it as CSV, or read it with "
            "pandas.read_excel and pass the table to Items.from_frame."
        )
    if encoding is not None:
        return known_encoding(encoding)
    for mark, named in _MARKS:
        if head.startswith(mark):
            return named
    if b"\0" in head[:2] and head.count(b"\0") >= len(head) // 3:
        order = "be" if head[:1] == b"\0" else "le"
        raise BadItem(f"{path} looks like UTF-16 without its mark. Pass encoding='utf-16-{order}'.")
    return "utf-8"


def known_encoding(encoding: str) -> str:
    """The encoding by Python's own name for it.

    Raises
    ------
    BadItem
        When there is none of this name, or it is not one of texts.
    """
    try:
        found = codecs.lookup(encoding)
        "".encode(encoding)  # some, such as zip, turn bytes into bytes
    except (LookupError, ValueError) as error:
        raise BadItem(f"There is no encoding {encoding!r}; cp1252, for example, is one.") from error
    return found.name


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[IO[str]]:
    """The file as text; a byte that is not of this encoding becomes a lone surrogate, to be found by line."""
    lenient = "strict" if encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
    try:
        with path.open(encoding=encoding, errors=lenient, newline="") as file:
            yield file
    except UnicodeError as error:
        raise BadItem(f"{path} is not {encoding} ({error}). Pass encoding=… as it was saved.") from error
    except OSError as error:
        raise BadItem(f"{path} cannot be read: {error.strerror}.") from error


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(_LONGEST)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _separator(line: str) -> str:
    """The separator that cuts the line into most fields, quotes respected."""

    def fields(separator: str) -> int:
        return max(map(len, csv.reader([line], delimiter=separator)), default=0)

    return max(SEPARATORS, key=fields)


def _header(reader: Iterator[list[str]], path: Path) -> list[str]:
    """Names of the columns; a name that comes again gets a number, and an empty one its place."""
    try:
        row = next((row for row in reader if any(row)), [])
    except csv.Error as error:
        raise BadItem(f"The first line of {path} cannot be read: {error}.") from error
    while row and not row[-1].strip():
        row.pop()
    if not row:
        raise BadItem(f"{path} holds no text.")
    names: list[str] = []
    for place, cell in enumerate(row, 1):
        name = stem = LONE_SURROGATE.sub("�", cell.strip()) or f"column {place}"
        times = 1
        while name in names:
            times += 1
            name = f"{stem}.{times}"
        names.append(name)
    return names


def _records(
    reader: Iterator[list[str]], bad: dict[str, str], offset: int
) -> Iterator[tuple[int, list[str]]]:
    """Rows, each with the number of the line on which it begins."""
    while True:
        line = reader.line_num + 1 + offset  # type: ignore[attr-defined]
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            ended = "unexpected end" in str(error)
            bad[f"line {line}"] = (
                "a quote opens here and is never closed" if ended else f"its quotes are wrong ({error})"
            )


def _fields(found: int, expected: int, separator: str) -> str:
    more = f": is there a {_NAMES.get(separator, separator)} in a text without quotes?"
    return f"{found} fields, but the header has {expected}{more if found > expected else ''}"


def _undecoded(row: list[str], encoding: str) -> str | None:
    """What is not of this encoding in a row, with what it would be if a Western Windows had written it."""
    for cell in row:
        if not cell.isascii() and (found := LONE_SURROGATE.search(cell)):
            around = cell[max(0, found.start() - 12) : found.end() + 12]
            raw = around.encode(encoding.removesuffix("-sig"), "surrogateescape")
            return f"not {encoding}; as cp1252 it reads {raw.decode('cp1252', 'replace')!r}"
    return None


def _cure(bad: dict[str, str], encoding: str, rows: int) -> str:
    broken = sum(f"not {encoding}" in why for why in bad.values())
    if not broken:
        return ""
    if broken > rows:
        return (
            "The file seems to be of another encoding: pass encoding='cp1252', or the one it was saved in. "
        )
    return f"If the whole file was saved so, pass encoding='cp1252'; but {rows:,} other rows are fine. "

"""JSON lines and parquet files as tables, and what makes any table fit to be items."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from embedlab.errors import BadItem, HoldsEmbeddings, OnError
from embedlab.io.text import LONE_SURROGATE, replace_surrogates
from embedlab.items.columns import is_missing
from embedlab.items.read_report import ReadReport, nothing_left, refuse
from embedlab.items.readers.csv import encoding_of, open_text, read_csv

_NAMES = ("id", "label")  # which from_frame takes for what they say, when nothing else is named
_ONE_A_LINE = 'Write one object a line, such as {"content": "A text."}.'
_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d{0,14})(?:\.\d+)?(?:[eE][+-]?\d+)?")


def csv_frame(
    path: Path,
    exact: Container[str],
    wanted: Container[str] | None,
    encoding: str | None,
    separator: str | None,
    on_error: OnError,
) -> tuple[pd.DataFrame, ReadReport]:
    """A CSV file as a DataFrame: ``exact`` columns as written, others as numbers where all of them are."""
    table = read_csv(path, encoding=encoding, separator=separator, wanted=wanted, on_error=on_error)
    columns = {
        name: pd.Series(values, dtype=object) if name in exact or name in _NAMES else _typed(values)
        for name, values in table.columns.items()
    }
    return pd.DataFrame(columns), table.origin


def jsonl_frame(
    path: Path, exact: Container[str], wanted: Container[str] | None, on_error: OnError
) -> tuple[pd.DataFrame, ReadReport]:
    """A file with one JSON object a line as a DataFrame; lists and objects inside become JSON texts.

    Raises
    ------
    BadItem
        Naming the lines that are not JSON objects.
    """
    encoding, bad, rows = encoding_of(path, None), {}, list[dict[str, Any]]()
    with open_text(path, encoding) as file:
        for number, line in enumerate(file, 1):
            if number == 1 and line.lstrip().startswith("["):
                raise BadItem(
                    f"{path} is one JSON list, not one object a line. Write it so, or read it with "
                    "pandas.read_json and pass the table to Items.from_frame."
                )
            if not line.strip():
                continue
            try:
                if LONE_SURROGATE.search(line):
                    raise ValueError(f"not {encoding}")
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError(f"a JSON object was expected, not {type(row).__name__}")
            except (ValueError, RecursionError) as error:
                bad[f"line {number}"] = str(error)
            else:
                rows.append(
                    {replace_surrogates(k): v for k, v in row.items() if wanted is None or k in wanted}
                )
    refuse(bad, f"line{'s' * (len(bad) > 1)} of {path.name}", on_error)
    if bad and not rows:
        not_text = any(why.startswith("not utf") for why in bad.values())
        raise nothing_left(bad, f"No line of {path}", "Save the file as UTF-8." if not_text else _ONE_A_LINE)
    if not rows:
        raise BadItem(f"{path} holds no objects. {_ONE_A_LINE}")
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: _plain([row.get(name) for row in rows], name in exact) for name in names}
    return pd.DataFrame(columns), ReadReport(f"{path.name}: {encoding}, {len(rows):,} JSON objects", bad)


def parquet_frame(
    path: Path, exact: Container[str], wanted: Sequence[str] | None
) -> tuple[pd.DataFrame, ReadReport]:
    """A parquet file as a DataFrame; nested columns become JSON texts.

    Raises
    ------
    BadItem
        For a file that is not parquet, that holds embeddings, or whose content is not texts.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise BadItem(f"There is no file {path}.")
    try:
        file = pq.ParquetFile(path)
        schema = file.schema_arrow
        if b"embedlab" in (schema.metadata or {}):
            raise HoldsEmbeddings(
                f"{path} holds saved embeddings, not items. Load it with el.Embeddings.load({path.name!r}); "
                "its .items are the items.",
                path=path,
            )
        kept = None if wanted is None else [name for name in schema.names if name in wanted]
        table = file.read(columns=kept)
    except pa.ArrowInvalid as error:
        raise BadItem(f"{path} is not a whole parquet file ({error}). Copy it again.") from error
    except OSError as error:
        raise BadItem(f"{path} cannot be read: {error}.") from error
    columns: dict[str, pd.Series] = {}
    for name in table.column_names:
        column, kind = table.column(name), table.schema.field(name).type
        if name in exact and (pa.types.is_struct(kind) or pa.types.is_binary(kind)):
            raise BadItem(f"Column {name!r} of {path} holds the bytes of files. Write them to files first.")
        nested = pa.types.is_nested(kind) or pa.types.is_binary(kind) or name in exact
        columns[name] = _plain(column.to_pylist(), name in exact) if nested else column.to_pandas()
    return pd.DataFrame(columns), ReadReport(f"{path.name}: parquet, {table.num_rows:,} rows")


def beside(path: Path, values: pd.Series) -> pd.Series:
    """Paths as they stand in a table made absolute: they start at the table's own folder.

    An address stays as it is, so that whoever looks at it can say what it is.
    """
    names = ["" if is_missing(value) else str(value).strip() for value in values]
    paths = [name if not name or "://" in name else str(_found(path.parent, name)) for name in names]
    return pd.Series(paths, dtype=object, index=values.index)


def _found(folder: Path, name: str) -> Path:
    path = folder / Path(name).expanduser()
    turned = folder / name.replace("\\", "/")  # the table was written on Windows
    return turned if "\\" in name and not path.exists() and turned.exists() else path


def _typed(values: list[str]) -> pd.Series:
    """Numbers where every value that is there is one, written as numbers are: 007 and +49 are names."""
    there = [value for value in values if value]
    if there and all(map(_NUMBER.fullmatch, there)):
        return pd.to_numeric(pd.Series([value or None for value in values], dtype=object))
    return pd.Series([value or None for value in values], dtype=object)


def _plain(values: list[Any], exact: bool) -> pd.Series:
    """A column of one simple type: lists and objects as JSON, and texts where the types differ."""
    if exact:
        return pd.Series(values, dtype=object)
    flat = [_flat(value) for value in values]
    kinds = {type(value) for value in flat if value is not None}
    big = kinds == {int} and any(abs(value) > 2**63 - 1 for value in flat if value is not None)
    if big or (len(kinds) > 1 and not kinds <= {int, float}):
        flat = [None if value is None else str(value) for value in flat]
        kinds = {str}
    return pd.Series(flat, dtype=object) if kinds <= {str} else pd.Series(flat)


def _flat(value: Any) -> Any:
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, (dict, list, tuple, np.ndarray)):
        return replace_surrogates(json.dumps(value, ensure_ascii=False, default=str))
    return value

"""Items' columns as Milvus values, and back: nothing is dropped, cut or changed silently."""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal

import numpy as np
import pandas as pd

from embedlab.errors import BadItem, Problem, ProblemCode
from embedlab.items import Items

Kind = Literal["text", "int", "float", "bool", "json", "any"]
Value = Any  # what JSON can hold; None is a missing value

MAX_BYTES = 65_535  # the longest VarChar of a Milvus server, in UTF-8 bytes; Milvus Lite would take more
RESERVED = frozenset({"vector", "$meta", "_seq", "_partition", "_bm25"})
KEYWORDS = frozenset(
    {"and", "or", "not", "in", "like", "is", "null", "exists", "iso", "interval", "true", "false"}
)
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")


@dataclass(frozen=True)
class Table:
    """The columns of some items, ready to be sent.

    Attributes
    ----------
    kinds : dict of str to str
        Every column the collection will then have: ``"text"``, ``"int"``, ``"float"``, ``"bool"``, ``"json"``
        or ``"any"`` (values of several types, or none yet).
    values : dict of str to list
        For each of these columns one plain Python value per item; None if there is none.
    sizes : ndarray, shape (n_items,), int64
        About how many bytes each item takes.
    """

    kinds: dict[str, str]
    values: dict[str, list[Value]]
    sizes: np.ndarray


def is_field(name: str) -> bool:
    """Return whether Milvus can have a field of this name, so that a filter may use it as it is."""
    return bool(_FIELD.fullmatch(name)) and name.lower() not in KEYWORDS


def encode(items: Items, known: Mapping[str, str], collection: str, reserved: Sequence[str] = ()) -> Table:
    """Turn the items' columns into values that Milvus can hold.

    Parameters
    ----------
    items : Items
        What is to be stored.
    known : mapping of str to str
        Columns that the collection has already, with their kinds.
    collection : str
        Its name, for messages.
    reserved : sequence of str
        Further names that Milvus needs itself.

    Raises
    ------
    BadItem
        With the column, the first item concerned, and what to do.
    """
    frame = items.frame
    names = [str(c) for c in frame.columns]
    _check_names(names, {*RESERVED, *reserved})
    ids = items.ids
    sizes = _measure("id", ids, ids)
    kinds: dict[str, str] = dict(known)
    values: dict[str, list[Value]] = {}
    for position, name in enumerate(names):
        if name == "id":
            continue
        found, plain = _plain_column(name, ids, frame.iloc[:, position].tolist())
        if known.get(name, "any") != "any":
            plain = _convert(name, ids, plain, found, known[name], collection)
            kind: str = known[name]
        else:
            kind = found
        kinds[name] = known.get(name) or kind
        values[name] = plain
        if kind in ("text", "json", "any"):
            sizes += _measure(name, ids, plain)
    # An update in Milvus Lite keeps old values that are not mentioned: say that they are gone.
    for name in known.keys() - values.keys():
        values[name] = [None] * len(items)
    return Table(kinds, values, sizes)


def decode(rows: list[dict[str, Any]], columns: Mapping[str, str]) -> dict[str, pd.Series]:
    """Make the columns of a result, each with the dtype of its kind."""
    dtypes = {"int": "Int64", "bool": "boolean", "float": "float64"}
    decoded = {}
    for name, kind in columns.items():
        values = [row.get(name) for row in rows]
        series = pd.Series(values, dtype=dtypes.get(kind, "object"))
        if kind in ("int", "bool") and not series.isna().any():
            series = series.astype("int64" if kind == "int" else "bool")
        decoded[name] = series
    return decoded


def _check_names(names: list[str], reserved: set[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise BadItem(f"There are two columns {name!r}. Rename one of them in the items.")
        if name in reserved:
            raise BadItem(f"Milvus needs the column name {name!r} itself. Rename the column in the items.")


def _plain_column(name: str, ids: list[str], values: list[Value]) -> tuple[Kind, list[Value]]:
    """Return the kind of a column and its values as plain Python."""
    if {type(v) for v in values} == {str}:
        return "text", values
    plain: list[Value] = []
    kinds: set[Kind] = set()
    problems: dict[str, Problem] = {}
    for item_id, value in zip(ids, values, strict=True):
        try:
            kind, converted = _plain(value)
        except (TypeError, ValueError) as error:
            problems[item_id] = Problem(ProblemCode.WRONG_KIND, str(error))
            continue
        if converted is not None:
            kinds.add(kind)
        plain.append(converted)
    if problems:
        first, problem = next(iter(problems.items()))
        raise BadItem(
            f"Column {name!r} of item {first!r} holds {problem.reason} ({len(problems)} items in all), which "
            "Milvus cannot store. Convert the column to text or numbers.",
            problems=problems,
        )
    if kinds == {"int", "float"}:
        return "float", [None if v is None else float(v) for v in plain]
    return (kinds.pop() if len(kinds) == 1 else "any"), plain


def _plain(value: Value) -> tuple[Kind, Value]:
    """Return kind and plain value; dates become ISO 8601 text, which sorts as time does.

    Raises
    ------
    TypeError, ValueError
        For what Milvus cannot store, to follow "holds".
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return "any", None
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    elif isinstance(value, np.generic):
        value = value.item()
    match value:
        case pd.Timestamp() | datetime.date() | datetime.time():
            return ("any", None) if value is pd.NaT else ("text", value.isoformat())
        case bool():
            return "bool", value
        case int():
            if not -(2**63) <= value < 2**63:
                raise ValueError(f"{value}, which does not fit into 64 bits")
            return "int", int(value)
        case float():
            if math.isinf(value):
                raise ValueError(f"{value}, which is not a number in JSON")
            return ("any", None) if math.isnan(value) else ("float", float(value))
        case str() | PurePath():
            return "text", str(value)
        case list() | tuple() | dict() | np.ndarray():
            return "json", _plain_json(value)
    raise TypeError(f"a {type(value).__name__}")


def _plain_json(value: Value) -> Value:
    if isinstance(value, dict):
        return {str(k): _plain_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain_json(v) for v in value]
    return _plain(value)[1]


# How to turn a column of one kind into another without losing anything, if all of its values allow it.
_CONVERSIONS: dict[tuple[str, str], tuple[Callable[[Value], bool], Callable[[Value], Value]]] = {
    ("int", "float"): (lambda _: True, float),
    ("float", "int"): (float.is_integer, int),
}


def _convert(
    name: str, ids: list[str], plain: list[Value], kind: Kind, known: str, collection: str
) -> list[Value]:
    """Convert values to the kind that a column has, if that loses nothing."""
    present = [v for v in plain if v is not None]
    if kind == known or not present:
        return plain
    if (kind, known) in _CONVERSIONS:
        is_exact, convert = _CONVERSIONS[kind, known]
        if all(map(is_exact, present)):
            return [None if v is None else convert(v) for v in plain]
    description = "values of several types" if kind == "any" else f"{kind} values"
    wrong = [i for i, v in zip(ids, plain, strict=True) if v is not None and _plain(v)[0] != known]
    raise BadItem(
        f"Column {name!r} of {collection!r} holds {known} values, but these items bring {description} "
        f"(first: {wrong[0]!r}). Convert the column, or use another collection name.",
        problems={i: Problem(ProblemCode.WRONG_KIND, f"no {known} value in {name!r}") for i in wrong},
    )


def _measure(name: str, ids: list[str], values: list[Value]) -> np.ndarray:
    """Return the UTF-8 bytes of each value, shape (n_items,), int64.

    Raises
    ------
    BadItem
        For values that Milvus could not hold.
    """
    sizes = np.empty(len(values), np.int64)
    for row, value in enumerate(values):
        text = _as_text(value)
        try:
            sizes[row] = len(text) if text.isascii() else len(text.encode())
        except UnicodeEncodeError as error:
            raise BadItem(
                f"Column {name!r} of item {ids[row]!r} is not valid Unicode text: {error}. Replace the lone "
                "surrogate.",
                problems={ids[row]: Problem(ProblemCode.ENCODING, str(error))},
            ) from error
    long = np.flatnonzero(sizes > MAX_BYTES)
    if len(long):
        longest = int(sizes.argmax())
        raise BadItem(
            f"Column {name!r} of item {ids[longest][:80]!r} has {sizes[longest]:,} bytes, but Milvus holds "
            f"at most {MAX_BYTES:,}. Split long texts into passages; models read only the beginning anyway.",
            problems={
                ids[row]: Problem(ProblemCode.TOO_LONG, f"{sizes[row]:,} bytes in {name!r}") for row in long
            },
        )
    return sizes


def _as_text(value: Value) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)

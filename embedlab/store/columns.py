"""Items' columns as Milvus values, and back: nothing is dropped, cut or changed silently."""

from __future__ import annotations

import datetime
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd

from embedlab.errors import BadItem
from embedlab.items import Items

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
        For each of these columns one plain Python value per item; None where there is none.
    sizes : ndarray, shape (n_items,), int64
        About how many bytes each item takes.
    """

    kinds: dict[str, str]
    values: dict[str, list[Any]]
    sizes: np.ndarray


def is_field(name: str) -> bool:
    """Whether Milvus can have a field of this name, so that a filter may use it as it is."""
    return bool(_FIELD.fullmatch(name)) and name.lower() not in KEYWORDS


def encode(items: Items, known: Mapping[str, str], collection: str, taken: Sequence[str] = ()) -> Table:
    """Turn the items' columns into values Milvus can hold.

    Parameters
    ----------
    items : Items
        What is to be stored.
    known : mapping of str to str
        Columns the collection has already, with their kinds.
    collection : str
        Its name, for messages.
    taken : sequence of str
        Further names that Milvus needs itself.

    Raises
    ------
    BadItem
        Naming the column, the first item concerned, and what to do.
    """
    frame = items.frame
    names = [str(c) for c in frame.columns]
    for name in names:
        if name in {*RESERVED, *taken} or names.count(name) > 1:
            reason = "occurs twice" if names.count(name) > 1 else "is a name Milvus needs itself"
            raise BadItem(f"Column {name!r} {reason}: rename it in the items.")
    ids = items.ids
    sizes = _text_sizes("id", ids, ids)
    kinds, values = dict(known), {}
    for position, name in enumerate(names):
        if name == "id":
            continue
        kind, plain = _plain_column(name, ids, frame.iloc[:, position].tolist())
        if known.get(name, "any") != "any":
            plain = _fit(name, ids, plain, kind, known[name], collection)
            kind = known[name]
        kinds[name] = known.get(name) or kind
        values[name] = plain
        if kind in ("text", "json", "any"):
            sizes += _text_sizes(name, ids, plain)
    # An update in Milvus Lite keeps old values that are not mentioned: say that they are gone.
    for name in known.keys() - values.keys():
        values[name] = [None] * len(items)
    return Table(kinds, values, sizes)


def decode(rows: list[dict[str, Any]], columns: Mapping[str, str]) -> dict[str, pd.Series]:
    """Columns of a result, each with the dtype its kind suggests."""
    dtypes = {"int": "Int64", "bool": "boolean", "float": "float64"}
    out = {}
    for name, kind in columns.items():
        values = [row.get(name) for row in rows]
        series = pd.Series(values, dtype=dtypes.get(kind, "object"))
        if kind in ("int", "bool") and not series.isna().any():
            series = series.astype("int64" if kind == "int" else "bool")
        out[name] = series
    return out


def _plain_column(name: str, ids: list[str], values: list[Any]) -> tuple[str, list[Any]]:
    """The kind of a column and its values as plain Python."""
    if {type(v) for v in values} == {str}:
        return "text", values
    plain, kinds = [], set()
    for id, value in zip(ids, values, strict=True):
        try:
            kind, value = _plain(value)
        except (TypeError, ValueError) as error:
            raise BadItem(
                f"Column {name!r} of item {id!r} holds {error}. Convert the column to text or numbers."
            ) from error
        if value is not None:
            kinds.add(kind)
        plain.append(value)
    if kinds == {"int", "float"}:
        return "float", [None if v is None else float(v) for v in plain]
    return (kinds.pop() if len(kinds) == 1 else "any"), plain


def _plain(value: Any) -> tuple[str, Any]:
    """Kind and plain value; a missing value is None. Dates become ISO 8601 text, which sorts as time does."""
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
                raise ValueError(f"{value}, which JSON cannot hold")
            return ("any", None) if math.isnan(value) else ("float", float(value))
        case str() | PurePath():
            return "text", str(value)
        case list() | tuple() | dict() | np.ndarray():
            return "json", _plain_json(value)
    raise TypeError(f"a {type(value).__name__}")


def _plain_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain_json(v) for k, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain_json(v) for v in value]
    return _plain(value)[1]


def _fit(name: str, ids: list[str], plain: list[Any], kind: str, known: str, collection: str) -> list[Any]:
    """Values of kind ``kind`` for a column of kind ``known``, where that loses nothing."""
    present = [v for v in plain if v is not None]
    if kind == known or not present:
        return plain
    if known == "float" and kind == "int":
        return [None if v is None else float(v) for v in plain]
    if known == "int" and kind == "float" and all(v.is_integer() for v in present):
        return [None if v is None else int(v) for v in plain]
    first = next(i for i, v in zip(ids, plain, strict=True) if v is not None and _plain(v)[0] != known)
    mixed = "values of several types" if kind == "any" else f"{kind} values"
    raise BadItem(
        f"Column {name!r} of {collection!r} holds {known} values, but these items bring {mixed} "
        f"(first: {first!r}). Convert the column, or use another collection name."
    )


def _text_sizes(name: str, ids: list[str], values: list[Any]) -> np.ndarray:
    """UTF-8 bytes of each value, shape (n_items,), int64; a value Milvus could not hold is refused by id."""
    sizes = np.empty(len(values), np.int64)
    for row, value in enumerate(values):
        text = (
            value
            if isinstance(value, str)
            else ""
            if value is None
            else json.dumps(value, ensure_ascii=False)
        )
        try:
            sizes[row] = len(text) if text.isascii() else len(text.encode())
        except UnicodeEncodeError as error:
            raise BadItem(
                f"Column {name!r} of item {ids[row]!r} is not valid Unicode text: {error}."
            ) from error
    longest = int(sizes.argmax())
    if sizes[longest] > MAX_BYTES:
        raise BadItem(
            f"Column {name!r} of item {ids[longest][:80]!r} has {sizes[longest]:,} bytes, but Milvus holds "
            f"at most {MAX_BYTES:,}. Split long texts into passages; models read only the beginning anyway."
        )
    return sizes

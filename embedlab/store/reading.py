"""What is in a store: its collections, their records, and stored items by id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from embedlab.store import connection
from embedlab.store.columns import decode
from embedlab.store.connection import Connection, speaking
from embedlab.store.engine import MOST_HITS, load
from embedlab.store.errors import StoreError
from embedlab.store.provenance import Record
from embedlab.store.query import matching_ids


def find(here: Connection, name: str) -> Record | None:
    """The record of a collection, or None when there is no such collection.

    Raises
    ------
    StoreError
        When another program made the collection, so that nothing is known of its vectors.
    """
    with speaking(f"look for {name!r}"):
        if not here.client.has_collection(name):
            return None
        record = _read(here, name)
    if record is None:
        raise StoreError(
            f"The collection {name!r} was not made by embedlab, so its model is unknown: use another name."
        )
    return record


def record_of(here: Connection, name: str) -> Record:
    """The record of a collection that must be there."""
    check_there(here, name)
    record = find(here, name)
    assert record is not None
    return record


def check_there(here: Connection, name: str) -> None:
    """Raise :class:`StoreError`, naming what there is, unless the collection exists."""
    with speaking("list the collections"):
        names = sorted(here.client.list_collections())
    if name not in names:
        there = ", ".join(map(repr, names)) or "no collection yet"
        raise StoreError(f"There is no collection {name!r} in this store; there is: {there}.")


def overview(here: Connection) -> pd.DataFrame:
    """One row per collection."""
    rows = []
    with speaking("list the collections"):
        for name in sorted(here.client.list_collections()):
            record, items = _read(here, name), int(here.client.get_collection_stats(name)["row_count"])
            if record is not None and not here.place.lite and _loaded(here, name):
                items = count(here, name, record, "")
            about: tuple[Any, ...] = (None,) * 5
            if record is not None:
                origin = record.origin
                about = (origin.dim, str(origin), record.index, record.metric, record.modality)
            rows.append((name, items, *about))
    return pd.DataFrame(rows, columns=["name", "items", "dim", "model", "index", "metric", "modality"])


def count(here: Connection, name: str, record: Record, expression: str) -> int:
    """How many items match. (The statistics of a server still count what was deleted or replaced.)

    A server answers "Strong": after everything that anybody has written. It may not know of its own
    deletions at once otherwise.
    """
    with speaking(f"count {name!r}", expression):
        load(here, name, record)
        found = here.client.query(
            name, filter=expression, output_fields=["count(*)"], consistency_level="Strong"
        )
        return int(found[0]["count(*)"])


def delete(here: Connection, name: str, record: Record, expression: str) -> int:
    """Delete what matches; how many there were."""
    n = count(here, name, record, expression)
    if n:
        with speaking(f"delete from {name!r}", expression):
            here.client.delete(name, filter=expression)
            if here.place.lite:
                here.client.flush(name)
        if not here.place.lite:  # from then on it answers without them
            count(here, name, record, expression)
    return n


def check_group(here: Connection, name: str, record: Record, column: str) -> None:
    """Raise :class:`StoreError` unless hits can be grouped by a column here."""
    here.place.require("group_by")
    able = [c for c in record.fields if record.columns[c] in ("text", "int", "bool")]
    if column not in able:
        raise StoreError(
            f"{name!r} cannot be grouped by {column!r}: only by a column of texts, whole numbers or "
            "booleans that "
            f"was there when it was made; there is: {', '.join(able) or 'none'}."
        )


def by_thousands(ids: Iterable[object]) -> Iterator[str]:
    """Filters for these ids, of at most a thousand each."""
    wanted = [str(i) for i in ids]
    for start in range(0, len(wanted), 1000):
        yield matching_ids(wanted[start : start + 1000])


def pages(
    here: Connection, name: str, record: Record, expression: str, page_size: int, vectors: bool
) -> Iterator[pd.DataFrame]:
    """All that matches, page by page."""
    for rows in raw_pages(here, name, record, expression, page_size, vectors):
        yield _table(rows, record, vectors)


def raw_pages(
    here: Connection, name: str, record: Record, expression: str, page_size: int, vectors: bool
) -> Iterator[list[dict[str, Any]]]:
    """All that matches, page by page, as Milvus gives it."""
    fields = ["id", *record.output_fields(), *(record.vectors if vectors else [])]
    with speaking(f"read {name!r}", expression):
        load(here, name, record)
        found = here.client.query_iterator(
            name, filter=expression, output_fields=fields, batch_size=min(page_size, MOST_HITS)
        )
    try:
        while True:
            with speaking(f"read {name!r}"):
                rows = list(connection.patiently(found.next, 0.0 if here.path else connection.PATIENCE))
            if not rows:
                return
            yield rows
    finally:
        found.close()


def fetch(
    here: Connection, name: str, record: Record, ids: Iterable[object], vectors: bool = False
) -> pd.DataFrame:
    """The stored items with these ids, in that order."""
    wanted = [str(i) for i in ids]
    fields = ["id", *record.output_fields(), *(record.vectors if vectors else [])]
    found: dict[str, dict[str, Any]] = {}
    with speaking(f"read from {name!r}"):
        load(here, name, record)
        for some in by_thousands(wanted):
            rows = here.client.query(name, filter=some, output_fields=fields)
            found |= {row["id"]: row for row in rows}
    missing = [i for i in wanted if i not in found]
    if missing:
        raise StoreError(
            f"{name!r} has no item with id {missing[0]!r} ({len(missing)} of {len(wanted)} are not there)."
        )
    return _table([found[i] for i in wanted], record, vectors)


def _table(rows: list[dict[str, Any]], record: Record, vectors: bool) -> pd.DataFrame:
    ids = pd.Series([row["id"] for row in rows], dtype="object")
    frame = pd.DataFrame({"id": ids} | decode(rows, record.ordered_columns()))
    for field in record.vectors if vectors else ():
        frame[field] = pd.Series([np.asarray(row[field], np.float32) for row in rows], dtype="object")
    return frame


def _loaded(here: Connection, name: str) -> bool:
    return str(here.client.get_load_state(name)["state"]) == "Loaded"


def _read(here: Connection, name: str) -> Record | None:
    return Record.from_properties(here.client.describe_collection(name).get("properties") or {})

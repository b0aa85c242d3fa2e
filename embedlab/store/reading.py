"""What is in a store: its collections, their records, and stored items by id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from embedlab.store.columns import decode
from embedlab.store.connection import Connection, StoreError, speaking
from embedlab.store.engine import load
from embedlab.store.query import matching_ids
from embedlab.store.record import Record


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
            about: tuple[Any, ...] = (None,) * 5
            if record is not None:
                origin = record.origin
                about = (origin.dim, str(origin), record.index, record.metric, record.modality)
            rows.append((name, items, *about))
    return pd.DataFrame(rows, columns=["name", "items", "dim", "model", "index", "metric", "modality"])


def fetch(
    here: Connection, name: str, record: Record, ids: Iterable[object], vectors: bool = False
) -> pd.DataFrame:
    """The stored items with these ids, in that order."""
    wanted = [str(i) for i in ids]
    fields = ["id", *record.output_fields(), *(["vector"] if vectors else [])]
    found: dict[str, dict[str, Any]] = {}
    with speaking(f"read from {name!r}"):
        load(here, name, record)
        for start in range(0, len(wanted), 1000):
            some = matching_ids(wanted[start : start + 1000])
            rows = here.client.query(name, filter=some, output_fields=fields)
            found |= {row["id"]: row for row in rows}
    missing = [i for i in wanted if i not in found]
    if missing:
        raise StoreError(
            f"{name!r} has no item with id {missing[0]!r} ({len(missing)} of {len(wanted)} are not there)."
        )
    rows = [found[i] for i in wanted]
    frame = pd.DataFrame({"id": pd.Series(wanted, dtype="object")} | decode(rows, record.ordered_columns()))
    if vectors:
        frame["vector"] = pd.Series([np.asarray(row["vector"], np.float32) for row in rows], dtype="object")
    return frame


def _read(here: Connection, name: str) -> Record | None:
    return Record.from_properties(here.client.describe_collection(name).get("properties") or {})

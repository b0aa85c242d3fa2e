"""Read what is in a store: its collections, their records, and stored items by id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from embedlab.errors import Problem, ProblemCode
from embedlab.store import retry
from embedlab.store.backend import Feature
from embedlab.store.columns import decode
from embedlab.store.connection import StoreConnection
from embedlab.store.errors import StoreError, StoreErrorCode
from embedlab.store.filters import id_filters
from embedlab.store.loading import load
from embedlab.store.provenance import CollectionRecord

Row = dict[str, Any]  # as Milvus gives it: a value by field
MAX_HITS = 16_384  # rows that Milvus gives at once


def find_record(connection: StoreConnection, name: str) -> CollectionRecord | None:
    """Return the record of a collection, or None if there is no such collection.

    Raises
    ------
    StoreError
        If another program made the collection, so that nothing is known of its vectors.
    """
    with connection.request(f"look for {name!r}", collection=name):
        if not connection.client.has_collection(name):
            return None
        record = _read_record(connection, name)
    if record is None:
        raise StoreError(
            f"The collection {name!r} was not made by embedlab, so its model is unknown. Use another name.",
            code=StoreErrorCode.FOREIGN,
            collection=name,
        )
    return record


def require_record(connection: StoreConnection, name: str) -> CollectionRecord:
    """Return the record of a collection that must exist.

    Raises
    ------
    StoreError
        If it does not exist, or another program made it.
    """
    check_exists(connection, name)
    record = find_record(connection, name)
    assert record is not None
    return record


def check_exists(connection: StoreConnection, name: str) -> None:
    """Raise :class:`StoreError`, listing the collections, unless this one exists."""
    with connection.request("list the collections"):
        names = sorted(connection.client.list_collections())
    if name not in names:
        advice = f"Use one of: {', '.join(map(repr, names))}." if names else "It has no collection yet."
        raise StoreError(
            f"There is no collection {name!r} in this store. {advice}",
            code=StoreErrorCode.NO_COLLECTION,
            collection=name,
            argument="name",
        )


def overview(connection: StoreConnection) -> pd.DataFrame:
    """Make a table with one row per collection."""
    rows = []
    with connection.request("list the collections"):
        for name in sorted(connection.client.list_collections()):
            record, n_items = _read_record(connection, name), count_rows(connection, name)
            if record is not None and not connection.backend.lite and _is_loaded(connection, name):
                n_items = count(connection, name, record, "")
            about: tuple[Any, ...] = (None,) * 5
            if record is not None:
                origin = record.origin
                about = (origin.dim, str(origin), record.index, record.metric, record.modality)
            rows.append((name, n_items, *about))
    return pd.DataFrame(rows, columns=["name", "items", "dim", "model", "index", "metric", "modality"])


def count_rows(connection: StoreConnection, name: str) -> int:
    """Return the rows in Milvus's statistics; those of a server include deleted and replaced ones."""
    return int(connection.client.get_collection_stats(name)["row_count"])


def count(connection: StoreConnection, name: str, record: CollectionRecord, expression: str) -> int:
    """Count the items that match a filter.

    A server answers "Strong": after everything that anybody has written. Otherwise it may not know of its own
    deletions at once.
    """
    with connection.request(f"count {name!r}", collection=name, expression=expression):
        load(connection, name, record)
        rows = connection.client.query(
            name, filter=expression, output_fields=["count(*)"], consistency_level="Strong"
        )
        return int(rows[0]["count(*)"])


def delete(connection: StoreConnection, name: str, record: CollectionRecord, expression: str) -> int:
    """Delete the items that match a filter, and return how many there were."""
    n_items = count(connection, name, record, expression)
    if n_items:
        with connection.request(f"delete from {name!r}", collection=name, expression=expression):
            connection.client.delete(name, filter=expression)
            if connection.backend.lite:
                connection.client.flush(name)
        if not connection.backend.lite:  # from then on it answers without them
            count(connection, name, record, expression)
    return n_items


def check_group(connection: StoreConnection, name: str, record: CollectionRecord, column: str) -> None:
    """Raise unless hits can be grouped by a column.

    Raises
    ------
    MissingFeature
        If the backend cannot group.
    StoreError
        If the column is not a typed field of texts, whole numbers or booleans.
    """
    connection.backend.require(Feature.GROUP_BY)
    possible = [c for c in record.fields if record.columns[c] in ("text", "int", "bool")]
    if column not in possible:
        raise StoreError(
            f"{name!r} cannot be grouped by {column!r}. Group by a column of texts, whole numbers or "
            f"booleans that the collection had when it was created: {', '.join(possible) or 'none'}.",
            code=StoreErrorCode.BAD_ARGUMENT,
            collection=name,
            argument="group_by",
        )


def pages(
    connection: StoreConnection,
    name: str,
    record: CollectionRecord,
    expression: str,
    page_size: int,
    vectors: bool,
) -> Iterator[pd.DataFrame]:
    """Yield tables of everything that matches a filter."""
    for rows in raw_pages(connection, name, record, expression, page_size, vectors):
        yield _table(rows, record, vectors)


def raw_pages(
    connection: StoreConnection,
    name: str,
    record: CollectionRecord,
    expression: str,
    page_size: int,
    vectors: bool,
) -> Iterator[list[Row]]:
    """Yield everything that matches a filter, as Milvus gives it."""
    fields = ["id", *record.output_fields, *(record.vectors if vectors else [])]
    with connection.request(f"read {name!r}", collection=name, expression=expression):
        load(connection, name, record)
        iterator = connection.client.query_iterator(
            name, filter=expression, output_fields=fields, batch_size=min(page_size, MAX_HITS)
        )
    try:
        while True:
            with connection.request(f"read {name!r}", collection=name):
                # The iterator is not the client, so it does not wait for a server by itself.
                seconds = 0.0 if connection.path else retry.RETRY_SECONDS
                rows = list(retry.retry_while_away(iterator.next, seconds))
            if not rows:
                return
            yield rows
    finally:
        iterator.close()


def fetch(
    connection: StoreConnection,
    name: str,
    record: CollectionRecord,
    ids: Iterable[object],
    vectors: bool = False,
) -> pd.DataFrame:
    """Return the stored items with these ids, in that order.

    Raises
    ------
    StoreError
        With the ids that are not in the collection.
    """
    wanted = [str(i) for i in ids]
    fields = ["id", *record.output_fields, *(record.vectors if vectors else [])]
    stored: dict[str, Row] = {}
    with connection.request(f"read from {name!r}", collection=name):
        load(connection, name, record)
        for expression in id_filters(wanted):
            rows = connection.client.query(name, filter=expression, output_fields=fields)
            stored |= {row["id"]: row for row in rows}
    missing = [i for i in wanted if i not in stored]
    if missing:
        raise StoreError(
            f"{name!r} has no item with id {missing[0]!r} ({len(missing)} of {len(wanted)} ids are missing). "
            "Check the ids, or add the items first.",
            code=StoreErrorCode.NO_ITEM,
            collection=name,
            argument="ids",
            problems={item_id: Problem(ProblemCode.MISSING, f"not in {name!r}") for item_id in missing},
        )
    return _table([stored[i] for i in wanted], record, vectors)


def _table(rows: list[Row], record: CollectionRecord, vectors: bool) -> pd.DataFrame:
    ids = pd.Series([row["id"] for row in rows], dtype="object")
    frame = pd.DataFrame({"id": ids} | decode(rows, record.ordered_columns))
    for field in record.vectors if vectors else ():
        frame[field] = pd.Series([np.asarray(row[field], np.float32) for row in rows], dtype="object")
    return frame


def _is_loaded(connection: StoreConnection, name: str) -> bool:
    return str(connection.client.get_load_state(name)["state"]) == "Loaded"


def _read_record(connection: StoreConnection, name: str) -> CollectionRecord | None:
    properties = connection.client.describe_collection(name).get("properties")
    return CollectionRecord.from_properties(properties or {})

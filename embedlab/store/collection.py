"""Add embeddings to a collection, in batches of bounded size."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, Problem, ProblemCode
from embedlab.io.progress import progress_bar
from embedlab.store import loading, reading
from embedlab.store.columns import Table, encode
from embedlab.store.connection import StoreConnection
from embedlab.store.errors import AddInterrupted, StoreError, StoreErrorCode
from embedlab.store.index_spec import IndexSpec
from embedlab.store.provenance import PROPERTY
from embedlab.store.records import check_fits, new_record
from embedlab.store.schema import typed_fields

# Far below the 64 MB that a Milvus server takes in one message. Milvus Lite turns each number into a Python
# object, some twenty times as large, so small batches keep memory flat; they are also a little faster.
BATCH_BYTES = 2**20
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")


def add_embeddings(
    connection: StoreConnection,
    name: str,
    embeddings: Embeddings | Sequence[Embeddings],
    spec: IndexSpec,
    *,
    progress: bool | None = None,
    n_items: int | None = None,
    build_index: bool = True,
) -> int:
    """Add embeddings to a collection, which is created if it is not there.

    Parameters
    ----------
    connection : StoreConnection
    name : str
        Name of the collection.
    embeddings : Embeddings, or a list of them
        A list holds several models' vectors of the same items.
    spec : IndexSpec
        How a new collection is indexed; must agree with one that exists.
    progress : bool, optional
        Show a progress bar; by default only if the call takes longer than a second.
    n_items : int, optional
        How many items follow in all, if these are only the first of them.
    build_index : bool
        Build the index and load the collection at the end.

    Returns
    -------
    int
        How many items were added or replaced.

    Raises
    ------
    BadItem, StoreError, WrongModel
        As :meth:`VectorStore.add`.
    """
    check_name(name)
    several = _same_items(embeddings)
    old = reading.find_record(connection, name)
    if old is None:
        record = new_record(several, spec, connection.backend, n_items or len(several[0]))
    else:
        check_fits(name, several, spec, old)
        record = old
    if record.metric == "COSINE":
        for emb in several:
            _check_directions(emb)
    items = several[0].items
    table = encode(items, record.columns, name, [*record.vectors][1:])
    if record.full_text:
        _check_texts(items.ids, table, record.full_text)
    fields = old.fields if old else typed_fields(table.kinds, connection.backend, record.full_text)
    record = replace(record, columns=table.kinds, fields=fields)
    vectors = {field: emb.vectors for field, emb in zip(record.vectors, several, strict=True)}
    with connection.request(f"add to {name!r}", collection=name):
        if old is None:
            loading.create(connection, name, record)
        elif old != record:
            connection.client.alter_collection_properties(name, {PROPERTY: record.to_json()})
        write(connection, name, items.ids, vectors, table, progress)
        if build_index:
            loading.finish(connection, name, record, len(items))
    return len(items)


def write(
    connection: StoreConnection,
    name: str,
    ids: list[str],
    vectors: Mapping[str, np.ndarray],
    table: Table,
    progress: bool | None,
) -> None:
    """Send items in batches; an id that is already there is replaced.

    Parameters
    ----------
    connection : StoreConnection
    name : str
        Name of the collection.
    ids : list of str
    vectors : mapping of str to ndarray, each of shape (n_items, dim), float32
        By vector field.
    table : Table
        The other columns.
    progress : bool, optional

    Raises
    ------
    AddInterrupted
        If a batch is refused or the server is gone; says how many items are stored.
    """
    names = ["id", *vectors, *table.values]
    sizes = table.sizes + sum(values.itemsize * values.shape[1] for values in vectors.values())
    with progress_bar(f"adding to {name}", len(ids), progress=progress) as bar:
        for rows in batches(sizes):
            parts = [ids[rows], *(values[rows] for values in vectors.values())]
            parts += [values[rows] for values in table.values.values()]
            batch = [dict(zip(names, row, strict=True)) for row in zip(*parts, strict=True)]
            try:
                with connection.request(f"add to {name!r}", collection=name):
                    connection.client.upsert(name, batch)
            except StoreError as error:
                raise AddInterrupted(error, n_added=rows.start, n_items=len(ids)) from error
            bar.update(rows.stop - rows.start)


def batches(sizes: np.ndarray, budget: int = BATCH_BYTES) -> Iterator[slice]:
    """Yield consecutive slices of at most ``budget`` bytes and one row.

    Parameters
    ----------
    sizes : ndarray, shape (n_items,), int64
        Bytes of each item.
    budget : int
        Bytes.
    """
    group = (np.cumsum(sizes) - sizes) // budget
    starts = np.flatnonzero(np.diff(group, prepend=-1)).tolist()
    for start, stop in zip(starts, [*starts[1:], len(sizes)], strict=True):
        yield slice(start, stop)


def check_name(name: str) -> None:
    """Raise :class:`StoreError` unless Milvus takes this name for a collection."""
    if not _NAME.fullmatch(name):
        better = re.sub(r"\W|^(?=\d)", "_", name, flags=re.ASCII)[:255] or "notes"
        raise StoreError(
            f"{name!r} is not a valid name of a collection. Use letters, digits and underscores, as in "
            f"{better!r}.",
            code=StoreErrorCode.BAD_NAME,
            collection=name,
            argument="name",
        )


def _same_items(embeddings: Embeddings | Sequence[Embeddings]) -> list[Embeddings]:
    """Return one or several embeddings of the same items, these in the order of the first."""
    several = [embeddings] if isinstance(embeddings, Embeddings) else list(embeddings)
    for emb in several:
        if not isinstance(emb, Embeddings):
            raise BadItem(
                f"add takes Embeddings, with their items and model, not {type(emb).__name__}. "
                "Make them with el.embed(items, model)."
            )
    if not several or not len(several[0]):
        raise BadItem("There is nothing to add: these embeddings have 0 items.")
    ids = several[0].ids
    for emb in several[1:]:
        if unshared := {*ids} ^ {*emb.ids}:
            reason = "only some of the models have a vector of it"
            raise BadItem(
                f"Item {min(unshared)!r} has no vector from one of the models ({len(unshared)} in all), "
                "but several models are stored together only for the same items. Use select to keep the "
                "items that all of them have.",
                problems={item_id: Problem(ProblemCode.MISSING, reason) for item_id in sorted(unshared)},
            )
    return [several[0], *(emb if emb.ids == ids else emb.select(ids) for emb in several[1:])]


def _check_directions(embeddings: Embeddings) -> None:
    """Raise :class:`BadItem` for a vector of zeros, which cannot be compared by cosine."""
    zeros = np.flatnonzero(~embeddings.vectors.any(axis=1))
    if len(zeros):
        ids = [embeddings.ids[row] for row in zeros]
        raise BadItem(
            f"Item {ids[0]!r} has a vector of zeros ({len(ids)} in all), which has no direction to compare "
            "by cosine. Leave it out with emb.select(...).",
            problems={item_id: Problem(ProblemCode.EMPTY, "a vector of zeros") for item_id in ids},
        )


def _check_texts(ids: list[str], table: Table, column: str) -> None:
    """Raise :class:`BadItem` for an item without the text that is searched by words."""
    missing = [
        item_id
        for item_id, value in zip(ids, table.values[column], strict=True)
        if not isinstance(value, str)
    ]
    if missing:
        raise BadItem(
            f"Item {missing[0]!r} has no text in {column!r} ({len(missing)} in all), which full_text "
            "searches by words. Fill it in, or leave the item out.",
            problems={item_id: Problem(ProblemCode.MISSING, f"no text in {column!r}") for item_id in missing},
        )

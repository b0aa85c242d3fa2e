"""Move many items: from a parquet file into a store, and from one store to another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from embedlab.embeddings import Embeddings
from embedlab.embeddings.parquet import EmbeddingsFile
from embedlab.io.progress import progress_bar
from embedlab.store import loading, reading
from embedlab.store.backend import Feature
from embedlab.store.collection import add_embeddings, write
from embedlab.store.columns import Table
from embedlab.store.connection import StoreConnection
from embedlab.store.errors import StoreError, StoreErrorCode
from embedlab.store.index_spec import IndexSpec
from embedlab.store.provenance import PROPERTY, CollectionRecord
from embedlab.store.schema import typed_fields

PIECE_BYTES = 2**25  # of vectors that are in memory at once
# A mark needs a flush in Milvus Lite, and a file for each piece would be merged with the others, again and
# again: that took a sixth of the time. Three pieces are about what it flushes by itself (128 MB).
PIECES_PER_MARK = 3
_MARK = PROPERTY + ".reading"


def add_parquet(
    connection: StoreConnection, name: str, path: Path, spec: IndexSpec, progress: bool | None
) -> int:
    """Add the items of a file in pieces, which are on disk before the mark moves past them.

    Returns
    -------
    int
        How many items this call added or replaced: fewer than the file has if it resumed.
    """
    saved = EmbeddingsFile(path)
    fingerprint = _fingerprint(path)
    start = done = min(_read_mark(connection, name, fingerprint), len(saved))
    with progress_bar(f"adding {path.name} to {name}", len(saved), progress=progress) as bar:
        bar.update(done)
        pieces = Embeddings.load_batches(saved, max(1, PIECE_BYTES // (4 * saved.dim)), done)
        for number, piece in enumerate(pieces, 1):
            done += add_embeddings(
                connection, name, piece, spec, progress=False, n_items=len(saved), build_index=False
            )
            if number % PIECES_PER_MARK == 0 or done == len(saved):
                _write_mark(connection, name, fingerprint, done)
            bar.update(len(piece))
    record = reading.require_record(connection, name)
    with connection.request(f"build the index of {name!r}", collection=name):
        loading.finish(connection, name, record, done - start)
    return done - start


def copy(
    source: StoreConnection, target: StoreConnection, names: Iterable[str] | None, progress: bool | None
) -> pd.DataFrame:
    """Copy collections with their vectors, records and columns.

    Parameters
    ----------
    source, target : StoreConnection
    names : iterable of str, optional
        Which collections; by default all that embedlab made.
    progress : bool, optional

    Returns
    -------
    DataFrame
        Columns ``name`` and ``items``, counted at the target.
    """
    if names is None:
        listed = reading.overview(source)
        names = listed["name"][listed["model"].notna()].tolist()
    records = {name: reading.require_record(source, name) for name in names}
    sizes = {name: reading.count(source, name, record, "") for name, record in records.items()}
    # Every collection is checked before the first is copied.
    targets = {name: _target_record(name, record, sizes[name], target) for name, record in records.items()}
    rows = []
    for name, record in records.items():
        _copy_collection(source, target, name, record, targets[name], sizes[name], progress)
        rows.append((name, reading.count(target, name, targets[name], "")))
    return pd.DataFrame(rows, columns=["name", "items"])


def _copy_collection(
    source: StoreConnection,
    target: StoreConnection,
    name: str,
    record: CollectionRecord,
    new: CollectionRecord,
    n_items: int,
    progress: bool | None,
) -> None:
    old = reading.find_record(target, name)
    with target.request(f"copy {name!r}", collection=name):
        if old is None:
            loading.create(target, name, new)
        elif old != new:
            target.client.alter_collection_properties(name, {PROPERTY: new.to_json()})
    page_size = _rows_per_page(record)
    with progress_bar(f"copying {name}", n_items, progress=progress) as bar:
        for page in reading.raw_pages(source, name, record, "", page_size, vectors=True):
            _write_page(target, name, record, page)
            bar.update(len(page))
    with target.request(f"finish {name!r}", collection=name):
        loading.finish(target, name, new, n_items)


def _target_record(
    name: str, record: CollectionRecord, n_items: int, target: StoreConnection
) -> CollectionRecord:
    """Return the record that a collection will have at the target, after checking that all of it fits."""
    if len(record.vectors) > 1:
        target.backend.require(Feature.SEVERAL_MODELS)
    spec = IndexSpec.from_arguments(record.index, record.metric, record.params, record.full_text)
    complete = spec.complete(n_items, target.backend)
    old = reading.find_record(target, name)
    if old is None:
        fields = typed_fields(record.columns, target.backend, record.full_text)
        return replace(record, fields=fields, params=complete.params)
    for what in ("vectors", "modality", "index", "metric", "full_text"):
        if getattr(old, what) != getattr(record, what):
            raise StoreError(
                f"The target has a collection {name!r} already, with other {what}. Drop it there, or leave "
                "this one out with names=.",
                code=StoreErrorCode.EXISTS,
                collection=name,
                argument="names",
            )
    return replace(old, columns={**record.columns, **old.columns})


def _write_page(
    target: StoreConnection, name: str, record: CollectionRecord, page: list[reading.Row]
) -> None:
    columns = {column: [row.get(column) for row in page] for column in record.columns}
    sizes = np.array([len(str(values)) for values in zip(*columns.values(), strict=True)] or [0] * len(page))
    table = Table(dict(record.columns), columns, sizes)
    vectors = {f: np.array([row[f] for row in page], np.float32) for f in record.vectors}
    write(target, name, [row["id"] for row in page], vectors, table, progress=False)


def _rows_per_page(record: CollectionRecord) -> int:
    dim = sum(origin.dim for origin in record.vectors.values())
    return max(1, min(reading.MAX_HITS, PIECE_BYTES // (4 * dim)))


def _read_mark(connection: StoreConnection, name: str, fingerprint: str) -> int:
    """Return how many rows of a file are stored already."""
    if reading.find_record(connection, name) is None:
        return 0
    with connection.request(f"look at {name!r}", collection=name):
        properties = connection.client.describe_collection(name).get("properties") or {}
    mark = json.loads(properties.get(_MARK) or "{}")
    return int(mark["rows"]) if mark.get("file") == fingerprint else 0


def _write_mark(connection: StoreConnection, name: str, fingerprint: str, rows: int) -> None:
    with connection.request(f"add to {name!r}", collection=name):
        if connection.backend.lite:
            connection.client.flush(name)  # a server has written down what it acknowledged
        mark = json.dumps({"file": fingerprint, "rows": rows})
        connection.client.alter_collection_properties(name, {_MARK: mark})


def _fingerprint(path: Path) -> str:
    """Hash a file's size and its end, where parquet keeps its table of contents."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 65_536))
        return hashlib.sha256(f"{size} ".encode() + file.read()).hexdigest()

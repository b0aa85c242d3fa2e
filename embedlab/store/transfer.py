"""Moving many items: from a parquet file into a store, and from one store to another."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from embedlab.embeddings import Embeddings
from embedlab.embeddings.parquet import EmbeddingsFile
from embedlab.io.progress import progress_bar
from embedlab.store import engine, reading
from embedlab.store.columns import Table
from embedlab.store.connection import Connection, speaking
from embedlab.store.errors import StoreError
from embedlab.store.indexes import filled_in, typed_fields
from embedlab.store.provenance import PROPERTY, Record

if TYPE_CHECKING:
    from embedlab.store.vectorstore import VectorStore

PIECE_BYTES = 2**25  # of vectors that are in memory at once
# A mark needs a flush in Milvus Lite, and a file for each piece would be merged with the others, again and
# again: that took a sixth of the time. Three pieces are about what it flushes by itself (128 MB).
PIECES_A_MARK = 3
_MARK = PROPERTY + ".reading"


def add_parquet(
    store: VectorStore, name: str, path: Path, progress: bool | None, how: Mapping[str, Any]
) -> int:
    """Add the file's items in pieces, which are on disk before the mark moves past them."""
    saved = EmbeddingsFile(path)
    here, print_of = store._connection, _print_of(path)
    before = done = min(_mark(here, name, print_of), len(saved))
    bar = progress_bar(f"adding {path.name} to {name}", len(saved), progress=progress)
    bar.update(done)
    with bar:
        pieces = Embeddings.load_batches(saved, max(1, PIECE_BYTES // (4 * saved.dim)), done)
        for number, piece in enumerate(pieces, 1):
            done += store._store(name, piece, progress=False, load=False, n_items=len(saved), **how)
            if number % PIECES_A_MARK == 0 or done == len(saved):
                with speaking(f"add to {name!r}"):
                    if here.place.lite:
                        here.client.flush(name)  # a server has written down what it acknowledged
                    mark = json.dumps({"file": print_of, "rows": done})
                    here.client.alter_collection_properties(name, {_MARK: mark})
            bar.update(len(piece))
    with speaking(f"build the index of {name!r}"):
        engine.finish(here, name, reading.record_of(here, name), done - before)
    return done - before


def copy(
    source: Connection, target: Connection, names: list[str] | None, progress: bool | None
) -> pd.DataFrame:
    """Copy collections with their vectors, records and columns; count them at the target."""
    if names is None:
        there = reading.overview(source)
        names = there["name"][there["model"].notna()].tolist()
    records = {name: reading.record_of(source, name) for name in names}
    sizes = {name: reading.count(source, name, record, "") for name, record in records.items()}
    made = {name: _fitting(name, record, sizes[name], target) for name, record in records.items()}
    rows = []
    for name, record in records.items():
        old = reading.find(target, name)
        bar = progress_bar(f"copying {name}", sizes[name], progress=progress)
        with bar:
            for page in reading.raw_pages(source, name, record, "", _rows_of(record), True):
                _put(target, name, record, made[name], old, page)
                old = made[name]
                bar.update(len(page))
        with speaking(f"finish {name!r}"):
            if old is None:  # it has no items
                engine.create(target, name, made[name])
            engine.finish(target, name, made[name], sizes[name])
        rows.append((name, reading.count(target, name, made[name], "")))
    return pd.DataFrame(rows, columns=["name", "items"])


def _fitting(name: str, record: Record, n_items: int, target: Connection) -> Record:
    """The record as it will be at the target, after checking that all of it can be there."""
    if len(record.vectors) > 1:
        target.place.require("several models in one collection")
    if record.full_text:
        target.place.require("full-text search")
    if record.index == "HNSW_SQ":
        target.place.require("the index HNSW_SQ")
    old = reading.find(target, name)
    if old is None:
        fields = typed_fields(record.columns, target.place, record.full_text)
        return filled_in(dataclasses.replace(record, fields=fields), n_items, target.place)
    for what in ("vectors", "modality", "index", "metric", "full_text"):
        if getattr(old, what) != getattr(record, what):
            raise StoreError(
                f"There is a collection {name!r} already, with another {what.rstrip('s')}: drop it there, "
                "or leave this one out with names=."
            )
    return dataclasses.replace(old, columns={**record.columns, **old.columns})


def _put(
    target: Connection,
    name: str,
    record: Record,
    made: Record,
    old: Record | None,
    page: list[dict[str, Any]],
) -> None:
    columns = {column: [row.get(column) for row in page] for column in record.columns}
    sizes = np.array([len(str(values)) for values in zip(*columns.values(), strict=True)] or [0] * len(page))
    table = Table(dict(record.columns), columns, sizes)
    vectors = {f: np.array([row[f] for row in page], np.float32) for f in record.vectors}
    with speaking(f"copy {name!r}"):
        if old is None:
            engine.create(target, name, made)
        elif old != made:
            target.client.alter_collection_properties(name, {PROPERTY: made.to_json()})
        engine.write(target, name, [row["id"] for row in page], vectors, table, False)


def _rows_of(record: Record) -> int:
    dim = sum(origin.dim for origin in record.vectors.values())
    return max(1, min(engine.MOST_HITS, PIECE_BYTES // (4 * dim)))


def _mark(here: Connection, name: str, print_of: str) -> int:
    """How many rows of a file are in already."""
    if reading.find(here, name) is None:
        return 0
    with speaking(f"look at {name!r}"):
        properties = here.client.describe_collection(name).get("properties") or {}
    mark = json.loads(properties.get(_MARK) or "{}")
    return int(mark["rows"]) if mark.get("file") == print_of else 0


def _print_of(path: Path) -> str:
    """What tells a file from another: its size and its end, where parquet keeps its table of contents."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 65_536))
        return hashlib.sha256(f"{size} ".encode() + file.read()).hexdigest()

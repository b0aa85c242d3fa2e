"""The calls to Milvus behind :class:`VectorStore`; the caller wraps them in :func:`speaking`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from embedlab import settings
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem
from embedlab.store.columns import Table, decode
from embedlab.store.connection import Connection, speaking
from embedlab.store.indexes import look_everywhere, make_index, make_schema
from embedlab.store.query import EXAMPLE
from embedlab.store.record import PROPERTY, Record

# Far below the 64 MB that a Milvus server takes in one message. Milvus Lite turns each number into a Python
# object, some twenty times as large, so small batches keep memory flat; they are also a little faster.
BATCH_BYTES = 2**20


def check_addable(embeddings: Embeddings) -> None:
    """Raise :class:`BadItem` for something that is not embeddings, or is empty."""
    if not isinstance(embeddings, Embeddings):
        raise BadItem(
            f"add takes Embeddings, with their items and model, not {type(embeddings).__name__}: "
            "make them with el.embed(items, model)."
        )
    if not len(embeddings):
        raise BadItem("There is nothing to add: these embeddings have 0 items.")


def check_directions(embeddings: Embeddings) -> None:
    """Raise :class:`BadItem` for a vector of zeros, which cannot be compared by cosine."""
    empty = np.flatnonzero(~embeddings.vectors.any(axis=1))
    if len(empty):
        raise BadItem(
            f"Item {embeddings.ids[empty[0]]!r} has a vector of zeros ({len(empty)} in all): it has no "
            "direction to compare by cosine. Leave it out with emb.select(...)."
        )


def create(here: Connection, name: str, record: Record) -> None:
    """Make an empty collection with its record and its index, not yet loaded.

    While it is not loaded, Milvus Lite builds no index in the background. So :func:`load`, after the last
    flush, builds it once over everything; indexes attach to flushed rows only.
    """
    here.client.create_collection(
        name,
        schema=make_schema(here.client, record),
        properties={PROPERTY: record.to_json()},
        consistency_level="Strong",
    )
    make_index(here.client, name, record)
    here.client.release_collection(name)


def write(here: Connection, name: str, embeddings: Embeddings, table: Table, progress: bool | None) -> None:
    """Send the items in batches; an id that is already there is replaced."""
    names = ["id", "vector", *table.values]
    sizes = table.sizes + embeddings.vectors.itemsize * embeddings.dim
    bar = tqdm(
        total=len(embeddings),
        desc=f"adding to {name}",
        unit="item",
        disable=settings.no_bars() or (None if progress is None else not progress),
        delay=1.0 if progress is None else 0.0,
        leave=False,
    )
    with bar:
        for rows in batches(sizes):
            parts = [
                embeddings.ids[rows],
                embeddings.vectors[rows],
                *(v[rows] for v in table.values.values()),
            ]
            here.client.upsert(name, [dict(zip(names, row, strict=True)) for row in zip(*parts, strict=True)])
            bar.update(rows.stop - rows.start)


def batches(sizes: np.ndarray, budget: int = BATCH_BYTES) -> Iterator[slice]:
    """Consecutive slices of at most ``budget`` bytes and one row."""
    group = (np.cumsum(sizes) - sizes) // budget
    starts = np.flatnonzero(np.diff(group, prepend=-1)).tolist()
    for start, stop in zip(starts, [*starts[1:], len(sizes)], strict=True):
        yield slice(start, stop)


def load(here: Connection, name: str, record: Record) -> None:
    """Make sure that the collection is loaded with its index, building what is missing.

    A process that was killed can leave a collection without index, or half of an index file. An index can
    always be made again from the rows, so then it is.
    """
    from pymilvus.exceptions import MilvusException

    if name in here.ready:
        return
    if not here.client.list_indexes(name):
        make_index(here.client, name, record)
    try:
        here.client.load_collection(name)
    except MilvusException:
        if here.path is None:
            raise
        here.client.drop_index(name, "vector")
        make_index(here.client, name, record)
        here.client.load_collection(name)
    here.ready.add(name)


def nearest(
    here: Connection,
    name: str,
    record: Record,
    vector: np.ndarray,
    k: int,
    expression: str,
    params: Mapping[str, int] | None,
) -> list[Any]:
    """The ``k`` nearest, nearest first, as Milvus gives them: ``id``, ``distance`` and ``entity``."""

    def ask(settings: Mapping[str, int]) -> list[Any]:
        found = here.client.search(
            name,
            data=[vector],
            anns_field="vector",
            limit=k,
            filter=expression,
            output_fields=record.output_fields(),
            search_params={"metric_type": record.metric, "params": dict(settings)},
        )
        return list(found[0])

    with speaking(
        f"search {name!r}" + (f" with the filter {expression!r} ({EXAMPLE})" if expression else "")
    ):
        load(here, name, record)
        if params is not None or here.path is None:
            return ask(params or {})
        # Milvus Lite (3.2) walks HNSW and IVF as if there were no filter and leaves out at the end what does
        # not match: a filter on a far-away group finds nothing at all. Replaced rows act like a filter too.
        rows = [] if expression else ask({})
        if len(rows) < k:
            n_items = int(here.client.get_collection_stats(name)["row_count"])
            if len(rows) < n_items:
                rows = ask(look_everywhere(record, n_items))
        return rows


def hits(found: list[Any], record: Record) -> pd.DataFrame:
    """What was found as a table: rank, id, score, then the stored columns."""
    own = {
        "rank": pd.Series(range(1, len(found) + 1), dtype="int64"),
        "id": pd.Series([hit["id"] for hit in found], dtype="object"),
        "score": pd.Series([hit["distance"] for hit in found], dtype="float64"),
    }
    stored = decode([hit["entity"] for hit in found], record.ordered_columns())
    return pd.DataFrame(own | {f"item_{c}" if c in own else c: values for c, values in stored.items()})

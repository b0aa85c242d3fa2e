"""The calls to Milvus behind :class:`VectorStore`; the caller wraps them in :func:`speaking`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem
from embedlab.io.progress import progress_bar
from embedlab.store.columns import Table, decode
from embedlab.store.connection import Connection, speaking
from embedlab.store.errors import StoreError
from embedlab.store.indexes import farther, look_everywhere, make_index, make_schema
from embedlab.store.provenance import BM25, PROPERTY, Record
from embedlab.store.query import EXAMPLE

# Far below the 64 MB that a Milvus server takes in one message. Milvus Lite turns each number into a Python
# object, some twenty times as large, so small batches keep memory flat; they are also a little faster.
BATCH_BYTES = 2**20
# A server has written down what it acknowledged, and seals and indexes rows by itself as they become many. To
# have that done at once ("flush") takes three seconds (Milvus 2.3.5) and leaves many small segments: it pays
# for many rows only, since a few are compared one by one quickly.
SEALED_AT_ONCE = 10_000
MOST_HITS = 16_384  # rows that Milvus gives at once


def addable(embeddings: Embeddings | Sequence[Embeddings]) -> list[Embeddings]:
    """One or several embeddings of the same items, these in the order of the first.

    Raises
    ------
    BadItem
        For something that is not embeddings, is empty, or is of other items than the first.
    """
    several: list[Any] = list(embeddings) if isinstance(embeddings, list | tuple) else [embeddings]
    for emb in several:
        if not isinstance(emb, Embeddings):
            raise BadItem(
                f"add takes Embeddings, with their items and model, not {type(emb).__name__}: "
                "make them with el.embed(items, model)."
            )
    if not several or not len(several[0]):
        raise BadItem("There is nothing to add: these embeddings have 0 items.")
    ids = several[0].ids
    for emb in several[1:]:
        if odd := {*ids} ^ {*emb.ids}:
            raise BadItem(
                f"Several models are stored together only of the same items; {min(odd)!r} is in "
                "one of them alone."
            )
    return [several[0], *(emb if emb.ids == ids else emb.select(ids) for emb in several[1:])]


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

    A server answers at once with what this process has written ("Session"), and with what others have written
    moments later. To be sure of those too ("Strong"), it would wait 200 ms before each search (Milvus 2.3.5).
    """
    here.client.create_collection(
        name,
        schema=make_schema(here.client, record, here.place),
        properties={PROPERTY: record.to_json()},
        consistency_level="Session",
    )
    make_index(here.client, name, record, here.place.lite)
    if here.place.lite:
        here.client.release_collection(name)


def check_texts(ids: list[str], table: Table, column: str) -> None:
    """Raise :class:`BadItem` for an item without the text that is searched by words."""
    for id, value in zip(ids, table.values[column], strict=True):
        if not isinstance(value, str):
            raise BadItem(f"Item {id!r} has no text in {column!r}, which full_text searches by words.")


def put(
    here: Connection,
    name: str,
    record: Record,
    old: Record | None,
    ids: list[str],
    vectors: Mapping[str, np.ndarray],
    table: Table,
    progress: bool | None,
    index_now: bool,
) -> None:
    """Store items in a collection, which is made if it is new, and have it indexed after the last part."""
    with speaking(f"add to {name!r}"):
        if old is None:
            create(here, name, record)
        elif old != record:
            here.client.alter_collection_properties(name, {PROPERTY: record.to_json()})
        write(here, name, ids, vectors, table, progress)
        if index_now:
            finish(here, name, record, len(ids))


def write(
    here: Connection,
    name: str,
    ids: list[str],
    vectors: Mapping[str, np.ndarray],
    table: Table,
    progress: bool | None,
) -> None:
    """Send items in batches; an id that is already there is replaced.

    Raises
    ------
    StoreError
        When a batch is refused or a server is gone; with how many items are in.
    """
    names = ["id", *vectors, *table.values]
    sizes = table.sizes + sum(some.itemsize * some.shape[1] for some in vectors.values())
    bar = progress_bar(f"adding to {name}", len(ids), progress=progress)
    with bar:
        for rows in batches(sizes):
            parts = [
                ids[rows],
                *(some[rows] for some in vectors.values()),
                *(v[rows] for v in table.values.values()),
            ]
            batch = [dict(zip(names, row, strict=True)) for row in zip(*parts, strict=True)]
            try:
                with speaking(f"add to {name!r}"):
                    here.client.upsert(name, batch)
            except StoreError as error:
                raise StoreError(
                    f"{error} The first {rows.start:,} of these {len(ids):,} items are in and stay there; "
                    "add all of them again when the cause is mended: an id that is there is replaced."
                ) from error
            bar.update(rows.stop - rows.start)


def batches(sizes: np.ndarray, budget: int = BATCH_BYTES) -> Iterator[slice]:
    """Consecutive slices of at most ``budget`` bytes and one row."""
    group = (np.cumsum(sizes) - sizes) // budget
    starts = np.flatnonzero(np.diff(group, prepend=-1)).tolist()
    for start, stop in zip(starts, [*starts[1:], len(sizes)], strict=True):
        yield slice(start, stop)


def finish(here: Connection, name: str, record: Record, n_items: int) -> None:
    """After the last of ``n_items`` was written: have them flushed where that is worth it, and load."""
    if here.place.lite or n_items >= SEALED_AT_ONCE:
        here.client.flush(name)
    load(here, name, record)


def load(here: Connection, name: str, record: Record) -> None:
    """Make sure that the collection is loaded with its index, building what is missing.

    A process that was killed can leave a collection without index, or half of an index file. An index can
    always be made again from the rows, so then it is.
    """
    from pymilvus.exceptions import MilvusException

    if name in here.ready:
        return
    if not {*record.indexed} <= {*here.client.list_indexes(name)}:
        make_index(here.client, name, record, here.place.lite)
    try:
        here.client.load_collection(name)
    except MilvusException:
        if not here.place.lite:
            raise
        for field in record.indexed:
            here.client.drop_index(name, field)
        make_index(here.client, name, record, here.place.lite)
        here.client.load_collection(name)
    here.ready.add(name)


@dataclass(frozen=True)
class Question:
    """What is searched for.

    ``vector`` is a text where ``field`` is that of full-text search. ``radius`` is the farthest score that
    counts and ``range_filter`` the nearest, as in Milvus.
    """

    field: str
    vector: np.ndarray | str
    k: int
    expression: str = ""
    params: Mapping[str, int] | None = None
    radius: float | None = None
    range_filter: float | None = None
    group_by: str | None = None
    offset: int = 0


def nearest(here: Connection, name: str, record: Record, question: Question) -> list[Any]:
    """The ``k`` nearest, nearest first, as Milvus gives them: ``id``, ``distance`` and ``entity``."""
    by_words = question.field == BM25

    def ask(settings: Mapping[str, float], limit: int = question.k) -> list[Any]:
        ends = {"radius": question.radius, "range_filter": question.range_filter}
        given = {end: value for end, value in ends.items() if value is not None}
        found = here.client.search(
            name,
            data=[question.vector],
            anns_field=question.field,
            limit=limit,
            filter=question.expression,
            output_fields=record.output_fields(),
            search_params={
                "metric_type": "BM25" if by_words else record.metric,
                "params": {**settings, **given},
            },
            **({"group_by_field": question.group_by} if question.group_by else {}),
            **({"offset": question.offset} if question.offset else {}),
        )
        rows = list(found[0])
        if by_words and here.place.lite:  # it gives distances, which are scores with their sign turned
            rows = [{**row, "distance": -row["distance"]} for row in rows]
        return rows

    with _searching(name, question.expression):
        load(here, name, record)
        if question.params is not None or not here.place.lite or by_words:
            return ask(question.params or {})
        # Milvus Lite (3.2) walks HNSW and IVF as if there were no filter and leaves out at the end what does
        # not match: a filter on a far-away group finds nothing at all. Replaced rows act like a filter too.
        # So it is asked to look farther until there are enough.
        rows = [] if question.expression else ask({})
        if len(rows) < question.k:
            n_items = int(here.client.get_collection_stats(name)["row_count"])
            for settings in farther(record, n_items, question.k) if len(rows) < n_items else ():
                rows = ask(settings)
                if len(rows) >= question.k:
                    break
            for limit in _limits(question, n_items) if len(rows) < question.k else ():
                rows = ask(look_everywhere(record, n_items), limit)[: question.k]
                if len(rows) >= question.k:
                    break
        return rows


def _limits(question: Question, n_items: int) -> Iterator[int]:
    """Larger and larger numbers of hits to ask Milvus Lite for, until it looks at all items.

    It (3.2) takes groups and rings out of the nearest few: of ten times as many items as hits are asked for,
    or of five times. A group that begins farther away would be missing.
    """
    of_each = 10 if question.group_by else 5 if question.range_filter is not None else n_items
    limit = question.k
    while limit * of_each < n_items and limit < MOST_HITS:
        limit = min(10 * limit, -(-n_items // of_each), MOST_HITS)
        yield limit


def fused(
    here: Connection, name: str, record: Record, questions: Sequence[Question], k: int, rrf_k: int
) -> list[Any]:
    """The answers to several questions as one list, by reciprocal-rank fusion in Milvus."""
    from pymilvus import AnnSearchRequest, RRFRanker

    with _searching(name, questions[0].expression):
        load(here, name, record)
        n_items = int(here.client.get_collection_stats(name)["row_count"])
        requests = []
        for question in questions:
            by_words, settings = question.field == BM25, {}
            if here.place.lite and not by_words and question.expression:
                settings = look_everywhere(record, n_items)
            requests.append(
                AnnSearchRequest(
                    data=[question.vector],
                    anns_field=question.field,
                    param={"metric_type": "BM25" if by_words else record.metric, "params": settings},
                    limit=question.k,
                    expr=question.expression or None,
                )
            )
        found = here.client.hybrid_search(
            name, requests, RRFRanker(rrf_k), limit=k, output_fields=record.output_fields()
        )
    return list(found[0])


def _searching(name: str, expression: str) -> AbstractContextManager[Any]:
    doing = f"search {name!r}" + (f" with the filter {expression!r} ({EXAMPLE})" if expression else "")
    return speaking(doing, expression)


def hits(found: list[Any], record: Record, offset: int = 0) -> pd.DataFrame:
    """What was found as a table: rank, id, score, then the stored columns."""
    own = {
        "rank": pd.Series(range(offset + 1, offset + len(found) + 1), dtype="int64"),
        "id": pd.Series([hit["id"] for hit in found], dtype="object"),
        "score": pd.Series([hit["distance"] for hit in found], dtype="float64"),
    }
    stored = decode([hit["entity"] for hit in found], record.ordered_columns())
    return pd.DataFrame(own | {f"item_{c}" if c in own else c: values for c, values in stored.items()})

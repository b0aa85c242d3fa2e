"""Search a collection: nearest neighbours, fusion of several searches, and the table of hits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from embedlab.store.columns import decode
from embedlab.store.connection import StoreConnection
from embedlab.store.index_spec import search_setting
from embedlab.store.loading import load
from embedlab.store.provenance import BM25, CollectionRecord
from embedlab.store.reading import MAX_HITS, count_rows

Hit = dict[str, Any]  # as Milvus gives it: id, distance, entity (the stored columns)
WIDE = 2_000  # items that a graph visits at first if it has to look farther than usual


@dataclass(frozen=True)
class VectorQuery:
    """What Milvus is asked for.

    Attributes
    ----------
    field : str
        The vector field to search.
    vector : ndarray of shape (dim,), or str
        A text if ``field`` is that of full-text search.
    k : int
        How many hits.
    expression : str
        The filter.
    params : mapping of str to int, optional
        How hard the index looks; None chooses.
    radius, range_filter : float, optional
        The farthest score that counts and the nearest, as in Milvus.
    group_by : str, optional
        Only the nearest item of each value of this column.
    offset : int
        How many of the nearest to leave out.
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

    @property
    def by_words(self) -> bool:
        """Whether this is a full-text search."""
        return self.field == BM25


def nearest(
    connection: StoreConnection, name: str, record: CollectionRecord, query: VectorQuery
) -> list[Hit]:
    """Find the ``k`` nearest items, nearest first."""
    with connection.request(f"search {name!r}", collection=name, expression=query.expression):
        load(connection, name, record)
        if query.params is not None or not connection.backend.lite or query.by_words:
            return _ask(connection, name, record, query, query.params or {}, query.k)
        # Milvus Lite (3.2) walks HNSW and IVF as if there were no filter and leaves out at the end what does
        # not match: a filter on a far-away group finds nothing at all. Replaced rows act like a filter too.
        # So it is asked to look farther until there are enough.
        hits = [] if query.expression else _ask(connection, name, record, query, {}, query.k)
        if len(hits) >= query.k:
            return hits
        n_items = count_rows(connection, name)
        for params, limit in _efforts(record, query, n_items) if len(hits) < n_items else ():
            hits = _ask(connection, name, record, query, params, limit)[: query.k]
            if len(hits) >= query.k:
                break
        return hits


def fuse(
    connection: StoreConnection,
    name: str,
    record: CollectionRecord,
    queries: Sequence[VectorQuery],
    k: int,
    rrf_k: int,
) -> list[Hit]:
    """Join the hits of several queries by reciprocal-rank fusion, in Milvus."""
    from pymilvus import AnnSearchRequest, RRFRanker

    with connection.request(f"search {name!r}", collection=name, expression=queries[0].expression):
        load(connection, name, record)
        n_items = count_rows(connection, name)
        requests = []
        for query in queries:
            filtered = connection.backend.lite and not query.by_words and query.expression
            params = look_everywhere(record, n_items) if filtered else {}
            requests.append(
                AnnSearchRequest(
                    data=[query.vector],
                    anns_field=query.field,
                    param={"metric_type": _metric(record, query), "params": params},
                    limit=query.k,
                    expr=query.expression or None,
                )
            )
        answer = connection.client.hybrid_search(
            name, requests, RRFRanker(rrf_k), limit=k, output_fields=record.output_fields
        )
    return list(answer[0])


def hits_table(hits: Sequence[Hit], record: CollectionRecord, offset: int = 0) -> pd.DataFrame:
    """Make a table of hits: rank, id, score, then the stored columns."""
    table = {
        "rank": pd.Series(range(offset + 1, offset + len(hits) + 1), dtype="int64"),
        "id": pd.Series([hit["id"] for hit in hits], dtype="object"),
        "score": pd.Series([hit["distance"] for hit in hits], dtype="float64"),
    }
    stored = decode([hit["entity"] for hit in hits], record.ordered_columns)
    return pd.DataFrame(table | {f"item_{c}" if c in table else c: values for c, values in stored.items()})


def look_everywhere(record: CollectionRecord, n_items: int) -> dict[str, int]:
    """Return search settings that make an index compare with every vector."""
    setting = search_setting(record.index)
    if setting == "nprobe":
        return {"nprobe": record.params["nlist"]}
    return {"ef": max(n_items, 1)} if setting == "ef" else {}


def _ask(
    connection: StoreConnection,
    name: str,
    record: CollectionRecord,
    query: VectorQuery,
    params: Mapping[str, int],
    limit: int,
) -> list[Hit]:
    """Send one search to Milvus."""
    ends = {"radius": query.radius, "range_filter": query.range_filter}
    given = {end: value for end, value in ends.items() if value is not None}
    answer = connection.client.search(
        name,
        data=[query.vector],
        anns_field=query.field,
        limit=limit,
        filter=query.expression,
        output_fields=record.output_fields,
        search_params={"metric_type": _metric(record, query), "params": {**params, **given}},
        **({"group_by_field": query.group_by} if query.group_by else {}),
        **({"offset": query.offset} if query.offset else {}),
    )
    hits = list(answer[0])
    if query.by_words and connection.backend.lite:  # it gives distances: scores with their sign turned
        return [{**hit, "distance": -hit["distance"]} for hit in hits]
    return hits


def _metric(record: CollectionRecord, query: VectorQuery) -> str:
    return "BM25" if query.by_words else record.metric


def _efforts(
    record: CollectionRecord, query: VectorQuery, n_items: int
) -> Iterator[tuple[dict[str, int], int]]:
    """Yield search settings and limits that look farther and farther in Milvus Lite.

    A graph visits the nearest items first, so what matches among the first thousands is the nearest that
    matches. Visiting all of them is the last resort: it takes ten times as long as comparing with all.

    Milvus Lite (3.2) takes groups and rings out of the nearest few: of ten times as many items as hits are
    asked for, or of five times. A group that begins farther away would be missing, so the limit grows too.
    """
    if search_setting(record.index) == "ef":
        width = max(WIDE, 10 * query.k)
        while width < n_items:
            yield {"ef": width}, query.k
            width *= 10
    everywhere = look_everywhere(record, n_items)
    yield everywhere, query.k
    candidates_per_hit = 10 if query.group_by else 5 if query.range_filter is not None else n_items
    limit = query.k
    while limit * candidates_per_hit < n_items and limit < MAX_HITS:
        limit = min(10 * limit, -(-n_items // candidates_per_hit), MAX_HITS)
        yield everywhere, limit

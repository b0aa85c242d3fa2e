"""Where indexes are measured: in FAISS alone, and in Milvus, on this machine or on a server."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from embedlab.embeddings import Embeddings
from embedlab.store.connection import Connection, speaking
from embedlab.store.engine import Question, load, nearest
from embedlab.store.errors import StoreError
from embedlab.store.indexes import default_nlist, make_index
from embedlab.store.provenance import Record
from embedlab.store.vectorstore import VectorStore

_NAME = "embedlab_index_lab"
_PATIENCE = 600.0  # seconds for a server to build an index

Plan = Mapping[str, Sequence[Mapping[str, int]]]
Finder = Callable[[np.ndarray, Mapping[str, int]], list[int]]


def each(plan: Plan) -> Iterator[tuple[str, dict[str, int]]]:
    """Every index with every setting."""
    for index, several in plan.items():
        for params in several:
            yield index, dict(params)


def in_faiss(base: np.ndarray, index: str, built: Mapping[str, int]) -> tuple[Finder, float, float]:
    """The same index in FAISS alone: how to search it, seconds to build, and megabytes."""
    import faiss

    dim, inner = base.shape[1], faiss.METRIC_INNER_PRODUCT
    byte = faiss.ScalarQuantizer.QT_8bit
    made: Any
    started = time.perf_counter()
    if index == "FLAT":
        made = faiss.IndexFlatIP(dim)
    elif index in ("HNSW", "AUTOINDEX"):
        made = faiss.IndexHNSWFlat(dim, built.get("M", 16), inner)
    elif index == "HNSW_SQ":
        made = faiss.IndexHNSWSQ(dim, byte, built.get("M", 16), inner)  # type: ignore[arg-type]
    elif index == "IVF_FLAT":
        made = faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, built["nlist"], inner)
    else:
        made = faiss.IndexIVFScalarQuantizer(faiss.IndexFlatIP(dim), dim, built["nlist"], byte, inner)
    if "HNSW" in index or index == "AUTOINDEX":
        made.hnsw.efConstruction = built.get("efConstruction", 200)
    if not made.is_trained:
        made.train(base)
    made.add(base)
    seconds = time.perf_counter() - started

    def find(query: np.ndarray, looking: Mapping[str, int]) -> list[int]:
        if "ef" in looking:
            made.hnsw.efSearch = looking["ef"]
        if "nprobe" in looking:
            made.nprobe = looking["nprobe"]
        rows = made.search(query[None], find_k)[1][0]
        return [int(row) for row in rows if row >= 0]

    find_k = min(len(base), 100)
    return find, seconds, len(faiss.serialize_index(made)) / 1e6


def in_milvus(
    store: VectorStore,
    stored: Embeddings,
    plan: Plan,
    k: int,
    measure: Callable[[str, str, Mapping[str, int], Finder, float, float], None],
) -> None:
    """Store once, then build and measure one index after the other."""
    bare = stored.items.frame[["id"]]
    items = type(stored.items)(bare.assign(content=""), "text", "index_lab")
    only = Embeddings(stored.vectors, items, stored.model, stored.layer, stored.pooling, stored.normalized)
    if _NAME in set(store.collections()["name"]):
        store.drop(_NAME)
    try:
        store.add(_NAME, only, index="FLAT", progress=False)
        here = store._connection
        record = store.record(_NAME)
        with speaking("flush what is measured"):
            here.client.flush(_NAME)  # a server would keep a few rows unsealed, and those have no index
        row_of = {id: row for row, id in enumerate(stored.ids)}
        for index, built in each(plan):
            if index == "HNSW_SQ" and not here.place.has("the index HNSW_SQ"):
                continue
            as_built = _rebuilt(here, record, index, built)
            seconds, mb = build(here, _NAME, as_built)

            def find(query: np.ndarray, looking: Mapping[str, int], made: Record = as_built) -> list[int]:
                hits = nearest(here, _NAME, made, Question("vector", query, k, params=looking))
                return [row_of[hit["id"]] for hit in hits]

            measure(here.place.name, index, built, find, seconds, mb)
    finally:
        store.drop(_NAME)


def _rebuilt(here: Connection, record: Record, index: str, built: Mapping[str, int]) -> Record:
    params = dict(built)
    if index.startswith("IVF") and not params:
        params = {"nlist": default_nlist(int(here.client.get_collection_stats(_NAME)["row_count"]))}
    return dataclasses.replace(record, index=index, params=params, columns={}, fields=[])


def build(here: Connection, name: str, record: Record) -> tuple[float, float]:
    """Put this index in the place of the last one: seconds, and megabytes where the files can be seen."""
    client = here.client
    with speaking(f"build {record.index}"):
        client.release_collection(name)
        client.drop_index(name, "vector")
        here.ready.discard(name)
        started = time.perf_counter()
        make_index(client, name, record, here.place.lite)
        if not here.place.lite:
            _wait(client, name, record.index)
        load(here, name, record)
        seconds = time.perf_counter() - started
        told = client.describe_index(name, "vector")
    if told["index_type"] != record.index or int(told.get("pending_index_rows", 0)):
        raise StoreError(f"{here.place.name} did not use the index {record.index} that was measured: {told}.")
    if here.path is None:
        return seconds, float("nan")
    files = [*(here.path / "collections" / name).rglob("*.idx")]
    if record.index != "FLAT" and not files:
        raise StoreError(f"{here.place.name} has no {record.index} on disk: it would compare every vector.")
    return seconds, sum(file.stat().st_size for file in files) / 1e6


def _wait(client: Any, name: str, index: str) -> None:
    """Until a server has built its index: it answers without it before, exactly and slowly."""
    until = time.monotonic() + _PATIENCE
    while True:
        told = client.describe_index(name, "vector")
        if told.get("state") == "Finished" and not int(told.get("pending_index_rows", 0)):
            return
        if time.monotonic() > until:
            raise StoreError(f"The server has not built {index} within {_PATIENCE:.0f} s: {told}.")
        time.sleep(0.2)

"""Build indexes to be measured: in FAISS alone, and in Milvus, on this machine or on a server."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from embedlab.embeddings import Embeddings
from embedlab.items import Items
from embedlab.store.backend import Feature
from embedlab.store.connection import StoreConnection
from embedlab.store.errors import StoreError, StoreErrorCode
from embedlab.store.index_spec import IndexSpec, IndexType
from embedlab.store.loading import load
from embedlab.store.provenance import CollectionRecord
from embedlab.store.schema import create_indexes
from embedlab.store.search import VectorQuery, nearest
from embedlab.store.vectorstore import VectorStore

_NAME = "embedlab_index_lab"
_BUILD_SECONDS = 600.0  # for how long a server may build an index
_FAISS_HITS = 100

Finder = Callable[[np.ndarray, Mapping[str, int]], list[int]]  # query and search settings -> rows


@dataclass(frozen=True)
class BuiltIndex:
    """An index that can be searched.

    Attributes
    ----------
    place : str
        Where it was built, with the version: ``"Milvus Lite 3.2.2"``.
    index : str
    params : dict of str to int
        With what it was built, as Milvus spells it.
    find : callable
        Takes a query of shape (dim,) and search settings, and returns rows, nearest first.
    seconds : float
        How long the build took.
    megabytes : float
        Size of the index; NaN if it cannot be seen.
    """

    place: str
    index: IndexType
    params: Mapping[str, int]
    find: Finder
    seconds: float
    megabytes: float


def faiss_name() -> str:
    """Name bare FAISS with its version."""
    return f"FAISS {version('faiss-cpu')}"


def faiss_indexes(base: np.ndarray, specs: Sequence[IndexSpec]) -> Generator[BuiltIndex]:
    """Build each index in FAISS alone.

    Parameters
    ----------
    base : ndarray, shape (n_items, dim), float32
        Vectors of length 1.
    specs : sequence of IndexSpec
    """
    import faiss

    for spec in specs:
        started = time.perf_counter()
        index = _empty_faiss_index(base.shape[1], spec)
        if not index.is_trained:
            index.train(base)
        index.add(base)
        seconds = time.perf_counter() - started
        megabytes = len(faiss.serialize_index(index)) / 1e6
        finder = _faiss_finder(index, min(len(base), _FAISS_HITS))
        yield BuiltIndex(faiss_name(), spec.index_type, spec.params, finder, seconds, megabytes)


def _empty_faiss_index(dim: int, spec: IndexSpec) -> Any:
    import faiss

    inner, byte = faiss.METRIC_INNER_PRODUCT, faiss.ScalarQuantizer.QT_8bit
    links, cells = spec.M or 16, spec.nlist or 1
    index: Any
    match spec.index_type:
        case "FLAT":
            return faiss.IndexFlatIP(dim)
        case "IVF_FLAT":
            return faiss.IndexIVFFlat(faiss.IndexFlatIP(dim), dim, cells, inner)
        case "IVF_SQ8":
            return faiss.IndexIVFScalarQuantizer(faiss.IndexFlatIP(dim), dim, cells, byte, inner)
        case "HNSW_SQ":
            index = faiss.IndexHNSWSQ(dim, byte, links, inner)  # type: ignore[arg-type]
        case _:
            index = faiss.IndexHNSWFlat(dim, links, inner)
    index.hnsw.efConstruction = spec.ef_construction or 200
    return index


def _faiss_finder(index: Any, k: int) -> Finder:
    def find(query: np.ndarray, params: Mapping[str, int]) -> list[int]:
        if "ef" in params:
            index.hnsw.efSearch = params["ef"]
        if "nprobe" in params:
            index.nprobe = params["nprobe"]
        rows = index.search(query[None], k)[1][0]
        return [int(row) for row in rows if row >= 0]

    return find


def milvus_indexes(
    store: VectorStore, embeddings: Embeddings, specs: Sequence[IndexSpec], k: int
) -> Generator[BuiltIndex]:
    """Store vectors once, then build one index after the other that the backend has.

    The collection is dropped at the end, or when the generator is closed.

    Parameters
    ----------
    store : VectorStore
    embeddings : Embeddings
    specs : sequence of IndexSpec
    k : int
        How many hits a search returns.
    """
    if _NAME in set(store.collections()["name"]):
        store.drop(_NAME)
    try:
        store.add(_NAME, _without_columns(embeddings), index="FLAT", progress=False)
        connection, record = store._connection, store.record(_NAME)
        with connection.request("flush what is measured", collection=_NAME):
            # A server would keep a few rows unsealed, and those have no index.
            connection.client.flush(_NAME)
        row_of = {item_id: row for row, item_id in enumerate(embeddings.ids)}
        for spec in specs:
            if spec.index == "HNSW_SQ" and not store.backend.has(Feature.HNSW_SQ):
                continue
            built = replace(record, index=spec.index_type, params=spec.params, columns={}, fields=[])
            seconds, megabytes = rebuild(connection, _NAME, built)
            finder = _milvus_finder(connection, built, row_of, k)
            yield BuiltIndex(store.backend.name, built.index, spec.params, finder, seconds, megabytes)
    finally:
        store.drop(_NAME)


def _without_columns(embeddings: Embeddings) -> Embeddings:
    frame = embeddings.items.frame[["id"]].assign(content="")
    return replace(embeddings, items=Items(frame, "text", "index_lab"))


def _milvus_finder(
    connection: StoreConnection, record: CollectionRecord, row_of: Mapping[str, int], k: int
) -> Finder:
    def find(query: np.ndarray, params: Mapping[str, int]) -> list[int]:
        hits = nearest(connection, _NAME, record, VectorQuery("vector", query, k, params=params))
        return [row_of[hit["id"]] for hit in hits]

    return find


def rebuild(connection: StoreConnection, name: str, record: CollectionRecord) -> tuple[float, float]:
    """Replace the index of a collection by that of a record.

    Returns
    -------
    seconds : float
    megabytes : float
        NaN if the files cannot be seen.

    Raises
    ------
    StoreError
        If Milvus answers without the index.
    """
    client, backend = connection.client, connection.backend
    with connection.request(f"build {record.index}", collection=name):
        client.release_collection(name)
        client.drop_index(name, "vector")
        connection.loaded.discard(name)
        started = time.perf_counter()
        create_indexes(client, name, record, backend)
        if not backend.lite:
            _wait_until_built(client, name, record.index)
        load(connection, name, record)
        seconds = time.perf_counter() - started
        description = client.describe_index(name, "vector")
    if description["index_type"] != record.index or int(description.get("pending_index_rows", 0)):
        raise _not_used(name, f"{backend.name} did not use the index {record.index}: {description}.")
    if connection.path is None:
        return seconds, float("nan")
    files = [*(connection.path / "collections" / name).rglob("*.idx")]
    if record.index != "FLAT" and not files:
        raise _not_used(
            name, f"{backend.name} has no {record.index} on disk, so it would compare with every vector."
        )
    return seconds, sum(file.stat().st_size for file in files) / 1e6


def _wait_until_built(client: Any, name: str, index: IndexType) -> None:
    """Wait until a server has built its index; before, it answers exactly and slowly, without it."""
    polling = Retrying(
        retry=retry_if_result(lambda description: not _is_built(description)),
        wait=wait_fixed(0.2),
        stop=stop_after_delay(_BUILD_SECONDS),
    )
    try:
        polling(client.describe_index, name, "vector")
    except RetryError as error:
        raise _not_used(
            name, f"The server has not built {index} within {_BUILD_SECONDS:.0f} s. Measure fewer items."
        ) from error


def _is_built(description: Mapping[str, Any]) -> bool:
    return description.get("state") == "Finished" and not int(description.get("pending_index_rows", 0))


def _not_used(name: str, message: str) -> StoreError:
    return StoreError(message, code=StoreErrorCode.INDEX_NOT_USED, collection=name)

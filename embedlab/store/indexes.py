"""The index types a store supports, and the shape of a collection."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from embedlab.embeddings import Embeddings
from embedlab.store.columns import MAX_BYTES, is_field
from embedlab.store.connection import StoreError
from embedlab.store.record import Origin, Record

_GRAPH = (("M", "efConstruction"), "ef")
_CELLS = (("nlist",), "nprobe")

# Index type: settings when building, setting when searching. Milvus Lite takes any other name without a word
# and then compares with every vector, and it ignores settings it does not know: both are refused here.
INDEXES: dict[str, tuple[tuple[str, ...], str | None]] = {
    "AUTOINDEX": ((), "ef"),
    "FLAT": ((), None),
    "HNSW": _GRAPH,
    "HNSW_SQ": _GRAPH,
    "IVF_FLAT": _CELLS,
    "IVF_SQ8": _CELLS,
}
_TYPES = {"text": "VARCHAR", "int": "INT64", "float": "DOUBLE", "bool": "BOOL"}
METRICS = ("COSINE", "IP", "L2")
DEFAULT_INDEX, DEFAULT_METRIC = "AUTOINDEX", "COSINE"


def check_index(index: str, metric: str, params: Mapping[str, int]) -> None:
    """Raise :class:`StoreError` unless Milvus Lite really has this index, metric and settings."""
    if index not in INDEXES:
        raise StoreError(
            f"There is no index type {index!r} here; the supported ones are {', '.join(INDEXES)}."
        )
    if metric not in METRICS:
        raise StoreError(f"There is no metric {metric!r} here; the supported ones are {', '.join(METRICS)}.")
    _check_params(params, INDEXES[index][0], f"building {index}")


def check_search_params(params: Mapping[str, int], index: str) -> None:
    """Raise :class:`StoreError` for a search setting that this index does not have."""
    setting = INDEXES[index][1]
    _check_params(params, (setting,) if setting else (), f"searching {index}")


def _check_params(params: Mapping[str, int], known: tuple[str, ...], purpose: str) -> None:
    """Raise :class:`StoreError` for a setting that would be ignored, or is not a positive whole number."""
    for name, value in params.items():
        if name not in known:
            options = ", ".join(known) or "none"
            raise StoreError(f"There is no setting {name!r} for {purpose}; there is: {options}.")
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise StoreError(f"{name} must be a whole number from 1 upwards, not {value!r}.")


def settle(
    name: str,
    embeddings: Embeddings,
    old: Record | None,
    index: str | None,
    metric: str | None,
    params: Mapping[str, int] | None,
) -> Record:
    """The record of the collection that is added to, after checking that it agrees with what was asked."""
    origin, items = Origin.of(embeddings), embeddings.items
    # A model with two towers puts pictures and texts into one space, and so into one collection.
    modality = "image+text" if embeddings.model.modality == "image+text" else items.modality
    if old is None:
        record = Record(
            origin,
            modality,
            items.name,
            index or DEFAULT_INDEX,
            metric or DEFAULT_METRIC,
            dict(params or {}),
        )
        check_index(record.index, record.metric, record.params)
        if INDEXES[record.index] == _CELLS and not record.params:
            return dataclasses.replace(record, params={"nlist": default_nlist(len(items))})
        return record
    check_index(index or old.index, metric or old.metric, params or {})
    old.origin.check(origin, "These embeddings have", name)
    for what, asked, has in (
        ("modality", modality, old.modality),
        ("index", index, old.index),
        ("metric", metric, old.metric),
        ("params", params, old.params),
    ):
        if asked is not None and asked != has:
            raise StoreError(
                f"{name!r} was made with {what} {has!r}, not {asked!r}. Use another collection name, "
                f'or make it anew after store.drop("{name}").'
            )
    return old


def default_nlist(n_items: int) -> int:
    """How many cells an IVF index gets: at least 39 items each, the fewest that FAISS's k-means asks for."""
    return max(1, min(128, n_items // 39))


def look_everywhere(record: Record, n_items: int) -> dict[str, int]:
    """Search settings that make an index compare with every vector."""
    setting = INDEXES[record.index][1]
    if setting == "nprobe":
        return {"nprobe": record.params["nlist"]}
    return {"ef": max(n_items, 1)} if setting == "ef" else {}


def make_schema(client: Any, record: Record) -> Any:
    """The Milvus schema of a new collection.

    Columns known at the start become typed fields: filters on them are fast, and a wrong type is told.
    Whatever comes later, or has a name Milvus cannot parse, lists, or values of several types, goes to the
    dynamic field, which takes anything JSON can hold.
    """
    from pymilvus import DataType

    text = {"max_length": MAX_BYTES}
    schema = client.create_schema(auto_id=False, enable_dynamic_field=True)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, **text)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=record.origin.dim)
    for column in record.fields:
        kind = record.columns[column]
        dtype = DataType[_TYPES[kind]]
        schema.add_field(column, dtype, nullable=True, **(text if kind == "text" else {}))
    return schema


def typed_fields(columns: Mapping[str, str]) -> list[str]:
    """Which columns of a new collection become typed fields."""
    return [name for name, kind in columns.items() if kind in _TYPES and is_field(name)]


def make_index(client: Any, name: str, record: Record) -> None:
    """Declare the index of a collection; Milvus Lite builds it when the collection is loaded."""
    wanted = client.prepare_index_params()
    # Twice "params": pymilvus 3.0 takes one layer away, and Milvus Lite 3.2 wants its settings in the other.
    wanted.add_index(
        "vector",
        index_type=record.index,
        metric_type=record.metric,
        params={"params": dict(record.params)},
    )
    # There is nothing to wait for yet; pymilvus would sleep for half a second before it looked.
    client.create_index(name, wanted, sync=False)

"""The index types a store supports, and the shape of a collection."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from embedlab.embeddings import Embeddings
from embedlab.errors import WrongModel
from embedlab.store.backend import Place
from embedlab.store.columns import MAX_BYTES, is_field
from embedlab.store.errors import StoreError
from embedlab.store.provenance import BM25, Origin, Record

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
WIDE = 2_000  # items that a graph visits at first where it has to look farther than usual


def check_count(what: str, value: Any, least: int) -> None:
    """Raise :class:`StoreError` unless a value is a whole number from ``least`` upwards."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise StoreError(f"{what} must be a whole number from {least} upwards, not {value!r}.")


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
    several: Sequence[Embeddings],
    old: Record | None,
    place: Place,
    *,
    index: str | None,
    metric: str | None,
    params: Mapping[str, int] | None,
    full_text: str | None,
    n_items: int,
) -> Record:
    """The record of the collection that is added to, after checking that it agrees with what was asked."""
    items = several[0].items
    # A model with two towers puts pictures and texts into one space, and so into one collection.
    modality = "image+text" if several[0].model.modality == "image+text" else items.modality
    if old is not None:
        check_index(index or old.index, metric or old.metric, params or {})
        _check_models(name, several, old)
        for what, asked, has in (
            ("modality", modality, old.modality),
            ("index", index, old.index),
            ("metric", metric, old.metric),
            ("params", params, old.params),
            ("full_text", full_text, old.full_text),
        ):
            if asked is not None and asked != has:
                raise StoreError(
                    f"{name!r} was made with {what} {has!r}, not {asked!r}. Use another collection name, "
                    f'or make it anew after store.drop("{name}").'
                )
        return old
    origins: dict[str, Origin] = {}
    for emb in several:
        field = field_name(emb.model.name) if origins else "vector"
        if field in origins or Origin.of(emb) in origins.values():
            raise StoreError(f"{emb.model.name!r} occurs twice among the models: give each once.")
        origins[field] = Origin.of(emb)
    if len(origins) > 1:
        place.require("several models in one collection")
    if full_text is not None:
        place.require("full-text search")
        if full_text not in items.frame.columns or not is_field(full_text):
            columns = ", ".join(c for c in items.frame.columns if is_field(str(c)) and c != "id")
            raise StoreError(f"These items have no column {full_text!r} for full_text; there is: {columns}.")
    record = Record(
        origins,
        modality,
        items.name,
        index or DEFAULT_INDEX,
        metric or DEFAULT_METRIC,
        dict(params or {}),
        full_text=full_text,
    )
    check_index(record.index, record.metric, record.params)
    if record.index == "HNSW_SQ":
        place.require("the index HNSW_SQ")
    return filled_in(record, n_items, place)


def filled_in(record: Record, n_items: int, place: Place) -> Record:
    """The record with the settings that its index must have."""
    if record.params or (place.lite and INDEXES[record.index] != _CELLS):
        return record
    if INDEXES[record.index] == _CELLS:
        return dataclasses.replace(record, params={"nlist": default_nlist(n_items)})
    if INDEXES[record.index] == _GRAPH:
        return dataclasses.replace(record, params={"M": 16, "efConstruction": 200})
    return record


def field_name(model: str) -> str:
    """The vector field of a further model: ``text/mpnet`` has ``vector_text_mpnet``."""
    return "vector_" + re.sub(r"\W", "_", model, flags=re.ASCII)[:200]


def _check_models(name: str, several: Sequence[Embeddings], old: Record) -> None:
    """Raise :class:`WrongModel` unless there are vectors for each field of the collection, in order."""
    for emb, origin in zip(several, old.vectors.values(), strict=False):
        origin.check(Origin.of(emb), "These embeddings have", name)
    if len(several) != len(old.vectors):
        models = ", ".join(origin.model for origin in old.vectors.values())
        raise WrongModel(
            f"{name!r} holds vectors of {len(old.vectors)} models ({models}), and these are of "
            f"{len(several)}. An "
            "item is stored whole: give a list with one Embeddings for each model, in this order."
        )


def default_nlist(n_items: int) -> int:
    """How many cells an IVF index gets: at least 39 items each, the fewest that FAISS's k-means asks for."""
    return max(1, min(128, n_items // 39))


def look_everywhere(record: Record, n_items: int) -> dict[str, int]:
    """Search settings that make an index compare with every vector."""
    setting = INDEXES[record.index][1]
    if setting == "nprobe":
        return {"nprobe": record.params["nlist"]}
    return {"ef": max(n_items, 1)} if setting == "ef" else {}


def farther(record: Record, n_items: int, k: int) -> Iterator[dict[str, int]]:
    """Search settings that look farther each time; the last compares with every vector.

    A graph visits the nearest items first, so what matches among the first thousands is the nearest that
    matches. Visiting all of them is the last resort: it takes ten times as long as comparing with all.
    """
    if INDEXES[record.index][1] == "ef":
        width = max(WIDE, 10 * k)
        while width < n_items:
            yield {"ef": width}
            width *= 10
    yield look_everywhere(record, n_items)


def make_schema(client: Any, record: Record, place: Place) -> Any:
    """The Milvus schema of a new collection.

    Columns known at the start become typed fields: filters on them are fast, and a wrong type is told.
    Whatever comes later, or has a name Milvus cannot parse, lists, or values of several types, goes to the
    dynamic field, which takes anything JSON can hold.
    """
    from pymilvus import DataType, Function, FunctionType

    text: dict[str, Any] = {"max_length": MAX_BYTES}
    schema = client.create_schema(auto_id=False, enable_dynamic_field=True)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, **text)
    for field, origin in record.vectors.items():
        schema.add_field(field, DataType.FLOAT_VECTOR, dim=origin.dim)
    for column in record.fields:
        kind, may_miss = record.columns[column], place.has("missing values in filters (is null)")
        settings = dict(text) if kind == "text" else {}
        if column == record.full_text:
            may_miss, settings["enable_analyzer"] = False, True
        schema.add_field(
            column, DataType[_TYPES[kind]], **settings, **({"nullable": True} if may_miss else {})
        )
    if record.full_text:
        schema.add_field(BM25, DataType.SPARSE_FLOAT_VECTOR)
        schema.add_function(
            Function(
                name="bm25",
                function_type=FunctionType.BM25,
                input_field_names=[record.full_text],
                output_field_names=[BM25],
            )
        )
    return schema


def typed_fields(columns: Mapping[str, str], place: Place, full_text: str | None = None) -> list[str]:
    """Which columns of a new collection become typed fields.

    Where a typed field cannot miss a value (Milvus before 2.5) only the long ones that an item always has do:
    the dynamic field takes 65,536 bytes for all columns together.
    """
    able = [name for name, kind in columns.items() if kind in _TYPES and is_field(name)]
    if place.has("missing values in filters (is null)"):
        return able
    return [name for name in able if name in ("content", "path", full_text)]


def make_index(client: Any, name: str, record: Record, lite: bool) -> None:
    """Declare the indexes of a collection; Milvus Lite builds them when the collection is loaded."""
    wanted = client.prepare_index_params()
    for field in record.vectors:
        # Twice "params": pymilvus 3.0 takes one layer away, and Milvus Lite 3.2 wants its settings in the
        # other.
        settings: dict[str, Any] = dict(record.params) if not lite else {"params": dict(record.params)}
        wanted.add_index(field, index_type=record.index, metric_type=record.metric, params=settings)
    if record.full_text:
        wanted.add_index(BM25, index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
    from pymilvus.exceptions import MilvusException

    try:
        # There is nothing to wait for yet; pymilvus would sleep for half a second before it looked.
        client.create_index(name, wanted, sync=False)
    except MilvusException as error:
        # Milvus Lite first builds what rows are there, and answers no ping meanwhile. After ten minutes of a
        # million rows pymilvus takes it for lost and asks again, when the index is there.
        if not lite or "already exists" not in str(error):
            raise

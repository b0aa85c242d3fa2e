"""The shape of a collection in Milvus: its fields and its indexes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from embedlab.store.backend import Backend, Feature
from embedlab.store.columns import MAX_BYTES, is_field
from embedlab.store.errors import StoreErrorCode
from embedlab.store.milvus_errors import translate
from embedlab.store.provenance import BM25, CollectionRecord

_TYPES = {"text": "VARCHAR", "int": "INT64", "float": "DOUBLE", "bool": "BOOL"}


def field_name(model: str) -> str:
    """Name the vector field of a further model: ``text/mpnet`` has ``vector_text_mpnet``."""
    return "vector_" + re.sub(r"\W", "_", model, flags=re.ASCII)[:200]


def typed_fields(columns: Mapping[str, str], backend: Backend, full_text: str | None = None) -> list[str]:
    """Choose which columns of a new collection become typed fields.

    If a typed field cannot miss a value (Milvus before 2.5), only the long ones that every item has do:
    the dynamic field takes 65,536 bytes for all columns together.
    """
    possible = [name for name, kind in columns.items() if kind in _TYPES and is_field(name)]
    if backend.has(Feature.NULL_FILTERS):
        return possible
    return [name for name in possible if name in ("content", "path", full_text)]


def make_schema(client: Any, record: CollectionRecord, backend: Backend) -> Any:
    """Make the Milvus schema of a new collection.

    Columns known at the start become typed fields: filters on them are fast, and Milvus refuses a wrong type.
    Whatever comes later, or has a name Milvus cannot parse, lists, or values of several types, goes to the
    dynamic field, which takes anything JSON can hold.

    Parameters
    ----------
    client : pymilvus.MilvusClient
    record : CollectionRecord
    backend : Backend

    Returns
    -------
    pymilvus.CollectionSchema
    """
    from pymilvus import DataType, Function, FunctionType

    text: dict[str, Any] = {"max_length": MAX_BYTES}
    schema = client.create_schema(auto_id=False, enable_dynamic_field=True)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, **text)
    for field, origin in record.vectors.items():
        schema.add_field(field, DataType.FLOAT_VECTOR, dim=origin.dim)
    for column in record.fields:
        kind, nullable = record.columns[column], backend.has(Feature.NULL_FILTERS)
        settings = dict(text) if kind == "text" else {}
        if column == record.full_text:
            nullable, settings["enable_analyzer"] = False, True
        if nullable:
            settings["nullable"] = True
        schema.add_field(column, DataType[_TYPES[kind]], **settings)
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


def create_indexes(client: Any, name: str, record: CollectionRecord, backend: Backend) -> None:
    """Declare the indexes of a collection; Milvus Lite builds them when the collection is loaded."""
    from pymilvus.exceptions import MilvusException

    wanted = client.prepare_index_params()
    for field in record.vectors:
        # Milvus Lite 3.2 reads its settings one layer further down, and pymilvus 3.0 takes one layer away.
        settings = {"params": dict(record.params)} if backend.lite else dict(record.params)
        wanted.add_index(field, index_type=record.index, metric_type=record.metric, params=settings)
    if record.full_text:
        wanted.add_index(BM25, index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
    try:
        # There is nothing to wait for yet; pymilvus would sleep for half a second before it looked.
        client.create_index(name, wanted, sync=False)
    except MilvusException as error:
        # Milvus Lite first builds what rows are there, and answers no ping meanwhile. After ten minutes of a
        # million rows pymilvus takes it for lost and asks again, when the index is there.
        if not backend.lite or translate(error).code is not StoreErrorCode.INDEX_EXISTS:
            raise

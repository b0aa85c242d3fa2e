"""Keep embeddings in Milvus, with their items and their origin, and search them."""

from __future__ import annotations

from embedlab.store.backend import Backend, Feature, MissingFeature
from embedlab.store.errors import AddInterrupted, StoreError, StoreErrorCode
from embedlab.store.index_spec import IndexSpec
from embedlab.store.vectorstore import VectorStore

__all__ = [
    "AddInterrupted",
    "Backend",
    "Feature",
    "IndexSpec",
    "MissingFeature",
    "StoreError",
    "StoreErrorCode",
    "VectorStore",
]

"""VectorStore: keep embeddings in Milvus, with their items and their origin, and search them."""

from __future__ import annotations

from embedlab.store.errors import StoreError
from embedlab.store.vectorstore import VectorStore

__all__ = ["StoreError", "VectorStore"]

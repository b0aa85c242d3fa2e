"""The Embedder protocol: what every model can do."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np

from embedlab.catalog.cards import ModelCard
from embedlab.embeddings import Embeddings
from embedlab.items import Items


@runtime_checkable
class Embedder(Protocol):
    """Anything that turns items into vectors.

    Attributes
    ----------
    card : ModelCard
        The model, with the sha256 and source of the loaded weights.
    dim : int
        Length of a vector.
    """

    card: ModelCard
    dim: int

    def embed(self, items: Items, *, batch_size: int = 32, progress: bool | None = None) -> Embeddings:
        """Embed all items; the vectors have shape (n_items, dim)."""
        ...

    def embed_query(self, x: Any) -> np.ndarray:
        """Embed one query; returns a vector of shape (dim,), float32."""
        ...

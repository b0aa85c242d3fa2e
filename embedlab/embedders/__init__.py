"""Models: ``load_model`` finds the weights and builds the embedder that its catalogue row names."""

from __future__ import annotations

from embedlab.embedders.layerwise import embed_layers
from embedlab.embedders.loading import load_model
from embedlab.embedders.protocol import Embedder
from embedlab.embeddings import Embeddings
from embedlab.items import Items

__all__ = ["Embedder", "embed", "embed_layers", "load_model"]


def embed(items: Items, model: str | Embedder, *, batch_size: int = 32) -> Embeddings:
    """Embed items with a model, given by name or already loaded.

    Parameters
    ----------
    items : Items
    model : str or Embedder
    batch_size : int

    Returns
    -------
    Embeddings, n_items x dim
    """
    embedder = load_model(model) if isinstance(model, str) else model
    return embedder.embed(items, batch_size=batch_size)

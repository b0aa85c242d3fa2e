"""Embedders: load a model by its name, and embed items with it."""

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
        Of the model's modality.
    model : str or Embedder
        A name, as for :func:`load_model`, or a loaded model.
    batch_size : int
        As for :meth:`Embedder.embed`.

    Returns
    -------
    Embeddings, n_items x dim

    Raises
    ------
    EmbedlabError
        When the model cannot be loaded.
    BadItem
        For items of another modality, and for items that cannot be embedded, with ``problems`` by id.
    """
    embedder = load_model(model) if isinstance(model, str) else model
    return embedder.embed(items, batch_size=batch_size)

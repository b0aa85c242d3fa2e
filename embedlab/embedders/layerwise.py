"""A model read at several depths in one forward pass: what do the early layers know already?"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

import numpy as np

from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.batching import OnError, check_call, without
from embedlab.embedders.loading import load_model
from embedlab.embeddings import Embeddings, EmbedReport
from embedlab.errors import EmbedlabError
from embedlab.items import Items


def embed_layers(
    items: Items,
    model: str | CachedEmbedder,
    layers: Sequence[str] | None = None,
    *,
    batch_size: int = 32,
    progress: bool | None = None,
    on_error: OnError = "raise",
) -> dict[str, Embeddings]:
    """One set of embeddings per layer, all from one forward pass over the items.

    Parameters
    ----------
    items : Items
        Of the model's modality.
    model : str or Embedder
        A name of the catalogue, a model that is loaded, or one made by :func:`from_module`.
    layers : sequence of str, optional
        Names of layers, as in ``model.network.named_modules()``; by default ``model.layers``, a choice from
        the first layer to the last.
    batch_size : int
    progress : bool, optional
    on_error : {"raise", "skip"}
        As for :meth:`embed`.

    Returns
    -------
    dict of str to Embeddings
        In the order of ``layers``. Each has all items, and as many dimensions as its layer is wide; how the
        activations of one item became one vector is its ``pooling``. Nothing is normalised or cached.

    Raises
    ------
    BadItem
        As :meth:`embed`.
    EmbedlabError
        For an unknown layer, or a model that cannot be read layer by layer.
    """
    started = time.perf_counter()
    model = _network(model)
    names = tuple(model.layers if layers is None else layers)
    if not names:
        raise EmbedlabError(f"Name the layers of {model.card.name} to read: it offers no choice of its own.")
    check_call(items, model.card.name, [model.card.modality], batch_size, on_error)
    skipped = model.problems(items)
    items = without(items, skipped, on_error)
    digests = items.digests()
    content_of = dict(zip(digests, items.contents, strict=True))
    seen: dict[str, dict[bytes, np.ndarray]] = {name: {} for name in names}
    failed: dict[bytes, str] = {}
    for batch in model.batches(content_of, list(content_of), batch_size, progress):
        failed |= batch.failed
        if batch.digests:
            for name, vectors in model.compute_layers(batch.prepared, names, batch_size).items():
                seen[name] |= zip(batch.digests, np.asarray(vectors, np.float32), strict=True)
    unreadable = {id: failed[d] for id, d in zip(items.ids, digests, strict=True) if d in failed}
    items = without(items, unreadable, on_error)
    kept = [d for d in digests if d not in failed]
    report = EmbedReport(
        n_computed=len(items), skipped=skipped | unreadable, seconds=time.perf_counter() - started
    )
    found = {}
    for name in names:
        vectors = np.stack([seen[name][d] for d in kept]) if kept else np.empty((0, 0), np.float32)
        pooling = model.layer_pooling(name)
        card = dataclasses.replace(
            model.card, layer=name, pooling=pooling, dim=vectors.shape[1], normalized=False
        )
        found[name] = Embeddings(vectors, items, card, name, pooling, False, report)
    return found


def _network(model: str | CachedEmbedder) -> CachedEmbedder:
    loaded = load_model(model) if isinstance(model, str) else model
    if not isinstance(loaded, CachedEmbedder):
        raise EmbedlabError(f"{loaded!r} cannot be read layer by layer: it is not a network in this process.")
    return loaded

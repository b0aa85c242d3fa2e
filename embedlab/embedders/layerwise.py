"""Read a model at several depths in one forward pass, to see what the early layers know already."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

import numpy as np

from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.checks import check_arguments, drop_unusable
from embedlab.embedders.loading import load_model
from embedlab.embeddings import Embeddings, EmbedReport
from embedlab.errors import EmbedlabError, OnError, Problem
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
    """Embed items with several layers of a model, in one forward pass.

    Parameters
    ----------
    items : Items
        Of the model's modality.
    model : str or Embedder
        A catalogue name, a loaded model, or one made by :func:`from_module`.
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
        In the order of ``layers``. Each has all items, and as many dimensions as its layer is wide; its
        ``pooling`` says how the activations of one item became one vector. Nothing is normalised or cached.

    Raises
    ------
    BadItem
        As :meth:`embed`.
    EmbedlabError
        For an unknown layer, or a model that cannot be read layer by layer.
    """
    started = time.perf_counter()
    model = _as_network(model)
    names = tuple(model.layers if layers is None else layers)
    if not names:
        raise EmbedlabError(
            f"{model.card.name} suggests no layers. Name those to read: layers=[…], as in named_modules().",
            model=model.card.name,
        )
    check_arguments(items, model.card.name, [model.card.modality], batch_size, on_error)
    skipped = model.problems(items)
    items = drop_unusable(items, skipped, on_error)
    hashes = items.content_hashes()
    vectors_of, failed = _read_layers(model, items, hashes, names, batch_size, progress)
    unreadable = {item: failed[h] for item, h in zip(items.ids, hashes, strict=True) if h in failed}
    items = drop_unusable(items, unreadable, on_error)
    hashes = [h for h in hashes if h not in failed]
    report = EmbedReport(
        n_computed=len(items), skipped=skipped | unreadable, seconds=time.perf_counter() - started
    )
    result = {}
    for name in names:
        layer = vectors_of[name]
        vectors = np.stack([layer[h] for h in hashes]) if hashes else np.empty((0, 0), np.float32)
        pooling = model.layer_pooling(name)
        card = dataclasses.replace(
            model.card, layer=name, pooling=pooling, dim=vectors.shape[1], normalized=False
        )
        result[name] = Embeddings(vectors, items, card, name, pooling, False, report)
    return result


def _read_layers(
    model: CachedEmbedder,
    items: Items,
    hashes: list[bytes],
    names: tuple[str, ...],
    batch_size: int,
    progress: bool | None,
) -> tuple[dict[str, dict[bytes, np.ndarray]], dict[bytes, Problem]]:
    """Return layer → content hash → vector, and the problems of contents that could not be read."""
    content_of = dict(zip(hashes, items.contents, strict=True))
    vectors_of: dict[str, dict[bytes, np.ndarray]] = {name: {} for name in names}
    failed: dict[bytes, Problem] = {}
    for batch in model.batches(content_of, list(content_of), batch_size, progress):
        failed |= batch.failed
        if batch.hashes:
            for name, vectors in model.compute_layers(batch.prepared, names, batch_size).items():
                vectors_of[name] |= zip(batch.hashes, np.asarray(vectors, np.float32), strict=True)
    return vectors_of, failed


def _as_network(model: str | CachedEmbedder) -> CachedEmbedder:
    loaded = load_model(model) if isinstance(model, str) else model
    if not isinstance(loaded, CachedEmbedder):
        raise EmbedlabError(
            f"{loaded!r} cannot be read layer by layer: it is not a network in this process. "
            "Pass the name of a catalogue model, or make an embedder of your network with el.from_module."
        )
    return loaded

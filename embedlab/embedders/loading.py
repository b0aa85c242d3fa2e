"""From a name of the catalogue to an embedder: find the weights, fetch them if need be, call the loader."""

from __future__ import annotations

import importlib
from functools import lru_cache

from embedlab import catalog, weights
from embedlab.embedders.base import Embedder
from embedlab.errors import require


def load_model(name: str) -> Embedder:
    """Load a model of the catalogue, fetching its weights if they are not on this machine yet.

    Parameters
    ----------
    name : str
        A catalogue name such as ``"text/minilm"``; ``el.models()`` lists them.

    Returns
    -------
    Embedder
        The same object when called again in one process.

    Raises
    ------
    EmbedlabError
        For an unknown name (with the nearest ones), or when no source can serve the weights (with a line for
        each source that was tried).
    """
    row = catalog.row(name)
    if row.needs:  # before 100 MB are fetched for nothing
        require(row.needs, row.extra)
    found = weights.locate(name)
    if found is None:
        with weights.download_bar() as progress:
            found = weights.fetch(name, progress)
    return _build(name, found)


@lru_cache(maxsize=4)
def _build(name: str, found: weights.Found) -> Embedder:
    row = catalog.row(name)
    module, function = row.loader.split(":")
    load = getattr(importlib.import_module(module), function)
    embedder: Embedder = load(row.card, found, *(load_model(part) for part in row.parts))
    return embedder

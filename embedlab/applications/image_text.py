"""One collection for pictures and texts: put together, searched kind by kind, and how far apart they lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem
from embedlab.items import Items
from embedlab.store import VectorStore


def together(*parts: Items, name: str = "together") -> Items:
    """Pictures and texts as one mixture, to be embedded by a model with two towers.

    Parameters
    ----------
    *parts : Items
        Of modality ``"image"`` or ``"text"``.
    name : str

    Returns
    -------
    Items
        Of modality ``"image+text"``, with a column ``collection``: the name of the part.

    Raises
    ------
    BadItem
        For another modality, or an id that occurs in two parts.
    """
    frames = []
    for part in parts:
        if part.modality not in ("image", "text"):
            raise BadItem(f"Pictures and texts can be put together, not {part.modality!r} ({part.name!r}).")
        frame = part.frame.assign(collection=part.name)
        frame["path" if part.modality == "text" else "content"] = None
        frames.append(frame.astype({"path": object, "content": object}))
    return Items(pd.concat(frames, ignore_index=True), "image+text", name)


def search_each(
    store: VectorStore, name: str, query: Any, *, by: str = "tower", k: int = 3, filter: str | None = None
) -> pd.DataFrame:
    """The ``k`` nearest of each kind, since one kind may crowd out the others.

    Parameters
    ----------
    store, name, query, filter
        As for :meth:`VectorStore.search`.
    by : str
        A column of few texts; ``"tower"`` is ``"image"`` or ``"text"``.
    k : int
        Hits of each value.

    Returns
    -------
    DataFrame
        As from :meth:`VectorStore.search`, with ``rank`` within each value of ``by``; the value with the
        nearest hit first.
    """
    nearest = store.search(name, query, k=50, filter=filter, group_by=by)
    parts = []
    for value in nearest[by].dropna():
        only = f"{by} == {store.quote(value)}"
        parts.append(store.search(name, query, k=k, filter=f"({filter}) and {only}" if filter else only))
    return pd.concat(parts, ignore_index=True) if parts else nearest


def gap(embeddings: Embeddings, by: str = "tower") -> pd.DataFrame:
    """Mean cosine within and between kinds: the modality gap in numbers (Liang et al. 2022).

    Parameters
    ----------
    embeddings : Embeddings
    by : str
        A column of the items.

    Returns
    -------
    DataFrame, shape (n_kinds, n_kinds)
        Mean over all pairs of two different items.
    """
    if by not in embeddings.items.frame.columns:
        raise BadItem(f"The items have no column {by!r}.")
    kinds = embeddings.items.frame[by].astype(str).to_numpy()
    unit, names = embeddings.normalize().vectors.astype(np.float64), sorted(set(kinds))
    sums = np.array([unit[kinds == name].sum(axis=0) for name in names])
    counts = np.array([(kinds == name).sum() for name in names])
    pairs = np.outer(counts, counts) - np.diag(counts)
    with np.errstate(invalid="ignore"):
        table = (sums @ sums.T - np.diag(counts)) / pairs
    return pd.DataFrame(table, names, names)

"""One collection of images and texts: combine them, search each kind, measure the gap between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem
from embedlab.items import Items
from embedlab.store import VectorStore

if TYPE_CHECKING:
    from embedlab.store.query import Query

_MAX_GROUPS = 50  # values of the column that search_each_group can find


def combine(*parts: Items, name: str = "together") -> Items:
    """Combine images and texts, to be embedded by a model with two towers.

    Parameters
    ----------
    *parts : Items
        Of modality ``"image"`` or ``"text"``.
    name : str
        Name of the result.

    Returns
    -------
    Items
        Of modality ``"image+text"``, with a column ``collection``: the name of the part.

    Raises
    ------
    BadItem
        If a part has another modality, or an id occurs in two parts.
    """
    frames = []
    for part in parts:
        if part.modality not in ("image", "text"):
            raise BadItem(
                f"Only images and texts can be combined; {part.name!r} has the modality {part.modality!r}."
            )
        frame = part.frame.assign(collection=part.name)
        frame["path" if part.modality == "text" else "content"] = None
        frames.append(frame.astype({"path": object, "content": object}))
    return Items(pd.concat(frames, ignore_index=True), "image+text", name)


def search_each_group(
    store: VectorStore,
    name: str,
    query: Query,
    *,
    by: str = "tower",
    k: int = 3,
    filter: str | None = None,
) -> pd.DataFrame:
    """Find the ``k`` nearest items of each group, since one group may crowd out the others.

    Parameters
    ----------
    store, name, query, filter
        As for :meth:`VectorStore.search`.
    by : str
        A column with few different texts; ``"tower"`` is ``"image"`` or ``"text"``.
    k : int
        Hits per group.

    Returns
    -------
    DataFrame
        As from :meth:`VectorStore.search`, with ``rank`` counted within each group; the group with the
        nearest hit first.
    """
    nearest = store.search(name, query, k=_MAX_GROUPS, filter=filter, group_by=by)
    hits = []
    for value in nearest[by].dropna():
        in_group = f"{by} == {store.quote(value)}"
        combined = f"({filter}) and {in_group}" if filter else in_group
        hits.append(store.search(name, query, k=k, filter=combined))
    return pd.concat(hits, ignore_index=True) if hits else nearest


def modality_gap(embeddings: Embeddings, by: str = "tower") -> pd.DataFrame:
    """Compute the mean cosine within and between groups: the modality gap in numbers [1]_.

    Parameters
    ----------
    embeddings : Embeddings
    by : str
        A column of the items.

    Returns
    -------
    DataFrame, shape (n_groups, n_groups)
        Mean over all pairs of two different items.

    Raises
    ------
    BadItem
        If the items have no such column.

    References
    ----------
    .. [1] Liang et al. 2022, "Mind the gap: understanding the modality gap in multi-modal contrastive
       representation learning", NeurIPS.
    """
    if by not in embeddings.items.frame.columns:
        raise BadItem(f"The items have no column {by!r}.")
    groups = embeddings.items.frame[by].astype(str).to_numpy()
    unit, names = embeddings.normalize().vectors.astype(np.float64), sorted(set(groups))
    sums = np.array([unit[groups == name].sum(axis=0) for name in names])
    counts = np.array([(groups == name).sum() for name in names])
    n_pairs = np.outer(counts, counts) - np.diag(counts)
    with np.errstate(invalid="ignore"):  # a group of one item has no pairs: NaN
        means = (sums @ sums.T - np.diag(counts)) / n_pairs
    return pd.DataFrame(means, names, names)

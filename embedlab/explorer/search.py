"""Exact search in the full space: the neighbours of an item, and the hits of a query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from embedlab.analysis.projection import Projection
from embedlab.embedders import Embedder
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, WrongModel
from embedlab.items import Items

READS_TEXT = ("text", "image+text")


@dataclass(frozen=True)
class Near:
    """An item and how near it is."""

    row: int
    score: float


def neighbors(projection: Projection, row: int, k: int) -> list[Near]:
    """The ``k`` items nearest to one item, in the metric of the projection, nearest first.

    The score is the cosine, or the distance where the projection's metric is Euclidean. Every item is
    compared, so the answer is exact even where the neighbour graph was approximated.
    """
    vectors = projection.embeddings.vectors
    if projection.neighbors.metric == "euclidean":
        scores = np.linalg.norm(vectors - vectors[row], axis=1)
        order = np.lexsort((np.arange(len(scores)), scores))
    else:
        scores = cosines(vectors, vectors[row])
        order = np.lexsort((np.arange(len(scores)), -scores))
    return [Near(int(i), float(scores[i])) for i in order[order != row][:k]]


def nearest_to(
    embeddings: Embeddings, query: np.ndarray, k: int, among: np.ndarray | None = None
) -> list[Near]:
    """The ``k`` items with the highest cosine to a query vector of shape (dim,), best first.

    ``among`` holds the row numbers of the items that count; all, when it is None.

    Raises
    ------
    WrongModel
        When the query has another number of dimensions than the embeddings.
    BadItem
        When the query is all zeros or not finite.
    """
    query = np.asarray(query, np.float32)
    if query.shape != (embeddings.dim,):
        raise WrongModel(
            f"The query has the shape {query.shape}, the embeddings {embeddings.dim} dimensions."
        )
    if not np.isfinite(query).all() or not query.any():
        raise BadItem("The model gave a vector of zeros, NaN or infinity for this query: try other words.")
    scores = cosines(embeddings.vectors, query)
    order = np.lexsort((np.arange(len(scores)), -scores))
    order = order if among is None else order[np.isin(order, among)]
    return [Near(int(i), float(scores[i])) for i in order[:k]]


def pictures_of(items: Items) -> np.ndarray | None:
    """Rows of the pictures in a mixture, which a question in words is to find; None for all other items.

    The texts of a mixture lie nearer to any question than its pictures do (the modality gap): without this
    no picture would be found.
    """
    if items.modality != "image+text":
        return None
    rows = np.array([row for row, kind in enumerate(items.kinds) if kind == "image"], np.int64)
    return rows if len(rows) else None


def cosines(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Cosine of every row of ``vectors``, shape (n_items, dim), to ``query``; 0 for a row of zeros."""
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    cosine: np.ndarray = np.zeros(len(vectors), np.float32)
    np.divide(vectors @ query, lengths, out=cosine, where=lengths > 0)
    return cosine


def check_same_model(embedder: Embedder, embeddings: Embeddings) -> None:
    """Refuse a model that did not make these embeddings: its queries would live in another space.

    Raises
    ------
    WrongModel
        Naming what differs, with both values.
    """
    ours, theirs = embeddings.model, embedder.card
    pairs: list[tuple[str, Any, Any]] = [
        ("sha256 of the weights", ours.sha256, theirs.sha256),
        ("pooling", embeddings.pooling, theirs.pooling),
        ("layer", embeddings.layer, theirs.layer),
        ("number of dimensions", embeddings.dim, embedder.dim),
    ]
    if ours.sha256 is None:
        pairs[0] = ("name", ours.name, theirs.name)
    for what, made_by, offered in pairs:
        if made_by != offered:
            raise WrongModel(
                f"These embeddings were made by {ours.name!r} with the {what} {made_by!r}, but the model for "
                f"the query, {theirs.name!r}, has {offered!r}. Embed the items again with that model."
            )

"""Search the full space exactly: neighbours of an item, and hits of a query."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedlab.analysis.projection import Projection
from embedlab.embedders import Embedder
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, WrongModel
from embedlab.items import Items

TEXT_MODALITIES = ("text", "image+text")  # of models that read a query in words


@dataclass(frozen=True)
class Neighbor:
    """An item, by row number, and its cosine or distance."""

    row: int
    score: float


def find_neighbors(projection: Projection, row: int, k: int) -> list[Neighbor]:
    """Find the ``k`` items nearest to an item in the metric of the projection, the nearest first.

    The score is the cosine, or the distance if the metric is Euclidean. The search is exact, also if the
    neighbour graph of the projection was approximated.
    """
    vectors = projection.embeddings.vectors
    if projection.neighbors.metric == "euclidean":
        scores = np.linalg.norm(vectors - vectors[row], axis=1)
        order = np.lexsort((np.arange(len(scores)), scores))
    else:
        scores = compute_cosines(vectors, vectors[row])
        order = np.lexsort((np.arange(len(scores)), -scores))
    return [Neighbor(int(i), float(scores[i])) for i in order[order != row][:k]]


def find_nearest(
    embeddings: Embeddings, query: np.ndarray, k: int, among: np.ndarray | None = None
) -> list[Neighbor]:
    """Find the ``k`` items with the highest cosine to a query, the best first.

    Parameters
    ----------
    embeddings : Embeddings
    query : ndarray, shape (dim,)
    k : int
    among : ndarray of int, optional
        Row numbers to search among; all by default.

    Raises
    ------
    WrongModel
        If the query has another number of dimensions than the embeddings.
    BadItem
        If the query is all zeros or not finite.
    """
    query = np.asarray(query, np.float32)
    if query.shape != (embeddings.dim,):
        raise WrongModel(
            f"The query has the shape {query.shape}, but the embeddings have {embeddings.dim} dimensions. "
            f"Use the model that made them, {embeddings.model.name!r}.",
            model=embeddings.model.name,
        )
    if not np.isfinite(query).all() or not query.any():
        raise BadItem(
            "The model returned a vector of zeros, NaN or infinity for this query. Try other words."
        )
    scores = compute_cosines(embeddings.vectors, query)
    order = np.lexsort((np.arange(len(scores)), -scores))
    order = order if among is None else order[np.isin(order, among)]
    return [Neighbor(int(i), float(scores[i])) for i in order[:k]]


def list_image_rows(items: Items) -> np.ndarray | None:
    """List the rows of the images among images and texts; None for items of one modality.

    Texts are nearer to any query in words than images are (the modality gap), so a search among both would
    find no image.
    """
    if items.modality != "image+text":
        return None
    rows = np.array([row for row, kind in enumerate(items.kinds) if kind == "image"], np.int64)
    return rows if len(rows) else None


def compute_cosines(vectors: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Compute the cosine of every row of ``vectors``, shape (n_items, dim), to ``query``; 0 for zeros."""
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    cosine: np.ndarray = np.zeros(len(vectors), np.float32)
    np.divide(vectors @ query, lengths, out=cosine, where=lengths > 0)
    return cosine


def check_same_model(embedder: Embedder, embeddings: Embeddings) -> None:
    """Check that a model made these embeddings; otherwise its queries would be in another space.

    Raises
    ------
    WrongModel
        Naming what differs, with both values.
    """
    card, other = embeddings.model, embedder.card
    pairs: list[tuple[str, object, object]] = [
        ("sha256 of the weights", card.sha256, other.sha256),
        ("pooling", embeddings.pooling, other.pooling),
        ("layer", embeddings.layer, other.layer),
        ("number of dimensions", embeddings.dim, embedder.dim),
    ]
    if card.sha256 is None:
        pairs[0] = ("name", card.name, other.name)
    for what, made_by, offered in pairs:
        if made_by != offered:
            raise WrongModel(
                f"These embeddings were made by {card.name!r} with the {what} {made_by!r}, but the model for "
                f"the query, {other.name!r}, has {offered!r}. Embed the items again with that model.",
                model=other.name,
            )

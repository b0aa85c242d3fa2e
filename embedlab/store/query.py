"""The vector a search starts from: given, taken from embeddings, or made by a model from a text or file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from embedlab.embeddings import Embeddings
from embedlab.store.errors import StoreError, StoreErrorCode
from embedlab.store.provenance import CollectionRecord, Origin

if TYPE_CHECKING:
    from PIL.Image import Image

    from embedlab.embedders.protocol import Embedder

    Query = str | PurePath | Image | np.ndarray | Embeddings


def query_vector(
    query: Query,
    record: CollectionRecord,
    name: str,
    model: Embedder | str | None,
    load: Callable[[Origin], Embedder],
) -> tuple[str, np.ndarray]:
    """Choose the vector field to search, and make the vector to search for.

    Parameters
    ----------
    query : str, Path, picture, Embeddings of one row, or array of shape (dim,)
        A text, a picture (path, PIL image or pixels), sound or clip (path) is embedded by ``model``, or else
        by ``load(origin of the collection's vectors)``.
    record : CollectionRecord
    name : str
        Of the collection, for messages.
    model : Embedder or str, optional
        Of the vectors that are searched, if there are several.
    load : callable
        Loads the model of an origin.

    Returns
    -------
    field : str
    vector : ndarray, shape (dim,), float32

    Raises
    ------
    StoreError
        For a query that is not one vector of the right length, or a model that the collection does not have.
    WrongModel
        If the query comes from another model than the vectors.
    """
    field = _choose_field(record, name, query, model)
    origin = record.vectors[field]
    if isinstance(query, Embeddings):
        if len(query) != 1:
            raise _bad_query(
                f"The query has {len(query)} rows of embeddings, but a search takes one. "
                "Select it with emb.select([id]).",
                name,
            )
        origin.check(Origin.of(query), "The query has", name)
        vector = query.vectors[0]
    elif isinstance(query, str | PurePath) or _is_picture(query):
        embedder = load(origin) if model is None or isinstance(model, str) else model
        origin.check(Origin.of(embedder), "This model gives", name)
        vector = np.asarray(embedder.embed_query(query))
    else:
        vector = np.asarray(query)
    _check_vector(vector, type(query).__name__, record, origin, name)
    return field, np.asarray(vector, np.float32)


def _check_vector(vector: np.ndarray, kind: str, record: CollectionRecord, origin: Origin, name: str) -> None:
    """Raise :class:`StoreError` unless the vectors of ``origin`` can be compared with this one."""
    if vector.ndim != 1 or vector.dtype.kind not in "fiu":
        raise _bad_query(
            f"The query is {kind} of shape {vector.shape}. Search with a text, a path, a picture, one row of "
            f"Embeddings, or one vector of {origin.dim} dimensions.",
            name,
        )
    if len(vector) != origin.dim:
        raise _bad_query(
            f"The query vector has {len(vector)} dimensions, but {name!r} holds {origin.dim} from {origin}. "
            "Embed the query with that model.",
            name,
        )
    if not np.isfinite(vector).all():
        raise _bad_query("The query vector contains NaN or infinity. Check what made it.", name)
    if record.metric == "COSINE" and not vector.any():
        raise _bad_query("The query vector is all zeros, so it has no direction to compare by cosine.", name)


def _choose_field(record: CollectionRecord, name: str, query: Query, model: Embedder | str | None) -> str:
    """Choose the field of the model asked for or of the query; else the first."""
    fields = record.vectors
    if isinstance(model, str):
        return model_field(record, name, model)
    source = query if isinstance(query, Embeddings) else model
    if len(fields) > 1 and source is not None:
        origin = Origin.of(source)
        return next((f for f, stored in fields.items() if not stored.differences(origin)), "vector")
    if isinstance(query, np.ndarray) and query.ndim == 1:
        return next((f for f, stored in fields.items() if stored.dim == len(query)), "vector")
    return "vector"


def model_field(record: CollectionRecord, name: str, model: str) -> str:
    """Find the vector field of a model.

    Raises
    ------
    StoreError
        If the collection has no vectors of that model.
    """
    for field, origin in record.vectors.items():
        if origin.model == model:
            return field
    raise StoreError(
        f"{name!r} has no vectors of {model!r}. Use one of: {', '.join(record.models)}.",
        code=StoreErrorCode.NO_VECTORS,
        collection=name,
        argument="model",
    )


def _is_picture(query: object) -> bool:
    return type(query).__module__.startswith("PIL.") or (
        isinstance(query, np.ndarray) and query.ndim in (3, 4)
    )


def _bad_query(message: str, name: str) -> StoreError:
    return StoreError(message, code=StoreErrorCode.BAD_QUERY, collection=name, argument="query")

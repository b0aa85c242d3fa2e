"""What a search is asked with: the vector, and the filter expression."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import Any

import numpy as np

from embedlab.embeddings import Embeddings
from embedlab.store.backend import Place
from embedlab.store.columns import KEYWORDS
from embedlab.store.errors import StoreError
from embedlab.store.provenance import Origin, Record

_STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_NAME = re.compile(r"(?<![\w$.])([^\W\d]\w*)(?!\w|\s*\()")
_NULL = re.compile(r"\bis\s+(not\s+)?null\b", re.IGNORECASE)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
EXAMPLE = 'for example: label == "sea" and year > 1990'


def quote(value: str | int | float | bool | list[Any]) -> str:
    """A value as it stands in a filter; whatever a text contains, it cannot change the expression.

    A text comes in double quotes, with quotes, backslashes and line ends escaped; lists are for ``in``.
    """
    if isinstance(value, list | tuple):
        return f"[{', '.join(quote(v) for v in value)}]"
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | float | np.number):
        if not np.isfinite(value):
            raise StoreError(f"A filter cannot compare with {value}.")
        return repr(value.item() if isinstance(value, np.generic) else value)
    if not isinstance(value, str):
        raise StoreError(f"A filter compares with texts, numbers and booleans, not {type(value).__name__}.")
    return '"' + "".join(_ESCAPES.get(c, c) for c in value) + '"'


def check_filter(expression: str | None, record: Record, name: str, place: Place) -> str:
    """The filter, or an empty string for none.

    Milvus answers a misspelt column with no hits at all, so names the collection does not have are refused.
    """
    if expression is None:
        return ""
    if not isinstance(expression, str):
        raise StoreError(f"A filter is a text, not {type(expression).__name__}; {EXAMPLE}.")
    columns = {"id", "label", *record.columns}
    bare = _STRING.sub('""', expression)
    if _NULL.search(bare):
        place.require("missing values in filters (is null)")
    for found in _NAME.findall(bare):
        if found not in columns and found.lower() not in KEYWORDS:
            raise StoreError(
                f"The filter {expression!r} uses {found!r}, but {name!r} has the columns "
                f"{', '.join(sorted(columns))}. Texts stand in quotes; {EXAMPLE}."
            )
    return expression.strip()


def matching_ids(ids: Iterable[str]) -> str:
    """A filter for these ids. (pymilvus's own ``ids=`` does not escape quotes and backslashes.)"""
    return f"id in [{', '.join(quote(i) for i in ids)}]"


def query_vector(
    query: Any, record: Record, name: str, model: Any, load: Callable[[Origin], Any]
) -> tuple[str, np.ndarray]:
    """The vector field to search and the vector to search for, shape (dim,), float32, checked.

    Parameters
    ----------
    query : str, Path, picture, Embeddings of one row, or array of shape (dim,)
        A text, a picture (path or PIL image), sound or clip (path) is embedded by ``model``, or else by
        ``load(origin of the collection's vectors)``.
    model : Embedder or str, optional
        Of the vectors that are searched, where there are several.
    """
    field = _field(record, name, query, model)
    origin = record.vectors[field]
    if isinstance(query, Embeddings):
        if len(query) != 1:
            raise StoreError(f"Search with one row of embeddings, not {len(query)}: write emb.select([id]).")
        origin.check(Origin.of(query), "The query has", name)
        vector = query.vectors[0]
    elif isinstance(query, str | PurePath) or _is_picture(query):
        embedder = load(origin) if model is None or isinstance(model, str) else model
        origin.check(Origin.of(embedder), "This model gives", name)
        vector = np.asarray(embedder.embed_query(query))
    else:
        vector = np.asarray(query)
    if vector.ndim != 1 or vector.dtype.kind not in "fiu":
        raise StoreError(
            f"A query is a text, a path, a picture, one row of Embeddings, or one vector of {origin.dim} "
            "numbers, "
            f"not {type(query).__name__} of shape {vector.shape}."
        )
    if len(vector) != origin.dim:
        raise StoreError(
            f"The query vector has {len(vector)} numbers, but {name!r} holds {origin.dim} "
            f"from {origin}. Embed the query with that model."
        )
    if not np.isfinite(vector).all():
        raise StoreError("The query vector holds NaN or infinite numbers.")
    if record.metric == "COSINE" and not vector.any():
        raise StoreError("The query vector is all zeros: it has no direction to compare by cosine.")
    return field, np.asarray(vector, np.float32)


def _field(record: Record, name: str, query: Any, model: Any) -> str:
    """Which vector field is meant: that of the model asked for or of the query; else the first."""
    fields = record.vectors
    if isinstance(model, str):
        for field, origin in fields.items():
            if origin.model == model:
                return field
        there = ", ".join(origin.model for origin in fields.values())
        raise StoreError(f"{name!r} has no vectors of {model!r}; there is: {there}.")
    if len(fields) > 1 and (isinstance(query, Embeddings) or model is not None):
        asked = Origin.of(query if isinstance(query, Embeddings) else model)
        return next((f for f, origin in fields.items() if not origin.differences(asked)), "vector")
    if isinstance(query, np.ndarray) and query.ndim == 1:
        return next((f for f, origin in fields.items() if origin.dim == len(query)), "vector")
    return "vector"


def _is_picture(query: Any) -> bool:
    return type(query).__module__.startswith("PIL.") or (
        isinstance(query, np.ndarray) and query.ndim in (3, 4)
    )

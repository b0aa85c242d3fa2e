"""What a search is asked with: the vector, and the filter expression."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from embedlab.embeddings import Embeddings
from embedlab.store.columns import KEYWORDS
from embedlab.store.connection import StoreError
from embedlab.store.record import Origin, Record

_STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_NAME = re.compile(r"(?<![\w$.])([^\W\d]\w*)(?!\w|\s*\()")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
EXAMPLE = 'for example: label == "sea" and year > 1990'


def quote(value: str) -> str:
    """A text as it stands in a filter: in double quotes, with quotes, backslashes and line ends escaped."""
    return '"' + "".join(_ESCAPES.get(c, c) for c in value) + '"'


def check_filter(expression: str | None, record: Record, name: str) -> str:
    """The filter, or an empty string for none.

    Milvus answers a misspelt column with no hits at all, so names the collection does not have are refused.
    """
    if expression is None:
        return ""
    if not isinstance(expression, str):
        raise StoreError(f"A filter is a text, not {type(expression).__name__}; {EXAMPLE}.")
    columns = {"id", "label", *record.columns}
    for found in _NAME.findall(_STRING.sub('""', expression)):
        if found not in columns and found.lower() not in KEYWORDS:
            raise StoreError(
                f"The filter {expression!r} uses {found!r}, but {name!r} has the columns "
                f"{', '.join(sorted(columns))}. Texts stand in quotes; {EXAMPLE}."
            )
    return expression.strip()


def matching_ids(ids: Iterable[str]) -> str:
    """A filter for these ids. (pymilvus's own ``ids=`` does not escape quotes and backslashes.)"""
    return f"id in [{', '.join(quote(i) for i in ids)}]"


def query_vector(query: Any, record: Record, name: str, model: Any, load: Callable[[str], Any]) -> np.ndarray:
    """The vector to search for, shape (dim,), float32, checked against the collection's model.

    Parameters
    ----------
    query : str, Embeddings of one row, or array of shape (dim,)
        A text is embedded by ``model``, or else by ``load(name of the collection's model)``.
    """
    if isinstance(query, Embeddings):
        if len(query) != 1:
            raise StoreError(f"Search with one row of embeddings, not {len(query)}: write emb.select([id]).")
        record.origin.check(Origin.of(query), "The query has", name)
        vector = query.vectors[0]
    elif isinstance(query, str):
        model = load(record.origin.model) if model is None else model
        record.origin.check(Origin.of(model), "This model gives", name)
        vector = np.asarray(model.embed_query(query))
    else:
        vector = np.asarray(query)
    if vector.ndim != 1 or vector.dtype.kind not in "fiu":
        raise StoreError(
            f"A query is a text, one row of Embeddings, or one vector of {record.origin.dim} numbers, "
            f"not {type(query).__name__} of shape {vector.shape}."
        )
    if len(vector) != record.origin.dim:
        raise StoreError(
            f"The query vector has {len(vector)} numbers, but {name!r} holds {record.origin.dim} "
            f"from {record.origin}. Embed the query with that model."
        )
    if not np.isfinite(vector).all():
        raise StoreError("The query vector holds NaN or infinite numbers.")
    if record.metric == "COSINE" and not vector.any():
        raise StoreError("The query vector is all zeros: it has no direction to compare by cosine.")
    return np.asarray(vector, np.float32)

"""Filter expressions: values quoted safely, and misspelt columns found before Milvus ignores them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from embedlab.store.backend import Backend, Feature
from embedlab.store.columns import KEYWORDS
from embedlab.store.errors import FILTER_EXAMPLE, StoreError, StoreErrorCode
from embedlab.store.provenance import CollectionRecord

_STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
_NAME = re.compile(r"(?<![\w$.])([^\W\d]\w*)(?!\w|\s*\()")
_NULL = re.compile(r"\bis\s+(not\s+)?null\b", re.IGNORECASE)
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_IDS_PER_FILTER = 1000

Scalar = str | int | float | bool


def quote(value: Scalar | Sequence[Scalar]) -> str:
    """Write a value for a filter. Whatever a text contains, it cannot change the expression.

    Parameters
    ----------
    value : str, number, bool, or a list of them
        A text gets double quotes, with quotes, backslashes and line ends escaped; lists are for ``in``.

    Raises
    ------
    StoreError
        For a value of another type, NaN or infinity.
    """
    if isinstance(value, list | tuple):
        return f"[{', '.join(quote(v) for v in value)}]"
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, int | float | np.number):
        if not np.isfinite(value):
            raise StoreError(
                f"A filter cannot compare with {value}. Use a finite number.", code=StoreErrorCode.BAD_FILTER
            )
        return repr(value.item() if isinstance(value, np.generic) else value)
    if not isinstance(value, str):
        raise StoreError(
            f"A filter cannot compare with a {type(value).__name__}. Use a text, a number or a boolean.",
            code=StoreErrorCode.BAD_FILTER,
        )
    return '"' + "".join(_ESCAPES.get(c, c) for c in value) + '"'


def check_filter(expression: str | None, record: CollectionRecord, name: str, backend: Backend) -> str:
    """Return a filter as Milvus takes it; an empty string for None.

    Milvus answers a misspelt column with no hits at all, so names the collection does not have are refused.

    Raises
    ------
    StoreError
        For an unknown column.
    MissingFeature
        For ``is null`` if the backend lacks it.
    """
    if expression is None:
        return ""
    if not isinstance(expression, str):
        raise StoreError(
            f"A filter is a text, not {type(expression).__name__}; {FILTER_EXAMPLE}.",
            code=StoreErrorCode.BAD_FILTER,
            argument="filter",
        )
    columns = {"id", "label", *record.columns}
    without_strings = _STRING.sub('""', expression)
    if _NULL.search(without_strings):
        backend.require(Feature.NULL_FILTERS)
    for word in _NAME.findall(without_strings):
        if word not in columns and word.lower() not in KEYWORDS:
            raise StoreError(
                f"The filter {expression!r} uses {word!r}, but the columns of {name!r} are "
                f"{', '.join(sorted(columns))}. Put texts in quotes; {FILTER_EXAMPLE}.",
                code=StoreErrorCode.BAD_FILTER,
                collection=name,
                argument="filter",
            )
    return expression.strip()


def id_filters(ids: Iterable[object]) -> Iterator[str]:
    """Write filters for these ids, at most a thousand in each.

    pymilvus's own ``ids=`` does not escape quotes and backslashes.
    """
    wanted = [str(i) for i in ids]
    for start in range(0, len(wanted), _IDS_PER_FILTER):
        yield f"id in {quote(wanted[start : start + _IDS_PER_FILTER])}"

"""Columns of one simple type, whatever a file holds."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from embedlab.io.text import replace_surrogates

_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d{0,14})(?:\.\d+)?(?:[eE][+-]?\d+)?")
_LARGEST_INT64 = 2**63 - 1


def parse_numbers(values: Sequence[str]) -> pd.Series:
    """Return numbers if every value is written as a number, otherwise texts; empty values are missing.

    ``007`` and ``+49 30`` are names, not numbers.
    """
    present = [value for value in values if value]
    column = pd.Series([value or None for value in values], dtype=object)
    return pd.to_numeric(column) if present and all(map(_NUMBER.fullmatch, present)) else column


def simplify(values: Sequence[object]) -> pd.Series:
    """Return a column of one simple type.

    Lists and objects become JSON texts. Where types differ, or integers do not fit into 64 bits, all
    values become texts.
    """
    flat = [_flatten(value) for value in values]
    types = {type(value) for value in flat if value is not None}
    too_large = types == {int} and any(isinstance(v, int) and abs(v) > _LARGEST_INT64 for v in flat)
    if too_large or (len(types) > 1 and not types <= {int, float}):
        flat = [None if value is None else str(value) for value in flat]
        types = {str}
    return pd.Series(flat, dtype=object) if types <= {str} else pd.Series(flat)


def _flatten(value: object) -> object:
    if isinstance(value, str):
        return replace_surrogates(value)
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if isinstance(value, (dict, list, tuple, np.ndarray)):
        return replace_surrogates(json.dumps(value, ensure_ascii=False, default=str))
    return value

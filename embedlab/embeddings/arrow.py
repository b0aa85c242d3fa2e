"""Convert a DataFrame to an Arrow table, whatever its columns hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from embedlab.io.text import replace_surrogates
from embedlab.items.columns import is_missing

if TYPE_CHECKING:
    import pyarrow as pa


def arrow_table(frame: pd.DataFrame) -> pa.Table:
    """Convert a frame, without its index.

    A column that mixes types, or whose texts contain lone surrogates, which parquet cannot store, becomes a
    column of texts with � in place of each surrogate. All other columns keep their type.
    """
    import pyarrow as pa

    refused = (pa.ArrowException, UnicodeError, OverflowError)
    try:
        return pa.Table.from_pandas(frame, preserve_index=False)
    except refused:
        pass
    arrays = {}
    for name in frame.columns:
        try:
            arrays[str(name)] = pa.Array.from_pandas(frame[name])
        except refused:
            texts = [None if is_missing(value) else replace_surrogates(str(value)) for value in frame[name]]
            arrays[str(name)] = pa.array(texts, pa.string())
    return pa.table(arrays)

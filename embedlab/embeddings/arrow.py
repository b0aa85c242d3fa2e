"""A DataFrame as an Arrow table, whatever its columns hold."""

from __future__ import annotations

from typing import Any

import pandas as pd

from embedlab.items.image_text_pair import missing
from embedlab.items.read_report import whole


def arrow_table(frame: pd.DataFrame) -> Any:
    """The frame as a :class:`pyarrow.Table`, without its index.

    A column of several types, or with half a character in a text, which no parquet file can hold, becomes
    texts, each half character a �. All others stay what they are.
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
            texts = [None if missing(value) else whole(str(value)) for value in frame[name]]
            arrays[str(name)] = pa.array(texts, pa.string())
    return pa.table(arrays)

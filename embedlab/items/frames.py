"""Turn texts and DataFrames into tables of items."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import pandas as pd

from embedlab.errors import BadItem
from embedlab.io.formats import listed
from embedlab.items import image_text_pair
from embedlab.items.columns import content_column, is_missing, unknown_column


def frame_of_texts(
    texts: Sequence[str], ids: Sequence[Hashable] | None, labels: Sequence[object] | None
) -> pd.DataFrame:
    """Return a table with ``id``, ``content`` and, if given, ``label``."""
    if isinstance(texts, str):
        raise BadItem("from_texts takes a list of texts, not one string: write [text].")
    for what, values in (("ids", ids), ("labels", labels)):
        if values is not None and len(values) != len(texts):
            raise BadItem(f"{len(values)} {what} but {len(texts)} texts. Pass one per text.")
    content = pd.Series(texts, dtype=object)
    frame = pd.DataFrame({"id": range(len(texts)) if ids is None else ids, "content": content})
    if labels is not None:
        frame["label"] = pd.Series(list(labels), dtype=object)
    return frame


def rename_columns(
    df: pd.DataFrame, modality: str, content: str, id: str | None, label: str | None, caption: str | None
) -> pd.DataFrame:
    """Return a copy of a DataFrame with the columns that items need; see :meth:`Items.from_frame`."""
    repeated = df.columns[df.columns.duplicated()].unique()
    if len(repeated):
        raise BadItem(f"The frame has several columns of one name: {listed(repeated)}. Rename them.")
    if modality == "image+text":
        return image_text_pair.split_pairs(df, content, caption, id, label)
    new_names = {content: content_column(modality), id: "id", label: "label"}
    renames = {old: new for old, new in new_names.items() if old is not None}
    for column in renames:
        if column not in df.columns:
            raise unknown_column(column, df.columns, "the frame")
    replaced = [column for column in df.columns if column in renames.values() and column not in renames]
    frame = df.drop(columns=replaced).rename(columns=renames)
    if "id" not in frame.columns:
        frame.insert(0, "id", [str(row) for row in range(len(frame))])
    frame.columns = pd.Index([str(column) for column in frame.columns])
    if modality == "text":  # a missing text is an empty one, which `Items.summary` reports by id
        texts = ["" if is_missing(text) else text for text in frame["content"]]
        frame["content"] = pd.Series(texts, dtype=object, index=frame.index)
    return frame

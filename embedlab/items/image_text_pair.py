"""Tables of modality ``"image+text"``: each row is an image or a text."""

from __future__ import annotations

import pandas as pd

from embedlab.errors import Argument, BadItem
from embedlab.io.formats import listed
from embedlab.items.columns import is_missing, unknown_column


def check_rows(frame: pd.DataFrame) -> None:
    """Raise an error unless each row has a path or a content, and not both."""
    wrong = [
        is_missing(path) == is_missing(text)
        for path, text in zip(frame["path"], frame["content"], strict=True)
    ]
    if any(wrong):
        raise BadItem(
            "An item of image+text has exactly one of path and content; "
            f"{listed(frame['id'][wrong])} has both or neither. "
            "For pairs use Items.from_frame with content= and caption=."
        )


def split_pairs(
    df: pd.DataFrame, image: str, caption: str | None, id: str | None, label: str | None
) -> pd.DataFrame:
    """Turn each row with an image and its text into two rows: all images, then all texts.

    Parameters
    ----------
    df : DataFrame, shape (n_pairs, n_columns)
    image, caption : str
        The columns with the path of the image and with the text.
    id, label : str or None
        The columns with the id of the pair and its label; without ``id`` the row number is the id.

    Returns
    -------
    DataFrame, shape (2 * n_pairs, …)
        Ids ``7/image`` and ``7/text``; the column ``pair`` has the id of the pair.
    """
    if caption is None:
        raise BadItem(
            "Items of image+text need ", Argument("caption"), ", the column with the text of each picture."
        )
    used = [column for column in (image, caption, id, label) if column is not None]
    for column in used:
        if column not in df.columns:
            raise unknown_column(column, df.columns, "the frame")
    keys = [str(key) for key in (range(len(df)) if id is None else df[id])]
    rest = df.drop(columns=used)
    rest = rest.drop(columns=["id", "path", "content", "pair"], errors="ignore").reset_index(drop=True)
    if label is not None:
        rest = rest.assign(label=df[label].to_numpy())
    images = rest.assign(id=[f"{key}/image" for key in keys], path=list(df[image]), content=None, pair=keys)
    texts = rest.assign(id=[f"{key}/text" for key in keys], path=None, content=list(df[caption]), pair=keys)
    rows = pd.concat([part.astype({"path": object, "content": object}) for part in (images, texts)])
    first = ["id", "path", "content", *(["label"] if label else []), "pair"]
    return rows[[*first, *(column for column in rows.columns if column not in first)]]

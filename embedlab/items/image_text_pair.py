"""Tables in which some rows are pictures and others texts."""

from __future__ import annotations

import pandas as pd

from embedlab.errors import BadItem
from embedlab.io.formats import listed
from embedlab.items.columns import is_missing


def check(frame: pd.DataFrame) -> None:
    """In each row of a mixture there is a picture or a text, not both and not neither."""
    both = [
        is_missing(path) == is_missing(text)
        for path, text in zip(frame["path"], frame["content"], strict=True)
    ]
    if any(both):
        raise BadItem(
            f"An item of image+text is a picture or a text, but {listed(frame['id'][both])} has both a path "
            "and a content, or neither. For pairs use Items.from_frame with content= and caption=."
        )


def pairs(
    df: pd.DataFrame, picture: str, caption: str | None, id: str | None, label: str | None
) -> pd.DataFrame:
    """Rows of a picture and its text as two rows each: all pictures, then all texts."""
    named = {"content": picture, "caption": caption, "id": id, "label": label}
    if caption is None:
        raise BadItem("Items of image+text need caption=, the column with the text of each picture.")
    for column in filter(None, named.values()):
        if column not in df.columns:
            raise BadItem(f"No column {column!r} in the frame; it has {list(df.columns)}.")
    keys = [str(i) for i in (range(len(df)) if id is None else df[id])]
    rest = df.drop(columns=[column for column in named.values() if column is not None])
    rest = rest.drop(columns=["id", "path", "content", "pair"], errors="ignore").reset_index(drop=True)
    rest = rest if label is None else rest.assign(label=df[label].to_numpy())
    parts = [
        rest.assign(id=[f"{key}/{kind}" for key in keys], path=None, content=None, pair=keys)
        for kind in ("image", "text")
    ]
    parts[0]["path"], parts[1]["content"] = list(df[picture]), list(df[caption])
    rows = pd.concat([part.astype({"path": object, "content": object}) for part in parts])
    first = ["id", "path", "content", *(["label"] if label else []), "pair"]
    return rows[[*first, *(c for c in rows.columns if c not in first)]]

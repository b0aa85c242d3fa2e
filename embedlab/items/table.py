"""The table behind :class:`~embedlab.items.items.Items`: checked once, then read."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self, TypeAlias, cast

import numpy as np
import pandas as pd

from embedlab.errors import BadItem
from embedlab.io.formats import listed
from embedlab.io.text import replace_surrogates
from embedlab.items import image_text_pair
from embedlab.items.columns import check_modality, content_column, content_columns, is_missing
from embedlab.items.content_hash import content_hashes
from embedlab.items.preview import preview_html, short_title
from embedlab.items.read_report import ReadReport

Selection: TypeAlias = "np.ndarray | pd.Series | Sequence[bool] | Iterable[Hashable] | str"


@dataclass(frozen=True, eq=False)
class ItemTable:
    """Read access to a table of items; the constructors are those of :class:`Items`."""

    frame: pd.DataFrame
    modality: str
    name: str = "items"
    origin: ReadReport | None = None

    def __post_init__(self) -> None:
        check_modality(self.modality)
        object.__setattr__(self, "frame", checked(self.frame, self.modality))

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def ids(self) -> list[str]:
        """The ids, in row order."""
        return cast("list[str]", self.frame["id"].tolist())

    @cached_property
    def contents(self) -> list[Any]:
        """The texts, or the paths of the files, in row order.

        In items of ``"image+text"`` a path is a :class:`pathlib.Path`.
        """
        if self.modality == "image+text":
            rows = zip(self.frame["path"], self.frame["content"], strict=True)
            return [text if is_missing(path) else Path(path) for path, text in rows]
        return self.frame[content_column(self.modality)].tolist()

    @cached_property
    def kinds(self) -> list[str]:
        """What each item is: the modality, or in ``"image+text"`` either ``"image"`` or ``"text"``."""
        if self.modality == "image+text":
            return ["text" if is_missing(path) else "image" for path in self.frame["path"]]
        return [self.modality] * len(self)

    @cached_property
    def labels(self) -> list[str | None] | None:
        """The labels in row order, or None if there are none."""
        return self.frame["label"].tolist() if "label" in self.frame.columns else None

    @property
    def metadata(self) -> pd.DataFrame:
        """Every column but id, content, path and label."""
        return self.frame.drop(columns=["id", *content_columns(self.modality), "label"], errors="ignore")

    def row(self, id: str) -> dict[str, Any]:
        """Return one item as a dict; raise :class:`BadItem` if there is no such id."""
        return cast("dict[str, Any]", self.frame.iloc[self.positions([id])[0]].to_dict())

    def title(self, id: str, max_chars: int = 80) -> str:
        """Return a short name for one item: the beginning of its text, or its file name."""
        row = int(self.positions([id])[0])
        return short_title(self.contents[row], self.kinds[row] == "text", max_chars)

    def titles(self, max_chars: int = 80) -> list[str]:
        """Return :meth:`title` of every item, in row order."""
        rows = zip(self.contents, self.kinds, strict=True)
        return [short_title(content, kind == "text", max_chars) for content, kind in rows]

    def positions(self, ids: Iterable[Hashable]) -> np.ndarray:
        """Return the row numbers, shape (n_ids,) int64, of ids in the given order.

        Raises
        ------
        BadItem
            With the ids that do not exist.
        """
        asked = [str(id) for id in ids]
        rows = pd.Index(self.frame["id"]).get_indexer(pd.Index(asked, dtype="object")).astype(np.int64)
        if (rows < 0).any():
            unknown = [id for id, row in zip(asked, rows, strict=True) if row < 0]
            raise BadItem(
                f"No item with id {listed(unknown)} among the {len(self)} items of {self.name!r}. "
                "See .ids for those that exist."
            )
        found: np.ndarray = rows
        return found

    def rows_of(self, mask_or_ids: Selection) -> np.ndarray:
        """Return the row numbers of a boolean mask (one value per item) or of ids."""
        if isinstance(mask_or_ids, str):
            mask_or_ids = [mask_or_ids]
        chosen = np.asarray(mask_or_ids)
        if chosen.dtype == bool:
            if chosen.shape != (len(self),):
                raise BadItem(
                    f"The mask has {chosen.size} values but there are {len(self)} items. "
                    "Pass one value per item."
                )
            return np.flatnonzero(chosen)
        return self.positions(list(mask_or_ids))

    def select(self, mask_or_ids: Selection) -> Self:
        """Return the items of a boolean mask, or of ids in the order given."""
        return self.take(self.rows_of(mask_or_ids))

    def take(self, rows: np.ndarray) -> Self:
        """Return the items at the given row numbers."""
        return dataclasses.replace(self, frame=self.frame.iloc[rows])

    def content_hashes(self) -> list[bytes]:
        """Return a hash of 16 bytes for each item's content, whatever its id.

        Raises
        ------
        BadItem
            If a file cannot be read.
        """
        return content_hashes(self.kinds, self.contents)

    def __repr__(self) -> str:
        labels = self.labels
        classes = f", {len(set(labels) - {None})} labels" if labels is not None else ""
        return f"Items({self.name!r}: {len(self)} {self.modality} items{classes})"

    def _repr_html_(self) -> str:
        report = self.origin.description if self.origin else ""
        return preview_html(self.frame, self.name, self.modality, self.labels, report)


def checked(frame: pd.DataFrame, modality: str) -> pd.DataFrame:
    """Return a copy of a table that is fit to be items.

    Ids become unique strings; labels become strings or None; texts and paths keep their type.

    Raises
    ------
    BadItem
        If a column is missing, an item has no id, an id occurs twice, or a row of ``"image+text"`` is not
        exactly one of image and text.
    """
    frame = frame.reset_index(drop=True)
    for needed in ("id", *content_columns(modality)):
        if needed not in frame.columns:
            raise BadItem(f"Column {needed!r} is missing; the columns are {list(frame.columns)}.")
    unnamed = [row for row, id in enumerate(frame["id"]) if is_missing(id) or id == ""]
    if unnamed:
        raise BadItem(
            f"{len(unnamed)} of {len(frame)} items have no id: rows {listed(unnamed)}. Give each item an id."
        )
    ids = [replace_surrogates(str(id)) for id in frame["id"]]
    frame["id"] = pd.Series(ids, dtype="str", index=frame.index)
    for column in content_columns(modality):
        frame[column] = frame[column].astype(object)  # texts as they came, whatever the frame was made of
    if modality == "image+text":
        image_text_pair.check_rows(frame)
    repeated = frame["id"][frame["id"].duplicated()].unique()
    if len(repeated):
        raise BadItem(
            f"{len(repeated)} ids occur more than once: {listed(repeated)}. Give each item its own id."
        )
    if "label" in frame.columns:
        labels = [None if is_missing(x) or x == "" else replace_surrogates(str(x)) for x in frame["label"]]
        frame["label"] = pd.Series(labels, dtype=object, index=frame.index)
    return frame

"""Items: what is to be embedded, one row each, with an id that never changes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from embedlab.errors import BadItem
from embedlab.io.formats import listed
from embedlab.io.text import replace_surrogates
from embedlab.items import image_text_pair
from embedlab.items.columns import (
    check_modality,
    content_column,
    content_columns,
    is_missing,
    unknown_column,
)
from embedlab.items.content_hash import content_hashes
from embedlab.items.preview import preview_html, short_title
from embedlab.items.read_report import ReadReport
from embedlab.items.readers.sources import FromFiles

if TYPE_CHECKING:
    from embedlab.embedders import Embedder
    from embedlab.inspection.summary import Summary


@dataclass(frozen=True, eq=False)
class Items(FromFiles):
    """A table of things to embed.

    Attributes
    ----------
    frame : DataFrame, shape (n_items, n_columns)
        Columns ``id`` (unique strings), ``content`` (text) or ``path`` (media files), optionally ``label``,
        and any further columns as metadata. Treat it as read-only: the lists below are made from it once.
    modality : str
        ``"text"``, ``"image"``, ``"image+text"``, ``"audio"`` or ``"video"``: stated, never guessed. Items of
        ``"image+text"`` are a mixture: each is a picture or a text, with the other column missing.
    name : str
        What to call this collection in titles and file names.
    origin : ReadReport or None
        How the file or folder was read that the items came from, and what of it was left out.
    """

    frame: pd.DataFrame
    modality: str
    name: str = "items"
    origin: ReadReport | None = None

    def __post_init__(self) -> None:
        check_modality(self.modality)
        frame = self.frame.reset_index(drop=True)
        for needed in ("id", *content_columns(self.modality)):
            if needed not in frame.columns:
                raise BadItem(f"Column {needed!r} is missing; the columns are {list(frame.columns)}.")
        unnamed = [row for row, i in enumerate(frame["id"]) if is_missing(i) or i == ""]
        if unnamed:
            raise BadItem(f"{len(unnamed)} of {len(frame)} items have no id: rows {listed(unnamed)}.")
        frame["id"] = pd.Series(
            [replace_surrogates(str(i)) for i in frame["id"]], dtype="str", index=frame.index
        )
        for column in content_columns(self.modality):
            frame[column] = frame[column].astype(object)  # texts as they came, whatever the frame was made of
        if self.modality == "image+text":
            image_text_pair.check(frame)
        repeated = frame["id"][frame["id"].duplicated()].unique()
        if len(repeated):
            raise BadItem(
                f"{len(repeated)} ids occur more than once: {listed(repeated)}. Give each item its own id."
            )
        if "label" in frame.columns:
            labels: list[Any] = [
                None if is_missing(x) or x == "" else replace_surrogates(str(x)) for x in frame["label"]
            ]
            frame["label"] = pd.Series(labels, dtype=object, index=frame.index)
        object.__setattr__(self, "frame", frame)

    # -- making them -------------------------------------------------------------------------------------

    @classmethod
    def from_texts(
        cls,
        texts: Sequence[str],
        ids: Sequence[Hashable] | None = None,
        labels: Sequence[object] | None = None,
        name: str = "texts",
    ) -> Items:
        """Items from a list of strings; ids default to ``"0"``, ``"1"``, …"""
        if isinstance(texts, str):
            raise BadItem("from_texts takes a list of texts, not one string: write [text].")
        for what, column in (("ids", ids), ("labels", labels)):
            if column is not None and len(column) != len(texts):
                raise BadItem(f"{len(column)} {what} but {len(texts)} texts.")
        content = pd.Series(texts, dtype=object)
        frame = pd.DataFrame({"id": range(len(texts)) if ids is None else ids, "content": content})
        if labels is not None:
            frame["label"] = pd.Series(list(labels), dtype=object)
        return cls(frame, "text", name)

    @classmethod
    def from_frame(
        cls,
        df: pd.DataFrame,
        *,
        modality: str,
        content: str,
        id: str | None = None,
        label: str | None = None,
        caption: str | None = None,
        name: str = "items",
    ) -> Items:
        """Items from a DataFrame.

        Parameters
        ----------
        df : DataFrame
            One row per item; it is copied, not changed.
        modality : str
            What ``content`` holds, for example ``"text"``.
        content, id, label : str
            Names of the columns to use. Without ``id`` the row numbers become ids. All other columns are
            kept as metadata.
        caption : str
            For modality ``"image+text"``: the column with the text of each picture. A row becomes two items,
            ``7/image`` and ``7/text``, which share the row's id in a column ``pair``.
        name : str
            What to call the collection.

        Raises
        ------
        BadItem
            When a named column is missing or there twice, or an id occurs twice.
        """
        repeated = df.columns[df.columns.duplicated()].unique()
        if len(repeated):
            raise BadItem(f"The frame has several columns of one name: {listed(repeated)}. Rename them.")
        if modality == "image+text":
            return cls(image_text_pair.pairs(df, content, caption, id, label), modality, name)
        wanted = {content: content_column(modality), id: "id", label: "label"}
        renames = {old: new for old, new in wanted.items() if old is not None}
        lacking = [old for old in renames if old not in df.columns]
        if lacking:
            raise unknown_column(lacking[0], df.columns, "the frame")
        taken = [c for c in df.columns if c in renames.values() and c not in renames]
        frame = df.drop(columns=taken).rename(columns=renames)
        if "id" not in frame.columns:
            frame.insert(0, "id", [str(i) for i in range(len(frame))])
        frame.columns = pd.Index([str(c) for c in frame.columns])
        if modality == "text":  # nothing there is an empty text, which is a thing that can be said
            texts = ["" if is_missing(text) else text for text in frame["content"]]
            frame["content"] = pd.Series(texts, dtype=object, index=frame.index)
        return cls(frame, modality, name)

    # -- reading them ------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def ids(self) -> list[str]:
        """The ids, in row order."""
        return cast("list[str]", self.frame["id"].tolist())

    @cached_property
    def contents(self) -> list[Any]:
        """The texts, or the file paths, in row order; in a mixture pictures are :class:`pathlib.Path`."""
        if self.modality == "image+text":
            both = zip(self.frame["path"], self.frame["content"], strict=True)
            return [text if is_missing(path) else Path(path) for path, text in both]
        return self.frame[content_column(self.modality)].tolist()

    @cached_property
    def kinds(self) -> list[str]:
        """What each item is: the modality, and in a mixture ``"image"`` or ``"text"``."""
        if self.modality == "image+text":
            return ["text" if is_missing(path) else "image" for path in self.frame["path"]]
        return [self.modality] * len(self)

    @cached_property
    def labels(self) -> list[str | None] | None:
        """The labels in row order, or None when there are none."""
        return self.frame["label"].tolist() if "label" in self.frame.columns else None

    @property
    def metadata(self) -> pd.DataFrame:
        """Every column but id, content and label."""
        return self.frame.drop(columns=["id", *content_columns(self.modality), "label"], errors="ignore")

    def row(self, id: str) -> dict[str, Any]:
        """One item as a dict; raises :class:`BadItem` when there is no such id."""
        return cast("dict[str, Any]", self.frame.iloc[self.positions([id])[0]].to_dict())

    def title(self, id: str, max_chars: int = 80) -> str:
        """A short name for one item: the beginning of its text, or its file name."""
        row = self.row(id)
        text = self.modality == "text" or (self.modality == "image+text" and is_missing(row["path"]))
        return short_title(row["content" if text else "path"], text, max_chars)

    def titles(self, max_chars: int = 80) -> list[str]:
        """:meth:`title` of every item, in row order."""
        both = zip(self.contents, self.kinds, strict=True)
        return [short_title(content, kind == "text", max_chars) for content, kind in both]

    # -- choosing among them -----------------------------------------------------------------------------

    def positions(self, ids: Iterable[Hashable]) -> np.ndarray:
        """Row numbers, shape (n_ids,) int64, of the given ids in their order.

        Raises
        ------
        BadItem
            Naming the ids that are not there.
        """
        where = pd.Index(self.frame["id"]).get_indexer(pd.Index([str(i) for i in ids], dtype="object"))
        if (where < 0).any():
            unknown = [str(i) for i, w in zip(ids, where, strict=True) if w < 0]
            raise BadItem(f"No item with id {listed(unknown)} among the {len(self)} items of {self.name!r}.")
        rows: np.ndarray = where.astype(np.int64)
        return rows

    def rows_of(self, mask_or_ids: Any) -> np.ndarray:
        """Row numbers chosen by a boolean mask (one value per item) or by a list of ids."""
        if isinstance(mask_or_ids, str):
            mask_or_ids = [mask_or_ids]
        chosen = np.asarray(mask_or_ids)
        if chosen.dtype == bool:
            if chosen.shape != (len(self),):
                raise BadItem(f"The mask has {chosen.size} values but there are {len(self)} items.")
            return np.flatnonzero(chosen)
        return self.positions(list(mask_or_ids))

    def select(self, mask_or_ids: Any) -> Items:
        """Some of the items: by boolean mask, or by ids in the order given."""
        return self.take(self.rows_of(mask_or_ids))

    def take(self, rows: np.ndarray) -> Items:
        """The items at the given row numbers."""
        return Items(self.frame.iloc[rows], self.modality, self.name, self.origin)

    # -- identity ----------------------------------------------------------------------------------------

    def content_hashes(self) -> list[bytes]:
        """A 16-byte hash of each item's content: equal content, equal digest, whatever its id."""
        return content_hashes(self.kinds, self.contents)

    def summary(self, model: str | Embedder | None = None, *, full: bool = False) -> Summary:
        """What is in this collection, before anything is embedded: how many, how large, what is wrong.

        Parameters
        ----------
        model : str or Embedder, optional
            A model to plan for. If its weights are on this machine it is loaded and embeds a few of the
            items, which gives an estimate of the time; their vectors are kept. Otherwise the summary says how
            large the download would be, where that is known. Without this argument no model is loaded.
        full : bool
            Decode every file from beginning to end, as embedding will. By default files are only opened,
            which finds those of a wrong kind but not all that are damaged. Texts are always looked at whole.

        Returns
        -------
        Summary
            Shows itself; ``problems``, ``copies``, ``usable`` and more are for going on.
        """
        from embedlab.inspection.summary import summarize

        return summarize(self, model, full=full)

    def __repr__(self) -> str:
        labels = self.labels
        classes = f", {len(set(labels) - {None})} labels" if labels is not None else ""
        return f"Items({self.name!r}: {len(self)} {self.modality} items{classes})"

    def _repr_html_(self) -> str:
        report = self.origin.description if self.origin else ""
        return preview_html(self.frame, self.name, self.modality, self.labels, report)

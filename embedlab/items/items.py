"""Items: what is to be embedded, one row each, with an id that never changes."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pandas as pd

from embedlab.errors import OnError
from embedlab.items.columns import check_modality, content_column
from embedlab.items.frames import frame_of_texts, rename_columns
from embedlab.items.readers.csv import read_csv
from embedlab.items.readers.jsonl import read_jsonl
from embedlab.items.readers.metadata import read_described_folder
from embedlab.items.readers.parquet import read_parquet
from embedlab.items.readers.paths import check_no_columns, format_of, read_table
from embedlab.items.readers.tables import ColumnRoles, Table, frame_of_table
from embedlab.items.table import ItemTable

if TYPE_CHECKING:
    from embedlab.embedders import Embedder
    from embedlab.inspection.summary import Summary


@dataclass(frozen=True, eq=False, repr=False)
class Items(ItemTable):
    """A table of things to embed.

    Attributes
    ----------
    frame : DataFrame, shape (n_items, n_columns)
        Columns ``id`` (unique strings), ``content`` (text) or ``path`` (media files), optionally ``label``,
        and any further columns as metadata. Treat it as read-only: ``ids`` and others are cached.
    modality : str
        ``"text"``, ``"image"``, ``"image+text"``, ``"audio"`` or ``"video"``. You state it; embedlab never
        guesses it. Each item of ``"image+text"`` is an image or a text, and its other column is missing.
    name : str
        What to call this collection in titles and file names.
    origin : ReadReport or None
        How the file or folder was read that the items came from, and what of it was left out.
    """

    @classmethod
    def from_texts(
        cls,
        texts: Sequence[str],
        ids: Sequence[Hashable] | None = None,
        labels: Sequence[object] | None = None,
        name: str = "texts",
    ) -> Self:
        """Make items from a list of strings; ids default to the row numbers."""
        return cls(frame_of_texts(texts, ids, labels), "text", name)

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
    ) -> Self:
        """Make items from a DataFrame.

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
            If a named column is missing or occurs twice, or an id occurs twice.
        """
        return cls(rename_columns(df, modality, content, id, label, caption), modality, name)

    @classmethod
    def from_folder(
        cls,
        folder: str | Path,
        *,
        modality: str,
        metadata: str | Path | None = None,
        label: str | None = None,
        encoding: str = "utf-8",
        on_error: OnError = "raise",
        name: str | None = None,
    ) -> Self:
        """Make items from the files in a folder, at any depth.

        Parameters
        ----------
        folder : path
        modality : str
            Which files to take, by suffix: ``"text"`` (.txt, .md), ``"image"``, ``"audio"`` or ``"video"``.
        metadata : path, optional
            A CSV or JSON lines file that describes them: its column ``file_name`` holds paths below
            ``folder`` (as in Hugging Face's ImageFolder).
        label : str, optional
            The column of ``metadata`` that is the label; by default the label is the name of the subfolder.
        encoding : str
            Of text files.
        on_error : {"raise", "skip"}
            What to do with text files in another encoding, folders that cannot be opened, links to
            nothing, and rows of ``metadata`` without a file. Media files are not opened yet:
            :meth:`summary` checks them.
        name : str, optional
            What to call the collection; by default the folder's name.

        Returns
        -------
        Items
            The id is the path below ``folder``. Hidden files are left out, and so are links to folders and
            to files outside, which ``items.origin.not_followed`` lists.

        Raises
        ------
        BadItem
            If there is no such folder or no such file in it, or something in it cannot be read.
        """
        table = read_described_folder(folder, modality, metadata, label, encoding, on_error)
        return cls(table.frame, modality, name or table.path.name, table.report)

    @classmethod
    def from_path(
        cls,
        path: str | Path,
        *,
        modality: str,
        content: str | None = None,
        id: str | None = None,
        label: str | None = None,
        encoding: str | None = None,
        on_error: OnError = "raise",
    ) -> Self:
        """Make items from a folder or a file, with the method that its suffix asks for.

        Parameters
        ----------
        path : path
            A folder, or a file whose name ends in .csv, .tsv, .jsonl, .ndjson or .parquet.
        modality : str
        content : str, optional
            The column of a table; by default ``content``, or ``path`` for media.
        id, label, encoding, on_error
            As in the method for this kind of file, if it has them.

        Raises
        ------
        BadItem
            For another kind of file, and as the method does.
        """
        path = Path(path).expanduser()
        check_modality(modality)
        if format_of(path) == "folder":
            check_no_columns(path, content, id, label)
            return cls.from_folder(path, modality=modality, encoding=encoding or "utf-8", on_error=on_error)
        roles = ColumnRoles(modality, content or content_column(modality), id, label)
        return cls._from_table(read_table(path, roles, encoding, on_error), roles, None)

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        *,
        modality: str,
        content: str,
        id: str | None = None,
        label: str | None = None,
        caption: str | None = None,
        columns: Sequence[str] | None = None,
        encoding: str | None = None,
        separator: str | None = None,
        on_error: OnError = "raise",
        name: str | None = None,
    ) -> Self:
        """Make items from a CSV file with a header.

        Parameters
        ----------
        path : path
        modality : str
            What ``content`` holds. For anything but text it holds paths, which start at the file's folder.
        content, id, label, caption : str
            Names of columns, as in :meth:`from_frame`. Their values stay as written: ``007`` stays ``007``,
            and ``NA`` is a text. An empty label is none.
        columns : sequence of str, optional
            Which other columns to keep as metadata; by default all. Fewer columns take less memory.
        encoding : str, optional
            By default UTF-8, or what the byte order mark names; it is never guessed.
        separator : str, optional
            By default the one of ``,`` ``;`` tab ``|`` that splits the header into most columns;
            ``items.origin.separator`` says which it was.
        on_error : {"raise", "skip"}
            What to do with lines that are not in the encoding, or have more or fewer fields than the header.
        name : str, optional
            What to call the collection; by default the file's name.

        Raises
        ------
        BadItem
            With ``problems`` by line, or with the columns or ids concerned.
        """
        roles = ColumnRoles(modality, content, id, label, caption, columns)
        table = read_csv(path, roles, encoding=encoding, separator=separator, on_error=on_error)
        return cls._from_table(table, roles, name)

    @classmethod
    def from_jsonl(
        cls,
        path: str | Path,
        *,
        modality: str,
        content: str,
        id: str | None = None,
        label: str | None = None,
        caption: str | None = None,
        columns: Sequence[str] | None = None,
        on_error: OnError = "raise",
        name: str | None = None,
    ) -> Self:
        """Make items from JSON lines: a file with one JSON object a line, in UTF-8.

        The parameters are those of :meth:`from_csv`. Lists and objects in metadata become JSON texts.

        Raises
        ------
        BadItem
            With ``problems`` by line, or with the columns or ids concerned.
        """
        roles = ColumnRoles(modality, content, id, label, caption, columns)
        table = read_jsonl(path, roles, on_error=on_error)
        return cls._from_table(table, roles, name)

    @classmethod
    def from_parquet(
        cls,
        path: str | Path,
        *,
        modality: str,
        content: str,
        id: str | None = None,
        label: str | None = None,
        caption: str | None = None,
        columns: Sequence[str] | None = None,
        name: str | None = None,
    ) -> Self:
        """Make items from a parquet file that other software wrote.

        The parameters are those of :meth:`from_csv`. Files of :meth:`Embeddings.save` also hold vectors; read
        them with :meth:`Embeddings.load`.

        Raises
        ------
        BadItem
            With the columns or ids concerned, or for a file of embeddings.
        """
        roles = ColumnRoles(modality, content, id, label, caption, columns)
        table = read_parquet(path, roles)
        return cls._from_table(table, roles, name)

    @classmethod
    def _from_table(cls, table: Table, roles: ColumnRoles, name: str | None) -> Self:
        return cls(frame_of_table(table, roles), roles.modality, name or table.path.stem, table.report)

    def summary(self, model: str | Embedder | None = None, *, full: bool = False) -> Summary:
        """Summarise the items before anything is embedded: how many, how large, what is wrong.

        Parameters
        ----------
        model : str or Embedder, optional
            A model to plan for. If its weights are on this machine it is loaded and embeds some of the items,
            to estimate the time; their vectors are cached. Otherwise the summary says how large the download
            would be, if that is known. Without this argument no model is loaded.
        full : bool
            Decode every file from beginning to end, as embedding will. By default files are only opened,
            which finds those of a wrong kind but not all that are damaged. Texts are always checked whole.

        """
        from embedlab.inspection.summary import summarize

        return summarize(self, model, full=full)

"""Items from files: a folder, a CSV file, JSON lines, parquet."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from embedlab.errors import BadItem, OnError
from embedlab.items.columns import check_modality, unknown_column
from embedlab.items.read_report import ReadReport
from embedlab.items.readers import folders, tables

if TYPE_CHECKING:
    from embedlab.items.items import Items


class FromFiles:
    """The ways to make :class:`~embedlab.items.Items` of files; what they could not read is in ``origin``."""

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
    ) -> Items:
        """Items from the files in a folder, at any depth.

        Parameters
        ----------
        folder : path
        modality : str
            Which files to take, by suffix: ``"text"`` (.txt, .md), ``"image"``, ``"audio"`` or ``"video"``.
        metadata : path, optional
            A CSV or JSON lines file with more about them: its column ``file_name`` holds paths below
            ``folder`` (the convention of Hugging Face's ImageFolder). It is never looked for by itself.
        label : str, optional
            The column of ``metadata`` that is the label; by default the subfolder's name is.
        encoding : str
            Of text files.
        on_error : {"raise", "skip"}
            What to do with text files of another encoding, folders that may not be opened, links to
            nothing, and rows of ``metadata`` without a file. Media are not opened yet: ``items.summary()``
            looks at them.
        name : str, optional
            What to call the collection; by default the folder's name.

        Returns
        -------
        Items
            The id is the path below ``folder``. Hidden files are left out, and so are links to folders and
            to what lies outside; ``items.origin`` names those.

        Raises
        ------
        BadItem
            When there is no such folder, no such file in it, or something in it cannot be read.
        """
        folder = Path(folder).expanduser()
        if label is not None and metadata is None:
            raise BadItem("label= names a column of metadata=; without it the subfolder is the label.")
        rows, bad, outside = folders.rows(folder, modality, encoding, on_error)
        frame, title = pd.DataFrame(rows, dtype=object), name or folder.resolve().name
        if metadata is not None:
            frame, lost = folders.joined(frame, Path(metadata).expanduser(), label, on_error)
            bad |= lost
        words = f"{folder.resolve().name}/: {len(frame):,} {modality} files"
        origin = ReadReport(words + (f"; {folders.linked(outside)}" if outside else ""), bad)
        return _items(cls)(frame, modality, title, origin)

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
    ) -> Items:
        """Items from a folder or a file, by the one of the methods here that its name asks for.

        Parameters
        ----------
        path : path
            A folder, or a file whose name ends in .csv, .tsv, .jsonl, .ndjson or .parquet.
        modality : str
        content : str, optional
            The column of a table; by default ``content``, or ``path`` for media.
        id, label, encoding, on_error
            Where the method has them.

        Raises
        ------
        BadItem
            For a name of another kind, and as the method does.
        """
        path = Path(path).expanduser()
        if not path.exists():
            raise BadItem(f"There is nothing at {path}.")
        check_modality(modality)
        options: dict[str, Any] = {"modality": modality, "on_error": on_error}
        if path.is_dir():
            if content or id or label:
                raise BadItem(
                    "Columns are in tables; in a folder the files are the items, and the name of a file's "
                    "subfolder is its label."
                )
            return cls.from_folder(path, modality=modality, encoding=encoding or "utf-8", on_error=on_error)
        kind = path.suffix.lower()
        options |= {"content": content or ("content" if modality == "text" else "path"), "id": id}
        if kind in (".csv", ".tsv"):
            separator = "\t" if kind == ".tsv" else None
            return cls.from_csv(path, label=label, encoding=encoding, separator=separator, **options)
        if encoding:
            raise BadItem("encoding= is for CSV and text files; JSON lines say it themselves.")
        if kind in (".jsonl", ".ndjson"):
            return cls.from_jsonl(path, label=label, **options)
        if kind == ".parquet":
            del options["on_error"]
            return cls.from_parquet(path, label=label, **options)
        raise BadItem(f"{path} is neither a folder nor one of .csv, .tsv, .jsonl, .ndjson and .parquet.")

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
    ) -> Items:
        """Items from a CSV file with a header.

        Parameters
        ----------
        path : path
        modality : str
            What ``content`` holds. For anything but text it holds paths, which start at the file's folder.
        content, id, label, caption : str
            Names of columns, as in :meth:`from_frame`. They are taken as written: ``007`` stays ``007``, and
            ``NA`` is a text. An empty label is none.
        columns : sequence of str, optional
            Which other columns to keep as metadata; by default all. A large file takes less memory with few.
        encoding : str, optional
            By default what the file's first bytes say (a byte order mark), else UTF-8; never guessed.
        separator : str, optional
            By default the one of ``,`` ``;`` tab ``|`` that cuts the header into most columns;
            ``items.origin`` says which it was.
        on_error : {"raise", "skip"}
            What to do with lines that are not in the encoding, or have another number of fields than the
            header.
        name : str, optional
            What to call the collection; by default the file's name.

        Raises
        ------
        BadItem
            Naming lines, columns or ids, and the cure.
        """
        path = Path(path).expanduser()
        check_modality(modality)
        exact = _given(content, id, label, caption)
        wanted = _wanted(exact, columns)
        frame, origin = tables.csv_frame(path, exact, wanted, encoding, separator, on_error)
        return _made(cls, path, frame, origin, modality, exact, columns, name)

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
    ) -> Items:
        """Items from JSON lines: a file with one JSON object a line, UTF-8.

        The parameters are those of :meth:`from_csv`. Lists and objects inside an object are kept as metadata,
        as JSON texts.

        Raises
        ------
        BadItem
            Naming lines, columns or ids, and the cure.
        """
        path = Path(path).expanduser()
        check_modality(modality)
        exact = _given(content, id, label, caption)
        frame, origin = tables.jsonl_frame(path, exact, _wanted(exact, columns), on_error)
        return _made(cls, path, frame, origin, modality, exact, columns, name)

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
    ) -> Items:
        """Items from a parquet file that other software wrote.

        The parameters are those of :meth:`from_csv`. A file that :meth:`Embeddings.save` wrote is refused: it
        holds vectors, too, and :meth:`Embeddings.load` reads them.

        Raises
        ------
        BadItem
            Naming columns or ids, and the cure.
        """
        path = Path(path).expanduser()
        check_modality(modality)
        exact = _given(content, id, label, caption)
        frame, origin = tables.parquet_frame(path, exact, _wanted(exact, columns))
        return _made(cls, path, frame, origin, modality, exact, columns, name)


def _items(cls: type) -> type[Items]:
    return cast("type[Items]", cls)


def _given(content: str, id: str | None, label: str | None, caption: str | None) -> dict[str, str]:
    """Column → what it is for; in this order, as ``from_frame`` takes them."""
    uses = {"content": content, "id": id, "label": label, "caption": caption}
    given: dict[str, str] = {}
    for use, column in uses.items():
        if column is not None:
            if column in given:
                raise BadItem(f"Column {column!r} cannot be the {given[column]} and the {use} at once.")
            given[column] = use
    return given


def _wanted(exact: dict[str, str], columns: Sequence[str] | None) -> list[str] | None:
    return None if columns is None else [*exact, *columns]


def _made(
    cls: type,
    path: Path,
    frame: pd.DataFrame,
    origin: ReadReport,
    modality: str,
    exact: dict[str, str],
    columns: Sequence[str] | None,
    name: str | None,
) -> Items:
    lacking = [column for column in [*exact, *(columns or ())] if column not in frame.columns]
    if lacking:
        if columns is not None:  # the others were not read
            raise BadItem(f"No column {lacking[0]!r} in {path.name}; the file has none of that name.")
        raise unknown_column(lacking[0], frame.columns, path.name, exact[lacking[0]])
    use = {purpose: column for column, purpose in exact.items()}
    if modality != "text":
        frame = frame.assign(**{use["content"]: tables.beside(path, frame[use["content"]])})
    items = _items(cls).from_frame(
        frame,
        modality=modality,
        content=use["content"],
        id=use.get("id"),
        label=use.get("label"),
        caption=use.get("caption"),
        name=name or path.stem,
    )
    return dataclasses.replace(items, origin=origin)

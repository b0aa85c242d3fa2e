"""Embeddings in a parquet file, read whole or piece by piece."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embedlab.catalog.cards import ModelCard
from embedlab.embeddings.embeddings import FORMAT, Embeddings, EmbedReport
from embedlab.errors import BadItem
from embedlab.items import Items

_NEWER = "A newer embedlab wrote it: update this one (pip install -U embedlab), or embed the items here"
_AGAIN = "Save the embeddings again, or embed the items again"


class SavedEmbeddings:
    """What :meth:`Embeddings.save` wrote, not yet read.

    Parameters
    ----------
    path : str or Path
        The file.

    Raises
    ------
    BadItem
        When the file is missing, is not parquet, is cut off, carries no embedlab provenance, or one that is
        damaged or of a newer version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.file = _opened(self.path)
        self.about = _provenance(self.path, (self.file.schema_arrow.metadata or {}).get(b"embedlab"))
        self.model, self.report = _made_of(self.path, self.about)
        self.dim = _width(self.path, self.file.schema_arrow)

    def __len__(self) -> int:
        """Number of items."""
        return int(self.file.metadata.num_rows)

    def whole(self) -> Embeddings:
        """All of them.

        Raises
        ------
        BadItem
            When the rows are damaged, or are no items with vectors.
        """
        import pyarrow as pa

        try:
            rows = self.file.read()
        except (OSError, pa.ArrowException) as error:
            raise BadItem(f"{self.path} is damaged ({_line(error)}). {_AGAIN}.") from error
        return self.table(rows)

    def table(self, table: Any) -> Embeddings:
        """Rows of the file, as a pyarrow table, made into embeddings."""
        about = self.about
        column = table.column("vector").combine_chunks()
        try:
            return Embeddings(
                vectors=column.flatten().to_numpy(zero_copy_only=False).reshape(-1, self.dim),
                items=Items(table.drop_columns(["vector"]).to_pandas(), **about["items"]),
                model=self.model,
                layer=about["layer"],
                pooling=about["pooling"],
                normalized=about["normalized"],
                report=self.report,
            )
        except BadItem as error:  # it names rows and ids, and not the file
            raise BadItem(f"{self.path}: {error} {_AGAIN}.") from error

    def pieces(self, rows: int, skip: int = 0) -> Iterator[Embeddings]:
        """Consecutive pieces of at most ``rows`` items, after the first ``skip``."""
        import pyarrow as pa

        for batch in self.file.iter_batches(rows):
            left_out, skip = min(skip, batch.num_rows), max(0, skip - batch.num_rows)
            if left_out < batch.num_rows:
                yield self.table(pa.Table.from_batches([batch.slice(left_out)]))


def _opened(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.is_dir():
        raise BadItem(f"{path} is a folder. Name the .parquet file that Embeddings.save wrote.")
    try:
        return pq.ParquetFile(path)
    except FileNotFoundError:
        raise BadItem(f"There is no file {path}.") from None
    except pa.ArrowInvalid as error:
        cure = _AGAIN if path.suffix.lower() == ".parquet" else "Name one that `embedlab embed` wrote"
        raise BadItem(f"{path} is not a whole parquet file ({error}). {cure}.") from error
    except OSError as error:
        raise BadItem(f"{path} cannot be read: {error.strerror or _line(error)}. Copy it again.") from error


def _provenance(path: Path, noted: bytes | None) -> dict[str, Any]:
    """What the file says about itself, where that is ours and whole."""
    try:
        about = json.loads(noted or b"{}")
    except ValueError as error:
        raise BadItem(f"{path} is damaged: its provenance is no JSON ({error}). {_AGAIN}.") from error
    form = str(about.get("format", "")) if isinstance(about, dict) else ""
    if form != FORMAT and form.startswith(FORMAT.partition("/")[0] + "/"):
        raise BadItem(f"{path} has the format {form!r}, and {FORMAT!r} is read here. {_NEWER}.")
    if form != FORMAT:
        raise BadItem(
            f"{path} was not written by Embeddings.save: it has no {FORMAT!r} provenance. "
            "`embedlab embed` makes such files, also of the items in a table."
        )
    lacking = [n for n in ("model", "items", "report", "layer", "pooling", "normalized") if n not in about]
    if lacking:
        raise BadItem(f"{path} is damaged: its provenance lacks {', '.join(lacking)}. {_AGAIN}.")
    return dict(about)


def _made_of(path: Path, about: dict[str, Any]) -> tuple[ModelCard, EmbedReport]:
    """Card and report, whose fields must be those of this version."""
    for part, known in (("model", ModelCard), ("report", EmbedReport)):
        there = about[part]
        if not isinstance(there, dict):
            raise BadItem(f"{path} is damaged: {part!r} of its provenance is no object. {_AGAIN}.")
        more = sorted(set(there) - {field.name for field in dataclasses.fields(known)})
        if more:
            raise BadItem(f"{path} has fields that are unknown here ({', '.join(more[:3])}). {_NEWER}.")
    items = about["items"]
    if not (isinstance(items, dict) and set(items) == {"modality", "name"}):
        raise BadItem(f"{path} is damaged: 'items' of its provenance is not as expected. {_AGAIN}.")
    try:
        report = about["report"] | {"truncated": tuple(about["report"].get("truncated", ()))}
        return ModelCard(**about["model"]), EmbedReport(**report)
    except TypeError as error:
        raise BadItem(f"{path} is damaged: its provenance is not whole ({error}). {_AGAIN}.") from error


def _width(path: Path, schema: Any) -> int:
    """Numbers per vector, of the column that must be there."""
    import pyarrow as pa

    place = schema.get_field_index("vector")
    if place < 0 or not pa.types.is_fixed_size_list(schema.field(place).type):
        raise BadItem(f"{path} has no column 'vector' with vectors of one length. {_AGAIN}.")
    return int(schema.field(place).type.list_size)


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]

"""Embeddings in a parquet file, read whole or piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from embedlab.catalog import ModelCard
from embedlab.embeddings import FORMAT, Embeddings, EmbedReport
from embedlab.errors import BadItem
from embedlab.items import Items


class SavedEmbeddings:
    """What :meth:`Embeddings.save` wrote, not yet read.

    Parameters
    ----------
    path : str or Path
        The file.

    Raises
    ------
    BadItem
        When the file is missing, is not parquet, is cut off, or carries no embedlab provenance.
    """

    def __init__(self, path: str | Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            self.file = pq.ParquetFile(Path(path))
        except FileNotFoundError:
            raise BadItem(f"There is no file {path}.") from None
        except pa.ArrowInvalid as error:
            raise BadItem(
                f"{path} is not a whole parquet file ({error}). Save the embeddings again."
            ) from error
        self.about = json.loads((self.file.schema_arrow.metadata or {}).get(b"embedlab", b"{}"))
        if self.about.get("format") != FORMAT:
            raise BadItem(f"{path} was not written by Embeddings.save: it has no {FORMAT!r} provenance.")

    def __len__(self) -> int:
        """Number of items."""
        return int(self.file.metadata.num_rows)

    @property
    def dim(self) -> int:
        """Numbers per vector."""
        return int(self.file.schema_arrow.field("vector").type.list_size)

    def table(self, table: Any) -> Embeddings:
        """Rows of the file, as a pyarrow table, made into embeddings."""
        about = self.about
        column = table.column("vector").combine_chunks()
        report = about["report"] | {"truncated": tuple(about["report"]["truncated"])}
        return Embeddings(
            vectors=column.flatten().to_numpy().reshape(-1, self.dim),
            items=Items(table.drop_columns(["vector"]).to_pandas(), **about["items"]),
            model=ModelCard(**about["model"]),
            layer=about["layer"],
            pooling=about["pooling"],
            normalized=about["normalized"],
            report=EmbedReport(**report),
        )

    def pieces(self, rows: int, skip: int = 0) -> Iterator[Embeddings]:
        """Consecutive pieces of at most ``rows`` items, after the first ``skip``."""
        import pyarrow as pa

        for batch in self.file.iter_batches(rows):
            left_out, skip = min(skip, batch.num_rows), max(0, skip - batch.num_rows)
            if left_out < batch.num_rows:
                yield self.table(pa.Table.from_batches([batch.slice(left_out)]))

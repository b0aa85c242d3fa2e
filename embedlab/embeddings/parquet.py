"""Parquet files of embeddings: a table of items with a column ``vector``, and its provenance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from embedlab.embeddings.arrow import arrow_table
from embedlab.embeddings.provenance import SAVE_AGAIN, Provenance, read_provenance
from embedlab.errors import BadItem
from embedlab.io.atomic import atomic_write
from embedlab.io.text import first_line

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_KEY = b"embedlab"  # in the schema's metadata


class EmbeddingsFile:
    """A parquet file of embeddings, opened but not yet read.

    Parameters
    ----------
    path : str or Path

    Attributes
    ----------
    path : Path
    provenance : Provenance
    dim : int
        Numbers per vector.

    Raises
    ------
    BadItem
        With ``path``: when the file is missing, is not parquet, is cut off, or its provenance is missing,
        damaged or of a newer version.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file = _open(self.path)
        schema = self._file.schema_arrow
        self.provenance = read_provenance(self.path, (schema.metadata or {}).get(_KEY))
        self.dim = _vector_length(self.path, schema)

    def __len__(self) -> int:
        """Return the number of items."""
        return int(self._file.metadata.num_rows)

    def read(self) -> tuple[np.ndarray, pd.DataFrame]:
        """Read all vectors, shape (n_items, dim), and the table of their items.

        Raises
        ------
        BadItem
            With ``path``, when the rows are damaged.
        """
        import pyarrow as pa

        try:
            table = self._file.read()
        except (OSError, pa.ArrowException) as error:
            raise BadItem(
                f"{self.path} is damaged ({first_line(error)}). {SAVE_AGAIN}.", path=self.path
            ) from error
        return self._split(table)

    def batches(self, n_rows: int, skip: int = 0) -> Iterator[tuple[np.ndarray, pd.DataFrame]]:
        """Read at most ``n_rows`` items at a time, after the first ``skip``; each as :meth:`read`."""
        import pyarrow as pa

        for batch in self._file.iter_batches(n_rows):
            n_skipped = min(skip, batch.num_rows)
            skip -= n_skipped
            if n_skipped < batch.num_rows:
                yield self._split(pa.Table.from_batches([batch.slice(n_skipped)]))

    def _split(self, table: pa.Table) -> tuple[np.ndarray, pd.DataFrame]:
        column = table.column("vector").combine_chunks()
        vectors = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, self.dim)
        return vectors, table.drop_columns(["vector"]).to_pandas()


def write_embeddings(path: Path, vectors: np.ndarray, frame: pd.DataFrame, provenance: Provenance) -> None:
    """Write vectors, shape (n_items, dim), float32, and the table of their items.

    The file is written beside its place and then moved there, so that an interrupted write leaves the old
    file as it was.

    Raises
    ------
    CannotWrite
        With ``path``.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
    table = arrow_table(frame).append_column("vector", column)
    metadata = table.schema.metadata or {}
    table = table.replace_schema_metadata({**metadata, _KEY: provenance.to_json()})
    with atomic_write(path) as part:
        pq.write_table(table, part, compression="zstd")


def _open(path: Path) -> pq.ParquetFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.is_dir():
        raise BadItem(f"{path} is a folder. Name the .parquet file that Embeddings.save wrote.", path=path)
    try:
        return pq.ParquetFile(path)
    except FileNotFoundError:
        raise BadItem(f"There is no file {path}. Check the name and the folder.", path=path) from None
    except pa.ArrowInvalid as error:
        saved = path.suffix.lower() == ".parquet"
        advice = SAVE_AGAIN if saved else "Name a file that `embedlab embed` wrote"
        raise BadItem(f"{path} is not a complete parquet file ({error}). {advice}.", path=path) from error
    except OSError as error:
        reason = error.strerror or first_line(error)
        raise BadItem(f"{path} cannot be read: {reason}. Copy it again.", path=path) from error


def _vector_length(path: Path, schema: pa.Schema) -> int:
    import pyarrow as pa

    index = schema.get_field_index("vector")
    if index < 0 or not pa.types.is_fixed_size_list(schema.field(index).type):
        raise BadItem(f"{path} has no column 'vector' with vectors of one length. {SAVE_AGAIN}.", path=path)
    return int(schema.field(index).type.list_size)

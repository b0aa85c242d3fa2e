"""Read parquet files that other software wrote."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from embedlab.errors import BadItem, HoldsEmbeddings, Problem, ProblemCode
from embedlab.io.text import first_line
from embedlab.items.read_report import ReadReport
from embedlab.items.readers.encodings import unreadable
from embedlab.items.readers.tables import ColumnRoles, Table
from embedlab.items.readers.values import simplify

_EMBEDDINGS = b"embedlab"  # the key of the metadata of saved embeddings


def read_parquet(path: str | Path, roles: ColumnRoles) -> Table:
    """Read a parquet file.

    Parameters
    ----------
    path : path
    roles : ColumnRoles
        Which columns to keep. Values of those with a role stay as they are; in others nested values become
        JSON texts.

    Raises
    ------
    BadItem
        If the file is not parquet, holds embeddings, or a column with a role holds bytes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path, wanted = Path(path).expanduser(), roles.wanted
    if not path.is_file():
        raise _unusable(path, ProblemCode.MISSING, "does not exist", "Check the path.")
    try:
        file = pq.ParquetFile(path)
        names = file.schema_arrow.names
        if _EMBEDDINGS in (file.schema_arrow.metadata or {}):
            raise HoldsEmbeddings(
                f"{path} holds saved embeddings, not items. Load it with el.Embeddings.load({path.name!r}); "
                "its .items are the items.",
                path=path,
            )
        table = file.read(columns=[name for name in names if wanted is None or name in wanted])
    except pa.ArrowInvalid as error:
        raise _unusable(
            path,
            ProblemCode.DAMAGED,
            f"is not a complete parquet file ({first_line(error)})",
            "Copy it again.",
        ) from error
    except OSError as error:
        raise unreadable(path, error) from error
    columns: dict[str, pd.Series] = {}
    for name in table.column_names:
        column, kind = table.column(name), table.schema.field(name).type
        is_bytes = pa.types.is_binary(kind)
        if name in roles.role_of and (is_bytes or pa.types.is_struct(kind)):
            raise BadItem(
                f"Column {name!r} of {path} holds the bytes of files. Write them to files first.", path=path
            )
        if name in roles.role_of:
            columns[name] = pd.Series(column.to_pylist(), dtype=object)
        elif is_bytes or pa.types.is_nested(kind):
            columns[name] = simplify(column.to_pylist())
        else:
            columns[name] = column.to_pandas()
    return Table(path, pd.DataFrame(columns), ReadReport(path.name, table.num_rows, format="parquet"))


def _unusable(path: Path, code: ProblemCode, reason: str, advice: str) -> BadItem:
    return BadItem(f"{path} {reason}. {advice}", path=path, problems={path.name: Problem(code, reason)})

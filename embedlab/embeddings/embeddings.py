"""Embeddings: the vectors, the items they belong to, and the model that made them."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from embedlab.catalog.cards import ModelCard
from embedlab.embeddings.arrow import arrow_table
from embedlab.errors import BadItem
from embedlab.io.atomic import whole_file
from embedlab.items import Items

FORMAT = "embedlab.embeddings/1"


@dataclass(frozen=True)
class EmbedReport:
    """What happened while embedding: how much was computed, and what was not read whole.

    Attributes
    ----------
    n_computed, n_cached : int
        Items that ran through the model, and items whose vector was already known.
    truncated : tuple of str
        Ids of the items that were longer than the model reads; only their beginning was used.
    skipped : dict of str to str
        Ids that could not be embedded, each with the reason (``on_error="skip"``).
    seconds : float
        Wall time of the whole call.
    """

    n_computed: int = 0
    n_cached: int = 0
    truncated: tuple[str, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Vectors with their items and their origin.

    Attributes
    ----------
    vectors : ndarray, shape (n_items, dim), float32
        C-contiguous and finite; row i belongs to item i.
    items : Items
        The ``n_items`` things that were embedded.
    model : ModelCard
        The model whose weights really ran (``sha256`` and ``source`` filled in).
    layer, pooling : str
        Where in the network the vectors were read, and how they were summed up.
    normalized : bool
        True when every vector has length 1, so that a dot product is the cosine.
    report : EmbedReport
        What happened on the way.

    Raises
    ------
    BadItem
        When the number of vectors and items differ, or a vector is not finite.
    """

    vectors: np.ndarray
    items: Items
    model: ModelCard
    layer: str
    pooling: str
    normalized: bool
    report: EmbedReport = field(default_factory=EmbedReport)

    def __post_init__(self) -> None:
        vectors = np.ascontiguousarray(self.vectors, dtype=np.float32)
        if vectors.ndim != 2:
            raise BadItem(f"vectors must have the shape (n_items, dim), not {vectors.shape}.")
        if len(vectors) != len(self.items):
            raise BadItem(f"{len(vectors)} vectors but {len(self.items)} items.")
        bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if len(bad):
            ids = [self.items.ids[i] for i in bad[:5]]
            raise BadItem(f"{len(bad)} vectors are not finite (NaN or infinite), among them of {ids}.")
        object.__setattr__(self, "vectors", vectors)

    # -- reading -----------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.items)

    @property
    def dim(self) -> int:
        """Width of a vector: how many numbers the model gives for one item."""
        return int(self.vectors.shape[1])

    @property
    def ids(self) -> list[str]:
        """The items' ids, in row order."""
        return self.items.ids

    def to_frame(self) -> pd.DataFrame:
        """The items' table with one more column, ``vector`` (a float32 array of length ``dim``)."""
        return self.items.frame.assign(vector=list(self.vectors))

    def __repr__(self) -> str:
        length = "unit length" if self.normalized else "raw length"
        source = self.model.sha256[:8] if self.model.sha256 else self.model.revision
        version = f" @ {source}" if source else ""
        return (
            f"Embeddings({len(self)} x {self.dim}, {self.model.name}{version}, "
            f"{self.layer} → {self.pooling}, {length})"
        )

    # -- changing (a new value each time) ----------------------------------------------------------------

    def select(self, mask_or_ids: Any) -> Embeddings:
        """Some of the rows: by boolean mask of shape (n_items,), or by ids in the order given."""
        rows = self.items.rows_of(mask_or_ids)
        return dataclasses.replace(self, vectors=self.vectors[rows], items=self.items.take(rows))

    def normalize(self) -> Embeddings:
        """The same directions at length 1. A vector of zeros has no direction and raises :class:`BadItem`."""
        lengths = np.linalg.norm(self.vectors, axis=1, keepdims=True)
        empty = np.flatnonzero(lengths[:, 0] == 0)
        if len(empty):
            raise BadItem(f"Item {self.ids[empty[0]]!r} has a vector of zeros: it has no direction.")
        return dataclasses.replace(self, vectors=self.vectors / lengths, normalized=True)

    # -- files -------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write one parquet file: the items' columns, the vectors, and the provenance in the schema.

        The file is written beside its place and then moved there, so that an interrupted save leaves the
        old file as it was. Any parquet reader opens it; the vectors are the column ``vector``.

        Raises
        ------
        CannotWrite
            With the path, the reason and the cure.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = Path(path)
        vectors = pa.FixedSizeListArray.from_arrays(pa.array(self.vectors.reshape(-1)), self.dim)
        table = arrow_table(self.items.frame).append_column("vector", vectors)
        about = {
            "format": FORMAT,
            "model": dataclasses.asdict(self.model),
            "report": dataclasses.asdict(self.report),
            "items": {"modality": self.items.modality, "name": self.items.name},
            **{name: getattr(self, name) for name in ("layer", "pooling", "normalized")},
        }
        kept = table.schema.metadata or {}
        table = table.replace_schema_metadata({**kept, b"embedlab": json.dumps(about).encode()})
        with whole_file(path) as part:
            pq.write_table(table, part, compression="zstd")
        return path

    @classmethod
    def load(cls, path: str | Path) -> Embeddings:
        """Read what :meth:`save` wrote.

        Raises
        ------
        BadItem
            When the file is not parquet, is cut off or damaged, carries no embedlab provenance, or that of a
            newer version.
        """
        from embedlab.embeddings.parquet import SavedEmbeddings

        return SavedEmbeddings(path).whole()

"""Embeddings: the vectors, the items they belong to, and the model that made them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from embedlab.catalog.cards import ModelCard
from embedlab.embeddings.normalize import unit_rows
from embedlab.embeddings.parquet import EmbeddingsFile, write_embeddings
from embedlab.embeddings.provenance import SAVE_AGAIN, Provenance
from embedlab.embeddings.report import EmbedReport
from embedlab.errors import BadItem, Problem, ProblemCode
from embedlab.items import Items


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Vectors with their items and the model that made them.

    Attributes
    ----------
    vectors : ndarray, shape (n_items, dim), float32
        C-contiguous and finite; row i belongs to item i.
    items : Items
        The ``n_items`` things that were embedded.
    model : ModelCard
        The model, with ``sha256`` and ``source`` of the weights that were loaded.
    layer, pooling : str
        Where in the network the vectors were read, and how its activations became one vector per item.
    normalized : bool
        True when every vector has length 1, so that a dot product is the cosine.
    report : EmbedReport
        How much was computed, what was truncated or skipped.

    Raises
    ------
    BadItem
        When the numbers of vectors and items differ, or a vector is not finite (``problems`` by id).
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
            raise BadItem(f"{len(vectors)} vectors but {len(self.items)} items. Give one vector per item.")
        rows = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if len(rows):
            ids = [self.items.ids[row] for row in rows]
            more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
            raise BadItem(
                f"{len(ids)} vectors contain NaN or infinity (ids {', '.join(ids[:5])}{more}). "
                "Leave these items out, or compute their vectors again.",
                problems={
                    item: Problem(ProblemCode.DAMAGED, "its vector contains NaN or infinity") for item in ids
                },
            )
        object.__setattr__(self, "vectors", vectors)

    # -- reading -----------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.items)

    @property
    def dim(self) -> int:
        """Length of a vector: how many numbers the model gives for one item."""
        return int(self.vectors.shape[1])

    @property
    def ids(self) -> list[str]:
        """The items' ids, in row order."""
        return self.items.ids

    def to_frame(self) -> pd.DataFrame:
        """Return the items' table with a column ``vector`` (float32 arrays of length ``dim``)."""
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

    def select(self, mask_or_ids: np.ndarray | Sequence[bool] | Sequence[str]) -> Embeddings:
        """Select rows by boolean mask, shape (n_items,), or by ids, in the order given."""
        rows = self.items.rows_of(mask_or_ids)
        return dataclasses.replace(self, vectors=self.vectors[rows], items=self.items.take(rows))

    def normalize(self) -> Embeddings:
        """Scale each vector to length 1.

        Raises
        ------
        BadItem
            When a vector is all zeros, which has no direction.
        """
        return dataclasses.replace(self, vectors=unit_rows(self.vectors, ids=self.ids), normalized=True)

    # -- files -------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write one parquet file: the items' columns, the vectors, and the provenance in the schema.

        An interrupted save leaves the old file as it was. Any parquet reader opens the file; the vectors are
        the column ``vector``.

        Raises
        ------
        CannotWrite
            With the path, the reason and what to do.
        """
        path = Path(path)
        provenance = Provenance(
            model=self.model,
            report=self.report,
            modality=self.items.modality,
            name=self.items.name,
            layer=self.layer,
            pooling=self.pooling,
            normalized=self.normalized,
        )
        write_embeddings(path, self.vectors, self.items.frame, provenance)
        return path

    @classmethod
    def load(cls, path: str | Path) -> Embeddings:
        """Read what :meth:`save` wrote.

        Raises
        ------
        BadItem
            With ``path``: when the file is not parquet, is cut off or damaged, or its provenance is missing
            or of a newer version.
        """
        file = EmbeddingsFile(path)
        return cls._from_rows(file, *file.read())

    @classmethod
    def load_batches(cls, file: EmbeddingsFile, n_rows: int, skip: int = 0) -> Iterator[Embeddings]:
        """Read at most ``n_rows`` items at a time, after the first ``skip``."""
        for vectors, frame in file.batches(n_rows, skip):
            yield cls._from_rows(file, vectors, frame)

    @classmethod
    def _from_rows(cls, file: EmbeddingsFile, vectors: np.ndarray, frame: pd.DataFrame) -> Embeddings:
        about = file.provenance
        try:
            items = Items(frame, about.modality, about.name)
            return cls(
                vectors, items, about.model, about.layer, about.pooling, about.normalized, about.report
            )
        except BadItem as error:  # it names rows and ids, but not the file
            raise BadItem(
                f"{file.path}: {error} {SAVE_AGAIN}.", problems=error.problems, path=file.path
            ) from error

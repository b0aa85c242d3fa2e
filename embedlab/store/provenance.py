"""What a collection remembers of itself: the model its vectors came from, its index, and its columns.

The record is kept as JSON in the properties of the Milvus collection, so it travels with the data.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from embedlab.embeddings import Embeddings
from embedlab.errors import WrongModel

PROPERTY = "embedlab"
FORMAT = "embedlab.collection/2"
BM25 = "_bm25"  # the field in which Milvus keeps the word weights of full-text search


@dataclass(frozen=True)
class Origin:
    """Where vectors come from. Vectors may be compared only when their origins agree."""

    model: str
    revision: str | None
    sha256: str | None
    dim: int
    layer: str
    pooling: str
    normalized: bool

    @classmethod
    def of(cls, made: Any) -> Origin:
        """Origin of :class:`Embeddings`, or of what an embedder would make."""
        if isinstance(made, Embeddings):
            card, recipe = made.model, made
        else:
            card = recipe = made.card
        return cls(
            card.name, card.revision, card.sha256, made.dim, recipe.layer, recipe.pooling, recipe.normalized
        )

    def differences(self, other: Origin) -> list[str]:
        """Each thing in which the two disagree, as text with both values.

        A revision or sha256 that one side does not know cannot disagree.
        """
        found = []
        for name, mine in dataclasses.asdict(self).items():
            theirs = getattr(other, name)
            unknown = name in ("revision", "sha256") and None in (mine, theirs)
            if mine != theirs and not unknown:
                found.append(f"{name} {_short(mine)} and {_short(theirs)}")
        return found

    def check(self, other: Origin, what: str, collection: str) -> None:
        """Refuse ``what`` (of origin ``other``) for a collection of this origin.

        Raises
        ------
        WrongModel
            Naming both models and everything in which they differ.
        """
        found = other.differences(self)
        if found:
            raise WrongModel(
                f"{what} {other.dim} numbers from {other}, but {collection!r} holds {self.dim} from {self} "
                f"(different: {'; '.join(found)}). Use another collection name for another model."
            )

    def __str__(self) -> str:
        version = self.sha256 or self.revision
        return f"{self.model} @ {version[:8]}" if version else self.model


@dataclass(frozen=True)
class Record:
    """Everything a collection must know to be searched after a restart.

    ``vectors`` are the vector fields with their origins; the first, ``vector``, is searched unless another
    model is asked for. ``columns`` are the stored columns with their kinds. Those in ``fields`` are typed
    Milvus fields; the others live in the dynamic field, ``$meta``. ``full_text`` is the column that is
    searched by words.
    """

    vectors: Mapping[str, Origin]
    modality: str
    items: str
    index: str
    metric: str
    params: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    fields: Sequence[str] = ()
    full_text: str | None = None

    @property
    def origin(self) -> Origin:
        """Of the first model's vectors."""
        return self.vectors["vector"]

    @property
    def indexed(self) -> list[str]:
        """Names of the fields that have an index."""
        return [*self.vectors, *([BM25] if self.full_text else [])]

    def to_json(self) -> str:
        """The record as JSON."""
        return json.dumps({"format": FORMAT, **dataclasses.asdict(self)}, ensure_ascii=False)

    def ordered_columns(self) -> dict[str, str]:
        """The columns as a reader wants them: label, content or path, then the others."""
        first = [c for c in ("label", "content", "path") if c in self.columns]
        return {c: self.columns[c] for c in [*first, *self.columns]}

    def output_fields(self) -> list[str]:
        """What to ask Milvus for, to get all the columns."""
        return [*self.fields, "$meta"] if self.columns.keys() - set(self.fields) else list(self.fields)

    @classmethod
    def from_properties(cls, properties: Mapping[str, str]) -> Record | None:
        """The record in a collection's properties; None when embedlab did not make the collection."""
        about = json.loads(properties.get(PROPERTY) or "{}")
        form = about.pop("format", None)
        if form == "embedlab.collection/1":
            about["vectors"] = {"vector": about.pop("origin")}
        elif form != FORMAT:
            return None
        vectors = {field: Origin(**origin) for field, origin in about.pop("vectors").items()}
        return cls(vectors=vectors, **about)


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) < 32 else text[:8] + "…"

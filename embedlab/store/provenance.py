"""What a collection remembers of itself: the model its vectors came from, its index, and its columns.

The record is kept as JSON in the properties of the Milvus collection, so it travels with the data.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from embedlab.embeddings import Embeddings
from embedlab.errors import WrongModel
from embedlab.store.index_spec import IndexType, Metric

if TYPE_CHECKING:
    from embedlab.embedders.protocol import Embedder

PROPERTY = "embedlab"
FORMAT = "embedlab.collection/2"
BM25 = "_bm25"  # the field in which Milvus keeps the word weights of full-text search


@dataclass(frozen=True)
class Origin:
    """What made some vectors. Vectors may be compared only if their origins agree.

    Attributes
    ----------
    model : str
        Name of the model.
    revision, sha256 : str or None
        Commit of its repository, and hash of its weights; None if unknown.
    dim : int
        Length of a vector.
    layer, pooling : str
        Where in the model the vectors were read, and how tokens became one vector.
    normalized : bool
        Whether vectors have length 1.
    """

    model: str
    revision: str | None
    sha256: str | None
    dim: int
    layer: str
    pooling: str
    normalized: bool

    @classmethod
    def of(cls, source: Embeddings | Embedder) -> Origin:
        """Return the origin of embeddings, or of what an embedder would make."""
        card = source.model if isinstance(source, Embeddings) else source.card
        recipe = source if isinstance(source, Embeddings) else card
        return cls(
            card.name,
            card.revision,
            card.sha256,
            source.dim,
            recipe.layer,
            recipe.pooling,
            recipe.normalized,
        )

    def differences(self, other: Origin) -> list[str]:
        """List everything in which two origins disagree, as text with both values.

        A revision or sha256 that one side does not know cannot disagree.
        """
        differences = []
        for name, mine in dataclasses.asdict(self).items():
            theirs = getattr(other, name)
            unknown = name in ("revision", "sha256") and None in (mine, theirs)
            if mine != theirs and not unknown:
                differences.append(f"{name} {_shorten(mine)} and {_shorten(theirs)}")
        return differences

    def check(self, other: Origin, subject: str, collection: str) -> None:
        """Raise unless vectors of another origin may be compared with those of this one.

        Parameters
        ----------
        other : Origin
        subject : str
            Begins the message: ``"These embeddings have"``.
        collection : str
            The collection whose vectors have this origin.

        Raises
        ------
        WrongModel
            With both models and everything in which they differ.
        """
        differences = other.differences(self)
        if differences:
            raise WrongModel(
                f"{subject} {other.dim} dimensions from {other}, but {collection!r} holds {self.dim} from "
                f"{self} (different: {'; '.join(differences)}). Use another collection name for another "
                "model.",
                model=other.model,
            )

    def __str__(self) -> str:
        version = self.sha256 or self.revision
        return f"{self.model} @ {version[:8]}" if version else self.model


@dataclass(frozen=True)
class CollectionRecord:
    """Everything a collection must know to be searched after a restart.

    Attributes
    ----------
    vectors : mapping of str to Origin
        The vector fields; the first, ``vector``, is searched unless another model is asked for.
    modality : str
        Of the items.
    items : str
        Name of the items that came first.
    index : {"AUTOINDEX", "FLAT", "HNSW", "HNSW_SQ", "IVF_FLAT", "IVF_SQ8"}
    metric : {"COSINE", "IP", "L2"}
    params : mapping of str to int
        With what the index is built, as Milvus spells it.
    columns : mapping of str to str
        The stored columns and their kinds: see :class:`~embedlab.store.columns.Table`.
    fields : sequence of str
        The columns that are typed Milvus fields; the others live in the dynamic field, ``$meta``.
    full_text : str or None
        The column that is searched by words.
    """

    vectors: Mapping[str, Origin]
    modality: str
    items: str
    index: IndexType
    metric: Metric
    params: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    fields: Sequence[str] = ()
    full_text: str | None = None

    @property
    def origin(self) -> Origin:
        """Origin of the first model's vectors."""
        return self.vectors["vector"]

    @property
    def models(self) -> list[str]:
        """Names of the models, in the order of the vector fields."""
        return [origin.model for origin in self.vectors.values()]

    @property
    def indexed_fields(self) -> list[str]:
        """Names of the Milvus fields that have an index."""
        return [*self.vectors, *([BM25] if self.full_text else [])]

    @property
    def ordered_columns(self) -> dict[str, str]:
        """The columns in the order of a result: label, content or path, then the others."""
        first = [c for c in ("label", "content", "path") if c in self.columns]
        return {c: self.columns[c] for c in [*first, *self.columns]}

    @property
    def output_fields(self) -> list[str]:
        """The Milvus fields to ask for, to get all columns."""
        return [*self.fields, "$meta"] if self.columns.keys() - set(self.fields) else list(self.fields)

    def to_json(self) -> str:
        """Write the record as JSON."""
        return json.dumps({"format": FORMAT, **dataclasses.asdict(self)}, ensure_ascii=False)

    @classmethod
    def from_properties(cls, properties: Mapping[str, str]) -> CollectionRecord | None:
        """Read the record in a collection's properties; None if embedlab did not make the collection."""
        about = json.loads(properties.get(PROPERTY) or "{}")
        form = about.pop("format", None)
        if form == "embedlab.collection/1":
            about["vectors"] = {"vector": about.pop("origin")}
        elif form != FORMAT:
            return None
        vectors = {name: Origin(**origin) for name, origin in about.pop("vectors").items()}
        return cls(vectors=vectors, **about)


def _shorten(value: object) -> str:
    text = str(value)
    return text if len(text) < 32 else text[:8] + "…"

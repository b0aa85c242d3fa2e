"""Make the record of a new collection, and check embeddings against that of an existing one."""

from __future__ import annotations

from collections.abc import Sequence

from embedlab.embeddings import Embeddings
from embedlab.errors import WrongModel
from embedlab.store.backend import Backend, Feature
from embedlab.store.columns import is_field
from embedlab.store.errors import StoreError, StoreErrorCode
from embedlab.store.index_spec import DEFAULT_METRIC, IndexSpec
from embedlab.store.provenance import CollectionRecord, Origin
from embedlab.store.schema import field_name


def new_record(
    several: Sequence[Embeddings], spec: IndexSpec, backend: Backend, n_items: int
) -> CollectionRecord:
    """Make the record of a new collection, still without columns.

    Parameters
    ----------
    several : sequence of Embeddings
        One for each model, of the same items.
    spec : IndexSpec
    backend : Backend
        Where the collection will be.
    n_items : int
        How many items it is about to get; sizes an IVF index.

    Raises
    ------
    StoreError
        For a model that is given twice, a ``full_text`` column that is not there, or settings that do
        not belong to the index.
    MissingFeature
        If the backend lacks what is asked for.
    """
    origins = _name_fields(several)
    if len(origins) > 1:
        backend.require(Feature.SEVERAL_MODELS)
    complete = spec.complete(n_items, backend)
    items = several[0].items
    _check_full_text(complete.full_text, [str(c) for c in items.frame.columns])
    return CollectionRecord(
        vectors=origins,
        modality=_modality(several[0]),
        items=items.name,
        index=complete.index_type,
        metric=complete.metric or DEFAULT_METRIC,
        params=complete.params,
        full_text=complete.full_text,
    )


def check_fits(name: str, several: Sequence[Embeddings], spec: IndexSpec, record: CollectionRecord) -> None:
    """Raise unless embeddings may be added to a collection, with the settings that were asked for.

    Raises
    ------
    WrongModel
        Unless there are vectors for each field of the collection, in order.
    StoreError
        If the collection has another modality, index, metric, settings or full-text column.
    """
    _check_models(name, several, record)
    stored: dict[str, object] = {
        "modality": record.modality,
        "index": record.index,
        "metric": record.metric,
        "params": dict(record.params),
        "full_text": record.full_text,
    }
    asked: dict[str, object] = {
        "modality": _modality(several[0]),
        "index": spec.index,
        "metric": spec.metric,
        "params": spec.params or None,
        "full_text": spec.full_text,
    }
    for argument, value in asked.items():
        if value is not None and value != stored[argument]:
            raise StoreError(
                f"{name!r} was made with {argument} {stored[argument]!r}, not {value!r}. Use another "
                f'collection name, or create it again after store.drop("{name}").',
                code=StoreErrorCode.EXISTS,
                collection=name,
                argument=argument,
            )


def _modality(embeddings: Embeddings) -> str:
    """Return the modality of a collection; a model with two towers puts pictures and texts into one."""
    both = embeddings.model.modality == "image+text"
    return "image+text" if both else embeddings.items.modality


def _name_fields(several: Sequence[Embeddings]) -> dict[str, Origin]:
    origins: dict[str, Origin] = {}
    for emb in several:
        field = field_name(emb.model.name) if origins else "vector"
        if field in origins or Origin.of(emb) in origins.values():
            raise StoreError(
                f"{emb.model.name!r} occurs twice among the models. Give each model once.",
                code=StoreErrorCode.BAD_ARGUMENT,
                argument="embeddings",
            )
        origins[field] = Origin.of(emb)
    return origins


def _check_full_text(column: str | None, columns: list[str]) -> None:
    if column is None or (column in columns and is_field(column)):
        return
    possible = ", ".join(c for c in columns if is_field(c) and c != "id")
    raise StoreError(
        f"These items have no column {column!r} for full_text. Use one of: {possible}.",
        code=StoreErrorCode.BAD_ARGUMENT,
        argument="full_text",
    )


def _check_models(name: str, several: Sequence[Embeddings], record: CollectionRecord) -> None:
    for emb, origin in zip(several, record.vectors.values(), strict=False):
        origin.check(Origin.of(emb), "These embeddings have", name)
    if len(several) != len(record.vectors):
        raise WrongModel(
            f"{name!r} holds vectors of {len(record.vectors)} models ({', '.join(record.models)}), but these "
            f"are of {len(several)}. Items are stored with all their vectors: give a list with one "
            "Embeddings for each model, in this order."
        )

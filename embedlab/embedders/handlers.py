"""One handler per kind of reference: where its weights are, whether it can be used, how it is loaded.

``HANDLERS`` is the only place that knows the kinds. Everything else asks :func:`handler_of`.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from embedlab import weights
from embedlab.catalog import registry
from embedlab.catalog.cards import ModelCard
from embedlab.catalog.ref_options import BadName, EncoderOptions, SentenceTransformerOptions
from embedlab.catalog.refs import AnyFolderRef, AnyHubRef, CatalogRef, FolderRef, HubRef, ModelRef, ServerRef
from embedlab.embedders.handler import Handler, LoadOptions
from embedlab.embedders.protocol import Embedder
from embedlab.errors import Argument, EmbedlabError, require
from embedlab.io.disk import CacheUnusable
from embedlab.io.text import first_line
from embedlab.weights import LocalWeights, Progress, WeightsError, WeightsUnavailable, folder, repository
from embedlab.weights.untrusted import NotAModel


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
        """Return whether its modules are installed and its weights can be had."""
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
        """Return how many bytes loading would download."""
        row = registry.row(ref.name)
        if row.parts:
            return sum(self.download_bytes(CatalogRef(part)) for part in row.parts)
        return row.download_bytes if self.missing(ref) else 0

    def parts(self, ref: CatalogRef) -> tuple[str, ...]:
        """Return the names of the models that it is made of; its own if it is not made of others."""
        return registry.row(ref.name).parts or (ref.name,)

    def card(self, ref: CatalogRef) -> ModelCard:
        """Return the row's card."""
        return registry.row(ref.name).card

    def modality(self, ref: CatalogRef) -> str:
        """Return the modality that the reference alone implies."""
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
        """Return whether the model can be used here."""
        return self.locate(ref) is not None or weights.hub_reachable()

    def load(self, ref: AnyHubRef, options: LoadOptions) -> Embedder:
        """Return an embedder, downloading weights if necessary."""
        _refuse_server_options(ref, options)
        with weights.download_bar() as progress:
            return _build(ref, repository.fetch(ref.repo, ref.revision, options.commit, progress))

    def load_local(self, ref: AnyHubRef) -> Embedder | None:
        """Return an embedder, or None if the repository is not on this machine."""
        found = self.locate(ref)
        return _build(ref, found) if found else None

    def download_bytes(self, ref: AnyHubRef) -> int | None:
        """Return the size that the hub lists, or None if it cannot be asked."""
        return repository.download_bytes(ref.repo, ref.revision) if self.missing(ref) else 0

    def modality(self, ref: AnyHubRef) -> str | None:
        """Return the modality that the reference alone implies."""
        return _modality(ref.options)


class FolderHandler(Handler[AnyFolderRef]):
    """Folders on this machine."""

    def locate(self, ref: AnyFolderRef) -> LocalWeights | None:
        """Return its weights if they are on this machine; the network is not used."""
        try:
            return self.fetch(ref)
        except WeightsError:
            return None

    def fetch(self, ref: AnyFolderRef, progress: Progress | None = None) -> LocalWeights:
        """Return the checked folder; nothing is downloaded."""
        return folder.open_model_folder(Path(ref.path), str(ref))

    def available(self, ref: AnyFolderRef) -> bool:
        """Return whether the model can be used here."""
        return self.locate(ref) is not None

    def load(self, ref: AnyFolderRef, options: LoadOptions) -> Embedder:
        """Return an embedder of the model in the folder."""
        _refuse_server_options(ref, options)
        return _build(ref, self.fetch(ref))

    def modality(self, ref: AnyFolderRef) -> str | None:
        """Return the modality that the reference alone implies."""
        return _modality(ref.options)


class ServerHandler(Handler[ServerRef]):
    """Models behind a server: there are no weights, and the server must be trusted."""

    def locate(self, ref: ServerRef) -> None:
        """Return None: a server has no weights here."""
        return None

    def fetch(self, ref: ServerRef, progress: Progress | None = None) -> LocalWeights:
        """Raise, because a server has no weights to download."""
        raise WeightsUnavailable(f"{ref} runs on a server: there is nothing to download.", model=str(ref))

    def available(self, ref: ServerRef) -> bool:
        """Return whether there is a key, or a server of your own."""
        from embedlab.embedders.openai import server

        return server.usable(ref)

    def load(self, ref: ServerRef, options: LoadOptions) -> Embedder:
        """Return an embedder that asks the server."""
        from embedlab.embedders.openai import server

        return server.load(ref, options.key_from, options.token_limit)

    def modality(self, ref: ServerRef) -> str:
        """Return the modality that the reference alone implies."""
        return "text"

    def check_trusted(self, ref: ServerRef) -> None:
        """Refuse a server that nobody in this process has named."""
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

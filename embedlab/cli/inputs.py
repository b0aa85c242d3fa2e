"""What the commands for your own data are given, made into items, models and files to write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from embedlab.cli.console import quoted, say
from embedlab.errors import EmbedlabError

if TYPE_CHECKING:
    from embedlab.catalog.cards import ModelCard
    from embedlab.embedders import Embedder
    from embedlab.embeddings import Embeddings
    from embedlab.items import Items


def items_of(
    source: Path,
    modality: str,
    *,
    content: str | None,
    label: str | None,
    id: str | None,
    encoding: str | None,
    on_error: Any,
) -> Items:
    """The items of a source, whose kind its name says."""
    from embedlab.items import Items

    return Items.from_path(
        source,
        modality=modality,
        content=content,
        id=id,
        label=label,
        encoding=encoding,
        on_error=on_error,
    )


def modality_of(model: str | None, *, may_fetch: bool) -> str:
    """What a model embeds, where that is one thing; ``may_fetch`` when it is to be loaded anyway."""
    from embedlab.catalog.refs import parse
    from embedlab.embedders.handlers import handler_of

    if model is None:
        raise EmbedlabError("Say what the data are: --modality text, image, audio or video.")
    ref = parse(model)
    modality = handler_of(ref).modality(ref) or _loaded_card(model, may_fetch).modality
    if modality == "image+text":
        raise EmbedlabError(f"{model} embeds pictures and texts: say --modality image or --modality text.")
    return modality


def _loaded_card(model: str, may_fetch: bool) -> ModelCard:
    from embedlab.embedders import load_model
    from embedlab.embedders.loading import load_here

    here = load_here(model)
    if here is None and not may_fetch:
        raise EmbedlabError(
            f"What {model} embeds only its files tell, and they are not on this machine: say --modality "
            f"text, image or audio, or download them: embedlab fetch {quoted(model)}"
        )
    if here is None:
        announce(model)
    return (here or load_model(model)).card


def announce(model: str) -> None:
    """Say that weights will be downloaded, and how many bytes, before anything is fetched."""
    from embedlab.catalog.refs import parse
    from embedlab.embedders.handlers import handler_of
    from embedlab.io.formats import format_bytes

    ref = parse(model)
    handler = handler_of(ref)
    if handler.missing(ref):
        size = handler.download_bytes(ref)
        volume = f", {format_bytes(size)}" if size else ""
        say(f"{model} is not on this machine: downloading it{volume}, once.")


def model_of(name: str, token_limit: int | None = None, key_from: str | None = None) -> str | Embedder:
    """Return a model for a summary: its name, so that nothing is fetched, or a server's with its options."""
    from embedlab.embedders import load_model

    if token_limit is None and key_from is None:
        return name
    return load_model(name, token_limit=token_limit, key_from=key_from)


def model_again(made: ModelCard, key_from: str | None) -> Embedder:
    """Load the model that made vectors; a server that only a file names is not asked, whatever the key."""
    from embedlab.embedders.loading import load_again

    if key_from is None:
        announce(made.name)
    return load_again(made, key_from)


def loaded(files: list[Path]) -> list[Embeddings]:
    """Saved embeddings."""
    from embedlab.embeddings import Embeddings

    return [Embeddings.load(file) for file in files]


def check_target(path: Path, suffix: str, force: bool) -> None:
    """Whether a file may be written there: asked before anything takes time."""
    from embedlab.io.atomic import check_writable

    if path.name.lower() == suffix:
        raise EmbedlabError(f"{path} has no name before its {suffix}: write data{suffix}, for example.")
    if path.suffix.lower() != suffix:
        raise EmbedlabError(f"{path} should end in {suffix}.")
    if not path.parent.is_dir():
        raise EmbedlabError(f"{path} cannot be written: there is no folder {path.parent}.")
    if path.is_dir():
        raise EmbedlabError(f"{path} is a folder. Choose another name.")
    if path.exists() and not force:
        raise EmbedlabError(f"{path} is there already. Choose another name, or replace it with --force.")
    check_writable(path)

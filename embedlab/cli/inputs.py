"""Turn the arguments of the data commands into items, models and files to write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

from embedlab.cli.console import print_line, quote
from embedlab.errors import EmbedlabError, OnError

if TYPE_CHECKING:
    from embedlab.catalog.cards import ModelCard
    from embedlab.embedders import Embedder
    from embedlab.embeddings import Embeddings
    from embedlab.items import Items


def parse_on_error(value: str) -> OnError:
    """Check the value of ``--on-error``."""
    for known in get_args(OnError):
        if value == known:
            return known  # type: ignore[no-any-return]
    raise EmbedlabError(f"--on-error {value} is not valid. Use raise or skip.")


def read_items(
    source: Path,
    modality: str,
    *,
    content: str | None,
    label: str | None,
    id: str | None,
    encoding: str | None,
    on_error: OnError,
) -> Items:
    """Read items from a folder or a file; the name of the source decides how."""
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


def choose_modality(model: str | None, *, may_fetch: bool) -> str:
    """Return the modality that a model embeds.

    Parameters
    ----------
    model : str or None
    may_fetch : bool
        Whether the model may be downloaded if only its files tell.

    Raises
    ------
    EmbedlabError
        If there is no model, or the model embeds several modalities.
    """
    from embedlab.catalog.refs import parse
    from embedlab.embedders.handlers import handler_of

    if model is None:
        raise EmbedlabError("The modality is unknown. Pass --modality text, image, audio or video.")
    ref = parse(model)
    modality = handler_of(ref).modality(ref) or _loaded_card(model, may_fetch).modality
    if modality == "image+text":
        raise EmbedlabError(
            f"{model} embeds images and texts. Pass --modality image or --modality text to choose one."
        )
    return modality


def _loaded_card(model: str, may_fetch: bool) -> ModelCard:
    from embedlab.embedders import load_model
    from embedlab.embedders.loading import load_local

    here = load_local(model)
    if here is None and not may_fetch:
        raise EmbedlabError(
            f"The modality of {model} is unknown until its files are on this machine. Pass --modality text, "
            f"image or audio, or download the model: embedlab fetch {quote(model)}",
            model=model,
        )
    if here is None:
        announce_download(model)
    return (here or load_model(model)).card


def announce_download(model: str) -> None:
    """Say that a model will be downloaded, and how large it is; print nothing if it is on this machine."""
    from embedlab.catalog.refs import parse
    from embedlab.embedders.handlers import handler_of
    from embedlab.io.formats import format_bytes

    ref = parse(model)
    handler = handler_of(ref)
    if handler.missing(ref):
        size = handler.download_bytes(ref)
        print_line(f"Downloading {model}{f' ({format_bytes(size)})' if size else ''}, once.")


def model_or_name(name: str, token_limit: int | None = None, key_from: str | None = None) -> str | Embedder:
    """Return a model for a summary: its name, so that nothing is fetched, or a server's with its options."""
    from embedlab.embedders import load_model

    if token_limit is None and key_from is None:
        return name
    return load_model(name, token_limit=token_limit, key_from=key_from)


def reload_model(card: ModelCard, key_from: str | None) -> Embedder:
    """Load the model that made saved vectors; a server that only the file names is refused."""
    from embedlab.embedders.loading import load_again

    if key_from is None:
        announce_download(card.name)
    return load_again(card, key_from)


def load_files(files: list[Path]) -> list[Embeddings]:
    """Load saved embeddings."""
    from embedlab.embeddings import Embeddings

    return [Embeddings.load(file) for file in files]


def check_target(path: Path, suffix: str, force: bool) -> None:
    """Raise if a file cannot be written, before anything takes time."""
    from embedlab.io.atomic import check_writable

    if path.name.lower() == suffix:
        raise EmbedlabError(
            f"{path} has no name before {suffix}. Write data{suffix}, for example.", path=path
        )
    if path.suffix.lower() != suffix:
        raise EmbedlabError(f"{path} must end in {suffix}.", path=path)
    if not path.parent.is_dir():
        raise EmbedlabError(f"{path} cannot be written: the folder {path.parent} does not exist.", path=path)
    if path.is_dir():
        raise EmbedlabError(f"{path} is a folder. Choose another name.", path=path)
    if path.exists() and not force:
        raise EmbedlabError(
            f"{path} exists. Choose another name, or pass --force to overwrite it.", path=path
        )
    check_writable(path)

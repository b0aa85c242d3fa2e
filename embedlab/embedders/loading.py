"""From a name to an embedder: find the weights, fetch them if need be, call the loader."""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import Any

from embedlab import weights
from embedlab.catalog import refs, registry
from embedlab.catalog.refs import BadName, ModelName, Options
from embedlab.embedders.protocol import Embedder
from embedlab.errors import EmbedlabError, require
from embedlab.weights import repository, untrusted

_LOADERS = {"st": "embedlab.embedders.sentence_transformer", "hf": "embedlab.embedders.hf"}


def load_model(
    name: str,
    *,
    pooling: str | None = None,
    layer: int | str | None = None,
    query_prompt: str | None = None,
    document_prompt: str | None = None,
    dimensions: int | None = None,
    base_url: str | None = None,
    key_from: str | None = None,
    token_limit: int | None = None,
) -> Embedder:
    """Load a model, fetching its weights if they are not on this machine yet.

    Parameters
    ----------
    name : str
        A catalogue name such as ``"text/minilm"`` (``el.models()`` lists them), or any other model by its
        prefix: ``"st:org/name"``, ``"hf:org/name"``, ``"st:./folder"``, ``"openai:text-embedding-3-small"``.
        ``@`` names a branch, a tag or a commit: ``"st:org/name@v1.0"``. Code in a repository is never run.
    pooling : {"mean", "cls", "last", "pooler"}, optional
        ``hf:`` how activations become one vector; by default as the repository or the architecture says.
    layer : int or str, optional
        ``hf:`` which layer: a number as in ``hidden_states`` (-1, the last, unless told otherwise), or of an
        image network the name of a module.
    query_prompt, document_prompt : str, optional
        ``st:`` words before each query and each document, such as ``"query: "``; by default those in the
        model's configuration.
    dimensions : int, optional
        ``openai:`` how many numbers to ask for; the text-embedding-3 models can give fewer.
    base_url : str, optional
        ``openai:`` the server; by default ``OPENAI_BASE_URL``, or OpenAI's own.
    key_from : str, optional
        ``openai:`` the environment variable that holds the key. ``OPENAI_API_KEY`` is sent to OpenAI, or to
        the server in ``OPENAI_BASE_URL``, and to no other unless you name it here.
    token_limit : int, optional
        ``openai:`` the most tokens that one call of ``embed`` may send; 2,000,000 unless told otherwise, and
        on this machine's own servers without a limit.

    Returns
    -------
    Embedder
        The same object when called again in one process. What was chosen is in ``card.name``, which loads the
        same model again.

    Raises
    ------
    EmbedlabError
        For an unknown name (with the nearest ones), an option that the model does not have, or when no source
        can serve the weights (with a line for each source that was tried).
    """
    options = Options(pooling, layer, query_prompt, document_prompt, dimensions, base_url)
    asked = refs.parse(name, options)
    if asked.prefix == "openai":
        from embedlab.embedders.openai import server

        return server.load(asked, key_from, token_limit)
    if key_from is not None or token_limit is not None:
        raise BadName(f"key_from and token_limit are for models behind a server (openai:…), not for {name}.")
    return _from_catalogue(asked.target) if not asked.prefix else _from_weights(asked, None)


def load_again(made: Any) -> Embedder:
    """The model that made some vectors, at the commit it had then.

    Parameters
    ----------
    made : ModelCard or any object with its model's name and revision
        The name as ``name`` or ``model``.

    Raises
    ------
    EmbedlabError
        As :func:`load_model`; also for a server that nobody in this process has named: a file that came from
        elsewhere must not decide where texts are sent.
    """
    name = getattr(made, "name", None) or made.model
    asked = refs.parse(name)
    if asked.prefix == "openai":
        from embedlab.embedders.openai import server

        server.check_trusted(asked)
    if asked.prefix in _LOADERS:
        return _from_weights(asked, made.revision if refs.is_commit(made.revision) else None)
    return load_model(name)


def load_here(name: str) -> Embedder | None:
    """As :func:`load_model`, but of a repository only what is on this machine: None where nothing is.

    No hub is asked, not even whether a branch has moved. What is not a repository is loaded as always.
    """
    asked = refs.parse(name)
    if asked.prefix not in _LOADERS or asked.is_folder:
        return load_model(name)
    there = repository.here(asked)
    return _build_any(asked, there) if there else None


def loadable(name: str) -> bool:
    """Whether a name can be loaded at all: it is in the catalogue or has a prefix."""
    return refs.has_prefix(name) or any(card.name == name for card in registry.cards())


def _from_catalogue(name: str) -> Embedder:
    row = registry.row(name)
    if row.make is not None:
        made: Embedder = row.make()
        return made
    if row.needs:  # before 100 MB are fetched for nothing
        require(row.needs, row.extra)
    found = weights.locate(name)
    if found is None:
        with weights.download_bar() as progress:
            found = weights.fetch(name, progress)
    return _build(name, found)


def _from_weights(asked: ModelName, commit: str | None) -> Embedder:
    with weights.download_bar() as progress:
        return _build_any(asked, repository.bring(asked, commit, progress))


@lru_cache(maxsize=4)
def _build(name: str, found: weights.Found) -> Embedder:
    row = registry.row(name)
    module, function = row.loader.split(":")
    load = getattr(importlib.import_module(module), function)
    embedder: Embedder = load(row.card, found, *(load_model(part) for part in row.parts))
    return embedder


@lru_cache(maxsize=4)
def _build_any(asked: ModelName, found: repository.Checkout) -> Embedder:
    load = importlib.import_module(_LOADERS[asked.prefix]).load
    try:
        embedder: Embedder = load(asked, found)
    except EmbedlabError:
        raise
    except Exception as error:
        # Four libraries read a stranger's files here, and what they raise shares no base class.
        why = (str(error).strip().splitlines() or [""])[0][:300]
        raise untrusted.NotAModel(
            f"{asked} cannot be loaded from {found.path}: {type(error).__name__}: {why}"
        ) from error
    return embedder

"""Load a model by its name: find the weights, fetch them if necessary, build the embedder."""

from __future__ import annotations

from typing import Protocol

from embedlab.catalog import refs, registry
from embedlab.catalog.cards import ModelCard
from embedlab.catalog.ref_options import BadName
from embedlab.catalog.refs import CatalogRef
from embedlab.embedders.handler import LoadOptions
from embedlab.embedders.handlers import handler_of
from embedlab.embedders.protocol import Embedder


class MadeBy(Protocol):
    """Anything that records which model made vectors, such as the provenance of a stored collection."""

    @property
    def model(self) -> str:
        """The name of the model."""

    @property
    def revision(self) -> str | None:
        """The commit that the model had."""


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
        ``hf:`` which layer: an index into ``hidden_states`` (-1, the last, by default), or the name of a
        module of an image network.
    query_prompt, document_prompt : str, optional
        ``st:`` the words before each query and each document, such as ``"query: "``; by default those in the
        model's configuration.
    dimensions : int, optional
        ``openai:`` how many numbers to ask for; the text-embedding-3 models can give fewer.
    base_url : str, optional
        ``openai:`` the server; by default ``OPENAI_BASE_URL``, or OpenAI's own.
    key_from : str, optional
        ``openai:`` the environment variable that holds the key. ``OPENAI_API_KEY`` is sent to OpenAI, or to
        the server in ``OPENAI_BASE_URL``, and to no other unless you name it here.
    token_limit : int, optional
        ``openai:`` the most tokens that one call of ``embed`` may send; by default 2,000,000, and without a
        limit for a server on this machine.

    Returns
    -------
    Embedder
        The same object if called again in one process. ``card.name`` contains the options and loads the same
        model again.

    Raises
    ------
    EmbedlabError
        For an unknown name (with the nearest ones), for an option that the model does not have, and when no
        source can serve the weights (with a line for each source that was tried).
    """
    chosen = {
        "pooling": pooling,
        "layer": layer,
        "query_prompt": query_prompt,
        "document_prompt": document_prompt,
        "dimensions": dimensions,
        "base_url": base_url,
    }
    ref = refs.parse(name, chosen)
    return handler_of(ref).load(ref, LoadOptions(key_from=key_from, token_limit=token_limit))


def load_again(made: ModelCard | MadeBy, key_from: str | None = None) -> Embedder:
    """Load the model that made given vectors, at the commit it had then.

    Parameters
    ----------
    made : ModelCard or any object with a model's name and revision
        The name as ``name`` or ``model``.
    key_from : str, optional
        As for :func:`load_model`.

    Raises
    ------
    EmbedlabError
        As :func:`load_model`; also for a server that has not been named in this process, because a file from
        elsewhere must not decide where texts are sent.
    """
    ref = refs.parse(made.name if isinstance(made, ModelCard) else made.model)
    handler = handler_of(ref)
    handler.check_trusted(ref)
    commit = made.revision if refs.is_commit(made.revision) else None
    return handler.load(ref, LoadOptions(commit=commit, key_from=key_from))


def load_local(name: str) -> Embedder | None:
    """Load a model as :func:`load_model` does, or return None for a repository that is not on this machine.

    The hub is not asked, not even whether a branch has moved.
    """
    ref = refs.parse(name)
    return handler_of(ref).load_local(ref)


def is_loadable(name: str) -> bool:
    """Return whether a name can be loaded at all: it is in the catalogue or has a prefix."""
    try:
        ref = refs.parse(name)
    except BadName:
        return False
    return not isinstance(ref, CatalogRef) or any(card.name == ref.name for card in registry.cards())

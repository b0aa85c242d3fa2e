"""A course's own model: ``el.register(card, loader)`` puts it into the catalogue of this process."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from embedlab.catalog import registry
from embedlab.catalog.cards import ModelCard, Row
from embedlab.catalog.pins import Weights
from embedlab.embedders.base import CachedEmbedder, Embedder
from embedlab.embedders.checks import text_problem
from embedlab.errors import EmbedlabError, Problem
from embedlab.items.columns import MODALITIES

Compute = Callable[[list[Any]], Any]
_NAME = re.compile(r"[a-z+]+/[A-Za-z0-9][A-Za-z0-9._+-]{0,79}")


class BadModel(EmbedlabError, ValueError):
    """A card, a name or a loader that cannot be registered, or a loader that did not keep its word."""


class FunctionEmbedder(CachedEmbedder):
    """A function from contents to vectors behind the :class:`~embedlab.embedders.base.Embedder` protocol.

    Vectors are kept on disk only when the card has a ``revision``: a function cannot be told from another
    one.
    """

    def __init__(self, card: ModelCard, compute: Compute) -> None:
        self.card, self.dim = card, card.dim
        self.caches_vectors = card.revision is not None
        self._function = compute

    def _compute(self, prepared: list[Any], batch_size: int) -> np.ndarray:
        return np.asarray(self._function(prepared), np.float32)

    def _problem(self, content: Any) -> Problem | None:
        return text_problem(content) if self.card.modality == "text" else None


def register(
    card: ModelCard, loader: Callable[[ModelCard], Embedder | Compute], *, replace: bool = False
) -> None:
    """Add a model of your own to the catalogue, until this process ends.

    From then on its name works everywhere: ``el.models()``, ``el.embed(items, name)``, ``el.compare``, a
    store's queries.

    Parameters
    ----------
    card : ModelCard
        What it is. The name is ``modality/name``, for pictures and texts in one space ``multimodal/name``.
    loader : callable
        Called with the card when the model is first used, and once. It gives an embedder, or a function from
        a list of contents (texts, or paths of files) to an array of shape (n, dim). What a function computes
        is kept on disk only when the card has a ``revision``; change that whenever you change the function.
    replace : bool
        Take the place of a model that was registered before; a cell that is run twice needs it.

    Raises
    ------
    BadModel
        For a name that is taken or does not fit the modality, and for a card without dimensions. Later, when
        the model is loaded: for a loader that gives something else, or other dimensions than its card.

    Examples
    --------
    >>> facts = dict(params=0, licence="CC0-1.0", layer="none", pooling="sum", normalized=False)
    >>> card = el.ModelCard("text/vowels", "text", dim=5, summary="Counts vowels.", **facts)
    >>> def counts(texts): return [[text.count(vowel) for vowel in "aeiou"] for text in texts]
    >>> el.register(card, lambda card: counts)
    """
    if not isinstance(card, ModelCard):
        raise BadModel(f"register takes a ModelCard, not {type(card).__name__}.")
    if card.modality not in MODALITIES:
        raise BadModel(f"Unknown modality {card.modality!r}: choose one of {', '.join(MODALITIES)}.")
    folder = {"image+text": "multimodal"}.get(card.modality, card.modality)
    if not _NAME.fullmatch(str(card.name)) or not card.name.startswith(folder + "/"):
        raise BadModel(
            f"{card.name!r} cannot name a model of {card.modality}: write {folder + '/my-model'!r}."
        )
    if type(card.dim) is not int or card.dim < 1:
        raise BadModel(f"dim must be a whole number of at least 1, not {card.dim!r}.")
    if not callable(loader):
        raise BadModel(f"loader is a function that is called with the card, not {type(loader).__name__}.")
    taken = next((row for row in registry.rows() if row.card.name == card.name), None)
    if taken is not None and not taken.make:
        raise BadModel(f"{card.name} is a model of embedlab's own catalogue. Choose another name.")
    if taken is not None and not replace:
        raise BadModel(f"{card.name} is registered already. Choose another name, or pass replace=True.")
    registry.register(
        Row(card, Weights((), ""), "", make=lru_cache(maxsize=1)(lambda: _loaded(card, loader)))
    )


def _loaded(card: ModelCard, loader: Callable[[ModelCard], Any]) -> Embedder:
    made = loader(card)
    if not isinstance(made, Embedder):
        if not callable(made):
            raise BadModel(
                f"The loader of {card.name} gave {type(made).__name__}: an embedder is expected (card, dim, "
                "embed and "
                "embed_query), or a function from contents to vectors."
            )
        return FunctionEmbedder(card, made)
    for what, promised, real in (("dim", card.dim, made.dim), ("name", card.name, made.card.name)):
        if promised != real:
            raise BadModel(
                f"The card of {card.name} says {what} {promised!r}, and its embedder has {real!r}."
            )
    return made

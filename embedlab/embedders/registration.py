"""Register a model of your own: ``el.register(card, loader)`` adds it to this process's catalogue."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from embedlab.catalog import registry
from embedlab.catalog.cards import ModelCard, Row
from embedlab.catalog.pins import Weights
from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.checks import text_problem
from embedlab.embedders.protocol import Embedder
from embedlab.errors import Argument, EmbedlabError, Problem
from embedlab.items.columns import MODALITIES

Compute = Callable[[list[Any]], Any]
_NAME = re.compile(r"[a-z+]+/[A-Za-z0-9][A-Za-z0-9._+-]{0,79}")


class BadModel(EmbedlabError, ValueError):
    """A card, a name or a loader cannot be registered, or a loader's model does not match its card."""


class FunctionEmbedder(CachedEmbedder):
    """A function from contents to vectors behind the :class:`~embedlab.embedders.protocol.Embedder` protocol.

    Vectors are cached only when the card has a ``revision``: embedlab cannot tell one function from another.
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
        Describes the model. The name is ``modality/name``, or ``multimodal/name`` for a model that embeds
        pictures and texts in one space.
    loader : callable
        Called with the card once, when the model is first used. It returns an embedder, or a function from a
        list of contents (texts, or paths of files) to an array of shape (n, dim). A function's vectors are
        cached only when the card has a ``revision``; change that whenever you change the function.
    replace : bool
        Replace a model registered under the same name; a notebook cell that may run twice needs this.

    Raises
    ------
    BadModel
        For a name that is taken or does not fit the modality, and for a card without dimensions. Later, when
        the model is loaded: for a loader whose result is not an embedder, or does not match its card.

    Examples
    --------
    >>> facts = dict(params=0, licence="CC0-1.0", layer="none", pooling="sum", normalized=False)
    >>> card = el.ModelCard("text/vowels", "text", dim=5, summary="Counts vowels.", **facts)
    >>> def counts(texts): return [[text.count(vowel) for vowel in "aeiou"] for text in texts]
    >>> el.register(card, lambda card: counts)
    """
    _check(card, loader)
    known = next((row for row in registry.rows() if row.card.name == card.name), None)
    if known is not None and not known.make:
        raise BadModel(
            f"{card.name} is the name of a model in embedlab's catalogue. Choose another name.",
            model=card.name,
        )
    if known is not None and not replace:
        raise BadModel(
            f"{card.name} is registered already. Choose another name, or pass ",
            Argument("replace", True),
            ".",
            model=card.name,
        )
    load_once = lru_cache(maxsize=1)(lambda: _load(card, loader))
    registry.register(Row(card, Weights((), ""), "", make=load_once))


def _check(card: ModelCard, loader: object) -> None:
    """Refuse what is not a card or a loader, and a card that contradicts itself."""
    if not isinstance(card, ModelCard):
        raise BadModel(f"card must be a ModelCard, not {type(card).__name__}.")
    if card.modality not in MODALITIES:
        raise BadModel(
            f"Unknown modality {card.modality!r}. Choose one of {', '.join(MODALITIES)}.", model=card.name
        )
    folder = {"image+text": "multimodal"}.get(card.modality, card.modality)
    if not _NAME.fullmatch(str(card.name)) or not card.name.startswith(folder + "/"):
        raise BadModel(
            f"{card.name!r} is not a valid name for a model of {card.modality}. Write for example "
            f"{folder + '/my-model'!r}.",
            model=card.name,
        )
    if type(card.dim) is not int or card.dim < 1:
        raise BadModel(f"dim must be a whole number of at least 1, not {card.dim!r}.", model=card.name)
    if not callable(loader):
        raise BadModel(
            f"loader must be a function of the card, not {type(loader).__name__}.", model=card.name
        )


def _load(card: ModelCard, loader: Callable[[ModelCard], Embedder | Compute]) -> Embedder:
    loaded = loader(card)
    if not isinstance(loaded, Embedder):
        if not callable(loaded):
            raise BadModel(
                f"The loader of {card.name} returned {type(loaded).__name__}. It must return an embedder "
                "(card, dim, embed and embed_query), or a function from contents to vectors.",
                model=card.name,
            )
        return FunctionEmbedder(card, loaded)
    for attribute, stated, actual in (("dim", card.dim, loaded.dim), ("name", card.name, loaded.card.name)):
        if stated != actual:
            raise BadModel(
                f"The card of {card.name} says {attribute} {stated!r}, but its embedder has {actual!r}. "
                "Make them equal.",
                model=card.name,
            )
    return loaded

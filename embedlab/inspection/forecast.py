"""Forecast what embedding items with a model takes: a download, time, memory."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from embedlab.catalog import refs
from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.checks import check_arguments
from embedlab.embedders.handlers import handler_of
from embedlab.embedders.protocol import Embedder
from embedlab.errors import Part, Speaker, compose
from embedlab.inspection.timing import time_sample
from embedlab.io.formats import format_bytes, format_seconds
from embedlab.items import Items

_MAX_COUNTED = 5_000  # texts whose tokens are counted


class Untimed(StrEnum):
    """Why there is no estimate of the time."""

    NO_WEIGHTS = "its weights are not on this machine yet"
    SERVER = "it runs on a server, where each item may cost money"


@dataclass(frozen=True)
class Forecast:
    """What a model will take to embed some items.

    Attributes
    ----------
    model : str
    dim : int
        0 if only files tell it that are not on this machine.
    n_items : int
    n_known : int
        Items whose vector need not be computed: it is cached, or an equal item has it.
    n_timed : int
        Items embedded for the estimate, of those that were not known.
    seconds, low, high : float
        For what is left after that, and a range that it should lie in; NaN if it was not timed.
    took : float
        Seconds that the timed items took.
    result_bytes : int
        Of the vectors, in memory and about in a file.
    download_bytes : int
        Of weights that are not on this machine; 0 if it is not known.
    licence : str
        Of the weights.
    max_tokens : int or None
        How many tokens of a text the model reads.
    n_counted : int
        Texts whose tokens were counted.
    cut : tuple of str
        Ids of texts that are longer than the model reads.
    untimed : Untimed or None
        Why there is no estimate.
    server_notice : tuple of str and Argument
        What a server would be sent, what that costs, and whether one call may send as much.
    """

    model: str
    dim: int
    n_items: int
    n_known: int = 0
    n_timed: int = 0
    seconds: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    took: float = 0.0
    result_bytes: int = 0
    download_bytes: int = 0
    licence: str = ""
    max_tokens: int | None = None
    n_counted: int = 0
    cut: tuple[str, ...] = ()
    untimed: Untimed | None = None
    server_notice: tuple[Part, ...] = ()

    def time_text(self, speaker: Speaker = str) -> str:
        """Describe how long it will take, and how that is known."""
        if self.untimed:
            download = f" ({format_bytes(self.download_bytes)} to download)" if self.download_bytes else ""
            notice = f". {compose(self.server_notice, speaker)}" if self.server_notice else ""
            return f"not timed: {self.untimed}{download}{notice}"
        n_left = self.n_items - self.n_known - self.n_timed
        known = f"{self.n_known:,} are known already; " if self.n_known else ""
        if n_left <= 0:
            return known + (
                "nothing is left to compute" if self.n_known else "measured by computing all of it"
            )
        between = f"{format_seconds(self.low)} to {format_seconds(self.high)}"
        basis = f"{self.n_timed:,} others took {format_seconds(self.took)} here"
        return f"{known}about {format_seconds(self.seconds)} ({between}) for {n_left:,}: {basis}"

    def size_text(self) -> str:
        """Describe the size of the result."""
        if not self.dim:
            return f"{self.n_items:,} vectors; their length is known once the model is on this machine"
        return f"{self.n_items:,} x {self.dim:,} numbers, {format_bytes(self.result_bytes)}"

    def truncation_text(self) -> str:
        """Describe how many texts are longer than the model reads; empty if that does not apply."""
        if not self.n_counted:
            return ""
        total = f"of {self.n_counted:,} counted" if self.n_counted < self.n_items else f"of {self.n_items:,}"
        examples = f": {', '.join(self.cut[:3])}{' …' if len(self.cut) > 3 else ''}" if self.cut else ""
        text = f"{len(self.cut):,} {total} longer than the {self.max_tokens} tokens that it reads"
        return text + (f"; only the beginning counts{examples}" if self.cut else "")


def forecast(items: Items, model: str | Embedder) -> Forecast:
    """Forecast what a model takes for items that can be read.

    Weights that are not on this machine are not downloaded. Otherwise the model is loaded and embeds a few
    of the items, whose vectors are cached.

    Raises
    ------
    EmbedlabError
        For an unknown model, or one of another modality.
    """
    if isinstance(model, str):
        ref = refs.parse(model)
        handler = handler_of(ref)
        modality = handler.modality(ref)
        if modality:
            check_arguments(items, model, _accepted(modality), 1, "skip")
        loaded = None if handler.missing(ref) else handler.load_local(ref)
        if loaded is None:
            return _without_weights(items, ref)
        model = loaded
    return _with_model(items, model)


def _without_weights(items: Items, ref: refs.ModelRef) -> Forecast:
    """Return what is known before the weights are on this machine: the card, and the size of the download."""
    handler = handler_of(ref)
    card, size = handler.card(ref), handler.download_bytes(ref)
    plan = Forecast(
        str(ref),
        card.dim if card else 0,
        len(items),
        download_bytes=size or 0,
        untimed=Untimed.NO_WEIGHTS,
    )
    if card is None:
        return plan
    return dataclasses.replace(
        plan,
        result_bytes=4 * card.dim * len(items),
        licence=card.licence,
        max_tokens=card.max_tokens,
    )


def _accepted(modality: str) -> tuple[str, ...]:
    """Return the modalities that a model may take, before it is loaded and names them."""
    return (modality, "image", "text") if modality == "image+text" else (modality,)


def _with_model(items: Items, model: Embedder) -> Forecast:
    cached = model if isinstance(model, CachedEmbedder) else None
    accepts = cached.accepts if cached and cached.accepts else _accepted(model.card.modality)
    check_arguments(items, model.card.name, accepts, 1, "skip")
    if cached:
        refused = cached.problems(items)
        items = items.select(np.array([id not in refused for id in items.ids], bool))
    n_counted, cut = _truncated_texts(items, cached)
    plan = Forecast(
        model.card.name,
        model.dim,
        len(items),
        licence=model.card.licence,
        result_bytes=4 * model.dim * len(items),
        max_tokens=_max_tokens(model),
        n_counted=n_counted,
        cut=cut,
    )
    if model.card.source == "server":
        return dataclasses.replace(plan, untimed=Untimed.SERVER, server_notice=_server_notice(items, model))
    queue = cached.rows_to_compute(items) if cached else list(range(len(items)))
    timing = time_sample(model, items, queue)
    seconds, low, high = timing.estimate(len(queue) - len(timing.rows))
    return dataclasses.replace(
        plan,
        n_known=len(items) - len(queue),
        n_timed=len(timing.rows),
        seconds=seconds,
        low=low,
        high=high,
        took=timing.took,
    )


def _max_tokens(model: Embedder) -> int | None:
    """Return how many tokens of a text the model reads; only text models have such a limit."""
    return getattr(model, "max_tokens", None)


def _server_notice(items: Items, model: Embedder) -> tuple[Part, ...]:
    from embedlab.embedders.openai.embedder import ServerEmbedder

    if not isinstance(model, ServerEmbedder):
        return ()
    exceeded = model.limit_exceeded(items)
    return (model.estimate(items), " ", *exceeded) if exceeded else (model.estimate(items),)


def _truncated_texts(items: Items, model: CachedEmbedder | None) -> tuple[int, tuple[str, ...]]:
    """Return how many texts were counted, and the ids of those that the model reads only in part."""
    if model is None or items.modality != "text" or _max_tokens(model) is None:
        return 0, ()
    if len(items) > _MAX_COUNTED:
        items = items.take(np.sort(np.random.default_rng(0).permutation(len(items))[:_MAX_COUNTED]))
    is_cut = model.truncated(items)
    return len(items), tuple(id for id, cut in zip(items.ids, is_cut, strict=True) if cut)

"""What embedding these items with a model will take: a download, time, room. Timed with a few of them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embedlab.catalog import refs
from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.checks import check_arguments
from embedlab.embedders.handlers import handler_of
from embedlab.embedders.protocol import Embedder
from embedlab.io.formats import format_bytes, format_seconds
from embedlab.items import Items

BUDGET = 3.0  # seconds that timing may take, once the model is loaded
_PARTS = 6  # places in the queue of items from which some are taken
_LARGEST = 32  # items at each place
_MOST_TEXTS = 5_000  # whose tokens are counted
_SPREAD = 1.25  # how far another run of the same work may lie off on a machine with other things to do


@dataclass(frozen=True)
class Forecast:
    """What a model will take to embed some items.

    Attributes
    ----------
    model : str
    dim : int
        0 where only files tell it that are not on this machine.
    n_items : int
    n_known : int
        Items whose vector need not be computed: it is in the cache, or that of an equal item is.
    n_timed : int
        Items embedded for the estimate, of those that were not known.
    seconds, low, high : float
        For what is still to do after that, and a range that it should lie in; NaN where it was not timed.
    took : float
        Seconds that the timed items took.
    result_bytes : int
        Of the vectors, in memory and about in a file.
    download_bytes : int
        Of weights that are not on this machine.
    licence : str
        Of the weights.
    max_tokens : int or None
    n_counted : int
        Texts whose tokens were counted.
    cut : tuple of str
        Ids of those that are longer than the model reads.
    note : str
        Why there is no estimate.
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
    note: str = ""

    @property
    def time_words(self) -> str:
        """How long it will take, and how that is known."""
        if self.note:
            return self.note
        left = self.n_items - self.n_known - self.n_timed
        known = f"{self.n_known:,} are known already; " if self.n_known else ""
        if left <= 0:
            return known + (
                "nothing is left to compute" if self.n_known else "measured by computing all of it"
            )
        between = f"{format_seconds(self.low)} to {format_seconds(self.high)}"
        by = f"{self.n_timed:,} others took {format_seconds(self.took)} here"
        return f"{known}about {format_seconds(self.seconds)} ({between}) for {left:,}: {by}"

    @property
    def room_words(self) -> str:
        """The size of the result."""
        if not self.dim:
            return f"{self.n_items:,} vectors; how long they are, the model's files tell"
        return f"{self.n_items:,} x {self.dim:,} numbers, {format_bytes(self.result_bytes)}"

    @property
    def cut_words(self) -> str:
        """How many texts are longer than the model reads; empty where that does not apply."""
        if not self.n_counted:
            return ""
        of = f"of {self.n_counted:,} counted" if self.n_counted < self.n_items else f"of {self.n_items:,}"
        some = f": {', '.join(self.cut[:3])}{' …' if len(self.cut) > 3 else ''}" if self.cut else ""
        read = f"{len(self.cut):,} {of} longer than the {self.max_tokens} tokens that it reads"
        return read + (f"; only the beginning counts{some}" if self.cut else "")


def forecast(items: Items, model: str | Embedder) -> Forecast:
    """What a model will take for items that can be read.

    Weights that are not on this machine are not fetched for it; a model that is here is loaded, and embeds a
    few of the items, whose vectors are kept.

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
    return _timed(items, model)


def _without_weights(items: Items, ref: refs.ModelRef) -> Forecast:
    """Return what is known before the weights are on this machine: the card, and the size of the download."""
    handler = handler_of(ref)
    card, size = handler.card(ref), handler.download_bytes(ref)
    plan = Forecast(
        str(ref),
        card.dim if card else 0,
        len(items),
        download_bytes=size or 0,
        note="not timed: its weights are not on this machine yet"
        + (f" ({format_bytes(size)} to download)" if size else ""),
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
    """Kinds of items that a model of this modality may take; the loaded model says it exactly."""
    return (modality, "image", "text") if modality == "image+text" else (modality,)


def _timed(items: Items, model: Embedder) -> Forecast:
    own = model if isinstance(model, CachedEmbedder) else None
    accepts = own.accepts if own and own.accepts else _accepted(model.card.modality)
    check_arguments(items, model.card.name, accepts, 1, "skip")
    if own:
        refused = own.problems(items)
        items = items.select(np.array([id not in refused for id in items.ids], bool))
    counted, cut = _cut(items, own)
    plan = Forecast(
        model.card.name,
        model.dim,
        len(items),
        licence=model.card.licence,
        result_bytes=4 * model.dim * len(items),
        max_tokens=getattr(model, "max_tokens", None),
        n_counted=counted,
        cut=cut,
    )
    if model.card.source == "server":
        return dataclasses.replace(plan, note=_server_words(items, model))
    todo = own.rows_to_compute(items) if own else list(range(len(items)))
    n_known = len(items) - len(todo)
    rates, places, took = _rates(model, items, todo)
    n_timed = len(set(places))
    left = len(todo) - n_timed
    if not rates or not left:
        return dataclasses.replace(
            plan, n_known=n_known, n_timed=n_timed, seconds=0.0, low=0.0, high=0.0, took=took
        )
    halves = (float(np.mean(rates[::2])), float(np.mean(rates[1::2] or rates)))
    return dataclasses.replace(
        plan,
        n_known=n_known,
        n_timed=n_timed,
        seconds=left * float(np.mean(rates)),
        low=left * min(halves) / _SPREAD,
        high=left * max(halves) * _SPREAD,
        took=took,
    )


def _server_words(items: Items, model: Embedder) -> str:
    """What a server would be sent and what that costs, and whether one call may send so much."""
    from embedlab.embedders.openai.server import ServerEmbedder

    words = "not timed: it runs on a server, where each item may cost money"
    if not isinstance(model, ServerEmbedder):
        return words
    over = model.over_limit(items)
    return f"{words}. {model.estimate(items)}" + (f" {over}" if over else "")


def _cut(items: Items, model: CachedEmbedder | None) -> tuple[int, tuple[str, ...]]:
    """How many texts were counted, and which of them the model reads only in part."""
    if model is None or items.modality != "text" or getattr(model, "max_tokens", None) is None:
        return 0, ()
    if len(items) > _MOST_TEXTS:
        items = items.take(np.sort(np.random.default_rng(0).permutation(len(items))[:_MOST_TEXTS]))
    cut = model.truncated(items)
    return len(items), tuple(id for id, is_cut in zip(items.ids, cut, strict=True) if is_cut)


def _rates(model: Embedder, items: Items, todo: Sequence[int]) -> tuple[list[float], list[int], float]:
    """Seconds per item at evenly spaced places of the queue; the rows that were embedded; seconds in all.

    A run takes items of like length together, from the longest to the shortest. So does the sample:
    neighbours in the queue, a batch at each place. The places alternate between two samples, whose means
    differ as two runs of this estimate would.
    """
    if not todo:
        return [], [], 0.0
    started = time.perf_counter()
    used: list[int] = []

    def rate(start: int, size: int) -> float:
        chosen = [row for row in todo[start : start + size] if row not in used]
        used.extend(chosen)
        return _seconds(model, items, chosen) / len(chosen) if chosen else float("nan")

    middle = len(todo) // 2
    rate(middle, 1)  # the first item pays for what is set up once
    # A call has costs of its own: while more at a time cost less each, one is no measure of many.
    size, most, each = 1, max(1, min(_LARGEST, len(todo) // (2 * _PARTS))), float("inf")
    while True:
        before, each = each, rate(middle + len(used), size)
        slow = each * size > BUDGET / _PARTS and each > 0.75 * before
        if size >= most or slow or time.perf_counter() - started > 10 * BUDGET:
            break
        size = min(4 * size, most)
    rates = []
    for place in range(_PARTS):
        rates.append(rate(int((place + 0.5) / _PARTS * len(todo)), size))
        if time.perf_counter() - started > 4 * BUDGET and place:
            break
    rates = [r for r in [*rates, *([] if len(rates) > 1 else [each])] if np.isfinite(r)]
    return rates, used, time.perf_counter() - started


def _seconds(model: Embedder, items: Items, rows: list[int]) -> float:
    few = items.take(np.array(rows))
    started = time.perf_counter()
    if isinstance(model, CachedEmbedder):
        model.embed(few, progress=False, on_error="skip")
    else:
        model.embed(few, progress=False)
    return time.perf_counter() - started

"""Time a model on a few items, spread over all that are to be embedded."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.protocol import Embedder
from embedlab.items import Items

BUDGET = 3.0  # seconds that timing may take, once the model is loaded
_N_SAMPLES = 6  # positions in the queue at which a batch is timed
_MAX_BATCH = 32
_NOISE = 1.25  # how much slower or faster the same work may be on a machine that does other things too


@dataclass
class Timing:
    """What embedding a sample took.

    Attributes
    ----------
    rates : list of float
        Seconds per item, one for each batch of the sample.
    rows : list of int
        The items that were embedded.
    took : float
        Seconds in all.
    """

    rates: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    took: float = 0.0

    def estimate(self, n_items: int) -> tuple[float, float, float]:
        """Return the seconds for so many items, and the lower and upper end of a range.

        Positions in the queue alternate between two samples, whose means differ as two runs of the
        estimate would; the range adds 25 % for a busy machine.
        """
        if not self.rates or not n_items:
            return 0.0, 0.0, 0.0
        halves = float(np.mean(self.rates[::2])), float(np.mean(self.rates[1::2] or self.rates))
        return (
            n_items * float(np.mean(self.rates)),
            n_items * min(halves) / _NOISE,
            n_items * max(halves) * _NOISE,
        )


def time_sample(model: Embedder, items: Items, queue: Sequence[int]) -> Timing:
    """Embed batches at evenly spaced positions of a queue and time them.

    A run embeds items of similar length together, from the longest to the shortest, and so does the sample.

    Parameters
    ----------
    model : Embedder
    items : Items
    queue : sequence of int
        The rows to embed, in the order of a run.
    """
    timing = Timing()
    if not queue:
        return timing
    started = time.perf_counter()
    middle = len(queue) // 2
    _time_batch(model, items, queue[middle : middle + 1], timing)  # the first call also pays for the set-up
    size, rate = _choose_batch_size(model, items, queue, timing, started)
    rates = []
    for sample in range(_N_SAMPLES):
        start = int((sample + 0.5) / _N_SAMPLES * len(queue))
        rates.append(_time_batch(model, items, queue[start : start + size], timing))
        if time.perf_counter() - started > 4 * BUDGET and sample:
            break
    if len(rates) == 1:
        rates.append(rate)
    timing.rates = [rate for rate in rates if np.isfinite(rate)]
    timing.took = time.perf_counter() - started
    return timing


def _choose_batch_size(
    model: Embedder, items: Items, queue: Sequence[int], timing: Timing, started: float
) -> tuple[int, float]:
    """Return the batch size from which an item costs hardly less, and the seconds per item with it.

    Each call has a cost of its own, so that timing single items would say little about a run.
    """
    middle = len(queue) // 2
    size, largest, rate = 1, max(1, min(_MAX_BATCH, len(queue) // (2 * _N_SAMPLES))), float("inf")
    while True:
        before, start = rate, middle + len(timing.rows)
        rate = _time_batch(model, items, queue[start : start + size], timing)
        is_slow = rate * size > BUDGET / _N_SAMPLES and rate > 0.75 * before
        if size >= largest or is_slow or time.perf_counter() - started > 10 * BUDGET:
            return size, rate
        size = min(4 * size, largest)


def _time_batch(model: Embedder, items: Items, rows: Sequence[int], timing: Timing) -> float:
    """Return the seconds per item of those rows that were not embedded yet; NaN if there are none."""
    new = [row for row in rows if row not in timing.rows]
    timing.rows.extend(new)
    if not new:
        return float("nan")
    batch = items.take(np.array(new))
    started = time.perf_counter()
    if isinstance(model, CachedEmbedder):
        model.embed(batch, progress=False, on_error="skip")
    else:
        model.embed(batch, progress=False)
    return (time.perf_counter() - started) / len(new)

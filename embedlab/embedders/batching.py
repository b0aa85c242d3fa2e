"""Running a model over many items: bad ones set apart, batches behind a progress bar, results kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import numpy as np
from tqdm.auto import tqdm

from embedlab import settings
from embedlab.embedders.vector_cache import VectorCache
from embedlab.errors import BadItem
from embedlab.items import Items
from embedlab.media.image import ahead

OnError = Literal["raise", "skip"]
_KEEP_EVERY = 1.0  # seconds
# Of four pictures the activations stay in a processor's cache; 32 at a time take up to twice as long
# (tests/benchmarks/README.md).
_PICTURES_AT_ONCE = 4


def check_call(items: Items, name: str, accepts: Sequence[str], batch_size: int, on_error: str) -> None:
    """Refuse items of another modality, and arguments out of range."""
    if items.modality not in accepts:
        raise BadItem(f"{name} embeds {' or '.join(accepts)}, but these items are {items.modality}.")
    if batch_size < 1:
        raise BadItem(f"batch_size must be at least 1, not {batch_size}.")
    if on_error not in ("raise", "skip"):
        raise BadItem(f"on_error must be 'raise' or 'skip', not {on_error!r}.")


def without(items: Items, problems: Mapping[str, str], on_error: OnError, kept: str = "") -> Items:
    """The items that have no problem (id → reason), or an error that names the others."""
    if not problems:
        return items
    if on_error == "raise":
        some = "; ".join(f"{id!r}: {why.rstrip('.')}" for id, why in list(problems.items())[:5])
        more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise BadItem(
            f"{len(problems)} of {len(items)} items cannot be embedded ({some}{more}). {kept}"
            "Mend them, or pass on_error='skip' to leave them out."
        )
    return items.select(np.array([id not in problems for id in items.ids], dtype=bool))


@dataclass(frozen=True)
class Batch:
    """Prepared contents that go through the model together; ``failed`` says why others could not be read."""

    digests: list[bytes]
    contents: list[Any]
    prepared: list[Any]
    failed: dict[bytes, str]


def in_batches(
    content_of: Mapping[bytes, Any],
    order: Sequence[bytes],
    prepare: Callable[[Any], Any] | None,
    size: int,
    progress: bool | None,
    what: str,
) -> Iterator[Batch]:
    """Batches of ``size`` contents behind a progress bar that counts items.

    ``prepare`` runs in threads while the model works on the batch before; what waits is bounded, so that
    memory stays flat however many items there are. None: the contents are taken as they are.
    """
    contents = (content_of[digest] for digest in order)
    ready = iter(contents) if prepare is None else ahead(prepare, contents, depth=2 * size)
    with progress_bar(len(order), what, progress) as bar:
        for start in range(0, len(order), size):
            digests = list(order[start : start + size])
            batch = Batch([], [], [], {})
            for digest, result in zip(digests, islice(ready, len(digests)), strict=True):
                if isinstance(result, BadItem):
                    batch.failed[digest] = str(result)
                elif isinstance(result, Exception):
                    raise result
                else:
                    batch.digests.append(digest)
                    batch.contents.append(content_of[digest])
                    batch.prepared.append(result)
            yield batch
            bar.update(len(digests))


def progress_bar(total: int, what: str, progress: bool | None) -> Any:
    """A bar that counts items; None shows it after a second."""
    return tqdm(
        total=total,
        desc=what,
        unit="item",
        disable=settings.no_bars() or (None if progress is None else not progress),
        delay=1.0 if progress is None else 0.0,
        leave=False,
    )


def few(prepared: list[Any], batch_size: int) -> Iterator[list[Any]]:
    """A batch of pictures cut into as many as a processor likes to see together."""
    size = min(batch_size, _PICTURES_AT_ONCE)
    return (prepared[start : start + size] for start in range(0, len(prepared), size))


class Keeper:
    """Hands new vectors to the cache once in ``every`` seconds, and on the way out, whatever ended the run.

    A commit for each small batch would cost a fast model several percent; a crash loses a second of work.
    """

    def __init__(self, cache: VectorCache | None, every: float = _KEEP_EVERY) -> None:
        self.everything: dict[bytes, tuple[np.ndarray, bool]] = {}
        self._cache, self._every = cache, every
        self._waiting: dict[bytes, tuple[np.ndarray, bool]] = {}
        self._last = time.monotonic()

    def add(self, found: dict[bytes, tuple[np.ndarray, bool]]) -> None:
        """Take one batch: digest → (vector, truncated?)."""
        self.everything |= found
        self._waiting |= found
        if time.monotonic() - self._last >= self._every:
            self._keep()

    def _keep(self) -> None:
        if self._waiting and self._cache:
            vectors, truncated = zip(*self._waiting.values(), strict=True)
            self._cache.put(list(self._waiting), np.stack(vectors), truncated)
        self._waiting = {}
        self._last = time.monotonic()

    def __enter__(self) -> Keeper:
        return self

    def __exit__(self, *error: object) -> None:
        self._keep()

"""Prepare contents in batches, and save their vectors while a run goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from embedlab.embedders.checks import problem_of
from embedlab.embedders.vector_cache import CachedVector, VectorCache
from embedlab.errors import BadItem, Problem
from embedlab.io.progress import progress_bar
from embedlab.media.prefetch import prefetch

T = TypeVar("T")
_WRITE_EVERY = 1.0  # seconds
# The activations of four pictures fit into a processor's cache; 32 at a time take up to twice as long
# (tests/benchmarks/README.md).
_CPU_BATCH = 4


@dataclass(frozen=True)
class Batch:
    """Contents that go through the model together.

    Attributes
    ----------
    hashes : list of bytes
        Content hashes, in the order of the batch.
    contents : list
    prepared : list
        What the model takes, one for each content.
    failed : dict of bytes to Problem
        Content hash → why that content could not be prepared; none of these is in the batch.
    """

    hashes: list[bytes]
    contents: list[Any]
    prepared: list[Any]
    failed: dict[bytes, Problem]


@dataclass(frozen=True)
class Outcome:
    """What one run of a model gave.

    Attributes
    ----------
    vectors : dict of bytes to CachedVector
        By content hash.
    computed : set of bytes
        The hashes that were not in the cache.
    failed : dict of bytes to Problem
        The hashes of contents that turned out to be unusable.
    """

    vectors: dict[bytes, CachedVector]
    computed: set[bytes]
    failed: dict[bytes, Problem]


def prepare_batches(
    content_of: Mapping[bytes, Any],
    order: Sequence[bytes],
    prepare: Callable[[Any], Any] | None,
    size: int,
    progress: bool | None,
    description: str,
) -> Iterator[Batch]:
    """Yield batches of prepared contents behind a progress bar that counts items.

    Parameters
    ----------
    content_of : mapping of bytes to content
        By content hash.
    order : sequence of bytes
        The hashes to yield, in this order.
    prepare : callable or None
        Called with each content, in threads while the model works on the batch before. At most ``2 * size``
        results wait, so that memory stays flat. None: the contents are used as they are.
    size : int
        Contents per batch.
    progress : bool or None
    description : str
        Words beside the bar.
    """
    contents = (content_of[content_hash] for content_hash in order)
    ready = iter(contents) if prepare is None else prefetch(prepare, contents, depth=2 * size)
    with progress_bar(description, len(order), progress=progress) as bar:
        for start in range(0, len(order), size):
            hashes = list(order[start : start + size])
            batch = Batch([], [], [], {})
            for content_hash, result in zip(hashes, islice(ready, len(hashes)), strict=True):
                if isinstance(result, BadItem):
                    batch.failed[content_hash] = problem_of(result)
                elif isinstance(result, Exception):
                    raise result
                else:
                    batch.hashes.append(content_hash)
                    batch.contents.append(content_of[content_hash])
                    batch.prepared.append(result)
            yield batch
            bar.update(len(hashes))


def split_for_cpu(prepared: list[T], batch_size: int) -> Iterator[list[T]]:
    """Split a batch of pictures into parts of at most four, the fastest size on a processor."""
    size = min(batch_size, _CPU_BATCH)
    return (prepared[start : start + size] for start in range(0, len(prepared), size))


class CacheWriter:
    """Collect new vectors and write them to the cache every few seconds.

    The rest is written when the ``with`` block ends, also by an exception or an interrupt. A commit for each
    small batch would cost a fast model several percent; a crash loses at most ``every`` seconds of work.

    Parameters
    ----------
    cache : VectorCache or None
        None: vectors are only collected.
    every : float
        Seconds between two writes; 0 writes each batch at once.

    Attributes
    ----------
    vectors : dict of bytes to CachedVector
        All that were added, by content hash.
    """

    def __init__(self, cache: VectorCache | None, every: float = _WRITE_EVERY) -> None:
        self.vectors: dict[bytes, CachedVector] = {}
        self._cache, self._every = cache, every
        self._unwritten: dict[bytes, CachedVector] = {}
        self._last_write = time.monotonic()

    def add(self, vectors: Mapping[bytes, CachedVector]) -> None:
        """Add the vectors of one batch, by content hash."""
        self.vectors |= vectors
        self._unwritten |= vectors
        if time.monotonic() - self._last_write >= self._every:
            self._write()

    def _write(self) -> None:
        if self._unwritten and self._cache:
            vectors, truncated = zip(*self._unwritten.values(), strict=True)
            self._cache.put(list(self._unwritten), np.stack(vectors), truncated)
        self._unwritten = {}
        self._last_write = time.monotonic()

    def __enter__(self) -> CacheWriter:
        return self

    def __exit__(self, *error: object) -> None:
        self._write()

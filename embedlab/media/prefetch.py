"""Work in threads ahead of whoever takes the results."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def prefetch(
    prepare: Callable[[T], R], inputs: Iterable[T], *, workers: int | None = None, depth: int = 64
) -> Iterator[R | Exception]:
    """Call ``prepare`` on each input in threads, and yield the results in order.

    Parameters
    ----------
    prepare : callable
        A function that releases the interpreter lock, as decoders do.
    inputs : iterable
        Taken one by one, as results are consumed.
    workers : int, optional
        Threads; by default one per processor, at most 8.
    depth : int
        Most results that wait at once, so that memory stays flat.

    Yields
    ------
    R or Exception
        The result, or in its place the exception that ``prepare`` raised.
    """
    waiting: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1), thread_name_prefix="embedlab-read")
    try:
        for given in inputs:
            waiting.append(pool.submit(prepare, given))
            if len(waiting) >= max(1, depth):
                outcome = _result_or_error(waiting.popleft())
                yield outcome
        while waiting:
            outcome = _result_or_error(waiting.popleft())
            yield outcome
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _result_or_error(future: Future[R]) -> R | Exception:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, Exception):  # the caller decides what it means
        return error
    raise error

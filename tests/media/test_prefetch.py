"""Working in threads ahead of whoever takes the results."""

from __future__ import annotations

import threading

from embedlab.media.prefetch import prefetch


def test_results_come_in_order_and_errors_in_their_place() -> None:
    def invert(x: int) -> float:
        return 1 / x

    results = list(prefetch(invert, [1, 2, 0, 4], workers=3, depth=2))
    assert results[:2] + results[3:] == [1, 0.5, 0.25]
    assert isinstance(results[2], ZeroDivisionError)


def test_no_more_than_depth_results_wait() -> None:
    made, most, taken = 0, 0, 0
    lock = threading.Lock()

    def prepare(x: int) -> int:
        nonlocal made, most
        with lock:
            made += 1
            most = max(most, made - taken)
        return x

    for _ in prefetch(prepare, iter(range(500)), workers=4, depth=8):
        taken += 1
    assert made == 500
    assert most <= 9


def test_a_consumer_that_stops_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    done: list[int] = []
    stream = prefetch(done.append, range(10_000), workers=4, depth=16)
    next(stream)
    stream.close()
    assert threading.active_count() == before
    assert len(done) < 200

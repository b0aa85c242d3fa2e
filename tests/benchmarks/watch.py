"""How much memory a process holds at most."""

from __future__ import annotations

import threading

import psutil


class Memory:
    """The most that a process and its children held while watched, in bytes above what they held at first."""

    def __init__(self, pid: int | None = None) -> None:
        self.process = psutil.Process(pid)
        self.start = self.peak = self._now()
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    @property
    def most(self) -> int:
        """Bytes at the peak above the start."""
        return self.peak - self.start

    def _now(self) -> int:
        total = 0
        for one in [self.process, *self.process.children(recursive=True)]:
            try:
                total += one.memory_info().rss
            except psutil.NoSuchProcess:  # it ended between the two calls
                continue
        return total

    def _look(self) -> None:
        while not self._over.wait(0.05):
            self.peak = max(self.peak, self._now())

    def __enter__(self) -> Memory:
        self._watch.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._watch.join()

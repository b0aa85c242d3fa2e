"""Run one download in a child process, report its progress, and give up on it when nothing arrives any more.

A child, because neither pip nor huggingface_hub can be bounded in time from the inside, and because
huggingface_hub reads its settings (``HF_ENDPOINT``, time limits) only once, at import.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from embedlab.io.progress import progress_bar

_POLL_SECONDS = 0.1


class Progress(Protocol):
    """What ``fetch`` calls while it downloads; ``what`` is a phrase for people."""

    def __call__(self, done_bytes: int, total_bytes: int, what: str) -> None: ...


@contextmanager
def download_bar() -> Iterator[Progress]:
    """A bar for notebooks and terminals; it shows itself after a second and leaves nothing behind."""
    with progress_bar("downloading", unit="B") as bar:

        def progress(done_bytes: int, total_bytes: int, what: str) -> None:
            bar.total = total_bytes
            bar.set_description_str(what, refresh=False)
            bar.update(done_bytes - bar.n)

        yield progress


@dataclass(frozen=True)
class Outcome:
    """How the child ended; ``stalled`` when it was stopped because nothing arrived for too long."""

    code: int
    output: str
    stalled: bool


def run(
    arguments: list[str],
    *,
    folder: Path,
    env: Mapping[str, str],
    stall_seconds: float,
    on_bytes: Callable[[int], None],
) -> Outcome:
    """Run ``download_child.py`` until it ends or stalls.

    Parameters
    ----------
    arguments
        Of ``download_child.py``.
    folder
        Where the download arrives; its growth is the progress.
    env
        Environment variables of the child, on top of this process's own.
    stall_seconds
        Give up when the folder has not grown for so long.
    on_bytes
        Called with the present size of ``folder`` in bytes.
    """
    # -P: the script's own folder must not shadow the standard library.
    command = [sys.executable, "-P", str(Path(__file__).with_name("download_child.py")), *arguments]
    with tempfile.TemporaryFile(dir=folder) as output:
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **env}
        )
        try:
            stalled = _watch(child, folder, stall_seconds, on_bytes)
        finally:
            # Also on KeyboardInterrupt: nobody expects a download to go on after Ctrl-C.
            child.kill()
            child.wait()
            assert child.stdin is not None
            child.stdin.close()
        output.seek(0)
        text = output.read().decode("utf-8", errors="replace")
    return Outcome(child.returncode, text, stalled)


def _watch(
    child: subprocess.Popen[bytes], folder: Path, stall_seconds: float, on_bytes: Callable[[int], None]
) -> bool:
    size, since = -1, time.monotonic()
    while child.poll() is None:
        now = size_of(folder)
        if now != size:
            size, since = now, time.monotonic()
            on_bytes(size)
        elif time.monotonic() - since > stall_seconds:
            return True
        time.sleep(_POLL_SECONDS)
    return False


def size_of(folder: Path) -> int:
    """Bytes in all files under a folder; files that vanish meanwhile do not count."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118 — ten times a second
            except FileNotFoundError:
                continue
    return total

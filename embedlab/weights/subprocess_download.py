"""Run one download in a child process, report its progress, and stop it when nothing arrives any more.

A child process, because neither pip nor huggingface_hub can be bounded in time from the inside, and because
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
    """What ``fetch`` calls while it downloads; ``what`` describes the download in words."""

    def __call__(self, done_bytes: int, total_bytes: int, what: str) -> None:
        """Show that ``done_bytes`` of ``total_bytes`` have arrived."""


@contextmanager
def download_bar() -> Iterator[Progress]:
    """Show a progress bar, in notebooks and terminals; it is removed at the end."""
    with progress_bar("downloading", unit="B") as bar:

        def progress(done_bytes: int, total_bytes: int, what: str) -> None:
            bar.total = total_bytes
            bar.set_description_str(what, refresh=False)
            bar.update(done_bytes - bar.n)

        yield progress


@dataclass(frozen=True)
class Outcome:
    """How the child ended.

    Attributes
    ----------
    code : int
        Exit status.
    output : str
        stdout and stderr.
    stalled : bool
        Whether it was stopped because nothing arrived for too long.
    """

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
    arguments : list of str
        Of ``download_child.py``.
    folder : Path
        Where the download arrives; its growth is the progress.
    env : mapping of str to str
        Environment variables of the child, added to those of this process.
    stall_seconds : float
        Stop the child when the folder has not grown for this long.
    on_bytes : callable
        Called with the present size of ``folder`` in bytes.

    Returns
    -------
    Outcome
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
            # Also on KeyboardInterrupt: a download must not go on after Ctrl-C.
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
    """Wait for the child and report progress; return whether it stalled."""
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
    """Return the bytes in all files under a folder; files that vanish meanwhile do not count."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118 — ten times a second
            except FileNotFoundError:
                continue
    return total

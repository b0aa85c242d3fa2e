"""Other processes that use a store, and damage to its files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paths import KIT, ROOT

BEGIN = """
import os, signal, sys
sys.path[:0] = [{tests!r}, {root!r}]
from store_kit import cloud
from embedlab.store import VectorStore
path = {path!r}
"""


def script(path: Path, body: str) -> list[str]:
    begin = BEGIN.format(tests=str(KIT), root=str(ROOT), path=str(path))
    return [sys.executable, "-c", begin + body]


@contextmanager
def other_process(path: Path, body: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``body`` until it prints a line; at the end of the block the process is killed."""
    with subprocess.Popen(
        script(path, body), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


HOLD = 'store = VectorStore(path); store.add("notes", cloud(40)); print("ready", flush=True); input()'


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

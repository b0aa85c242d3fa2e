"""The slot of one model in embedlab's own cache: staging, lock, and the one rename that makes it real.

``weights/<name>/<revision>/`` holds a complete, checked model, or does not exist. Everything on its way lies
in ``weights/<name>/.staging/``, which an interrupted run may leave behind for the next one to use or clear.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from embedlab.catalog.cards import Row
from embedlab.catalog.pins import Weights
from embedlab.io import disk
from embedlab.weights import errors, verify

log = logging.getLogger("embedlab")

_RECEIPT = "source.json"


@dataclass(frozen=True)
class CacheSlot:
    """Where one model lives in the cache."""

    name: str
    spec: Weights
    root: Path
    partial: bool = False  # one of several forms of the model

    @classmethod
    def of(cls, row: Row) -> CacheSlot:
        """The slot of a catalogue row under the present cache root."""
        return cls.all_of(row)[0]

    @classmethod
    def all_of(cls, row: Row) -> list[CacheSlot]:
        """The slots of all forms of a model, side by side under one folder."""
        root = verify.weights_root() / row.card.name
        return [cls(row.card.name, spec, root, len(row.forms) > 1) for spec in row.forms]

    @property
    def folder(self) -> Path:
        """The finished model folder."""
        return self.root / self.spec.key

    @property
    def staging(self) -> Path:
        """What is on its way."""
        return self.root / ".staging"

    def receipt(self) -> dict[str, object]:
        """What was noted when the model arrived; empty when there is no legible note."""
        try:
            content = json.loads((self.folder / _RECEIPT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def check(self) -> str:
        """Check the finished folder; returns the sha256 of the weights file.

        Raises
        ------
        WeightsMismatch
            When a file is missing or changed.
        """
        noted = self.receipt().get("files")
        return verify.check(self.folder, self.spec, noted if isinstance(noted, dict) else {})

    def make_staging(self, needed: int) -> Path:
        """Create the staging folder.

        Raises
        ------
        CacheUnusable
            When it cannot be written or fewer than ``needed`` bytes are free.
        """
        with disk.cache_errors(self.root, needed):
            self.staging.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.staging).free
        if free < needed:
            raise disk.disk_full(self.root, needed, free)
        return self.staging

    def install(self, complete: Path, source: str) -> str:
        """Check a complete model folder and move it to its final place; returns the sha256 of the weights.

        Raises
        ------
        WeightsMismatch
            When it is not the pinned model; then it is removed.
        """
        try:
            files = verify.check_arrival(complete, self.spec)
        except errors.WeightsMismatch:
            shutil.rmtree(complete, ignore_errors=True)
            raise
        sha256 = files[self.spec.main]
        note = {
            "model": self.name,
            "source": source,
            "revision": self.spec.revision,
            "sha256": sha256,
            "files": files,
            "bytes": sum((complete / path).stat().st_size for path in files),
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with disk.cache_errors(self.root, 0):
            (complete / _RECEIPT).write_text(json.dumps(note, indent=1), encoding="utf-8")
            for path in complete.rglob("*"):
                if path.is_file():
                    _fsync(path)
            self.set_aside()
            complete.replace(self.folder)
        verify.remember(self.folder / self.spec.main, sha256)
        shutil.rmtree(self.staging, ignore_errors=True)
        return sha256

    def set_aside(self) -> None:
        """Remove a finished folder that turned out to be damaged."""
        if self.folder.exists():
            log.warning("%s: the damaged copy in %s is replaced.", self.name, self.folder)
            self.staging.mkdir(parents=True, exist_ok=True)
            damaged = self.staging / f"damaged-{os.getpid()}"
            self.folder.replace(damaged)
            shutil.rmtree(damaged, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time fetches a model; the others wait for it."""
        with disk.cache_errors(self.root, 0):
            self.root.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.root / ".lock")
            try:
                lock.acquire(timeout=0)
            except Timeout:
                log.info("%s is being fetched by another process; waiting for it.", self.name)
                lock.acquire(poll_interval=0.2)
        try:
            yield
        finally:
            lock.release()


def _fsync(path: Path) -> None:
    # Without this, a power cut after the rename may leave a file of the right size full of zeros.
    with path.open("rb+") as file:
        os.fsync(file.fileno())

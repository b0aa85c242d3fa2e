"""The slot of one model in embedlab's own cache: staging, lock, and the rename that makes it complete.

``weights/<name>/<revision>/`` holds a complete, checked model, or does not exist. What is in progress is in
``weights/<name>/.staging/``, which an interrupted run may leave behind for the next one to use or remove.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from embedlab.catalog.cards import Row
from embedlab.catalog.pins import Weights
from embedlab.io import disk
from embedlab.weights import verify
from embedlab.weights.errors import WeightsMismatch

log = logging.getLogger("embedlab")

_RECEIPT = "source.json"


@dataclass(frozen=True)
class CacheSlot:
    """Where one version of a model is cached.

    Attributes
    ----------
    name : str
        The model, for messages.
    spec : Weights
        The pinned files.
    root : Path
        Folder for all versions of the model.
    is_alternative : bool
        Whether the model comes in several forms, of which this is one.
    """

    name: str
    spec: Weights
    root: Path
    is_alternative: bool = False

    @classmethod
    def of(cls, row: Row) -> CacheSlot:
        """Return the slot of a catalogue row under the present cache root."""
        return cls.all_of(row)[0]

    @classmethod
    def all_of(cls, row: Row) -> list[CacheSlot]:
        """Return the slots of all forms of a model, side by side under one folder."""
        root = verify.weights_root() / row.card.name
        return [cls(row.card.name, spec, root, len(row.forms) > 1) for spec in row.forms]

    @property
    def folder(self) -> Path:
        """The finished model folder."""
        return self.root / self.spec.key

    @property
    def staging(self) -> Path:
        """The folder for downloads in progress."""
        return self.root / ".staging"

    def receipt(self) -> dict[str, object]:
        """Return what was recorded when the model arrived; empty without a readable record."""
        try:
            content = json.loads((self.folder / _RECEIPT).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def check(self) -> str:
        """Check the finished folder and return the sha256 of the weights file.

        Raises
        ------
        WeightsMismatch
            If a file is missing or changed.
        """
        recorded = self.receipt().get("files")
        return verify.check(self.folder, self.spec, recorded if isinstance(recorded, dict) else {})

    def make_staging(self, needed: int) -> Path:
        """Create the staging folder.

        Raises
        ------
        CacheUnusable
            If it cannot be written, or fewer than ``needed`` bytes are free.
        """
        with disk.cache_errors(self.root, needed):
            self.staging.mkdir(parents=True, exist_ok=True)
            require_space(self.staging, needed)
        return self.staging

    def install(self, complete: Path, source: str) -> str:
        """Check a downloaded folder and move it to its final place.

        Parameters
        ----------
        complete : Path
            The downloaded folder.
        source : str
            Which source served it, for the record.

        Returns
        -------
        str
            sha256 of the weights file.

        Raises
        ------
        WeightsMismatch
            If it is not the pinned model; then it is removed.
        """
        try:
            files = verify.check_download(complete, self.spec.files)
        except WeightsMismatch:
            shutil.rmtree(complete, ignore_errors=True)
            raise
        sha256 = files[self.spec.main]
        receipt = {
            "model": self.name,
            "source": source,
            "revision": self.spec.revision,
            "sha256": sha256,
            "files": files,
            "bytes": sum((complete / path).stat().st_size for path in files),
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        with disk.cache_errors(self.root, 0):
            (complete / _RECEIPT).write_text(json.dumps(receipt, indent=1), encoding="utf-8")
            for path in complete.rglob("*"):
                if path.is_file():
                    _fsync(path)
            self._remove_damaged()
            complete.replace(self.folder)
        verify.write_stamp(self.folder / self.spec.main, sha256)
        shutil.rmtree(self.staging, ignore_errors=True)
        return sha256

    def _remove_damaged(self) -> None:
        """Remove a finished folder that turned out to be damaged."""
        if self.folder.exists():
            log.warning("%s: the damaged copy in %s is replaced.", self.name, self.folder)
            self.staging.mkdir(parents=True, exist_ok=True)
            damaged = self.staging / f"damaged-{os.getpid()}"
            self.folder.replace(damaged)
            shutil.rmtree(damaged, ignore_errors=True)

    def locked(self) -> AbstractContextManager[None]:
        """Let one process at a time download this model; the others wait for it."""
        return locked(self.root, self.name)


@contextmanager
def locked(root: Path, name: str) -> Iterator[None]:
    """Let one process at a time work in a folder of the cache; the others wait for it.

    Parameters
    ----------
    root : Path
        The folder, created if it does not exist.
    name : str
        The model, for the log.
    """
    with disk.cache_errors(root, 0):
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            log.info("%s is being downloaded by another process; waiting for it.", name)
            lock.acquire(poll_interval=0.2)
    try:
        yield
    finally:
        lock.release()


def require_space(folder: Path, needed: int) -> None:
    """Raise :class:`~embedlab.io.disk.CacheUnusable` if fewer than ``needed`` bytes are free."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise disk.disk_full(folder, needed, free)


def _fsync(path: Path) -> None:
    # Without this, a power cut after the rename may leave a file of the right size full of zeros.
    with path.open("rb+") as file:
        os.fsync(file.fileno())

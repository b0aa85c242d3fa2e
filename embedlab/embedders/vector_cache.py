"""Cache computed vectors on disk: nothing is embedded twice, and an interrupted run resumes.

One SQLite file per model fingerprint, one row per distinct content. SQLite ships with Python; it writes a row
completely or not at all, also after ``kill -9``, and two processes may write at once.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from embedlab import settings
from embedlab.errors import EmbedlabError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (
    digest BLOB PRIMARY KEY, truncated INTEGER NOT NULL, vector BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS about (json TEXT NOT NULL);
"""
_HASHES_PER_QUERY = 500  # SQLite's own limit on parameters may be as low as 999


class CachedVector(NamedTuple):
    """A vector, shape (dim,), and whether the model read only the beginning of the item."""

    vector: np.ndarray
    truncated: bool


class VectorCache:
    """Vectors of one model, by the hash of the embedded content.

    Parameters
    ----------
    provenance : dict
        Everything that the vectors depend on besides the content: model, weights, layer, pooling, dtype … A
        different value anywhere means a different file.
    dim : int
        Length of a vector.

    Notes
    -----
    A cache that cannot be opened or written (read-only folder, full disk) warns once and then does nothing:
    embedding goes on. A damaged file is renamed to ``….damaged`` and a new one is started.
    """

    def __init__(self, provenance: dict[str, Any], dim: int) -> None:
        self.dim = dim
        text = json.dumps(provenance, sort_keys=True)
        fingerprint = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
        slug = "".join(c if c.isalnum() or c in "-." else "_" for c in str(provenance["model"]))
        self.path = folder() / f"{slug}-{fingerprint}.sqlite"
        self._db = self._open(text)

    def get(self, content_hashes: Sequence[bytes]) -> dict[bytes, CachedVector]:
        """Return the vectors that are cached, by content hash."""
        if self._db is None:
            return {}
        cached = {}
        for start in range(0, len(content_hashes), _HASHES_PER_QUERY):
            part = list(content_hashes[start : start + _HASHES_PER_QUERY])
            marks = ",".join("?" * len(part))
            query = f"SELECT digest, truncated, vector FROM vectors WHERE digest IN ({marks})"
            for content_hash, truncated, blob in self._db.execute(query, part):
                if len(blob) == 4 * self.dim:
                    cached[content_hash] = CachedVector(np.frombuffer(blob, "<f4"), bool(truncated))
        return cached

    def put(self, content_hashes: Iterable[bytes], vectors: np.ndarray, truncated: Iterable[bool]) -> None:
        """Write vectors, shape (n, dim); when this returns they outlive the process."""
        if self._db is None:
            return
        rows = [
            (content_hash, int(cut), vector.astype("<f4").tobytes())
            for content_hash, cut, vector in zip(content_hashes, truncated, vectors, strict=True)
        ]
        try:
            with self._db:
                self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
        except sqlite3.Error as error:
            self._disable(error)

    def close(self) -> None:
        """Close the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def __enter__(self) -> VectorCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, provenance: str, retry: bool = True) -> sqlite3.Connection | None:
        db = None
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self.path, timeout=30)
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            db.executescript(_SCHEMA)
            db.execute("PRAGMA quick_check(1)")
            if db.execute("SELECT count(*) FROM about").fetchone()[0] == 0:
                with db:
                    db.execute("INSERT INTO about VALUES (?)", (provenance,))
            return db
        except sqlite3.OperationalError as error:
            self._disable(error)
        except sqlite3.DatabaseError as error:
            if db is not None:
                db.close()  # Windows does not rename an open file
            self.path.replace(self.path.with_suffix(".damaged"))
            warnings.warn(
                f"The vector cache {self.path} is damaged ({error}). It was renamed to end in .damaged, and "
                "a new one was started.",
                stacklevel=4,
            )
            return self._open(provenance, retry=False) if retry else None
        except OSError as error:
            self._disable(error)
        return None

    def _disable(self, error: Exception) -> None:
        db = getattr(self, "_db", None)
        if db is not None:
            db.close()
        self._db = None
        warnings.warn(
            f"Vectors are not cached: {self.path} cannot be written ({error}). "
            "Set EMBEDLAB_CACHE to a folder with free space.",
            stacklevel=5,
        )


def folder() -> Path:
    """Return the folder of the cache files."""
    return settings.cache_root() / "vectors"


def summary() -> pd.DataFrame:
    """List the cache files: ``name`` (of the model), ``vectors``, ``bytes`` and ``file``, one row each."""
    rows = []
    for path in sorted(folder().glob("*.sqlite")):
        try:
            db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
            count = db.execute("SELECT count(*) FROM vectors").fetchone()[0]
            provenance = json.loads(db.execute("SELECT json FROM about").fetchone()[0])
            db.close()
        except (sqlite3.Error, TypeError, ValueError):
            count, provenance = 0, {"model": "(unreadable)"}
        rows.append(
            {"name": provenance["model"], "vectors": count, "bytes": path.stat().st_size, "file": path.name}
        )
    return pd.DataFrame(rows, columns=["name", "vectors", "bytes", "file"])


def clear(name: str | None = None) -> int:
    """Delete cached vectors and return the number of bytes freed.

    Parameters
    ----------
    name : str, optional
        A model such as ``"text/minilm"``; by default all models.

    Raises
    ------
    EmbedlabError
        When a file cannot be deleted; on Windows, while a notebook uses it.
    """
    files = summary()
    freed = 0
    for file in files["file"][files["name"] == name] if name else files["file"]:
        for path in folder().glob(f"{file}*"):
            size = path.stat().st_size
            try:
                path.unlink()
            except OSError as error:
                raise EmbedlabError(
                    f"{path} cannot be deleted: {error.strerror}. Close the notebook or program using it.",
                    path=path,
                ) from error
            freed += size
    if name is None:
        (folder() / "servers.json").unlink(missing_ok=True)  # vector lengths of servers' models
    return freed

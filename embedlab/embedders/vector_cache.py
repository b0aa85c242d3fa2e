"""Vectors already computed are kept, so that nothing is embedded twice and an interrupted run goes on.

One SQLite file per model fingerprint, one row per distinct content. SQLite gives what is needed and is part
of Python: a row is there whole or not at all, also after ``kill -9``, and two processes may write at once.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

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
_ASK_AT_ONCE = 500  # parameters in one query; SQLite's own limit may be as low as 999


class VectorCache:
    """Vectors of one model, by the digest of what was embedded.

    Parameters
    ----------
    provenance : dict
        Everything that the vectors depend on beside the content: model, weights, layer, pooling, dtype … A
        different value anywhere means a different file.
    dim : int
        Length of a vector.

    Notes
    -----
    A cache that cannot be opened or written (read-only folder, full disk) is reported once as a warning and
    then does nothing: embedding goes on. A damaged file is set aside as ``….damaged`` and begun anew.
    """

    def __init__(self, provenance: dict[str, Any], dim: int) -> None:
        self.dim = dim
        text = json.dumps(provenance, sort_keys=True)
        fingerprint = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
        slug = "".join(c if c.isalnum() or c in "-." else "_" for c in str(provenance["model"]))
        self.path = folder() / f"{slug}-{fingerprint}.sqlite"
        self._db = self._open(text)

    def get(self, digests: Sequence[bytes]) -> dict[bytes, tuple[np.ndarray, bool]]:
        """Known vectors: digest → (vector of shape (dim,), was the item truncated?)."""
        if self._db is None:
            return {}
        found = {}
        for start in range(0, len(digests), _ASK_AT_ONCE):
            some = list(digests[start : start + _ASK_AT_ONCE])
            marks = ",".join("?" * len(some))
            wanted = f"SELECT digest, truncated, vector FROM vectors WHERE digest IN ({marks})"
            rows = self._db.execute(wanted, some)
            for digest, truncated, blob in rows:
                if len(blob) == 4 * self.dim:
                    found[digest] = (np.frombuffer(blob, "<f4"), bool(truncated))
        return found

    def put(self, digests: Iterable[bytes], vectors: np.ndarray, truncated: Iterable[bool]) -> None:
        """Keep vectors, shape (n, dim); when this returns they outlive the process."""
        if self._db is None:
            return
        rows = [
            (digest, int(cut), vector.astype("<f4").tobytes())
            for digest, cut, vector in zip(digests, truncated, vectors, strict=True)
        ]
        try:
            with self._db:
                self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
        except sqlite3.Error as error:
            self._give_up(error)

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

    def _open(self, about: str, again: bool = True) -> sqlite3.Connection | None:
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
                    db.execute("INSERT INTO about VALUES (?)", (about,))
            return db
        except sqlite3.OperationalError as error:
            self._give_up(error)
        except sqlite3.DatabaseError as error:
            if db is not None:
                db.close()  # Windows does not rename a file that is open
            aside = self.path.with_suffix(".damaged")
            self.path.replace(aside)
            warnings.warn(f"The vector cache {self.path} was damaged ({error}); begun anew.", stacklevel=4)
            return self._open(about, again=False) if again else None
        except OSError as error:
            self._give_up(error)
        return None

    def _give_up(self, error: Exception) -> None:
        db = getattr(self, "_db", None)
        if db is not None:
            db.close()
        self._db = None
        warnings.warn(
            f"Vectors are not kept: {self.path} cannot be written ({error}). "
            "Set EMBEDLAB_CACHE to a folder with room.",
            stacklevel=5,
        )


def folder() -> Path:
    """Where the vector files lie."""
    return settings.cache_root() / "vectors"


def summary() -> pd.DataFrame:
    """What is kept: one row per file with ``name`` (model), ``vectors``, ``bytes`` and ``file``."""
    rows = []
    for path in sorted(folder().glob("*.sqlite")):
        try:
            db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
            count = db.execute("SELECT count(*) FROM vectors").fetchone()[0]
            about = json.loads(db.execute("SELECT json FROM about").fetchone()[0])
            db.close()
        except (sqlite3.Error, TypeError, ValueError):
            count, about = 0, {"model": "(unreadable)"}
        rows.append(
            {"name": about["model"], "vectors": count, "bytes": path.stat().st_size, "file": path.name}
        )
    return pd.DataFrame(rows, columns=["name", "vectors", "bytes", "file"])


def clear(name: str | None = None) -> int:
    """Delete kept vectors, of one model (``"text/minilm"``) or of all; returns the bytes freed.

    Raises
    ------
    EmbedlabError
        When a file cannot be deleted; on Windows, while a notebook uses it.
    """
    known = summary()
    freed = 0
    for file in known["file"][known["name"] == name] if name else known["file"]:
        for path in folder().glob(f"{file}*"):
            size = path.stat().st_size
            try:
                path.unlink()
            except OSError as error:
                raise EmbedlabError(f"{path} cannot be deleted: {error}. Close what uses it.") from error
            freed += size
    if name is None:
        (folder() / "servers.json").unlink(missing_ok=True)  # how long the vectors of servers are
    return freed

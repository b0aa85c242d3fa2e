"""Remember how long the vectors of a server's models are, so that cached vectors need no server."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from embedlab.embedders import vector_cache
from embedlab.io.atomic import CannotWrite, atomic_write


def path() -> Path:
    """Return the file; ``embedlab cache clear`` deletes it with the vectors."""
    return vector_cache.folder() / "servers.json"


def read_dim(name: str) -> int:
    """Return the length of a model's vectors, or 0 if it is not known yet."""
    return _read().get(name, 0)


def write_dim(name: str, dim: int) -> None:
    """Remember the length of a model's vectors; if that fails, the server is asked again next time."""
    with suppress(OSError, CannotWrite):
        path().parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path()) as part:
            part.write_text(json.dumps(_read() | {name: dim}, indent=1), encoding="utf-8")


def _read() -> dict[str, int]:
    try:
        return {name: int(dim) for name, dim in json.loads(path().read_text(encoding="utf-8")).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}

"""How long the vectors of a server's models are: learnt once, so that kept vectors need no server."""

from __future__ import annotations

import json
import os
from pathlib import Path

from embedlab.embedders import vector_cache


def file() -> Path:
    """Where it is noted; ``embedlab cache clear`` deletes it with the vectors."""
    return vector_cache.folder() / "servers.json"


def dim_of(name: str) -> int:
    """What was learnt of a model; 0 for nothing."""
    try:
        return int(json.loads(file().read_text(encoding="utf-8"))[name])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def note_dim(name: str, dim: int) -> None:
    """Remember the length of a model's vectors."""
    path = file()
    try:
        notes = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        notes = {}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(notes | {name: dim}, indent=1), encoding="utf-8")
        fresh.replace(path)
    except OSError:
        pass  # it is asked again the next time

"""A small repository of the hub and what tests ask of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hub_server import Hub
from typer.testing import CliRunner, Result

import embedlab as el
from embedlab.embedders.handler_kinds import _build
from embedlab.weights import untrusted

REPO = "someone/small"
FIRST, SECOND = "1" * 40, "2" * 40
TEXTS = el.Items.from_texts(["the sea", "a cat is in the water and the dog", "my cash is safe"])


def files_of(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def gone(served: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on the hub is out of reach, as if this were another process."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    served.requests.clear()
    _build.cache_clear()


def repositories(cache: Path) -> Path:
    """The folder in which the repository is cached."""
    return cache / "weights" / "repositories" / f"models--{REPO.replace('/', '--')}"


def weights_in(folder: Path) -> set[str]:
    """The sha256 of all large files, finished or not."""
    large = (p for p in folder.rglob("*") if p.is_file() and p.stat().st_size > 20_000)
    return {untrusted.hashlib.sha256(p.read_bytes()).hexdigest() for p in large}


def call(*arguments: object) -> Result:
    from embedlab.cli.app import app

    return CliRunner().invoke(app, [str(a) for a in arguments], env={"NO_COLOR": "1", "COLUMNS": "200"})


def downloads(served: Hub) -> list[str]:
    return [r.path for r in served.requests if r.method == "GET" and "/resolve/" in r.path]

"""Fixtures: an embeddings server on loopback that is fresh for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai_server import KEY, EmbeddingServer

from embedlab.embedders.openai import retry
from embedlab.embedders.openai import server as module


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    for variable in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "EMBEDLAB_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("LAB_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(retry, "FIRST_WAIT", 0.05)
    monkeypatch.setattr(retry, "ABSENT_PATIENCE", 0.1)
    monkeypatch.setattr(retry, "GONE_PATIENCE", 1.0)
    monkeypatch.setattr(module, "_trusted", set())
    monkeypatch.setattr(module, "_keys", {})
    module._build.cache_clear()
    running = EmbeddingServer().start()
    yield running
    running.stop()

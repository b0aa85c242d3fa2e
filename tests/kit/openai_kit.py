"""A model behind the loopback server, and items to embed with it."""

from __future__ import annotations

from typing import Any

import pytest
from openai_server import KEY, EmbeddingServer

import embedlab as el
from embedlab.embedders.openai import server as module

WORDS = ("sea", "bread", "money", "rain", "goal", "verse", "train", "garden")
TEXTS = [f"a sentence about the {word}" for word in WORDS]
ITEMS = el.Items.from_texts(TEXTS, ids=list(WORDS))


def load(server: EmbeddingServer, **more: Any) -> module.ServerEmbedder:
    model = el.load_model("openai:minilm", base_url=server.address, key_from="LAB_KEY", **more)
    assert isinstance(model, module.ServerEmbedder)
    server.requests.clear()
    server.paid.clear()
    return model


def openai_is(server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the loopback server be OpenAI's own, with its key and its table of models."""
    monkeypatch.setattr(module, "OPENAI_URL", server.address)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

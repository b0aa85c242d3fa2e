"""Embed through a healthy server: equal vectors, requests, costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from openai_kit import ITEMS, TEXTS, load, openai_is
from openai_server import EmbeddingServer, Shape, embed

import embedlab as el
from embedlab.catalog.refs import BadName
from embedlab.embedders.openai import server as module
from embedlab.embedders.openai.errors import ServerError, ServerErrorCode
from embedlab.embeddings import Embeddings
from embedlab.errors import Argument

pytestmark = pytest.mark.weights("text/minilm")


def test_vectors_are_those_of_the_server_and_are_paid_once(server: EmbeddingServer, tmp_path: Path) -> None:
    model = load(server)
    emb = model.embed(ITEMS)
    np.testing.assert_allclose(emb.vectors, embed(tuple(TEXTS)), atol=1e-6)
    assert emb.ids == ITEMS.ids
    assert [r.encoding for r in server.requests] == ["base64"], "a quarter of the bytes"
    assert model.tokens_used > 0
    assert (model.card.dim, model.card.source, model.card.sha256) == (384, "server", None)
    more = el.Items.from_texts([*TEXTS, "one more"])
    assert model.embed(more).report.n_cached == len(TEXTS)
    model.embed_query("one more")
    assert server.paid == [*TEXTS, "one more"], "nothing twice, queries included"
    assert Embeddings.load(emb.save(tmp_path / "e.parquet")).model == emb.model


def test_a_table_tells_what_openai_has(server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    openai_is(server, monkeypatch)
    model = el.load_model("openai:text-embedding-3-small")
    assert server.requests == [], "nothing is asked before it is needed"
    assert (model.card.name, model.dim) == ("openai:text-embedding-3-small", 1536)
    emb = model.embed(ITEMS)
    assert emb.vectors.shape == (8, 1536)
    assert emb.normalized
    short = embed(tuple(TEXTS), 1536)
    np.testing.assert_allclose(emb.vectors @ emb.vectors.T, short @ short.T, atol=1e-4)
    assert el.load_model("openai:text-embedding-ada-002").dim == 1536
    assert el.load_model("openai:text-embedding-3-large").dim == 3072


def test_fewer_dimensions_are_another_model(server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    openai_is(server, monkeypatch)
    model = el.load_model("openai:text-embedding-3-small", dimensions=64)
    assert model.card.name == "openai:text-embedding-3-small?dimensions=64"
    assert model.embed(ITEMS).vectors.shape == (8, 64)
    assert server.requests[0].dimensions == 64
    el.load_model("openai:text-embedding-3-small").embed(ITEMS)
    assert len(server.requests) == 2, "kept apart"
    with pytest.raises(BadName, match="from 1 to 1536 numbers, not 5000"):
        el.load_model("openai:text-embedding-3-small", dimensions=5000)
    with pytest.raises(BadName, match="always 1536"):
        el.load_model("openai:text-embedding-ada-002?dimensions=256")


def test_two_servers_are_two_models(server: EmbeddingServer) -> None:
    other = EmbeddingServer().start()
    try:
        one, two = load(server), load(other)
        one.embed(ITEMS)
        two.embed(ITEMS)
        assert len(other.paid) == len(TEXTS)
        assert one.card.name != two.card.name
    finally:
        other.stop()


@pytest.mark.parametrize("shape", ["reversed", "always float"])
def test_order_and_encoding_do_not_matter(server: EmbeddingServer, shape: Shape) -> None:
    server.shape = shape
    np.testing.assert_allclose(load(server).embed(ITEMS).vectors, embed(tuple(TEXTS)), atol=1e-6)


def test_requests_are_filled_by_texts_and_by_tokens(server: EmbeddingServer) -> None:
    model = load(server)
    model._max_texts, model._max_tokens = 3, 1000
    model.embed(ITEMS)
    assert [len(r.texts) for r in server.requests] == [3, 3, 2]
    model._max_texts, model._max_tokens = 2048, 60
    model.embed(el.Items.from_texts(["ä" * 20, "é" * 20, "x" * 10, "y" * 10, "z" * 10]))
    assert [len(r.texts) for r in server.requests[3:]] == [1, 2, 2], "counted in bytes: 42, 42, 12, 12, 12"


def test_a_server_that_takes_few_at_once_is_followed(server: EmbeddingServer) -> None:
    model = load(server)
    server.most_texts = 2
    np.testing.assert_allclose(model.embed(ITEMS).vectors, embed(tuple(TEXTS)), atol=1e-6)
    assert model._max_texts == 2
    assert sorted(server.paid) == sorted(TEXTS)


def test_a_large_run_is_refused_with_an_estimate(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    openai_is(server, monkeypatch)
    monkeypatch.setattr(module, "is_loopback", lambda url: False)
    large = el.Items.from_texts([f"{i} " + "word " * 2000 for i in range(250)])
    with pytest.raises(ServerError) as caught:
        el.embed(large, "openai:text-embedding-3-small")
    assert server.requests == []
    said = str(caught.value)
    assert "250 texts" in said
    assert "about 0.6 million tokens" in said
    assert "never more than 2.5 million: about 0.013 USD, at most 0.05 USD" in said
    assert "check your provider" in said
    assert Argument("token_limit", 2_600_000) in caught.value.parts
    assert caught.value.code is ServerErrorCode.OVER_LIMIT
    model = el.load_model("openai:text-embedding-3-small", token_limit=100)
    with pytest.raises(ServerError, match="limit for one call is 100 tokens"):
        model.embed(ITEMS)
    assert Argument("token_limit", 100_000) in model.limit_exceeded(ITEMS)
    assert "8 texts" in model.estimate(ITEMS)
    el.load_model("openai:text-embedding-3-small", token_limit=1000).embed(ITEMS)
    assert model.embed(ITEMS).report.n_cached == 8, "what is kept costs nothing"
    assert "0 texts" in model.estimate(ITEMS)
    assert model.limit_exceeded(ITEMS) == ()
    with pytest.raises(BadName, match="token_limit must be"):
        el.load_model("openai:text-embedding-3-small", token_limit=0)

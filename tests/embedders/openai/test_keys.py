"""A key goes to its own server only, and appears nowhere."""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

import pytest
from openai_kit import ITEMS, load
from openai_server import KEY, EmbeddingServer, Fault

import embedlab as el
from embedlab.embedders import vector_cache
from embedlab.embedders.openai import server as module
from embedlab.embedders.openai.errors import ServerError, ServerErrorCode
from embedlab.errors import Argument

pytestmark = pytest.mark.weights("text/minilm")


def test_a_wrong_key_is_said_without_the_key(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(server)
    monkeypatch.setenv("LAB_KEY", "my-very-secret-word")
    with pytest.raises(ServerError, match="did not accept the key in LAB_KEY") as caught:
        model.embed(ITEMS)
    assert (caught.value.code, caught.value.status) == (ServerErrorCode.KEY_REFUSED, 401)
    told = "".join(traceback.format_exception(caught.value))
    assert "my-very-secret-word" not in told
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None, "an openai error would hold the request and its headers"
    monkeypatch.setenv("LAB_KEY", KEY)
    assert len(model.embed(ITEMS)) == 8, "the next call takes the key that is there now"


def test_the_key_is_nowhere(
    server: EmbeddingServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        model = load(server)
        server.faults.append(Fault(500, message=f"I got {KEY} and Bearer {KEY}"))
        emb = model.embed(ITEMS)
        emb.save(tmp_path / "e.parquet")
        with el.VectorStore(tmp_path / "s.db") as store:
            store.add("notes", emb)
            store.search("notes", "bread", k=1)
    kept = [p for folder in (tmp_path, vector_cache.folder()) for p in folder.rglob("*") if p.is_file()]
    assert len(kept) > 3
    assert not [p for p in kept if KEY.encode() in p.read_bytes()]
    assert KEY not in caplog.text + repr(model) + repr(model.card) + repr(emb) + str(vars(model))


def test_the_key_of_openai_goes_to_no_other_server(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(ServerError, match="asks for a key, and none was sent") as caught:
        el.load_model("openai:minilm", base_url=server.address)
    assert caught.value.code is ServerErrorCode.KEY_MISSING
    assert Argument("key_from", "NAME") in caught.value.parts
    assert {r.authorization for r in server.requests} == {"Bearer none"}
    monkeypatch.setenv("OPENAI_BASE_URL", server.address + "/")
    model = el.load_model("openai:minilm")
    assert model.card.name == f"openai:minilm?base_url={server.address}", "which server it was is in the name"
    with pytest.raises(ServerError, match="variable 'NOT_THERE' is not set"):
        el.load_model("openai:minilm", key_from="NOT_THERE")


@pytest.mark.parametrize("given", ["sk-secret123", "SK secret", "secret", ""])
def test_a_key_where_a_name_belongs_is_not_repeated(server: EmbeddingServer, given: str) -> None:
    with pytest.raises(ServerError, match="name of an environment variable") as caught:
        el.load_model("openai:text-embedding-3-small", key_from=given)
    assert caught.value.code is ServerErrorCode.KEY_MALFORMED
    assert not given or given not in "".join(traceback.format_exception_only(caught.value))
    assert server.requests == []


@pytest.mark.parametrize("letter", ["ä", "\u201c", " ", "\t"])
def test_a_key_with_a_letter_that_no_key_has(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch, letter: str
) -> None:
    model = load(server)
    monkeypatch.setenv("LAB_KEY", f"sk-{letter}secret")
    with pytest.raises(ServerError, match="LAB_KEY has a character that no key has, at position 4") as caught:
        model.embed(ITEMS)
    assert caught.value.code is ServerErrorCode.KEY_MALFORMED
    assert "secret" not in str(caught.value)
    assert server.requests == []


def test_no_key_at_all(server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "OPENAI_URL", server.address)
    model = el.load_model("openai:text-embedding-3-small")
    with pytest.raises(ServerError, match="put yours into the environment variable OPENAI_API_KEY"):
        model.embed(ITEMS)
    assert server.requests == []
    assert not el.available("openai:text-embedding-3-small")

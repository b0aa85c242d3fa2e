"""Models behind a server: the client against a real one on loopback, in health and sickness."""

from __future__ import annotations

import io
import logging
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openai_server import KEY, EmbeddingServer, Fault, Shape, embed
from paths import ROOT

import embedlab as el
from embedlab.catalog.refs import BadName
from embedlab.embedders import vector_cache
from embedlab.embedders.loading import load_again
from embedlab.embedders.openai import retry
from embedlab.embedders.openai import server as module
from embedlab.embedders.openai.errors import ServerError, ServerErrorCode
from embedlab.embedders.openai.responses import read_code
from embedlab.embeddings import Embeddings
from embedlab.errors import Argument, BadItem, ProblemCode, UntrustedServer

pytestmark = pytest.mark.weights("text/minilm")

WORDS = ("sea", "bread", "money", "rain", "goal", "verse", "train", "garden")
TEXTS = [f"a sentence about the {word}" for word in WORDS]
ITEMS = el.Items.from_texts(TEXTS, ids=list(WORDS))


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


# -- in health -----------------------------------------------------------------------------------------------


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


# -- money ---------------------------------------------------------------------------------------------------


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


# -- in sickness ---------------------------------------------------------------------------------------------


def test_a_busy_server_is_waited_for_as_it_asks(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model, waited = load(server), []
    monkeypatch.setattr("embedlab.embedders.openai.retry.sleep", waited.append)
    busy = Fault(429, "rate_limit_exceeded", "Rate limit reached", (("Retry-After", "7"),))
    server.faults.extend(
        [busy, Fault(500), Fault(503), Fault(429, headers=(("retry-after-ms", "250"),)), Fault(0)]
    )
    with caplog.at_level(logging.INFO, "embedlab"):
        emb = model.embed(ITEMS)
    np.testing.assert_allclose(emb.vectors, embed(tuple(TEXTS)), atol=1e-6)
    assert waited[0] == 7
    assert waited[3] == 0.25
    assert 0 < waited[1] < waited[2], "without a word of the server, longer each time"
    assert server.paid == TEXTS
    assert "Trying again in 7.0 s" in caplog.text


def test_a_server_that_asks_for_too_much_patience_is_left(server: EmbeddingServer) -> None:
    model = load(server)
    server.faults.append(Fault(429, "rate_limit_exceeded", "Daily limit", (("Retry-After", "86400"),)))
    with pytest.raises(ServerError, match=r"It asks to wait 86400 s\.") as caught:
        model.embed(ITEMS)
    error = caught.value
    assert (error.code, error.status, error.detail) == (ServerErrorCode.BUSY, 429, "Daily limit")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "kind", "message", "code"),
    [
        (403, "", "Forbidden", ServerErrorCode.KEY_REFUSED),
        (404, "model_not_found", "The model `x` does not exist", ServerErrorCode.NO_MODEL),
        (429, "insufficient_quota", "You exceeded your plan", ServerErrorCode.QUOTA),
        (429, "rate_limit_exceeded", "Rate limit reached", ServerErrorCode.BUSY),
        (503, "", "Service unavailable", ServerErrorCode.BUSY),
        (413, "", "Payload too large", ServerErrorCode.TOO_MANY),
        (400, "", "batch size 65 > maximum allowed batch size 64", ServerErrorCode.TOO_MANY),
        (400, "", "'input' array must have at most 2048 items", ServerErrorCode.TOO_MANY),
        (400, "context_length_exceeded", "Please reduce your prompt", ServerErrorCode.TOO_LONG),
        (400, "", "input is larger than the max context size", ServerErrorCode.TOO_LONG),
        (422, "", "input is too large; increase the physical batch size", ServerErrorCode.TOO_LONG),
        (400, "", "dimensions is not supported", ServerErrorCode.REFUSED),
    ],
)
def test_the_words_of_servers_become_codes(
    status: int, kind: str, message: str, code: ServerErrorCode
) -> None:
    assert read_code(status, kind, message, sent_key=True) is code


def test_a_server_that_stays_busy_is_left_after_the_time_for_that(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(server)
    clock = [0.0]
    monkeypatch.setattr(retry, "monotonic", lambda: clock[0])
    monkeypatch.setattr(retry, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    server.faults.extend([Fault(503)] * 10)
    monkeypatch.setattr(retry, "FIRST_WAIT", 40.0)
    monkeypatch.setattr(retry, "LONGEST_WAIT", 100.0)
    with pytest.raises(ServerError) as caught:
        model.embed(ITEMS)
    assert caught.value.code is ServerErrorCode.BUSY
    assert 180 < clock[0] < retry.BUSY_PATIENCE, "about 40, 80 and 100 s; one more would be too long"
    assert 4 <= len(server.requests) <= 5


def test_an_empty_account_is_not_waited_for(server: EmbeddingServer) -> None:
    model = load(server)
    server.faults.append(Fault(429, "insufficient_quota", "You exceeded your current quota"))
    with pytest.raises(ServerError) as caught:
        model.embed(ITEMS)
    assert (caught.value.code, caught.value.status) == (ServerErrorCode.QUOTA, 429)
    assert len(server.requests) == 1


def test_a_server_that_goes_away_loses_nothing_that_was_paid(server: EmbeddingServer) -> None:
    model = load(server)
    model._max_texts = 2
    port = int(server.address.split(":")[2].split("/")[0])

    def leave() -> None:
        if len(server.requests) == 3:
            server.stop()
            server.faults.append(Fault(0))

    server.before = leave
    with pytest.raises(ServerError) as caught:
        model.embed(ITEMS)
    assert caught.value.code is ServerErrorCode.GONE
    assert server.paid == TEXTS[:4]
    server.before = None
    server.faults.clear()
    server.start(port)
    emb = model.embed(ITEMS)
    assert emb.report.n_cached == 4
    assert server.paid == TEXTS
    np.testing.assert_allclose(emb.vectors, embed(tuple(TEXTS)), atol=1e-6)


def test_a_killed_run_goes_on_where_it_was(server: EmbeddingServer, tmp_path: Path) -> None:
    code = f"""
import os, embedlab as el
model = el.load_model("openai:minilm", base_url={server.address!r}, key_from="LAB_KEY")
model._max_texts = 2
requests, embed = [], model._client.embed
def dying(texts):
    if len(requests) == 2:
        os.kill(os.getpid(), 9)
    requests.append(texts)
    return embed(texts)
model._client.embed = dying
model.embed(el.Items.from_texts({TEXTS!r}))
"""
    env = os.environ | {"EMBEDLAB_CACHE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=False)
    assert done.returncode == -9, done.stderr
    model = load(server)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("embedlab.embedders.vector_cache.folder", lambda: tmp_path / "vectors")
        report = model.embed(ITEMS).report
    assert (report.n_cached, report.n_computed) == (4, 4)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("short", "returned 7 vectors for 8 texts"),
        ("same index", "numbered its 8 vectors"),
        ("nan", r"NaN for 8 items .*'sea'"),
        ("null", "NaN for 8 items"),
        ("narrow", "returned vectors of 383 numbers, but 384 were expected"),
        ("no json", "something other than embeddings"),
        ("empty", "something other than embeddings"),
    ],
)
def test_a_wrong_answer_is_refused_and_not_kept(server: EmbeddingServer, shape: Shape, said: str) -> None:
    model = load(server)
    server.shape = shape
    with pytest.raises(el.EmbedlabError, match=said):
        model.embed(ITEMS)
    server.shape = "ok"
    assert model.embed(ITEMS).report.n_computed == 8


def test_a_text_that_is_too_long_is_named_and_the_others_are_kept(server: EmbeddingServer) -> None:
    model = load(server)
    texts = [*TEXTS, "word " * 400]
    items = el.Items.from_texts(texts, ids=[*WORDS, "novel"])
    with pytest.raises(
        BadItem, match=r"1 of 9 items .*'novel': .*maximum context length is 256 tokens"
    ) as caught:
        model.embed(items)
    assert caught.value.problems["novel"].code is ProblemCode.TOO_LONG
    assert sorted(server.paid) == sorted(TEXTS)
    emb = model.embed(items, on_error="skip")
    assert list(emb.report.skipped) == ["novel"]
    assert emb.report.n_cached == 8
    with pytest.raises(BadItem, match="The query") as caught:
        model.embed_query("word " * 400)
    assert [problem.code for problem in caught.value.problems.values()] == [ProblemCode.TOO_LONG]
    for bad in ("", None, 7, "half \ud800"):
        with pytest.raises(BadItem):
            model.embed_query(bad)


def test_an_unknown_model_and_a_wrong_address(server: EmbeddingServer) -> None:
    load(server)
    for model, url, code in (
        ("other", server.address, ServerErrorCode.NO_MODEL),
        ("minilm", server.address.removesuffix("/v1"), ServerErrorCode.NO_MODEL),
        ("minilm", "http://127.0.0.1:9/v1", ServerErrorCode.GONE),
    ):
        with pytest.raises(ServerError) as caught:
            el.load_model(f"openai:{model}", base_url=url)
        assert (caught.value.code, caught.value.model) == (code, model)


# -- the key -------------------------------------------------------------------------------------------------


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


# -- again, from a name --------------------------------------------------------------------------------------


def test_a_store_and_a_comparison_load_it_by_its_name(server: EmbeddingServer, tmp_path: Path) -> None:
    emb = load(server).embed(ITEMS)
    module._build.cache_clear()
    with el.VectorStore(tmp_path / "s.db") as store:
        store.add("both", [emb, el.embed(ITEMS, "text/minilm")])
        hits = store.search("both", "the sea", k=1)
        assert hits["id"].tolist() == ["sea"]
        assert store.search("both", "the sea", k=1, model=emb.model.name)["id"].tolist() == ["sea"]
    found = el.explore(emb).search("bread", k=1)
    assert found[0][0] == "bread"


def test_a_server_that_only_a_file_names_is_not_asked(server: EmbeddingServer, tmp_path: Path) -> None:
    emb = load(server).embed(ITEMS)
    foreign = emb.model.name.replace("127.0.0.1", "192.0.2.7")
    stranger = Embeddings(
        emb.vectors,
        emb.items,
        el.ModelCard(**{**vars(emb.model), "name": foreign}),
        emb.layer,
        emb.pooling,
        False,
    )
    with el.VectorStore(tmp_path / "s.db") as store:
        store.add("notes", stranger)
        with pytest.raises(UntrustedServer) as refused:
            store.search("notes", "a private question", k=1)
    assert refused.value.url.startswith("http://192.0.2.7")
    assert "el.load_model(" in str(refused.value)


def test_kept_vectors_need_no_server(server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    emb = load(server).embed(ITEMS)
    server.stop()
    module._build.cache_clear()
    again = load_again(emb.model)
    assert again.embed(ITEMS).report.n_cached == 8
    with pytest.raises(ServerError) as caught:
        again.embed_query("something new")
    assert caught.value.code is ServerErrorCode.GONE


def test_offline_forbids_the_network_and_not_this_machine(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    assert len(load(server).embed(ITEMS)) == 8
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert not el.available("openai:text-embedding-3-small")
    with pytest.raises(ServerError, match=r"https://api\.openai\.com/v1 is not asked") as caught:
        el.embed(ITEMS, "openai:text-embedding-3-small")
    assert caught.value.code is ServerErrorCode.OFFLINE


def test_without_the_client_the_extra_is_named(
    server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(el.EmbedlabError, match=r'pip install "embedlab\[openai\]"'):
        el.load_model("openai:text-embedding-3-small")


def test_its_speed_is_not_taken_at_the_servers_cost(server: EmbeddingServer) -> None:
    from embedlab.comparison.cost import CostStatus, cost_table

    emb = load(server).embed(ITEMS)
    paid = len(server.paid)
    table = cost_table([emb], measure=True, progress=False)
    assert table["status"].tolist() == [CostStatus.ON_SERVER]
    assert len(server.paid) == paid


def test_a_bar_counts_the_items(server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    load(server).embed(ITEMS, progress=True)
    assert "8/8" in shown.getvalue() or "embedding with openai:minilm" in shown.getvalue()


def test_the_embedder_does_not_carry_a_key_in_a_pickle(server: EmbeddingServer) -> None:
    model = load(server)
    model.embed(ITEMS)
    dump: Callable[[Any], bytes] = pickle.dumps
    assert KEY.encode() not in dump(model)


def test_a_summary_asks_a_server_for_nothing(server: EmbeddingServer) -> None:
    plan = ITEMS.summary(load(server)).forecast
    assert plan is not None
    assert "may cost money. 8 texts for openai:minilm" in plan.time_text()
    assert plan.size_text().startswith("8 x 384")
    assert server.requests == []

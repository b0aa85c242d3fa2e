"""Wait for a busy server, leave a lost one, and keep what was paid."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from openai_kit import ITEMS, TEXTS, load
from openai_server import EmbeddingServer, Fault, embed
from paths import ROOT

from embedlab.embedders.openai import retry
from embedlab.embedders.openai.errors import ServerError, ServerErrorCode
from embedlab.embedders.openai.responses import read_code

pytestmark = pytest.mark.weights("text/minilm")


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

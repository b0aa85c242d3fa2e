"""Fixtures: a hub on loopback that serves a small sentence-transformers repository."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import small_networks
from hub_server import Hub
from repository_kit import (
    FIRST,
    REPO,
    files_of,
)

from embedlab.embedders.handler_kinds import _build


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A small BERT as a sentence-transformers repository, with prompts, and files that nobody needs."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    folder = tmp_path_factory.mktemp("small")
    small_networks.bert(folder / "bert")
    network = SentenceTransformer(
        modules=[Transformer(str(folder / "bert"), max_seq_length=12), Pooling(16, "cls"), Normalize()],
        prompts={"query": "query : ", "passage": "passage : "},
    )
    network.save(str(folder / "saved"), create_model_card=False)
    (folder / "saved" / "README.md").write_text("---\nlicense: apache-2.0\n---\n", encoding="utf-8")
    unwanted = {"onnx/model.onnx": b"0" * 99, "pytorch_model.bin": b"a pickle", "run.py": b"raise SystemExit"}
    return files_of(folder / "saved") | unwanted


@pytest.fixture
def any_hub(small: dict[str, bytes], cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    served = Hub(REPO, FIRST, dict(small), refs={"main": FIRST})
    server = served.start()
    monkeypatch.setenv("HF_ENDPOINT", served.address)
    _build.cache_clear()
    yield served
    served.release.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "notes.csv"
    path.write_text("content\nthe sea\na cat\n")
    return path

"""One contract for every model of the catalogue that can be had here."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import small_networks
import torch
from openai_server import KEY, EmbeddingServer
from pictures import folder
from small_films import film

import embedlab as el
from embedlab import weights
from embedlab.catalog import registry
from embedlab.embedders import Embedder
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, EmbedlabError

ROWS = [
    pytest.param(row, id=row.card.name, marks=pytest.mark.weights(row.card.name)) for row in registry.rows()
]


@pytest.fixture
def embeddings_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("LAB_KEY", KEY)
    running = EmbeddingServer().start()
    yield running
    running.stop()


def kinds(tmp_path: Path, server: EmbeddingServer) -> dict[str, Callable[[], Any]]:
    """A model of each kind that has no row in the catalogue."""
    card = el.ModelCard(
        "text/lengths", "text", 2, 0, "CC0-1.0", "Counts.", layer="none", pooling="sum", normalized=False
    )

    def registered() -> Any:
        el.register(card, lambda card: lambda texts: [[len(t), t.count("e")] for t in texts], replace=True)
        return el.load_model("text/lengths")

    def live() -> Any:
        torch.manual_seed(0)
        network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(300, 8), torch.nn.Linear(8, 3))
        return el.from_module(network, lambda p: torch.tensor(np.asarray(p.resize((10, 10))) / 255.0).float())

    minilm = weights.fetch("text/minilm").path
    return {
        "st": lambda: el.load_model(f"st:{minilm}"),
        "hf text": lambda: el.load_model(f"hf:{minilm}", pooling="cls", layer=-2),
        "hf image": lambda: el.load_model(f"hf:{small_networks.vit(tmp_path / 'vit')}"),
        "hf audio": lambda: el.load_model(f"hf:{small_networks.wav2vec2(tmp_path / 'w2v')}"),
        "hf towers": lambda: el.load_model(f"hf:{small_networks.clip(tmp_path / 'clip')}"),
        "openai": lambda: el.load_model("openai:minilm", base_url=server.address, key_from="LAB_KEY"),
        "registered": registered,
        "live": live,
    }


KINDS = ["st", "hf text", "hf image", "hf audio", "hf towers", "openai", "registered", "live"]


@pytest.mark.weights("text/minilm")
@pytest.mark.parametrize("kind", KINDS)
def test_every_other_kind_keeps_them_too(
    kind: str, tmp_path: Path, embeddings_server: EmbeddingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_ROWS", dict(registry._ROWS))
    model = kinds(tmp_path, embeddings_server)[kind]()
    keeps(model, model.card, sample(model.card.modality, tmp_path), tmp_path)
    if kind != "live":  # a network in memory is in no file
        assert el.load_model(model.card.name).card == model.card


def sample(modality: str, tmp_path: Path) -> el.Items:
    """A few items of a modality, enough to see order and batching."""
    if modality == "text":
        return el.load_dataset("notes").take(np.arange(0, 600, 100))
    if modality == "image":
        return folder(tmp_path / "pictures")
    if modality == "audio":
        return el.load_dataset("voices").take(np.arange(0, 240, 40))
    if modality == "image+text":
        pictures = folder(tmp_path / "pictures", 3).contents
        texts = el.load_dataset("notes").contents[:3]
        frame = pd.DataFrame({"picture": pictures, "words": texts})
        return el.Items.from_frame(frame, modality="image+text", content="picture", caption="words")
    if modality == "video":
        (tmp_path / "films").mkdir()
        for moves, hertz in ((True, 300), (False, 300), (False, 900), (True, None)):
            film(tmp_path / "films" / f"{moves} {hertz}.mp4", moves=moves, hertz=hertz)
        return el.Items.from_folder(tmp_path / "films", modality="video")
    raise KeyError(modality)


@pytest.mark.parametrize("row", ROWS)
def test_every_model_keeps_the_promises_of_the_protocol(row: registry.Row, tmp_path: Path) -> None:
    model = el.load_model(row.card.name)
    emb = keeps(model, row.card, sample(row.card.modality, tmp_path), tmp_path)
    if not row.parts:
        assert emb.model.sha256 in {spec.sha256 or emb.model.sha256 for spec in row.forms}
    assert re.fullmatch("[0-9a-f]{64}", emb.model.sha256 or ""), "the weights that ran are known"


def keeps(model: Any, card: registry.ModelCard, items: el.Items, tmp_path: Path) -> Embeddings:
    """Assert what every embedder promises; returns the embeddings."""
    emb: Embeddings = model.embed(items)

    assert isinstance(model, Embedder)
    assert model.dim == card.dim == emb.dim
    assert emb.vectors.shape == (len(items), card.dim)
    assert emb.ids == items.ids, "order is kept"
    assert emb.vectors.dtype == np.float32
    assert len(np.unique(emb.vectors.round(4), axis=0)) == len(items), "different items, different vectors"
    assert (emb.layer, emb.pooling, emb.normalized) == (card.layer, card.pooling, card.normalized)
    if emb.normalized:
        np.testing.assert_allclose(np.linalg.norm(emb.vectors, axis=1), 1, atol=1e-5)

    backwards = model.embed(items.take(np.arange(len(items))[::-1]), batch_size=1)
    np.testing.assert_allclose(backwards.vectors[::-1], emb.vectors, atol=1e-5)
    np.testing.assert_allclose(model.embed_query(items.contents[0]), emb.vectors[0], atol=1e-5)

    assert Embeddings.load(emb.save(tmp_path / "e.parquet")).model == emb.model

    other = next(m for m in ("text", "image", "audio") if m not in card.modality)
    with pytest.raises(BadItem, match=other):
        model.embed(
            dataclasses.replace(items, frame=items.frame.assign(path="x", content="x"), modality=other)
        )
    return emb


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(EmbedlabError, match="text/minilm"):
        el.load_model("text/minilmm")


def test_embed_takes_a_name_or_a_model() -> None:
    class Fixed:
        card = registry.row("text/minilm").card
        dim = 2

        def embed(self, items: el.Items, *, batch_size: int = 32, progress: bool | None = None) -> str:
            return f"{len(items)} in batches of {batch_size}"

        def embed_query(self, x: object) -> np.ndarray:
            return np.zeros(2)

    assert el.embed(el.Items.from_texts(["a"]), Fixed(), batch_size=3) == "1 in batches of 3"

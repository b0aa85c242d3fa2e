"""The multimodal Perceiver at full size, with seeded weights: latents, embedding, loading."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from perceiver_kit import ROW, film
from sklearn.decomposition import PCA

import embedlab as el
from embedlab import weights
from embedlab.catalog import registry
from embedlab.catalog.pins import WeightFile, Weights
from embedlab.embedders import perceiver
from embedlab.embedders.layers import NoSuchLayer
from embedlab.embedders.perceiver import PerceiverEmbedder
from embedlab.embedders.perceiver_latents import latents_by_encoder, latents_by_tutorial
from embedlab.embedders.video import Windows
from embedlab.embeddings.pca import flat_pca
from embedlab.errors import BadItem, EmbedlabError
from embedlab.weights import LocalWeights

pytest_plugins = ["weights_fixtures"]


def test_the_perceiver_has_its_published_size(model: PerceiverEmbedder) -> None:
    assert sum(p.numel() for p in model.network.parameters()) == ROW.card.params
    assert abs(4 * ROW.card.params - ROW.weights.folder_bytes) < 200_000
    assert model.card.dim == ROW.card.dim == model.dim == 512
    assert model.card.pooling == ROW.card.pooling


@pytest.mark.slow
def test_both_ways_lead_to_the_same_latents(model: PerceiverEmbedder, films: el.Items) -> None:
    prepared = model.prepare(films.contents[0])
    (inputs,) = model.inputs(prepared)
    shapes = {name: tuple(x.shape) for name, x in inputs.items()}
    assert shapes == {"image": (1, 16, 3, 224, 224), "audio": (1, 30_720, 1), "label": (1, 700)}
    assert 0 <= float(inputs["image"].min()) < float(inputs["image"].max()) <= 1
    tutorial = latents_by_tutorial(model.network, inputs)
    encoder = latents_by_encoder(model.network, inputs)
    assert tutorial.shape == (784, 512)
    torch.testing.assert_close(encoder, tutorial, atol=1e-5, rtol=0)
    assert float(encoder.std()) > 0.1
    flat = model.with_pooling("flatten")
    np.testing.assert_allclose(model._compute([prepared], 1)[0], tutorial.mean(0), atol=1e-5)
    np.testing.assert_allclose(flat._compute([prepared], 1)[0], tutorial.ravel(), atol=1e-5)
    assert (flat.dim, flat.card.dim, flat.card.pooling) == (401_408, 401_408, "flatten")


@pytest.mark.slow
def test_picture_and_sound_both_count_and_the_label_does_not(model: PerceiverEmbedder) -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (1, 16, 224, 224, 3), dtype=np.uint8)
    samples = rng.uniform(-1, 1, (1, 30_720)).astype(np.float32)
    (plain,) = model.inputs(Windows(frames, samples))
    (dark,) = model.inputs(Windows(0 * frames, samples))
    (mute,) = model.inputs(Windows(frames, 0 * samples))
    base = latents_by_encoder(model.network, plain)
    for other in (dark, mute):
        assert float((latents_by_encoder(model.network, other) - base).abs().max()) > 1e-5
    named = {**plain, "label": torch.nn.functional.one_hot(torch.tensor([7]), 700).float()}
    torch.testing.assert_close(latents_by_encoder(model.network, named), base, atol=0, rtol=0)


@pytest.mark.slow
def test_order_batches_and_cache(model: PerceiverEmbedder, films: el.Items, tmp_path: Path) -> None:
    emb = model.embed(films)
    assert (emb.vectors.shape, emb.vectors.dtype) == ((3, 512), np.float32)
    assert (emb.layer, emb.pooling, emb.normalized) == ("last_hidden_state", "mean over the latents", False)
    assert emb.ids == films.ids
    assert len(np.unique(emb.vectors.round(5), axis=0)) == 3
    backwards = films.take(np.array([2, 1, 0]))
    again = model.embed(backwards, batch_size=1)
    assert (again.report.n_computed, again.report.n_cached) == (0, 3)
    np.testing.assert_array_equal(again.vectors[::-1], emb.vectors)
    np.testing.assert_allclose(model.embed_query(films.contents[2]), emb.vectors[2], atol=1e-5)
    assert el.Embeddings.load(emb.save(tmp_path / "e.parquet")).model == emb.model


@pytest.mark.slow
def test_layers_end_in_the_embedding(model: PerceiverEmbedder, films: el.Items) -> None:
    depth = el.embed_layers(films.take(np.array([1])), model)
    assert list(depth) == [f"hidden_states.{i}" for i in range(9)]
    assert {(e.dim, e.pooling) for e in depth.values()} == {(512, "mean over the latents")}
    last = model._compute([model.prepare(films.contents[1])], 1)
    np.testing.assert_allclose(depth["hidden_states.8"].vectors, last, atol=1e-5)
    with pytest.raises(NoSuchLayer, match=r"hidden_states\.9"):
        model.compute_layers([], ["hidden_states.9"], 1)


@pytest.mark.slow
def test_windows_are_averaged_and_kept_apart_in_the_cache(model: PerceiverEmbedder, tmp_path: Path) -> None:
    film(tmp_path / "a.mkv", seconds=1.36)
    items = el.Items.from_folder(tmp_path, modality="video")
    emb = model.embed(items)
    seen = model.prepare(items.contents[0])
    each = [model.latents(Windows(seen.frames[[i]], seen.samples[[i]])).mean(0) for i in range(2)]
    np.testing.assert_allclose(emb.vectors[0], np.mean(each, axis=0), atol=1e-5)
    middle = model.with_windows(1)
    assert middle.embed(items).report.n_computed == 1
    assert len(middle.prepare(items.contents[0])) == 1


@pytest.mark.parametrize(("say", "why"), [({"pooling": "max"}, "'mean' or 'flatten'"), ({"windows": 0}, "1")])
def test_other_choices_are_refused(model: PerceiverEmbedder, say: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        PerceiverEmbedder(model.card, model._found, model.network, **say)


def test_bad_films_are_named(model: PerceiverEmbedder, films: el.Items, tmp_path: Path) -> None:
    (tmp_path / "noise.mp4").write_bytes(b"x" * 999)
    with pytest.raises(BadItem, match=r"noise\.mp4"):
        model.embed(el.Items.from_folder(tmp_path, modality="video"))
    with pytest.raises(BadItem, match="embeds video, but these items are text"):
        model.embed(el.Items.from_texts(["a"]))


def test_flat_pca_is_that_of_scikit_learn(make_embeddings: Any) -> None:
    emb = make_embeddings(n=20, dim=3_000)
    ours = flat_pca(emb, 5)
    theirs = PCA(5, svd_solver="full").fit(emb.vectors.astype(np.float64))
    scores = theirs.transform(emb.vectors)
    np.testing.assert_allclose(np.abs(ours.vectors), np.abs(scores), atol=1e-3 * np.abs(scores).max())
    assert f"{theirs.explained_variance_ratio_.sum():.0%}" in ours.pooling
    assert (ours.vectors[np.abs(ours.vectors).argmax(0), range(5)] > 0).all()
    assert (ours.dim, ours.model.dim, ours.ids) == (5, 5, emb.ids)
    with pytest.raises(BadItem, match="20 components need more than 20 items, and there are 20"):
        flat_pca(emb, 20)


def test_a_folder_brought_by_hand_is_checked_and_loaded(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    (models / "video").mkdir(parents=True)
    (models / "video" / "perceiver").symlink_to(folder)
    monkeypatch.setenv("EMBEDLAB_MODELS", str(models))
    with pytest.warns(UserWarning, match="sha256"):
        assert weights.locate("video/perceiver") is None, "seeded weights are not the pinned ones"
    sha256 = weights.verify.sha256_of(folder / "pytorch_model.bin")
    files = (ROW.weights.files[0], WeightFile("pytorch_model.bin", 79_500_000, sha256))
    spec: Weights = dataclasses.replace(ROW.weights, files=files)
    monkeypatch.setitem(registry._ROWS, "video/perceiver", dataclasses.replace(ROW, weights=spec))
    loaded = el.load_model("video/perceiver")
    assert isinstance(loaded, PerceiverEmbedder)
    assert (loaded.card.source, loaded.card.sha256) == ("folder", sha256)
    kept = torch.load(folder / "pytorch_model.bin", weights_only=True)
    for name, value in loaded.network.state_dict().items():
        torch.testing.assert_close(value, kept[name], atol=0, rtol=0)


def test_weights_that_lack_something_are_refused(folder: Path, tmp_path: Path) -> None:
    kept = torch.load(folder / "pytorch_model.bin", weights_only=True)
    del kept["perceiver.embeddings.latents"]
    torch.save(kept, tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    with pytest.raises(EmbedlabError, match=r"1 weights are missing .*perceiver\.embeddings\.latents"):
        perceiver.load(ROW.card, LocalWeights(tmp_path, "a" * 64))

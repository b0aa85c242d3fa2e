"""The multimodal Perceiver: the real architecture, at full size, with seeded weights."""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
import math
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import pytest
import torch
from paths import ROOT
from pictures import picture
from sklearn.decomposition import PCA
from sounds import tone

import embedlab as el
from embedlab import weights
from embedlab.catalog import registry
from embedlab.catalog.pins import WeightFile, Weights
from embedlab.embedders import perceiver
from embedlab.embedders.layers import NoSuchLayer
from embedlab.embedders.perceiver import SIZE, PerceiverEmbedder
from embedlab.embedders.perceiver_latents import latents_by_encoder, latents_by_tutorial, reconstruct
from embedlab.embedders.video import Windows, WindowSize, read_windows, window_starts
from embedlab.embeddings.pca import flat_pca
from embedlab.errors import BadItem, EmbedlabError
from embedlab.weights import LocalWeights

pytest_plugins = ["weights_fixtures"]
ROW = registry.row("video/perceiver")


def film(
    path: Path, seed: int = 0, seconds: float = 0.64, hertz: float | None = 440.0, fps: int = 25
) -> Path:
    """A picture that moves to the right, grey level by grey level, and a tone."""
    wide = np.asarray(picture(seed, 400, 120))
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=fps)  # loses nothing: frames can be told apart
        stream.width, stream.height, stream.pix_fmt = 160, 120, "bgr0"
        heard = container.add_stream("pcm_s16le", rate=48_000, layout="mono") if hertz else None
        samples = (tone(seconds, 48_000, hertz or 440.0) * 2**15).astype(np.int16)
        for i in range(round(seconds * fps)):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(wide[:, 4 * i : 4 * i + 160]), "rgb24")
            container.mux(stream.encode(frame))
            if heard:  # frame by frame, as in a film
                part = samples[None, 48_000 * i // fps : 48_000 * (i + 1) // fps]
                sound = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), format="s16", layout="mono")
                sound.sample_rate = 48_000
                container.mux(heard.encode(sound))
        for ended in filter(None, (stream, heard)):
            container.mux(ended.encode(None))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of ``deepmind/multimodal-perceiver``: the config of the script that converted it (what it
    leaves out has its default), and seeded weights."""
    from transformers import PerceiverConfig, PerceiverForMultimodalAutoencoding

    config = PerceiverConfig(
        num_latents=784,
        d_latents=512,
        d_model=704,
        num_blocks=1,
        num_self_attends_per_block=8,
        num_self_attention_heads=8,
        num_cross_attention_heads=1,
        num_labels=700,
    )
    torch.manual_seed(0)
    network = PerceiverForMultimodalAutoencoding(config)
    path = tmp_path_factory.mktemp("perceiver")
    torch.save(network.state_dict(), path / "pytorch_model.bin")
    config.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def model(folder: Path) -> PerceiverEmbedder:
    return perceiver.load(ROW.card, LocalWeights(folder, "a" * 64))


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> el.Items:
    """Three films of one window each; the last has no sound."""
    path = tmp_path_factory.mktemp("films")
    for i, hertz in enumerate((440.0, 220.0, None)):
        film(path / f"{i}.mkv", i, hertz=hertz)
    return el.Items.from_folder(path, modality="video")


# -- windows: no network needed --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "most", "expected"),
    [
        (0.3, 4, [0.0]),
        (0.64, 4, [0.0]),
        (1.92, 4, [0.0, 0.64, 1.28]),
        (2.0, 4, [0.0133, 0.68, 1.3467]),
        (2.0, 1, [0.68]),
        (100.0, 4, [12.18, 37.18, 62.18, 87.18]),
    ],
)
def test_windows_are_spread_over_the_film(seconds: float, most: int, expected: list[float]) -> None:
    assert window_starts(seconds, SIZE.seconds, most) == pytest.approx(expected, abs=1e-4)


def test_a_window_is_that_of_the_original() -> None:
    assert (SIZE.seconds, SIZE.n_samples) == (0.64, 30_720)


def test_frames_follow_each_other_and_sound_keeps_step(tmp_path: Path) -> None:
    size = WindowSize(n_frames=16, fps=25, side=120, rate=48_000)
    path = film(tmp_path / "a.mkv", seconds=1.36)  # 34 frames: two windows, one frame left before each
    seen = read_windows(path, size, max_windows=4)
    assert (seen.frames.shape, seen.samples.shape) == ((2, 16, 120, 120, 3), (2, 30_720))
    wide = np.asarray(picture(0, 400, 120))
    whole = tone(1.36, 48_000)
    for row, first in enumerate((0.5, 17.5)):  # 0.02 s before the edge of a frame: the middle of 0.04 s
        for i in (0, 15):
            shown = math.floor(first + i + 0.5)
            np.testing.assert_array_equal(seen.frames[row, i], wide[:, 4 * shown + 20 : 4 * shown + 140])
        begin = round(first * 1920)
        np.testing.assert_allclose(seen.samples[row], whole[begin : begin + 30_720], atol=1e-3)
    one = read_windows(path, size, max_windows=1)
    assert len(one) == 1
    np.testing.assert_array_equal(one.frames[0, 0], wide[:, 4 * 9 + 20 : 4 * 9 + 140])
    part = read_windows(f"{path}#t=0.70,1.34", size, max_windows=4)
    np.testing.assert_array_equal(part.frames, seen.frames[1:])
    again = read_windows(path.read_bytes(), size, max_windows=4)
    np.testing.assert_array_equal(again.frames, seen.frames)
    np.testing.assert_array_equal(again.samples, seen.samples)


def test_other_frame_rates_are_seen_at_the_same_pace(tmp_path: Path) -> None:
    size = dataclasses.replace(SIZE, side=120)
    slow = read_windows(film(tmp_path / "a.mkv", seconds=0.7, fps=10), size, max_windows=4).frames[0]
    changes = (slow[1:] != slow[:-1]).any(axis=(1, 2, 3))
    assert changes.sum() == 6, "seven frames of a tenth of a second, each shown two or three times"


def test_a_short_film_goes_on_with_its_last_frame_and_silence(tmp_path: Path) -> None:
    size = dataclasses.replace(SIZE, side=120)
    seen = read_windows(film(tmp_path / "a.mkv", seconds=0.2), size, max_windows=4)
    assert len(seen) == 1
    assert (seen.frames[0, 5:] == seen.frames[0, 4]).all()
    assert (seen.frames[0, 3] != seen.frames[0, 4]).any()
    assert np.abs(seen.samples[0, :9_600]).max() > 0.2
    assert not seen.samples[0, 9_600:].any()


def test_frames_in_memory_count_as_25_a_second() -> None:
    frames = np.zeros((40, 130, 150, 3), np.uint8) + np.arange(40, dtype=np.uint8)[:, None, None, None]
    seen = read_windows(frames, SIZE, max_windows=4)
    assert seen.frames[:, :, 0, 0, 0].tolist() == [list(range(2, 18)), list(range(22, 38))]
    assert not seen.samples.any()
    assert len(read_windows(frames[:3], SIZE, max_windows=4)) == 1


# -- both ways to the latents ----------------------------------------------------------------------------


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


# -- embedding -------------------------------------------------------------------------------------------


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


# -- flattened latents, made fewer -----------------------------------------------------------------------


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


# -- loading ---------------------------------------------------------------------------------------------


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


# -- the small Perceiver that comes with embedlab ----------------------------------------------------------


def test_the_small_one_comes_along_and_is_small() -> None:
    found = weights.locate("video/perceiver-mini")
    assert found is not None
    assert found.source == "shipped"
    assert (found.path / "model.safetensors").stat().st_size < 6_000_000
    mini = el.load_model("video/perceiver-mini")
    assert sum(p.numel() for p in mini.network.parameters()) == mini.card.params


def test_a_damaged_copy_is_refused_with_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "perceiver-mini").mkdir()
    for name in ("config.json", "model.safetensors"):
        (tmp_path / "perceiver-mini" / name).write_bytes(b"no")
    monkeypatch.setattr(importlib.import_module("embedlab.weights.locate"), "data_folder", lambda: tmp_path)
    assert not el.available("video/perceiver-mini")
    with pytest.raises(EmbedlabError, match=r"(?s)with embedlab: .*pinned\. Install embedlab again"):
        weights.fetch("video/perceiver-mini")


def test_it_gives_back_held_out_clips_better_than_their_mean_frame() -> None:
    """PSNR in dB, of combinations of object, motion and sound that the training never saw."""
    mini, clips = el.load_model("video/perceiver-mini"), el.load_dataset("clips")
    some = clips.select(clips.frame["split"] == "held-out").take(np.arange(0, 96, 8))
    errors, still = [], []
    for path in some.contents:
        seen = mini.prepare(path)
        given = reconstruct(mini.network, next(mini.inputs(seen)))["image"]
        pixels = given * mini.size.pixel_std + mini.size.pixel_mean
        frames = seen.frames[0] / 255
        errors.append(((pixels - frames) ** 2).mean())
        still.append(((frames - frames.mean(axis=0)) ** 2).mean())
    better = 10 * np.log10(np.mean(still) / np.mean(errors))
    assert better > 3, f"{better:.1f} dB"


def test_it_knows_more_of_a_clip_than_an_untrained_one() -> None:
    from embedlab.lessons.lesson_06 import agreement, untrained

    mini, clips = el.load_model("video/perceiver-mini"), el.load_dataset("clips")
    trained, raw = (el.embed(clips, model).vectors for model in (mini, untrained(mini)))
    for factor, least in {"object": 0.05, "motion": 0.4}.items():
        values = clips.frame[factor]
        assert agreement(trained, values) > agreement(raw, values) + least, factor


def test_the_training_goes_on_after_an_interrupt_as_if_there_had_been_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = _script("perceiver_mini")
    for name, value in {"N_CLIPS": 16, "BATCH": 4, "LOG": 1, "KEEP": 2, "LOOK": 4, "N_PIXELS": 32}.items():
        monkeypatch.setattr(training, name, value)
    made = training.made
    monkeypatch.setattr(training, "made", lambda n, *rest: made(min(n, 16), *rest))
    straight, interrupted = tmp_path / "straight", tmp_path / "interrupted"
    for folder in (straight, interrupted):
        folder.mkdir()
    whole = training.train(4, straight, tmp_path / "out").state_dict()
    training.train(4, interrupted, tmp_path / "out", stop=2)
    resumed = training.train(4, interrupted, tmp_path / "out").state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    looks = pd.read_csv(tmp_path / "out" / "held_out.csv")
    assert looks["clips"].tolist() == ["train", "held-out"]
    assert len(pd.read_csv(tmp_path / "out" / "log.csv")) == 4


def _script(name: str) -> Any:
    path = ROOT / "data" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

"""Whisper on short clips: all thirty seconds, none of the silence, or stand-ins for it; and an hour of sound.

What is compared is the digit that the nearest clip has, the cosine to the exact vectors, and clips a second.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

import embedlab as el
from embedlab.comparison.tasks import knn_accuracy
from embedlab.embedders import vector_cache, whisper
from embedlab.embedders.speaker import SpeakerEmbedder
from embedlab.embedders.whisper import SAMPLES_PER_FRAME, WhisperEmbedder, count_frames
from embedlab.media import audio
from embedlab.media.mel import log_mel

TURNS, SOME = 3, 30  # clips in each turn of the race; accuracy and cosine are of all of them
SHARED = Path(__file__).parents[3] / "shared" / "data" / "audio" / "fsdd_300"
SETTINGS = ((50, 96), (75, 96), (100, 48), (100, 96), (100, 192))  # frames of silence, stand-ins


def recordings() -> el.Items:
    """300 spoken digits beside the project, or the sample voices."""
    if SHARED.is_dir():
        items = el.Items.from_folder(SHARED, modality="audio")
        digit = [Path(path).name[0] for path in items.contents]  # 7_theo_3.wav
        return el.Items(items.frame.assign(label=digit), "audio", items.name)
    return el.load_dataset("voices")


def article(model: WhisperEmbedder, paths: list[str]) -> np.ndarray:
    """One clip at a time through transformers, thirty seconds each; the mean over the real frames."""
    from transformers import WhisperFeatureExtractor

    extract, out = WhisperFeatureExtractor(), []
    for path in paths:
        clip = audio.read_audio(path)
        features = extract(clip, sampling_rate=16_000, return_tensors="pt").input_features
        with torch.no_grad():
            states = model.network.model.encoder(features).last_hidden_state[0]
        out.append(states[: count_frames(len(clip))].mean(0).numpy())
    return np.stack(out)


@torch.inference_mode()
def no_silence(model: WhisperEmbedder, paths: list[str]) -> np.ndarray:
    """The clip alone, as if the thirty seconds did not matter: what one would try first."""
    encoder, out = model.network.model.encoder, []
    for path in paths:
        clip = torch.from_numpy(audio.read_audio(path))
        frames = count_frames(len(clip))
        samples = torch.nn.functional.pad(clip, (0, frames * SAMPLES_PER_FRAME - len(clip)))[None]
        waves = torch.nn.functional.gelu(encoder.conv1(log_mel(samples)))
        states = torch.nn.functional.gelu(encoder.conv2(waves)).transpose(1, 2)
        states = states + encoder.embed_positions.weight[: states.shape[1]]
        for layer in encoder.layers:
            states = layer(states, None)
            states = states[0] if isinstance(states, tuple) else states
        out.append(encoder.layer_norm(states)[0].mean(0).numpy())
    return np.stack(out)


def ours(model: Any, items: el.Items) -> np.ndarray:
    """``embed()`` with an empty cache."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        vector_cache.folder = lambda place=Path(folder): place
        return model.embed(items).vectors


def digits(items: el.Items, vectors: np.ndarray, card: Any) -> float:
    return float(knn_accuracy(el.Embeddings(vectors, items, card, card.layer, card.pooling, False)))


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def with_setting(model: WhisperEmbedder, near: int, stand_ins: int, items: el.Items) -> np.ndarray:
    kept = whisper._NEAR, whisper._N_SAMPLED
    whisper._NEAR, whisper._N_SAMPLED = near, stand_ins
    try:
        return ours(model, items)
    finally:
        whisper._NEAR, whisper._N_SAMPLED = kept


def race(model: WhisperEmbedder, items: el.Items) -> None:
    full, paths = model.with_context("full"), items.contents
    ways: dict[str, Callable[[el.Items], np.ndarray]] = {
        "transformers, one clip at a time": lambda some: article(model, some.contents),
        'embed(), context="full"': lambda some: ours(full, some),
        "no silence at all": lambda some: no_silence(model, some.contents),
    }
    for near, stand_ins in SETTINGS:
        name = f"{near / 50:g} s of silence, {stand_ins} stand-ins"
        ways[name] = lambda some, n=near, s=stand_ins: with_setting(model, n, s, some)
    own = f"{whisper._NEAR / 50:g} s of silence, {whisper._N_SAMPLED} stand-ins"
    some = items.take(np.linspace(0, len(items) - 1, SOME).astype(int))
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, way in ways.items():
            started = time.perf_counter()
            way(some)
            times[name].append(time.perf_counter() - started)
    exact = ours(full, items)
    np.testing.assert_allclose(article(model, paths[:20]), exact[:20], atol=2e-3)
    slowest = times['embed(), context="full"']
    for name, way in ways.items():
        rate = SOME / statistics.median(times[name])
        line = f"  {name + (' (the default)' if name == own else ''):<42}{rate:6.1f} clips/s"
        ratio = statistics.median(a / b for a, b in zip(slowest, times[name], strict=True))
        vectors = exact if name.startswith(("embed", "transf")) else way(items)
        same = cosine(vectors, exact)
        print(
            f"{line}  {ratio:5.1f} x   1-NN {digits(items, vectors, model.card):.3f}   "
            f"cosine {same.mean():.4f}, least {same.min():.4f}"
        )


def speaker(items: el.Items) -> None:
    model = el.load_model("audio/speaker")
    assert isinstance(model, SpeakerEmbedder)
    started = time.perf_counter()
    vectors = ours(model, items)
    rate = len(items) / (time.perf_counter() - started)
    print(f"  {model.card.name}: {rate:.0f} clips/s, 1-NN {digits(items, vectors, model.card):.3f}")


def an_hour(model: WhisperEmbedder) -> None:
    """Peak of resident memory while an hour is read; the network is replaced: reading is what is measured."""
    process, read = psutil.Process(), model.embed_clips
    peak, windows = 0, 0

    def watched(clips: list[np.ndarray], layers: Any) -> tuple[dict[str, np.ndarray], np.ndarray]:
        nonlocal peak, windows
        peak, windows = max(peak, process.memory_info().rss), windows + len(clips)
        return {name: np.ones((len(clips), model.dim), np.float32) for name in layers}, np.ones(len(clips))

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path, rng = Path(folder, "hour.wav"), np.random.default_rng(0)
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            for _ in range(3600):
                file.writeframes((3000 * rng.normal(size=16_000)).astype("<i2").tobytes())
        items = el.Items.from_folder(folder, modality="audio")
        model.embed_clips = watched  # type: ignore[method-assign]
        before, started = process.memory_info().rss, time.perf_counter()
        try:
            ours(model, items)
        finally:
            model.embed_clips = read  # type: ignore[method-assign]
    print(
        f"  an hour at 16 kHz (230 MB as float32): {windows} windows, {(peak - before) / 1e6:.0f} MB more "
        f"memory, read twice in {time.perf_counter() - started:.1f} s"
    )


def main() -> None:
    items, model = recordings(), el.load_model("audio/whisper-base")
    assert isinstance(model, WhisperEmbedder)
    seconds = [len(audio.read_audio(path)) / audio.RATE for path in items.contents]
    print(
        f"audio, {model.card.name}, n = {len(items)} ({items.name}, median "
        f"{statistics.median(seconds):.2f} s), {TURNS} turns of {SOME} clips, medians"
    )
    an_hour(model)  # first: afterwards the process holds memory that others left
    race(model, items)
    speaker(items)


if __name__ == "__main__":
    main()

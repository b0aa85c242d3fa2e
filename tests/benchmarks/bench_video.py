"""Video: what each embedding knows of a clip; instance retrieval on real clips; and what the decoder costs.

The published Perceiver has its own size here and seeded weights: that tells its time, never its quality.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

import embedlab as el
from embedlab.embedders.fusion import FramesAndSound
from embedlab.embedders.perceiver import SIZE, PerceiverEmbedder
from embedlab.embedders.perceiver_latents import latents_by_encoder, latents_by_tutorial
from embedlab.embeddings.pca import flat_pca
from embedlab.lessons.lesson_06 import untrained

SHARED = Path(__file__).parents[3] / "shared" / "data" / "video" / "intel_clips"
FACTORS = ("object", "motion", "sound")
TURNS = 3


def vectors_of(items: el.Items) -> dict[str, Callable[[], np.ndarray]]:
    """Every embedding that is compared, computed when it is asked for."""
    fusion, mini = el.load_model("video/frames+sound"), el.load_model("video/perceiver-mini")
    assert isinstance(fusion, FramesAndSound)
    assert isinstance(mini, PerceiverEmbedder)

    def parts(*names: str) -> Callable[[], np.ndarray]:
        return lambda: el.embed(items, fusion.with_parts(*names)).vectors

    def flat(model: PerceiverEmbedder) -> Callable[[], np.ndarray]:
        return lambda: flat_pca(el.embed(items, model.with_pooling("flatten")), 64).vectors

    return {
        "frames+sound: picture": parts("picture"),
        "frames+sound: motion": parts("motion"),
        "frames+sound: direction": parts("direction"),
        "frames+sound: sound": parts("sound"),
        "frames+sound: picture, motion, sound (the default)": parts("picture", "motion", "sound"),
        "frames+sound: picture, direction, sound": parts("picture", "direction", "sound"),
        "perceiver-mini untrained, mean": lambda: el.embed(items, untrained(mini)).vectors,
        "perceiver-mini untrained, flattened, PCA 64": flat(untrained(mini)),
        "perceiver-mini, mean": lambda: el.embed(items, mini).vectors,
        "perceiver-mini, flattened, PCA 64": flat(mini),
    }


def nearest_agrees(vectors: np.ndarray, values: Any) -> float:
    """Share of items whose nearest other item, by cosine, has the same value."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -2)
    values = np.asarray(values)
    return float((values[cosines.argmax(axis=1)] == values).mean())


def chance(values: pd.Series) -> float:
    """The share that a neighbour drawn by lot would have."""
    counts = values.value_counts()
    return float((counts * (counts - 1)).sum() / len(values) / (len(values) - 1))


def factors() -> None:
    """1-NN accuracy for each factor of the clips."""
    clips = el.load_dataset("clips")
    print(f"1-NN on clips, n = {len(clips)}")
    print("| embedding | object | motion | sound |\n| --- | --- | --- | --- |")
    print(f"| by chance | {' | '.join(f'{chance(clips.frame[f]):.2f}' for f in FACTORS)} |")
    for name, compute in vectors_of(clips).items():
        vectors = compute()
        shares = [nearest_agrees(vectors, clips.frame[factor]) for factor in FACTORS]
        print(f"| {name} | {' | '.join(f'{share:.2f}' for share in shares)} |")


def instances() -> None:
    """The nearest clip of the same film: pieces of thirteen real films without sound."""
    if not SHARED.is_dir():
        print("intel_clips are not beside the project: left out")
        return
    frame = pd.DataFrame(json.loads((SHARED / "metadata.json").read_text("utf-8")))
    frame = frame.assign(id=frame["file"], path=[str(SHARED / file) for file in frame["file"]])
    items = el.Items(frame[["id", "path", "label"]], "video", "intel_clips")
    print(f"\ninstance retrieval on intel_clips, n = {len(items)}, by chance {chance(frame['label']):.2f}")
    print("| embedding | nearest clip is of the same film |\n| --- | --- |")
    for name, compute in vectors_of(items).items():
        if "sound" not in name.partition(": ")[2]:
            print(f"| {name} | {nearest_agrees(compute(), frame['label']):.3f} |")


def both_ways() -> None:
    """Latents of one window by the encoder alone, and with the decoder as the tutorial has it."""
    from transformers import PerceiverConfig, PerceiverForMultimodalAutoencoding

    torch.manual_seed(0)
    config = PerceiverConfig(
        num_latents=784, d_latents=512, d_model=704, num_blocks=1, num_self_attends_per_block=8,
        num_self_attention_heads=8, num_cross_attention_heads=1, num_labels=700,
    )  # fmt: skip
    network: Any = PerceiverForMultimodalAutoencoding(config).eval()
    inputs = {
        "image": torch.rand(1, SIZE.n_frames, 3, SIZE.side, SIZE.side),
        "audio": torch.rand(1, SIZE.n_samples, 1) - 0.5,
        "label": torch.zeros(1, 700),
    }
    ways = {"encoder alone": latents_by_encoder, "one part of 128 decoded": latents_by_tutorial}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, way in ways.items():
            started = time.perf_counter()
            way(network, inputs)
            seconds[name].append(time.perf_counter() - started)
    print("\nlatents of one window, the published size with seeded weights")
    fastest = statistics.median(seconds["encoder alone"])
    for name, each in seconds.items():
        median = statistics.median(each)
        print(f"{name}: {median:.2f} s, {median / fastest:.2f} x")


def main() -> None:
    factors()
    instances()
    both_ways()

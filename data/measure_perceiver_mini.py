"""Write the figures of ``video/perceiver-mini`` into its card, ``data/perceiver-mini/README.md``.

``python data/measure_perceiver_mini.py`` takes a minute. It reads ``log.csv`` and ``held_out.csv``, which the
training wrote, and asks the network itself what its vectors know of the sample data ``clips``.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

import embedlab as el
from embedlab.embedders.perceiver import PerceiverEmbedder
from embedlab.embedders.perceiver_latents import reconstruct
from embedlab.embeddings.pca import flat_pca
from embedlab.lessons.lesson_06 import untrained
from embedlab.palette import CATEGORIES, GREY, INK
from embedlab.samples import clips

HERE = Path(__file__).parent / "perceiver-mini"
FACTORS = ("object", "motion", "sound")
SEEDS = (0, 1, 2)
SHOWN = (("moon", "falls", "wind"), ("star", "grows", "tone"), ("arrow", "goes left", "siren"))


def factors(emb: el.Embeddings) -> list[float]:
    """How often the nearest other clip has the same object, motion and sound (cosine)."""
    unit = emb.normalize().vectors
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -2)
    nearest = cosines.argmax(axis=1)
    values = (emb.items.frame[name].to_numpy() for name in FACTORS)
    return [float((value[nearest] == value).mean()) for value in values]


def table(model: PerceiverEmbedder) -> str:
    """Rows for the two poolings, trained and not, as Markdown."""
    items = el.load_dataset("clips")
    counts = [items.frame[name].value_counts().iloc[0] for name in FACTORS]
    rows = {"by chance": [(n - 1) / (len(items) - 1) for n in counts]}
    poolings: dict[str, Any] = {
        "mean over the latents": lambda m: el.embed(items, m),
        "flattened, 64 principal components": lambda m: flat_pca(
            el.embed(items, m.with_pooling("flatten")), 64
        ),
    }
    for words, pooled in poolings.items():
        each = [factors(pooled(untrained(model, seed))) for seed in SEEDS]
        rows[f"untrained, {words}"] = np.mean(each, axis=0).tolist()
    for words, pooled in poolings.items():
        rows[f"trained, {words}"] = factors(pooled(model))
    lines = [
        f"| {name} | {' | '.join(f'{share:.2f}' for share in shares)} |" for name, shares in rows.items()
    ]
    return "\n".join(
        ["| nearest clip has the same | object | motion | sound |", "| --- | --- | --- | --- |", *lines]
    )


def reconstruction(looks: pd.DataFrame) -> str:
    """The last look at clips that the training never saw, as Markdown."""
    last = looks[looks["step"] == looks["step"].max()].set_index("clips")
    rows = {
        "PSNR of the picture, dB": "psnr",
        "… of always giving the mean of all training frames": "psnr_of_mean_frame",
        "… of giving each clip its own mean frame": "psnr_of_own_mean_frame",
        "sound: signal to noise, dB (0 is silence)": "sound_snr",
        "the object's name guessed right (chance 0.12)": "name_right",
    }
    lines = [f"| {w} | {last.loc['train', c]:.2f} | {last.loc['held-out', c]:.2f} |" for w, c in rows.items()]
    return "\n".join(
        ["| 144 new clips each | known combinations | held-out |", "| --- | --- | --- |", *lines]
    )


def curves(log: pd.DataFrame, looks: pd.DataFrame, path: Path) -> None:
    """The losses at the left, PSNR on unseen clips at the right."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.4, 3.4), layout="constrained")
    for name, color, guess in (
        ("picture", CATEGORIES[0], 1),
        ("name", CATEGORIES[6], np.log(8)),
        ("sound", "#B5532F", 1),
    ):
        smooth = (log[name] / guess).rolling(5, min_periods=1).mean()
        left.plot(log["step"], smooth, color=color, linewidth=1.6)
        _beside(left, name, (log["step"].iloc[-1], smooth.iloc[-1]), (5, 0), color)
    left.axhline(1, color=GREY, linewidth=1)
    left.set(ylim=(0, 1.25), xlabel="step", ylabel="loss in training, guessing = 1")
    own = looks[looks["clips"] == "held-out"]
    lines = {
        "given back": ("psnr", CATEGORIES[0]),
        "its own mean frame": ("psnr_of_own_mean_frame", "#777777"),
        "mean of all frames": ("psnr_of_mean_frame", "#777777"),
    }
    for name, (column, color) in lines.items():
        right.plot(own["step"], own[column], color=color, linewidth=2 if color == CATEGORIES[0] else 1)
        _beside(right, name, (own["step"].iloc[-1], own[column].iloc[-1]), (0, 9), color, ha="right")
    right.set(
        xlabel="step", ylabel="PSNR, held-out clips, dB", ylim=(own["psnr_of_mean_frame"].min() - 1, None)
    )
    for axes in (left, right):
        axes.set_xlim(0, 1.16 * log["step"].iloc[-1] if axes is left else 1.03 * log["step"].iloc[-1])
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=10, colors=INK)
    figure.savefig(path, dpi=80)
    plt.close(figure)


def _beside(
    axes: Any, words: str, point: tuple[float, float], by: tuple[int, int], color: str, ha: str = "left"
) -> None:
    place = {"xytext": by, "textcoords": "offset points", "va": "center", "ha": ha}
    axes.annotate(words, point, fontsize=11, color=color, **place)


def originals_and_what_came_back(model: PerceiverEmbedder, path: Path) -> None:
    """Three held-out combinations: eight frames, and below them what the decoder makes of the latents."""
    figure, grid = plt.subplots(
        2 * len(SHOWN), 9, figsize=(9.4, 5.9), layout="constrained", width_ratios=[1.9] + [1] * 8
    )
    for axes in grid.flat:
        axes.axis("off")
    for row, (thing, motion, sound) in enumerate(SHOWN):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "clip.mp4"
            clips.write(file, *clips.make(thing, motion, sound, 7_000_000 + row))
            film = model.prepare(file)
        back = reconstruct(model.network, next(model.inputs(film)))["image"]
        pixels = (back * model.size.pixel_std + model.size.pixel_mean).clip(0, 1)
        both = {f"{thing} {motion}": film.frames[0], "given back": pixels}
        for cells, (title, shown) in zip(grid[2 * row :], both.items(), strict=False):
            cells[0].text(0.97, 0.5, title, ha="right", va="center", fontsize=11, color=INK)
            for axes, frame in zip(cells[1:], shown, strict=True):
                axes.imshow(frame)
    figure.savefig(path, dpi=80)
    plt.close(figure)


def main() -> None:
    model = el.load_model("video/perceiver-mini")
    assert isinstance(model, PerceiverEmbedder)
    log, looks = pd.read_csv(HERE / "log.csv"), pd.read_csv(HERE / "held_out.csv")
    curves(log, looks, HERE / "curves.png")
    originals_and_what_came_back(model, HERE / "given_back.png")
    figures = {"reconstruction": reconstruction(looks), "neighbours": table(model)}
    card = HERE / "README.md"
    text = card.read_text("utf-8")
    for name, made in figures.items():
        text = re.sub(rf"(<!-- {name} -->\n).*?(\n<!-- end -->)", rf"\g<1>{made}\g<2>", text, flags=re.DOTALL)
        print(made, "\n")
    card.write_text(text, encoding="utf-8")
    size = sum(p.numel() for p in model.network.parameters())
    print(f"{size:,} parameters, trained for {log['seconds'].iloc[-1] / 60:.0f} minutes")


if __name__ == "__main__":
    torch.manual_seed(0)
    main()

"""Check the exercises and draw the pictures of lesson 06, video."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.colors import LinearSegmentedColormap
from PIL import Image

import embedlab as el
from embedlab.embedders.fusion import FramesAndSound
from embedlab.embedders.perceiver import PerceiverEmbedder
from embedlab.embedders.perceiver_latents import reconstruct
from embedlab.embeddings import unit_rows
from embedlab.lessons import Verdict, as_number, exercise, hint, right
from embedlab.lessons.showing import make_axes, show, show_photos, shrink
from embedlab.media import video
from embedlab.palette import CATEGORIES, GREY, INK
from embedlab.weights import LocalWeights

CLIP = "star-goes-right-siren-1"
LOOKER = "image/efficientnet-lite0"
SEEN, HEARD = CATEGORIES[0], "#B5532F"
_WARM = LinearSegmentedColormap.from_list("warm", ["#FFFFFF", "#EE8866", "#5A2410"])
_ORANGE = (238, 102, 51)
_CALM = LinearSegmentedColormap.from_list("calm", ["#FFFFFF", "#88CCEE", "#4477AA"])


@exercise("06/numbers")
def numbers(answer: object) -> Verdict:
    """Check how many numbers the clip of the lesson has: pixels x 3, plus samples."""
    number = as_number(answer)
    pixels, samples = 32 * 112 * 112, 32_000
    if number in (3 * pixels, pixels, pixels + samples):
        return hint("Every pixel has three numbers: red, green, blue. And do not forget the sound.")
    if number == samples:
        return hint("That is the sound. Now the pictures: frames times height times width times 3.")
    if number != 3 * pixels + samples:
        return hint(
            "frames.size counts the numbers in the pictures, sound.size those of the sound. Add them."
        )
    return right(
        "1,236,224, for two seconds the size of a stamp. The file has 70 times fewer bytes, because a film "
        "is mostly the same picture again."
    )


@exercise("06/shuffled")
def shuffled(answer: object) -> Verdict:
    """Check the part of a clip's vector that changes when its frames are shuffled."""
    given = str(answer).strip().strip("\"'").lower()
    if given in ("picture", "mean", "spread"):
        return hint("Mean and spread do not ask in which order the frames come. Look at the table again.")
    if given == "sound":
        return hint("The sound track was not shuffled. Only the frames were.")
    if given != "motion":
        return hint('Answer with the name of a part: "picture", "motion" or "sound".')
    return right(
        "In a shuffled clip each frame is far from the one before. So change from frame to frame does see "
        "order, but not which way it runs."
    )


@exercise("06/direction")
def direction(answer: object) -> Verdict:
    """Check 1-NN accuracy for the motion when a clip is its last frame minus its first."""
    number = as_number(answer)
    if 1 < number <= 100:
        return hint("A share from 0 to 1, please.")
    if number < 0.5:
        return hint("That is another vector. Take the last frame's minus the first's, for every clip.")
    if not abs(number - last_minus_first()) < 0.01:
        return hint("all_looks[:, -1] - all_looks[:, 0], and then agreement(…, 'motion').")
    return right(
        f"{number:.2f}, from one subtraction, where the parts of the big vector have half or less. Nothing "
        "was wrong with the network. The pooling had thrown the direction away."
    )


@exercise("06/alike")
def alike(answer: object) -> Verdict:
    """Check how many objects are in the ten clips that sound most like the lesson's clip."""
    number = as_number(answer)
    if number == 1:
        return hint('In the collection "seen" all would be stars. Ask the collection "sound".')
    if number != things_that_sound_alike(10):
        return hint('Ask the collection "sound" for k=11, leave out the clip itself, count the objects.')
    return right(
        "To this collection a star and a moon are the same, as long as both howl. You chose what "
        "*similar* means when you chose the parts."
    )


# -- numbers that the checks need ----------------------------------------------------------------------------


@cache
def first_takes() -> el.Items:
    """Return each combination of object, motion and sound once."""
    clips = el.load_dataset("clips")
    return clips.select(clips.frame["take"] == 1)


@cache
def last_minus_first() -> float:
    """Return 1-NN accuracy for the motion, for the last of eight frames minus the first."""
    clips, see = first_takes(), el.load_model(LOOKER)
    ends = [video.read_frames(path, 8, shorter_side=256)[[0, -1]] for path in clips.contents]
    moved = [see.embed_query(last) - see.embed_query(first) for first, last in ends]
    return agreement(np.stack(moved), clips.frame["motion"])


@cache
def things_that_sound_alike(k: int) -> int:
    """Return how many objects are in the ``k`` clips that sound most like the lesson's clip."""
    clips, fusion = first_takes(), el.load_model("video/frames+sound")
    assert isinstance(fusion, FramesAndSound)
    heard = el.embed(clips, fusion.with_parts("sound")).normalize().vectors
    cosines = heard @ heard[clips.ids.index(CLIP)]
    return int(clips.frame["object"].iloc[np.argsort(-cosines)[1 : k + 1]].nunique())


def agreement(vectors: np.ndarray, values: Any) -> float:
    """Return how often the nearest other vector, by cosine, has the same value."""
    unit = unit_rows(vectors, zeros="keep", dtype=vectors.dtype)
    cosines = unit @ unit.T
    np.fill_diagonal(cosines, -2)
    values = np.asarray(values)
    return float((values[cosines.argmax(axis=1)] == values).mean())


# -- the small Perceiver -------------------------------------------------------------------------------------


def given_back(model: PerceiverEmbedder, paths: Sequence[Any]) -> dict[str, np.ndarray]:
    """Return two rows for :func:`strips` per clip: the input, and what the decoder reconstructs."""
    rows: dict[str, np.ndarray] = {}
    for number, path in enumerate(paths):
        film = model.prepare(path)
        given = reconstruct(model.network, next(model.inputs(film)))["image"]
        pixels = given * model.size.pixel_std + model.size.pixel_mean
        rows["the clip" + " " * number] = film.frames[0]
        rows["given back" + " " * number] = (pixels.clip(0, 1) * 255).round().astype(np.uint8)
    return rows


def untrained(model: PerceiverEmbedder, seed: int = 0) -> PerceiverEmbedder:
    """Return the same network with random weights."""
    torch.manual_seed(seed)
    network = type(model.network)(model.network.config)
    card = dataclasses.replace(model.card, name=f"{model.card.name}, untrained")
    found = LocalWeights(model.path, f"random numbers, seed {seed}")
    return PerceiverEmbedder(card, found, network, model.size, model.pooling, model.windows)


# -- pictures ------------------------------------------------------------------------------------------------


def strips(rows: Mapping[str, np.ndarray], most: int = 8) -> None:
    """Show frames side by side, a row for each clip, with its title at the left.

    Parameters
    ----------
    rows : dict of title to frames, shape (n, height, width, 3)
    """
    figure, grid = plt.subplots(
        len(rows), most + 1, figsize=(1.7 + 0.98 * most, 1.02 * len(rows)), layout="constrained",
        squeeze=False, width_ratios=[1.7] + [1] * most,
    )  # fmt: skip
    for axes in grid.flat:
        axes.axis("off")
    for row, (title, frames) in zip(grid, rows.items(), strict=True):
        row[0].text(0.97, 0.5, title, ha="right", va="center", fontsize=11, color=INK)
        for axes, pixels in zip(row[1:], frames, strict=False):
            axes.imshow(_shrink(pixels))
    show_photos(figure)


def frames_and_wave(frames: np.ndarray, samples: np.ndarray, seconds: float) -> None:
    """Draw the frames of a clip at their times, above the spectrogram of its sound."""
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(9, 2.9), layout="constrained", sharex=True, height_ratios=[1.25, 1]
    )
    n = len(frames)
    for i, pixels in enumerate(frames):
        left = seconds * i / n
        above.imshow(_shrink(pixels), extent=(left + 0.01, left + seconds / n - 0.01, 0, 1), aspect="auto")
    above.set(xlim=(0, seconds), ylim=(0, 1), yticks=[])
    above.set_ylabel("picture", fontsize=11, color=SEEN)
    below.specgram(samples, NFFT=512, Fs=16_000, noverlap=384, cmap=_WARM, vmin=-110, vmax=-30)
    below.set(ylim=(0, 2_500), yticks=[0, 1_000, 2_000], xlabel="seconds")
    below.set_ylabel("pitch in Hz", fontsize=11, color=HEARD)
    for axes in (above, below):
        axes.spines[:].set_visible(False)
        axes.tick_params(labelsize=11, colors=INK, length=0)
        axes.xaxis.label.set(fontsize=11, color=INK)
    show_photos(figure)


def factor_table(scores: Mapping[str, Mapping[str, float]], chance: Mapping[str, float]) -> None:
    """Draw 1-NN accuracy as a table: a row per model, a column per factor; white is chance, blue is 1."""
    factors = list(chance)
    figure, axes = plt.subplots(figsize=(7.4, 0.42 * len(scores) + 0.95), layout="constrained")
    values = np.array([[row[factor] for factor in factors] for row in scores.values()])
    floor = np.array([chance[factor] for factor in factors])
    axes.imshow(((values - floor) / (1 - floor)).clip(0, 1), cmap=_CALM, vmin=0, vmax=1.15, aspect="auto")
    for (y, x), value in np.ndenumerate(values):
        axes.text(x, y, f"{value:.2f}", ha="center", va="center", fontsize=11.5, color=INK)
    for x, value in enumerate(floor):
        axes.text(x, len(scores) - 0.05, f"chance {value:.2f}", ha="center", va="center", fontsize=11,
                  color="#666666")  # fmt: skip
    axes.set_xticks(range(len(factors)), factors, fontsize=12, color=INK)
    axes.set_yticks(range(len(scores)), list(scores), fontsize=11.5, color=INK)
    axes.set_ylim(len(scores) + 0.3, -0.5)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    show(figure)


def where_it_looks(frames: np.ndarray, weights: Mapping[int, np.ndarray]) -> None:
    """Draw the attention of some latents over the patches of each frame.

    Parameters
    ----------
    frames : ndarray, shape (n_frames, side, side, 3)
    weights : dict of the latent's number to ndarray, shape (n_frames, rows, columns)
        Its attention to each patch, drawn in orange.
    """
    n = len(frames)
    figure, grid = plt.subplots(
        len(weights) + 1, n + 1, figsize=(1.4 + 0.95 * n, 1.0 * (len(weights) + 1)), layout="constrained",
        width_ratios=[1.4] + [1] * n,
    )  # fmt: skip
    for axes in grid.flat:
        axes.axis("off")
    for row, title in zip(grid, ["the clip", *(f"latent {i}" for i in weights)], strict=True):
        row[0].text(0.97, 0.5, title, ha="right", va="center", fontsize=11, color=INK)
    for axes, pixels in zip(grid[0, 1:], frames, strict=True):
        axes.imshow(pixels)
    for row, latent in zip(grid[1:], weights.values(), strict=True):
        light = (latent / latent.max()) ** 0.5
        for axes, pixels, seen in zip(row[1:], frames, light, strict=True):
            veil = np.asarray(Image.fromarray(seen.astype(np.float32)).resize(pixels.shape[1::-1], 0))
            share = 0.9 * veil[..., None]
            axes.imshow((pixels * (1 - share) + np.array(_ORANGE) * share).astype(np.uint8))
    show_photos(figure)


def training_curve(log: pd.DataFrame) -> None:
    """Draw the three losses of the small Perceiver during training, relative to guessing."""
    figure, axes = make_axes(3.3, 7.6)
    guess = {"picture": 1.0, "sound": 1.0, "name": np.log(8)}
    colors = {"picture": SEEN, "sound": HEARD, "name": "#117733"}
    for name, style in (("sound", "--"), ("name", ":"), ("picture", "-")):
        smooth = (log[name] / guess[name]).rolling(5, min_periods=1).mean()
        axes.plot(log["step"], smooth, style, color=colors[name], linewidth=2)
        axes.annotate(name, (log["step"].iloc[-1], smooth.iloc[-1]), (6, 0), textcoords="offset points",
                      va="center", fontsize=11, color=colors[name])  # fmt: skip
    axes.axhline(1, color=GREY, linewidth=1)
    axes.set(ylim=(0, 1.2), xlim=(0, 1.13 * log["step"].iloc[-1]))
    axes.set_xlabel("step", fontsize=11, color=INK)
    axes.set_ylabel("error, guessing = 1", fontsize=11, color=INK)
    show(figure)


def found(clips: el.Items, answers: Mapping[str, Sequence[str]]) -> None:
    """Show the clips that searches found: a row for each question, three frames for each clip."""
    columns = max(map(len, answers.values()))
    figure, grid = plt.subplots(
        len(answers), columns + 1, figsize=(1.3 + 2.0 * columns, 1.12 * len(answers)), layout="constrained",
        squeeze=False, width_ratios=[0.75] + [1] * columns,
    )  # fmt: skip
    for axes in grid.flat:
        axes.axis("off")
    for row, (title, ids) in zip(grid, answers.items(), strict=True):
        row[0].text(0.97, 0.5, title, ha="right", va="center", fontsize=11, color=INK)
        for axes, id in zip(row[1:], ids, strict=False):
            frames = video.read_frames(clips.row(id)["path"], 3, shorter_side=72)
            axes.imshow(np.hstack([_shrink(frame, 72) for frame in frames]))
            axes.set_title(_name(clips.row(id)), fontsize=9.5, color=INK, pad=3)
    show_photos(figure)


def _name(row: Any) -> str:
    if "motion" in row:
        return f"{row['object']} {row['motion']}, {row['sound']}"
    return str(row["id"])


def _shrink(pixels: np.ndarray, height: int = 96) -> np.ndarray:
    return shrink(Image.fromarray(pixels), (2 * height, height))

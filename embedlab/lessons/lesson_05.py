"""Check the exercises and draw the pictures of lesson 05, audio."""

from __future__ import annotations

import math
import wave
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch

import embedlab as el
from embedlab.lessons import Verdict, as_number, exercise, hint, right
from embedlab.lessons.showing import show
from embedlab.media import audio
from embedlab.media.audio import RATE
from embedlab.media.mel import log_mel
from embedlab.palette import CATEGORIES, INK

WHISPER, SPEAKER = "audio/whisper-base", "audio/speaker"
CLIP = "music-low-slow"


@exercise("05/frames")
def frames(answer: object) -> Verdict:
    """Check how many frames of 20 ms the clip of the lesson fills."""
    number, samples = as_number(answer), len(audio.read_audio(el.load_dataset("voices").row(CLIP)["path"]))
    exact = samples / 320
    if number == 1500:
        return hint("1,500 is what the encoder computes for any clip. How many of them hear the word?")
    if number == samples:
        return hint("Those are the samples. One frame is made of 320 of them: 20 ms.")
    if number != math.ceil(exact):
        return hint("Divide the number of samples by 320, and count a frame that has begun.")
    share = number / 1500
    return right(
        f"{number:.0f} of 1,500: {share:.0%} of the vectors are about the word, the rest about silence."
    )


@exercise("05/voice")
def voice(answer: object) -> Verdict:
    """Check the model for finding all recordings of one person."""
    given = str(getattr(getattr(answer, "card", None), "name", answer)).strip().strip("\"'").lower()
    if "whisper" in given:
        return hint("Look at the bars: how often is Whisper's nearest clip by the same voice?")
    if "speaker" not in given:
        return hint(f'Answer with the name of a model, in quotation marks: "{WHISPER}" or "{SPEAKER}".')
    return right("The better model depends on the question. Ask the question first, then choose.")


@exercise("05/others")
def others(answer: object) -> Verdict:
    """Check how often the nearest clip by another voice says the same word, for the speaker model."""
    number, exact = as_number(answer), same_word_other_voice(SPEAKER)
    if 1 < number <= 100:
        return hint("A share from 0 to 1, please.")
    if abs(number - word_share(SPEAKER)) < 0.005:
        return hint("That is with all clips. Leave out the clips by the same voice: set their cosine to -1.")
    if abs(number - same_word_other_voice(WHISPER)) < 0.005:
        return hint("That is Whisper. The question is about the speaker model.")
    if abs(number - exact) > 0.005:
        return hint("For each clip: the highest cosine among clips of other voices. Do the words agree?")
    return right(
        f"{exact:.2f}, where Whisper has {same_word_other_voice(WHISPER):.2f}. It looked better before: "
        "a voice saying a word slowly is near the same voice saying it fast."
    )


# -- numbers that the checks need ----------------------------------------------------------------------------


@cache
def cosines(model: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the cosines of all pairs of clips, the words and the voices of the clips."""
    voices = el.load_dataset("voices")
    unit = el.embed(voices, model).normalize().vectors
    matrix = unit @ unit.T
    np.fill_diagonal(matrix, -1)
    return matrix, np.array(voices.labels), voices.frame["voice"].to_numpy()


def word_share(model: str) -> float:
    """Return how often the nearest clip says the same word."""
    matrix, words, _ = cosines(model)
    return float((words[matrix.argmax(axis=1)] == words).mean())


def same_word_other_voice(model: str) -> float:
    """Return how often the nearest clip by another voice says the same word."""
    matrix, words, voices = cosines(model)
    allowed = np.where(voices[:, None] == voices, -1, matrix)
    return float((words[allowed.argmax(axis=1)] == words).mean())


# -- things to embed -----------------------------------------------------------------------------------------


def walk(path: Path, kinds: Sequence[str], seconds: float = 5.0, gap: float = 0.5) -> list[str]:
    """Write a recording in which several kinds of sound follow each other.

    Returns
    -------
    list of str
        The kinds in order.
    """
    frame = el.load_dataset("sounds").frame
    pieces = []
    for number, kind in enumerate(kinds):
        clip = audio.read_audio(frame[frame["label"] == kind]["path"].iloc[number % 10])
        piece = np.tile(np.pad(clip, (0, round(gap * RATE))), 5)[: round(seconds * RATE)]
        pieces.append(piece)
    samples = np.concatenate(pieces)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples.clip(-1, 1) * 32_767).astype("<i2").tobytes())
    return list(kinds)


# -- pictures ------------------------------------------------------------------------------------------------


def wave_and_mel(clip: np.ndarray) -> None:
    """Draw a waveform above the mel spectrogram of the same clip."""
    figure, (top, below) = plt.subplots(
        2, 1, figsize=(8, 4.2), height_ratios=(1, 1.6), sharex=True, layout="constrained"
    )
    times = np.arange(len(clip)) / RATE
    top.plot(times, clip, color=CATEGORIES[0], linewidth=0.6)
    top.set_ylabel("pressure", fontsize=11, color=INK)
    mel = log_mel(torch.from_numpy(clip)).numpy()
    below.imshow(mel, origin="lower", aspect="auto", cmap="viridis", extent=(0, times[-1], 0, 80))
    below.set_ylabel("mel band", fontsize=11, color=INK)
    below.set_xlabel("seconds", fontsize=11, color=INK)
    for axes in (top, below):
        axes.tick_params(labelsize=10.5, colors=INK)
        axes.spines[["top", "right"]].set_visible(False)
    show(figure)


def four_maps(projections: Mapping[str, Any], columns: Mapping[str, str]) -> None:
    """Draw maps of the same items: a row for each model, a column for each way to colour them.

    Parameters
    ----------
    projections : mapping of str to Projection
    columns : mapping of str to str
        The title of a column of maps, and the column of the items that colours it.
    """
    figure, grid = plt.subplots(
        len(projections), len(columns), figsize=(9, 4.4 * len(projections)), layout="constrained"
    )
    for row, (name, projection) in zip(grid, projections.items(), strict=True):
        for axes, (title, column) in zip(row, columns.items(), strict=True):
            values = projection.embeddings.items.frame[column].to_numpy()
            islands = {}
            span = np.ptp(projection.coords, axis=0).max()
            for place, value in enumerate(sorted(set(values))):
                shown = projection.coords[values == value]
                marker = "oDsP^*"[place // len(CATEGORIES) % 6]
                color = CATEGORIES[place % len(CATEGORIES)]
                axes.scatter(*shown.T, s=20, color=color, marker=marker, linewidths=0)
                near = np.linalg.norm(shown[:, None] - shown, axis=2) < 0.07 * span
                if near.sum(axis=1).max() >= 0.5 * len(shown):  # scattered groups get no name
                    islands[value] = shown[near[near.sum(axis=1).argmax()]].mean(axis=0)
            _name_islands(axes, islands, span)
            axes.margins(0.12)
            axes.set_title(f"{name}, coloured by {title}", fontsize=12, color=INK)
            axes.set(xticks=[], yticks=[], aspect="equal", adjustable="datalim")
            axes.spines[:].set_color("#DDDDDD")
    show(figure)


def _name_islands(axes: Any, islands: Mapping[str, np.ndarray], span: float) -> None:
    """Write a name beside each island, above it or, if that is taken, below, right or left."""
    taken = [(x, y, 0.05, 0.05) for x, y in (at / span for at in islands.values())]
    for name, at in islands.items():
        x, y = at / span
        wide = 0.021 * len(name)
        spots = [(x, y + 0.06), (x, y - 0.06), (x + wide / 2 + 0.05, y), (x - wide / 2 - 0.05, y)]
        free = [
            (u, v)
            for u, v in spots
            if not any(abs(u - p) < (wide + w) / 2 and abs(v - q) < (0.04 + h) / 2 for p, q, w, h in taken)
        ]
        u, v = (free or spots)[0]
        taken.append((u, v, wide, 0.04))
        axes.text(u * span, v * span, name, ha="center", va="center", fontsize=10, color=INK)


def two_bars(shares: Mapping[str, Mapping[str, float]], xlabel: str) -> None:
    """Draw shares from 0 to 1: a group of bars for each model, a bar for each question."""
    questions = list(next(iter(shares.values())))
    figure, axes = plt.subplots(figsize=(8, 1.0 + 1.0 * len(shares)), layout="constrained")
    for j, question in enumerate(questions):
        places = np.arange(len(shares)) + (j - (len(questions) - 1) / 2) * 0.36
        values = [found[question] for found in shares.values()]
        drawn = axes.barh(places, values, 0.33, color=(CATEGORIES[0], CATEGORIES[7])[j % 2], label=question)
        axes.bar_label(drawn, fmt="%.2f", padding=4, fontsize=11)
    axes.set_yticks(range(len(shares)), list(shares), fontsize=11, color=INK)
    axes.set(xlim=(0, 1.12), xticks=[0, 0.5, 1])
    axes.set_xlabel(xlabel, fontsize=11, color=INK)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1), fontsize=11)
    show(figure)


def crossing(curves: Mapping[str, Sequence[float]], names: Sequence[str]) -> None:
    """Draw one line for each question, from the first layer to the last."""
    figure, axes = plt.subplots(figsize=(8, 3.8), layout="constrained")
    for (question, values), color, marker in zip(
        curves.items(), (CATEGORIES[0], CATEGORIES[7]), "os", strict=False
    ):
        axes.plot(values, color=color, marker=marker, markersize=8, label=question)
        axes.annotate(f"{values[0]:.2f}", (0, values[0]), (-8, 8), textcoords="offset points", ha="center")
        last = len(values) - 1
        axes.annotate(
            f"{values[-1]:.2f}", (last, values[-1]), (8, 8), textcoords="offset points", ha="center"
        )
    axes.set_xticks(range(len(names)), names, fontsize=11, color=INK)
    axes.set(ylim=(0, 1.12), xlim=(-0.3, len(names) - 0.7))
    axes.set_xlabel("hidden state", fontsize=11, color=INK)
    axes.set_ylabel("nearest clip agrees", fontsize=11, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=11, loc="lower center", bbox_to_anchor=(0.55, 0.02))
    show(figure)

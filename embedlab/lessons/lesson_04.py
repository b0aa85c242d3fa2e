"""Check the exercises and draw the pictures of lesson 04, pictures and words."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

import embedlab as el
from embedlab.comparison.scores import Score
from embedlab.lessons import Verdict, as_number, exercise, hint, right
from embedlab.lessons.showing import show, show_photos, shrink
from embedlab.media.image import read_image
from embedlab.palette import CATEGORIES, GREY, INK

MODEL = "multimodal/aligned-minilm"
PICTURES, TEXTS = CATEGORIES[0], CATEGORIES[7]  # indigo and orange, as in the whole lesson


@exercise("04/bridge")
def bridge(answer: object) -> Verdict:
    """Check the number of weights in the bridge: 384 x 1280."""
    number = as_number(answer)
    if number == 1664:
        return hint("You added the two sides. Each of the 384 numbers has a way to each of the 1,280.")
    if number in (384, 1280, 1000):
        return hint("That is one side of it. W.size counts them all.")
    if number != 491_520:
        return hint("W is a table: rows times columns, or W.size.")
    return right(
        "491,520, found from 1,000 names and 1,000 rows. That is far more unknowns than names, and the ridge "
        "keeps the answer small where the names say nothing."
    )


@exercise("04/words")
def words(answer: object) -> Verdict:
    """Check other words for the label "text", which the photo of handwriting must match best."""
    if not isinstance(answer, str) or not answer.strip():
        return hint('Answer with words in quotation marks, such as "a piece of paper".')
    given = answer.strip()
    if given.lower() in others("text"):
        return hint(f"{given!r} is the name of another photo. Find new words for the one with handwriting.")
    cosines = word_cosines("text", given)
    best = max(cosines, key=lambda name: cosines[name])
    if best != given:
        return hint(
            f"{given!r} has a cosine of {cosines[given]:.2f}, but {best!r} has {cosines[best]:.2f}. "
            "What would somebody write under this photo?"
        )
    return right(
        f"{cosines[given]:.2f}, ahead of every other name. A class is whatever words you give it: in "
        "zero-shot classification the words are the settings."
    )


@exercise("04/first")
def first(answer: object) -> Verdict:
    """Check the rank of the first picture for "a trip to space" among pictures and titles."""
    number, place = as_number(answer), first_picture("a trip to space")
    if number == place - 1:
        return hint("Nearly: places begin at 1, Python counts from 0.")
    if number == 1:
        return hint("That is a title. Look into the column tower for the first 'image'.")
    if number != place:
        return hint("Ask for all 30 with k=30, without a filter, and look at the column tower.")
    return right(
        f"Place {place}: {place - 1} titles come first, among them titles that have nothing to do with space."
    )


@exercise("04/dropout")
def dropout(answer: object) -> Verdict:
    """Check recall@5 on held-out emoji of an adapter that was trained without dropout."""
    number = as_number(answer)
    if 1 < number <= 100:
        return hint("A share from 0 to 1, please.")
    if number > 0.2:
        return hint("That is the adapter with dropout. Train anew with train(…, dropped=0.0).")
    if not 0.03 <= number <= 0.2:
        return hint("recall_at_k(rank(…), 5).value on the held-out emoji, with the new look and listen.")
    return right(
        f"{number:.2f}, about half of what it was. Without dropout it knows all 712 training emoji by heart, "
        "and has learned little that holds for others."
    )


# -- numbers that the checks need ----------------------------------------------------------------------------


@cache
def _photos() -> tuple[Any, np.ndarray, el.Items]:
    """Return the model, the vectors of the 15 original photos, and the photos."""
    model, photos = el.load_model(MODEL), el.load_dataset("photos")
    plain = photos.select(photos.frame["view"] == "as it is")
    return model, el.embed(plain, model).vectors, plain


def others(label: str) -> list[str]:
    """Return the labels of the other photos."""
    return [name for name in _photos()[2].labels or [] if name is not None and name != label]


def word_cosines(label: str, given: str) -> dict[str, float]:
    """Return the cosine of one photo with other words for it, and with the other labels."""
    model, vectors, plain = _photos()
    names = [given, *others(label)]
    row = (plain.labels or []).index(label)
    return dict(zip(names, map(float, model.class_vectors(names) @ vectors[row]), strict=True))


def first_picture(query: str) -> int:
    """Return the rank, from 1, of the first picture among all photos and titles."""
    model, vectors, plain = _photos()
    asked = model.embed_query(query)
    titles = model.embed_texts(plain.frame["title"].tolist()) @ asked
    return 1 + int((titles > (vectors @ asked).max()).sum())


# -- pictures ------------------------------------------------------------------------------------------------


def towers() -> None:
    """Draw a model with two towers, which end in one space."""
    figure, axes = plt.subplots(figsize=(8.4, 2.9), layout="constrained")
    axes.set(xlim=(0, 100), ylim=(0, 34))
    axes.axis("off")
    rows = ((25, PICTURES, "a picture", "image tower", "768"), (8, TEXTS, "a sentence", "text tower", "512"))
    for y, color, source, tower, width in rows:
        axes.text(8, y, source, ha="center", va="center", fontsize=12, color=INK)
        _box(axes, 18, y, 20, tower, color)
        axes.text(43.5, y + 1.6, width, ha="center", fontsize=11, color=INK)
        _box(axes, 49, y, 20, "projection", color)
        for start, end in ((13.5, 18), (38, 49)):
            _arrow(axes, (start, y), (end, y))
        axes.text(73.5, y + (1.8 if y > 16 else -3.6), "512", ha="center", fontsize=11, color=INK)
        _arrow(axes, (69, y), (82, 16.5 + (y - 16.5) * 0.3))
    axes.text(91, 16.5, "one space:\nthe cosine\ncounts", ha="center", va="center", fontsize=12, color=INK)
    show(figure)


def answers(paths: Sequence[Any], given: Sequence[str], truth: Sequence[str], columns: int = 8) -> None:
    """Show photos with the name that a model gave them, and the right name if that is another."""
    rows = -(-len(paths) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(1.25 * columns, 1.5 * rows), layout="constrained", squeeze=False
    )
    for axes in grid.flat:
        axes.axis("off")
    for axes, path, name, label in zip(grid.flat, paths, given, truth, strict=False):
        axes.imshow(shrink(read_image(Path(path))))
        title, color = (f"✓ {name}\n", "#117733") if name == label else (f"{name}\n({label})", INK)
        axes.set_title(title, fontsize=9.5, color=color, pad=3)
    show_photos(figure)


def found(questions: Sequence[str], paths: Sequence[Sequence[Any]], titles: Sequence[Sequence[str]]) -> None:
    """Show a row for each question: its text, then the pictures that it found."""
    columns = max(map(len, paths))
    figure, grid = plt.subplots(
        len(questions), columns + 1, figsize=(1.9 + 1.4 * columns, 1.42 * len(questions)),
        layout="constrained", squeeze=False, width_ratios=[1.6] + [1] * columns,
    )  # fmt: skip
    for axes in grid.flat:
        axes.axis("off")
    for row, question in enumerate(questions):
        words = textwrap.fill(f"“{question}”", 16)
        grid[row, 0].text(0.5, 0.5, words, ha="center", va="center", fontsize=11, color=INK)
        for axes, path, title in zip(grid[row, 1:], paths[row], titles[row], strict=False):
            axes.imshow(shrink(read_image(Path(path))))
            axes.set_title(title, fontsize=9.5, color=INK, pad=3)
    show_photos(figure)


def gap_maps(spaces: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """Draw pairs of picture and text, projected by PCA, each pair joined by a line.

    Parameters
    ----------
    spaces : dict of title to (pictures, texts)
        Vectors of length 1, row i of both belonging together; shape (n_pairs, dim) each.
    """
    figure, panels = plt.subplots(
        1, len(spaces), figsize=(3.6 * len(spaces), 3.9), layout="constrained", squeeze=False
    )
    for axes, (title, (pictures, texts)) in zip(panels.flat, spaces.items(), strict=True):
        both = np.concatenate([pictures, texts])
        moved = both - both.mean(axis=0)
        flat = moved @ np.linalg.svd(moved, full_matrices=False)[2][:2].T
        n = len(pictures)
        axes.plot(
            *np.stack([flat[:n], flat[n:]]).transpose(2, 0, 1), color="#BBBBBB", linewidth=0.4, zorder=1
        )
        axes.scatter(*flat[:n].T, s=13, color=PICTURES, marker="o", label="pictures", zorder=2, linewidths=0)
        axes.scatter(*flat[n:].T, s=13, color=TEXTS, marker="D", label="texts", zorder=2, linewidths=0)
        axes.set_title(title, fontsize=11.5, color=INK)
        axes.set(xticks=[], yticks=[], aspect="equal", adjustable="datalim")
        axes.spines[:].set_color("#DDDDDD")
    handles, names = axes.get_legend_handles_labels()
    figure.legend(
        handles, names, loc="outside lower center", ncols=2, frameon=False, fontsize=11, markerscale=2
    )
    show(figure)


def losses(seen: Sequence[float], new: Sequence[float], guessing: float) -> None:
    """Draw the loss over the steps, for training pairs and for held-out pairs."""
    figure, axes = plt.subplots(figsize=(7.6, 3.5), layout="constrained")
    steps = np.arange(len(seen))
    for values, color, style, name in ((new, TEXTS, "--", "held-out pairs"), (seen, PICTURES, "-", "seen")):
        axes.plot(steps, values, style, color=color, linewidth=2)
        axes.annotate(name, (steps[-1], values[-1]), (6, 0), textcoords="offset points", va="center",
                      fontsize=11, color=color)  # fmt: skip
    axes.plot([0, steps[-1]], [guessing, guessing], color=GREY, linewidth=1)
    axes.annotate("guessing", (steps[-1], guessing), (6, 0), textcoords="offset points", va="center",
                  fontsize=11, color="#666666")  # fmt: skip
    axes.set(ylim=(0, None), xlim=(0, 1.22 * steps[-1]))
    axes.set_xticks(range(0, len(seen), 50))
    axes.set_xlabel("step", fontsize=11, color=INK)
    axes.set_ylabel("loss", fontsize=11, color=INK)
    axes.tick_params(labelsize=11, colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    show(figure)


def home_and_away(scores: Mapping[str, Mapping[str, Score]], chance: Mapping[str, float]) -> None:
    """Draw a panel for each task: scores with intervals for each model, and chance as a line.

    Parameters
    ----------
    scores : dict of task to dict of model to Score
    chance : dict of task to float
    """
    figure, panels = plt.subplots(1, len(scores), figsize=(9, 2.1), layout="constrained", sharey=True)
    for axes, (task, models) in zip(panels, scores.items(), strict=True):
        for y, score in enumerate(models.values()):
            color = (INK, PICTURES)[y % 2]
            axes.plot([score.low, score.high], [y, y], color=color, linewidth=2.5, alpha=0.45)
            axes.plot(score.value, y, "o", color=color, markersize=10)
            axes.text(score.value, y - 0.22, f"{score.value:.2f}", ha="center", va="bottom", fontsize=11,
                      color=color)  # fmt: skip
        axes.axvline(chance[task], color=TEXTS, linewidth=1.5, linestyle="--")
        axes.set(xlim=(0, 0.8), ylim=(len(models) - 0.5, -0.8), xticks=[0, 0.2, 0.4, 0.6, 0.8])
        axes.set_yticks(range(len(models)), list(models), fontsize=11)
        axes.set_title(task, fontsize=11.5, color=INK, loc="left")
        axes.tick_params(labelsize=11, colors=INK, length=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
    figure.supxlabel("share, with its 95 % interval (dashed: by chance)", fontsize=11, color=INK)
    show(figure)


def _box(axes: Any, x: float, y: float, width: float, text: str, color: str) -> None:
    axes.add_patch(
        FancyBboxPatch((x, y - 4), width, 8, boxstyle="round,pad=0,rounding_size=1.2", facecolor=color,
                       edgecolor="none")
    )  # fmt: skip
    axes.text(x + width / 2, y, text, ha="center", va="center", fontsize=12,
              color="white" if color == PICTURES else INK)  # fmt: skip


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=13, color=INK, linewidth=1.2))

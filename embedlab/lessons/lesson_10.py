"""Check the exercises and draw the pictures of lesson 10, applications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import embedlab as el
from embedlab.lessons import Verdict, as_number, exercise, hint, right
from embedlab.lessons.showing import make_axes, show, show_photos
from embedlab.palette import ACCENT, CATEGORIES, GREY, INK

MODEL, PAIR = "text/minilm", "multimodal/aligned-minilm"


@exercise("10/seen")
def seen(answer: object) -> Verdict:
    """Check the share of the handbook's tokens that are read if each article is one item."""
    number, whole = as_number(answer), _tokens()
    share = 12 * 254 / whole
    if abs(number - 254 / whole) < 0.005:
        return hint("That is one article's part. There are twelve.")
    if abs(number - share) > 0.02:
        return hint(
            "Each of the twelve articles gives 254 tokens at most. How many are there in all? "
            'passages.frame["tokens"] counts them.'
        )
    return right(f"About {share:.0%}. The rest of each article might as well not be there.")


@exercise("10/strict")
def strict(answer: object) -> Verdict:
    """Check how many answers are left if the threshold refuses all unanswerable questions."""
    number, (there, gone) = as_number(answer), _scores()
    left = int((there > gone.max()).sum())
    if number == len(there) - left:
        return hint("These are refused. How many are left?")
    if abs(number - left) > 0.5:
        return hint(
            "Take the highest score of the ten, max(b.score for b in others). How many of answers are above?"
        )
    return right(
        f"{left} of {len(there)}: not to be wrong on these ten costs {len(there) - left} answers. A "
        "threshold is a choice, and it depends on what a wrong answer does."
    )


@exercise("10/mmr")
def gain(answer: object) -> Verdict:
    """Check the score of MMR for relevance 0.8, similarity 0.9 and diversity 0.5."""
    number = as_number(answer)
    if abs(number - 0.05) < 1e-6:
        return hint("The size is right. Look at the sign: what is subtracted from what?")
    if abs(number + 0.05) > 1e-6:
        return hint("Half of the relevance, minus half of the likeness to what is already chosen.")
    return right("Below zero: B is nearly a copy of A, and C with its 0.3 - 0.05 = 0.25 goes first.")


@exercise("10/chain")
def chain(answer: object) -> Verdict:
    """Check how many items of a chain of three are deleted if one of each group is kept."""
    number = as_number(answer)
    if number == 1:
        return hint(
            "A is linked with B, and B with C. So how many groups are there, and what does each keep?"
        )
    if number != 2:
        return hint("Draw three points and the two links that are strong enough. One of each group is kept.")
    return right(
        "B and C go, though A and C are no duplicates. That is a chain, and the warning is about it."
    )


@exercise("10/crowd")
def crowd(answer: object) -> Verdict:
    """Check how many hits a cup of coffee needs to have three texts and three pictures."""
    number, places = as_number(answer), _places_of_pictures()
    if number == places[0]:
        return hint("There stands the first picture. Go on until there are three.")
    if abs(number - places[2]) > 0.5:
        return hint('Search with k=615, and look for the third row whose tower is "image": its rank.')
    return right(
        f"{places[2]} hits for three texts and three pictures, and the first picture, which shows exactly "
        f"that, stands at place {places[0]}. A list of ten would never have had it."
    )


@cache
def _tokens() -> int:
    return int(el.chunk(el.load_dataset("handbook")).frame["tokens"].sum())


@cache
def _scores() -> tuple[np.ndarray, np.ndarray]:
    """Return the scores of the nearest sentences, for answerable and unanswerable questions."""
    questions = el.load_dataset("handbook-questions")
    passages = el.embed(el.chunk(el.load_dataset("handbook"), max_tokens=128), MODEL)
    with TemporaryDirectory() as folder, el.VectorStore(Path(folder) / "lab.db") as store:
        store.add("handbook", passages, full_text="content")
        scores = np.array([el.ask(store, "handbook", q).score for q in questions.contents])
    known = questions.frame["article"].notna().to_numpy()
    return scores[known], scores[~known]


@cache
def _places_of_pictures() -> list[int]:
    """Return the ranks of the pictures in the whole list, from 1."""
    from embedlab.applications.image_text import combine

    photos, model = el.load_dataset("photos"), el.load_model(PAIR)
    plain = photos.select((photos.frame["view"] == "as it is").to_numpy())
    emb = model.embed(combine(plain, el.load_dataset("notes")), progress=False)
    order = np.argsort(-(emb.vectors @ model.embed_query("a cup of coffee")), kind="stable")
    towers = emb.items.frame["tower"].to_numpy()[order]
    return [int(place) + 1 for place in np.flatnonzero(towers == "image")]


# -- pictures ------------------------------------------------------------------------------------------------


def strips(there: Sequence[float], gone: Sequence[float], limit: float) -> None:
    """Draw the scores of answerable and unanswerable questions as dots, and the threshold."""
    figure, axes = make_axes(2.6)
    rng = np.random.RandomState(0)
    for height, (name, scores, color) in enumerate(
        [("no answer here", gone, CATEGORIES[7]), ("answer is there", there, CATEGORIES[0])]
    ):
        spread = height + 0.3 * (rng.random_sample(len(scores)) - 0.5)
        axes.plot(scores, spread, "o", color=color, alpha=0.75, markersize=7, markeredgewidth=0)
        axes.text(
            -0.01,
            height,
            name,
            ha="right",
            va="center",
            fontsize=11,
            color=INK,
            transform=axes.get_yaxis_transform(),
        )
    axes.axvline(limit, color=INK, linewidth=1.5, linestyle="--")
    axes.annotate(
        "threshold", (limit, 1.5), (5, -4), textcoords="offset points", fontsize=11, color=INK, va="top"
    )
    axes.set(ylim=(-0.5, 1.5), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("cosine of the question and the nearest sentence", fontsize=11, color=INK)
    show(figure)


def curves(tables: Mapping[str, pd.DataFrame]) -> None:
    """Draw precision against recall for each kind of copies."""
    figure, axes = make_axes(4.2)
    styles = ["-", "--", "-."]
    for (name, table), color, style in zip(tables.items(), (0, 2, 7), styles, strict=False):
        axes.plot(
            table["recall"], table["precision"], style, color=CATEGORIES[color], linewidth=2.5, label=name
        )
        best = table.iloc[int(table["f1"].argmax())]
        axes.plot(best["recall"], best["precision"], "o", color=CATEGORIES[color], markersize=8)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.03))
    axes.set_xlabel("recall: copies that are found", fontsize=11, color=INK)
    axes.set_ylabel("precision: pairs that are copies", fontsize=11, color=INK)
    axes.legend(frameon=False, fontsize=11, loc="lower left")
    show(figure)


def coverage(scores: Mapping[str, Mapping[str, Any]], ways: Sequence[str]) -> None:
    """Draw, for each way, the share of hidden likes and of the user's topics that appear."""
    figure, panels = plt.subplots(1, 2, figsize=(8, 2.6), layout="constrained", sharey=True)
    titles = {"recall": "hidden likes found", "topics": "topics of the user shown"}
    for axes, (measure, title) in zip(panels, titles.items(), strict=True):
        found = [scores[way][measure] for way in ways]
        for height, score in enumerate(found):
            axes.plot(
                [score.low, score.high], [height, height], color=GREY, linewidth=4, solid_capstyle="round"
            )
            axes.plot(score.value, height, "o", color=ACCENT, markersize=8)
        axes.set_yticks(range(len(ways)), ways)
        axes.invert_yaxis() if axes is panels[0] else None
        axes.set_xlim(0, 0.2 if measure == "recall" else 1.05)
        axes.set_title(title, fontsize=11, color=INK)
        axes.tick_params(labelsize=11, colors=INK)
        axes.spines[["top", "right"]].set_visible(False)
    show(figure)


def pictures(paths: Sequence[Any], titles: Sequence[str]) -> None:
    """Show a row of pictures."""
    from PIL import Image

    figure, panels = plt.subplots(1, len(paths), figsize=(2.7 * len(paths), 2.5), layout="constrained")
    for axes, path, title in zip(np.atleast_1d(panels), paths, titles, strict=True):
        with Image.open(path) as picture:
            axes.imshow(picture.convert("RGB"))
        axes.set_title(title, fontsize=11, color=INK)
        axes.axis("off")
    show_photos(figure)

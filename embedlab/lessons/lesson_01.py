"""Check the exercises and draw the pictures of lesson 01, what an embedding is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from embedlab.analysis.neighbors import knn
from embedlab.embeddings import unit_rows
from embedlab.lessons import Verdict, as_number, exercise, hint, right
from embedlab.palette import CATEGORIES, GREY, INK

_WIDTHS = {
    64: "64 numbers go in.",
    32: "32 is the width of the first layer.",
    16: "16 was the width of our own network.",
    10: "10 scores come out of the head.",
}


@exercise("01/head")
def head(answer: object) -> Verdict:
    """Check the number of weights and biases in the last layer: 10 x 16 + 10."""
    number = as_number(answer)
    if number == 160:
        return hint("Those are the weights. Each of the ten scores also has its bias.")
    if number == 26:
        return hint("Each score has 16 weights of its own: multiply.")
    if number != 170:
        return hint("Ten scores, each with 16 weights and one bias.")
    return right("170, of the 2,778 numbers that this network has learned. Lesson 03 takes off a larger one.")


@exercise("01/neighbour")
def neighbour(answer: object) -> Verdict:
    """Check a function that returns the row of the nearest other vector, by cosine."""
    if not callable(answer):
        return hint("The answer is a function: write answer = nearest, without brackets.")
    vectors = np.random.default_rng(1).normal(size=(60, 16)) * np.linspace(0.2, 5, 60)[:, None]
    unit = unit_rows(vectors, dtype=np.float64)
    # A copy for each call, because the answer may change the vectors in place.
    given = [int(answer(vectors.copy(), row)) for row in range(60)]
    cosine = unit @ unit.T
    if given == list(range(60)) or given == cosine.argmax(axis=1).tolist():
        return hint("Each vector finds itself: its cosine with itself is 1. Rule out its own row first.")
    if given == cosine.argmin(axis=1).tolist():
        return hint("That is the farthest one. A large cosine means near: use argmax.")
    np.fill_diagonal(cosine, -np.inf)
    products = vectors @ vectors.T
    np.fill_diagonal(products, -np.inf)
    if given == products.argmax(axis=1).tolist() or given == (vectors @ vectors.T).argmax(axis=1).tolist():
        return hint("Long vectors win every time. Divide each vector by its length before you multiply.")
    if given == knn(vectors, 1, "euclidean").indices[:, 0].tolist():
        return hint("That is the nearest by distance. Here the angle counts: the dot product at length 1.")
    wrong = sum(a != b for a, b in zip(given, cosine.argmax(axis=1), strict=True))
    if wrong:
        return hint(
            f"On 60 test vectors, {wrong} answers differ. Do you return the row number of the largest?"
        )
    return right("It finds the nearest by cosine for all 60 vectors of the test, long or short.")


@exercise("01/rotation")
def rotation(answer: object) -> Verdict:
    """Check what a rotation of the space changes: only the single numbers."""
    given = str(answer).strip().lower()
    if "cosine" in given or given == "b":
        return hint(
            "A cosine is an angle between two vectors, and both are turned alike. Look at the line above."
        )
    if "neighbour" in given or "neighbor" in given or given == "c":
        return hint("Neighbours follow from distances. Did any distance change?")
    if "number" not in given and given != "a":
        return hint('Answer with one of the three words: "numbers", "cosines" or "neighbours".')
    return right("Every number changes, and nothing that you would ask of an embedding does.")


@exercise("01/width")
def width(answer: object) -> Verdict:
    """Check the shape of 500 embeddings whose layer before the head is 24 wide."""
    numbers = [int(n) for n in np.atleast_1d(np.asarray(answer)).ravel()]
    if numbers == [24, 500]:
        return hint("The two numbers are right, in the other order: one row for each digit.")
    if numbers == [24]:
        return hint("That is the dimension. The shape has two numbers: how many digits, and how wide.")
    if len(numbers) != 2:
        return hint("A shape of two numbers is asked for: (how many digits, how many numbers for each).")
    if numbers[0] != 500:
        return hint(f"There are 500 digits in the test part, so 500 rows, not {numbers[0]}.")
    if numbers[1] != 24:
        what = _WIDTHS.get(numbers[1], f"No layer here is {numbers[1]} wide.")
        return hint(f"{what} Take the width of the layer before the head.")
    return right(
        "500 rows of 24 numbers. The builder of a network chooses the dimension; no data decides it."
    )


# -- pictures ------------------------------------------------------------------------------------------------


def show_digits(images: Any, titles: Sequence[object] | None = None, columns: int = 10) -> None:
    """Draw digits side by side, dark ink on white.

    Parameters
    ----------
    images : array_like, shape (n_images, 64)
        Ink from 0 to 1, row by row.
    titles : sequence, optional
        One for each image.
    columns : int
    """
    images = np.asarray(images).reshape(-1, 8, 8)
    rows = -(-len(images) // columns)
    size = (max(8.0 * min(columns, len(images)) / 10, 4), rows * (0.9 if titles is None else 1.3))
    figure, grid = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for place, axes in enumerate(grid.flat):
        axes.axis("off")
        if place < len(images):
            axes.imshow(images[place], cmap="gray_r", vmin=0, vmax=1)
            if titles is not None:
                axes.set_title(str(titles[place]), fontsize=11, color=INK)
    _show(figure)


def show_numbers(vectors: Any, names: Sequence[object]) -> None:
    """Draw each vector as a row of bars, one bar for each number; blue up, orange down."""
    vectors = np.asarray(vectors)
    figure, grid = plt.subplots(
        len(vectors),
        1,
        figsize=(8, 0.7 + 1.25 * len(vectors)),
        sharex=True,
        sharey=True,
        layout="constrained",
    )
    for axes, vector, name in zip(np.atleast_1d(grid), vectors, names, strict=True):
        axes.bar(range(len(vector)), vector, color=np.where(vector < 0, CATEGORIES[7], CATEGORIES[0]))
        axes.axhline(0, color=GREY, linewidth=1)
        axes.set_ylabel(str(name), rotation=0, ha="right", va="center", fontsize=12, color=INK)
        axes.set_xticks(range(len(vector)))
        axes.tick_params(labelsize=10, colors=INK, length=0)
        axes.spines[:].set_visible(False)
    axes.set_xlabel("number in the vector", fontsize=11, color=INK)
    _show(figure)


def show_places(planes: Mapping[str, Any], labels: Any) -> None:
    """Draw points on a plane, one panel each, with a colour and a name for every digit."""
    figure, grid = plt.subplots(1, len(planes), figsize=(5 + 3.5 * (len(planes) > 1), 4.6), squeeze=False)
    figure.set_layout_engine("constrained")
    for axes, (title, places) in zip(grid.flat, planes.items(), strict=True):
        for digit in np.unique(labels):
            own = np.asarray(places)[np.asarray(labels) == digit]
            axes.scatter(*own.T, s=18, color=CATEGORIES[digit], alpha=0.8, linewidths=0)
            middle = np.median(own, axis=0)
            # Beside the island, which may be smaller than its name.
            axes.annotate(
                str(digit),
                middle,
                (0, 15),
                textcoords="offset points",
                ha="center",
                va="center",
                fontsize=13,
                weight="bold",
                color=INK,
                bbox={"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.75},
            )
        axes.margins(0.09)
        axes.set_title(title, fontsize=12, color=INK)
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_color("#DDDDDD")
    _show(figure)


def show_shares(shares: Mapping[str, Mapping[str, float]], xlabel: str) -> None:
    """Draw shares from 0 to 1 as bars: a group for each question, a colour for each answer."""
    figure, axes = plt.subplots(figsize=(8, 1.2 + 0.9 * len(shares)), layout="constrained")
    names = list(next(iter(shares.values())))
    for j, name in enumerate(names):
        places = np.arange(len(shares)) + (j - (len(names) - 1) / 2) * 0.38
        drawn = axes.barh(
            places, [max(s[name], 0) for s in shares.values()], 0.35, color=(GREY, CATEGORIES[0])[j % 2]
        )
        axes.bar_label(drawn, fmt="%.2f", padding=4, fontsize=11)
        drawn.set_label(name)
    axes.set_yticks(range(len(shares)), list(shares), fontsize=12)
    axes.set_xlabel(xlabel, fontsize=11)
    axes.set_xlim(0, 1.08)
    axes.set_xticks([0, 0.5, 1])
    axes.tick_params(labelsize=11, colors=INK)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=2, fontsize=11, loc="lower right", bbox_to_anchor=(1, 1))
    _show(figure)


def _show(figure: Any) -> None:
    """Show the figure once, and close it."""
    plt.show()
    plt.close(figure)

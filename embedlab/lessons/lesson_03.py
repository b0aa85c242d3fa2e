"""Check the exercises and draw the pictures of lesson 03, images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, SupportsFloat

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image, ImageDraw, ImageFont

import embedlab as el
from embedlab.lessons import Verdict, as_number, exercise, hint, right
from embedlab.lessons.showing import show, show_photos, shrink
from embedlab.media.image import read_image
from embedlab.palette import CATEGORIES, GREY, INK

MODEL = "image/efficientnet-lite0"


@exercise("03/head")
def head(answer: object) -> Verdict:
    """Check the number of weights and biases in the last layer: 1280 x 1000 + 1000."""
    number = as_number(answer)
    if number == 1_280_000:
        return hint("Those are the weights. Each of the 1,000 classes has one number more, its bias.")
    if number == 4_652_008:
        return hint("That is the whole network. Only the head: network._fc.parameters().")
    if number in (1280, 1000, 2280):
        return hint("1,280 numbers go in and 1,000 come out. How many weights join each with each?")
    if number != 1_281_000:
        return hint("Add up p.numel() for p in network._fc.parameters().")
    return right(
        "1,281,000 of 4,652,008: more than a quarter of the network, and the embedding leaves it out."
    )


@exercise("03/view")
def view(answer: object) -> Verdict:
    """Check the view with the smallest mean cosine to the original photos: few pixels."""
    given = str(answer).strip().strip("\"'").lower()
    means = {name.lower(): value for name, value in view_cosines(MODEL).items()}
    if given not in means:
        return hint('Answer with the name of a view, in quotation marks: "mirrored", "blurred" …')
    if given == "as it is":
        return hint("That is the photo itself: its cosine with itself is 1. Look for the smallest.")
    lowest = min(means, key=lambda name: means[name])
    if given != lowest:
        return hint(f"The mean cosine of {given!r} is {means[given]:.2f}, and one view has less.")
    return right(
        f"{means[lowest]:.2f}. A person knows the photo at a glance; to the network it is above all a "
        "mosaic of squares."
    )


@exercise("03/found")
def found(answer: object) -> Verdict:
    """Check how many of the 15 photos their "few pixels" view finds among the originals."""
    number, right_number = as_number(answer), round(15 * found_from("few pixels"))
    if 0 < number < 1:
        return hint("A share is a good answer to another question: count the photos, from 0 to 15.")
    if number == 240 or number > 15:
        return hint("There are 15 photos: for each, search with its mosaic among the photos as they are.")
    if number == 15 and right_number != 15:
        return hint(
            "All 15? Did the filter leave out the mosaics themselves? filter='view == \"as it is\"' does."
        )
    if number != right_number:
        return hint("Compare the label of the first hit with the label of the photo that you searched with.")
    return right(
        f"{right_number} of 15. The cosine has fallen to about {view_cosines(MODEL)['few pixels']:.1f}, and "
        "still it is often enough: what counts is that no other photo is nearer."
    )


@exercise("03/twin")
def twin(answer: object) -> Verdict:
    """Check the photo whose mirror image has the smallest cosine with it."""
    given = str(answer).strip().strip("\"'").lower()
    cosines = mirror_cosines()
    if given not in cosines:
        return hint('Answer with the label of a photo: "coffee", "rocket" …')
    lowest = min(cosines, key=lambda name: cosines[name])
    if cosines[given] > cosines[lowest] + 0.005:
        return hint(f"{given}: {cosines[given]:.2f}. One photo has a smaller cosine with its mirror image.")
    return right(
        f"{cosines[given]:.2f}, and even that is close to 1. The photos that the network learned from were "
        "mirrored at random: nobody ever told it that left and right matter."
    )


# -- numbers that the checks need ----------------------------------------------------------------------------


@cache
def unit_vectors(model: str) -> tuple[np.ndarray, pd.DataFrame]:
    """Return the vectors of the photos at length 1, and their table."""
    photos = el.load_dataset("photos")
    return el.embed(photos, model).normalize().vectors, photos.frame


def view_cosines(model: str) -> dict[str, float]:
    """Return the mean cosine of each view with the original photos."""
    vectors, frame = unit_vectors(model)
    plain = vectors[(frame["view"] == "as it is").to_numpy()]
    return {
        str(name): float((vectors[(frame["view"] == name).to_numpy()] * plain).sum(axis=1).mean())
        for name in frame["view"].unique()
    }


def found_from(name: str, model: str = MODEL) -> float:
    """Return the share of the photos that one of their views finds among the originals."""
    vectors, frame = unit_vectors(model)
    cosine = vectors[(frame["view"] == name).to_numpy()] @ vectors[(frame["view"] == "as it is").to_numpy()].T
    return float((cosine.argmax(axis=1) == np.arange(len(cosine))).mean())


def mirror_cosines(model: str = MODEL) -> dict[str, float]:
    """Return the cosine of each photo with its mirror image, by label."""
    vectors, frame = unit_vectors(model)
    plain, mirrored = ((frame["view"] == name).to_numpy() for name in ("as it is", "mirrored"))
    cosines = (vectors[plain] * vectors[mirrored]).sum(axis=1)
    return dict(zip(frame.loc[plain, "label"], map(float, cosines), strict=True))


# -- things to embed -----------------------------------------------------------------------------------------


def word_picture(word: str, size: int = 96, slanted: bool = False) -> Image.Image:
    """Draw a word in black on white, 320 x 240 pixels."""
    made = Image.new("RGB", (320, 240), "white")
    font = ImageFont.load_default(size)
    ImageDraw.Draw(made).text((160, 120), word, fill="black", font=font, anchor="mm")
    if slanted:
        made = made.transform(
            made.size,
            Image.Transform.AFFINE,
            (1, 0.35, -42, 0, 1, 0),
            Image.Resampling.BICUBIC,
            fillcolor="white",
        )
    return made


def line_drawing(what: str) -> Image.Image:
    """Draw a cup, a cat or a rocket in a few black lines, 320 x 240 pixels."""
    made = Image.new("RGB", (320, 240), "white")
    pen = ImageDraw.Draw(made)
    if what == "cup":
        pen.ellipse((90, 50, 230, 90), outline="black", width=4)
        pen.line([(90, 70), (108, 190), (212, 190), (230, 70)], fill="black", width=4, joint="curve")
        pen.arc((205, 85, 275, 160), -95, 120, fill="black", width=4)
    elif what == "cat":
        pen.ellipse((95, 75, 225, 200), outline="black", width=4)
        for side in (-1, 1):
            x = 160 + side * 50
            pen.line([(x - side * 18, 82), (x + side * 12, 35), (x + side * 14, 108)], fill="black", width=4)
            pen.ellipse((160 + side * 32 - 9, 118, 160 + side * 32 + 9, 136), fill="black")
            pen.line([(160 + side * 25, 163), (160 + side * 85, 155)], fill="black", width=3)
        pen.polygon([(152, 150), (168, 150), (160, 160)], fill="black")
    elif what == "rocket":
        pen.line([(160, 25), (130, 80), (130, 170), (190, 170), (190, 80), (160, 25)], fill="black", width=4)
        pen.line([(130, 130), (100, 185), (130, 170)], fill="black", width=4)
        pen.line([(190, 130), (220, 185), (190, 170)], fill="black", width=4)
        pen.ellipse((147, 85, 173, 111), outline="black", width=4)
        pen.line([(145, 178), (160, 215), (175, 178)], fill="black", width=4)
    else:
        raise ValueError(f"{what!r} cannot be drawn. Choose cup, cat or rocket.")
    return made


# -- pictures ------------------------------------------------------------------------------------------------


def pictures(shown: Sequence[Any], titles: Sequence[object] | None = None, columns: int = 8) -> None:
    """Show pictures side by side, each with its title above.

    Parameters
    ----------
    shown : sequence of path or PIL.Image.Image
    titles : sequence, optional
    columns : int
    """
    rows = -(-len(shown) // columns)
    figure, grid = plt.subplots(
        rows, columns, figsize=(1.25 * columns, 1.28 * rows), layout="constrained", squeeze=False
    )
    for place, axes in enumerate(grid.flat):
        axes.axis("off")
        if place < len(shown):
            axes.imshow(shrink(read_image(shown[place])))
            if titles is not None:
                axes.set_title(str(titles[place]), fontsize=9.5, color=INK, pad=3)
    show_photos(figure)


def matches(
    queries: Sequence[Any], hits: Sequence[Sequence[Any]], titles: Sequence[Sequence[object]]
) -> None:
    """Show a row for each query: the picture that searched, then the pictures that it found.

    Parameters
    ----------
    queries : sequence of path or PIL.Image.Image
    hits, titles : sequences of sequences
        For each query, the pictures that were found and their titles.
    """
    columns = 1 + max(map(len, hits))
    figure, grid = plt.subplots(
        len(queries),
        columns,
        figsize=(1.35 * columns, 1.35 * len(queries)),
        layout="constrained",
        squeeze=False,
    )
    for row, query in enumerate(queries):
        for column, shown in enumerate([query, *hits[row]]):
            axes = grid[row, column]
            axes.imshow(shrink(read_image(shown)))
            words = "asked with" if column == 0 else str(titles[row][column - 1])
            axes.set_title(words, fontsize=9.5, color=CATEGORIES[7] if column == 0 else INK, pad=3)
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_color(CATEGORIES[7] if column == 0 else "#DDDDDD")
            axes.spines[:].set_linewidth(2.5 if column == 0 else 1)
    for axes in grid.flat:
        axes.axis("on" if axes.images else "off")
    show_photos(figure)


def heat(table: pd.DataFrame, title: str = "cosine with the photo as it is") -> None:
    """Draw cosines as a table of colours: a row for each view, a column for each model."""
    figure, axes = plt.subplots(
        figsize=(2.6 + 1.55 * table.shape[1], 0.6 + 0.32 * len(table)), layout="constrained"
    )
    axes.imshow(table.to_numpy(), cmap="viridis_r", vmin=-0.2, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(table.to_numpy()):
        axes.text(
            column, row, f"{value:.2f}", ha="center", va="center", fontsize=10,
            color="white" if value > 0.35 else INK,
        )  # fmt: skip
    axes.set_xticks(range(table.shape[1]), [str(c) for c in table.columns], fontsize=10, color=INK)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(table)), [str(r) for r in table.index], fontsize=10.5, color=INK)
    axes.set_xlabel(title, fontsize=10.5, color=INK)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    show(figure)


def bars(shares: Mapping[str, SupportsFloat], xlabel: str) -> None:
    """Draw shares from 0 to 1 as bars, one for each name."""
    figure, axes = plt.subplots(figsize=(7.2, 0.7 + 0.5 * len(shares)), layout="constrained")
    colors = [CATEGORIES[0] if i == len(shares) - 1 else GREY for i in range(len(shares))]
    drawn = axes.barh(list(shares), [float(share) for share in shares.values()], 0.62, color=colors)
    axes.bar_label(drawn, fmt="%.2f", padding=4, fontsize=11)
    axes.set(xlim=(0, 1.1), xticks=[0, 0.5, 1])
    axes.set_xlabel(xlabel, fontsize=11, color=INK)
    axes.tick_params(labelsize=11, colors=INK, length=0)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    show(figure)

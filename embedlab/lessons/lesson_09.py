"""Check the exercises, make the data and draw the pictures of lesson 09, reading maps."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

import embedlab as el
from embedlab.analysis.clusters import find_clusters
from embedlab.analysis.projection import METHOD_NAMES, Projection
from embedlab.catalog import registry
from embedlab.lessons import Verdict, as_number, exercise, hint, right
from embedlab.lessons.showing import show
from embedlab.palette import ACCENT, CATEGORIES, GREY, INK

DIM = 50  # numbers in a vector of the clouds made here
REAL = "AC"  # of the game


@exercise("09/far")
def far(answer: object) -> Verdict:
    """Check the method whose map shows one island ten times as far away."""
    given = str(answer).strip().strip("\"'").lower().replace("-", "")
    if given in ("umap", "tsne"):
        return hint("Look at its map again: is C ten times as far from A as B is?")
    if given != "pca":
        return hint('Answer with the name of a method, in quotation marks: "umap", "tsne" or "pca".')
    return right("PCA only turns the cloud and looks at it from one side. What is far stays far.")


@exercise("09/shuffled")
def shuffled_quality(answer: object) -> Verdict:
    """Check the trustworthiness of a map of notes whose columns were shuffled."""
    number = as_number(getattr(getattr(answer, "quality", answer), "trustworthiness", answer))
    notes = el.embed(el.load_dataset("notes"), "text/minilm")
    exact = el.project(shuffled(notes)).quality.trustworthiness
    if abs(number - el.project(notes).quality.trustworthiness) < 0.01:
        return hint("That is the map of the notes themselves. Shuffle first: lesson_09.shuffled(notes).")
    if abs(number - exact) > 0.03:
        return hint("el.project(lesson_09.shuffled(notes)).quality.trustworthiness, please.")
    return right(
        f"About {exact:.1f}. That is what a map of nothing gets. The map of the notes has more, and only "
        "what is above it is about the notes."
    )


@exercise("09/game")
def which_are_real(answer: object) -> Verdict:
    """Check the maps whose islands are real groups."""
    given = {letter for letter in str(answer).upper() if letter in "ABCDEF"}
    if not given:
        return hint('Answer with letters, such as "ABF".')
    if missed := sorted(set(REAL) - given):
        return hint(f"There is one more. Try second_look on {missed[0]}: do its colours stay together?")
    words = {
        "B": "B is noise: its colours do not stay together on the second map.",
        "D": "D is noise, too. Compare it with chance: the shuffled points draw the same islands.",
        "E": "E is one thing: look at it by PCA. Its islands are pieces of a single line.",
        "F": "F shows no islands at all.",
    }
    if wrong := sorted(given - set(REAL)):
        return hint(words[wrong[0]])
    return right(
        "A and C. And F hides five real groups that its map cannot show: no islands on a map does not mean "
        "no groups."
    )


# -- clouds of which everything is known ---------------------------------------------------------------------


def made(
    vectors: np.ndarray, labels: Sequence[str] | None = None, name: str = "made by hand"
) -> el.Embeddings:
    """Make embeddings of points about which everything is known."""
    items = el.Items.from_texts([f"point {i}" for i in range(len(vectors))], labels=labels, name=name)
    card = dataclasses.replace(
        registry.row("text/minilm").card, name="made/by-hand", dim=vectors.shape[1], sha256=None
    )
    return el.Embeddings(vectors, items, card, "none", "none", False)


def near_and_far() -> el.Embeddings:
    """Make three equal clouds: B beside A, and C ten times as far away."""
    rng = np.random.default_rng(0)
    centres = np.zeros((3, DIM))
    centres[1, 0], centres[2, 0] = 8, 80
    points = np.vstack([centre + rng.normal(size=(100, DIM)) for centre in centres])
    return made(points, ["A"] * 100 + ["B"] * 100 + ["C"] * 100)


def narrow_and_wide() -> el.Embeddings:
    """Make three clouds, the widest 25 times as wide as the narrowest."""
    rng = np.random.default_rng(0)
    parts = [width * rng.normal(size=(100, DIM)) + 60 * np.eye(DIM)[i] for i, width in enumerate((0.2, 1, 5))]
    return made(np.vstack(parts), ["narrow"] * 100 + ["middle"] * 100 + ["wide"] * 100)


def nothing(n: int = 600, seed: int = 0) -> el.Embeddings:
    """Make noise: every number is drawn independently, so there are no groups."""
    return made(np.random.default_rng(seed).normal(size=(n, DIM)))


def line(n: int = 400) -> el.Embeddings:
    """Make one gradient, from cold to warm, with noise; the label is the fifth of the way."""
    rng = np.random.default_rng(0)
    along = rng.uniform(size=n)
    direction = rng.normal(size=DIM) / np.sqrt(DIM)
    points = 40 * along[:, None] * direction + rng.normal(size=(n, DIM))
    return made(points, [f"{20 * int(5 * t)} to {20 * int(5 * t) + 20} %" for t in along])


def five_groups() -> el.Embeddings:
    """Make five groups, hidden by two directions with a large variance and no information."""
    rng = np.random.default_rng(3)
    which = np.arange(250) % 5
    points = 3.2 * rng.normal(size=(5, DIM))[which] + rng.normal(size=(250, DIM))
    points[:, :2] = 60 * rng.uniform(size=(250, 2))
    return made(points, [f"group {i + 1}" for i in which])


def shuffled(embeddings: el.Embeddings, seed: int = 0) -> el.Embeddings:
    """Shuffle each column by itself, which removes every relation between items."""
    rng = np.random.default_rng(seed)
    columns = [rng.permutation(column) for column in embeddings.vectors.T]
    items = el.Items.from_texts([f"shuffled {i}" for i in range(len(embeddings))], name="shuffled")
    return dataclasses.replace(embeddings, vectors=np.array(columns).T, items=items)


# -- the game ------------------------------------------------------------------------------------------------


@cache
def game() -> dict[str, Projection]:
    """Return the six maps of the game, by letter."""
    notes = el.embed(el.load_dataset("notes"), "text/minilm")
    topics = ("cooking", "money", "music", "space")
    four = notes.select(np.isin(np.array(notes.items.labels), topics))
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(3, DIM))
    three = made(
        np.vstack([c + rng.normal(size=(70, DIM)) for c in centres]),
        [f"{i}" for i in range(3) for _ in range(70)],
    )
    cube = made(np.random.default_rng(2).uniform(size=(300, 3)))
    euclidean: Any = {"metric": "euclidean"}
    return {
        "A": el.project(four),
        "B": el.project(nothing(300, seed=5), n_neighbors=2, min_dist=0.0, **euclidean),
        "C": el.project(three, **euclidean),
        "D": el.project(cube, "tsne", n_neighbors=3, **euclidean),
        "E": el.project(line(220), n_neighbors=4, min_dist=0.0, **euclidean),
        "F": el.project(five_groups(), "pca", **euclidean),
    }


def show_game(*, revealed: bool = False) -> None:
    """Show the six maps without titles, or with the truth."""
    truth = {
        "A": "A: notes on four topics", "B": "B: noise", "C": "C: three groups", "D": "D: noise",
        "E": "E: one line", "F": "F: five groups, seen from the wrong side",
    }  # fmt: skip
    maps = {truth[letter] if revealed else letter: found for letter, found in game().items()}
    grid(maps, colored=revealed, quality=revealed)


def second_look(projection: Projection) -> None:
    """Show the islands of a map, and where their points are on other maps.

    The colours are the islands of the first map. Real groups stay together on every map.
    """
    emb, metric = projection.embeddings, projection.neighbors.metric
    options: Any = {"metric": metric}
    # Large enough to find the visible islands, not every cluster within them.
    found = find_clusters(projection, max(8, len(projection) // 12)).labels
    maps = {
        f"{METHOD_NAMES[projection.method]}, as in the game": projection,
        "UMAP, another seed, 30 neighbours": el.project(emb, n_neighbors=30, random_state=1, **options),
    }
    if projection.method != "pca":
        maps["PCA"] = el.project(emb, "pca", **options)
    grid(maps, groups=found)


def beside_chance(projection: Projection) -> None:
    """Show a map beside a map of the same numbers, shuffled, with the same settings."""
    params = {k: v for k, v in projection.params.items() if k in ("n_neighbors", "min_dist")}
    params["n_neighbors"] = params.get("n_neighbors", projection.neighbors.k)
    metric: Any = projection.neighbors.metric
    method: Any = projection.method
    chance = el.project(shuffled(projection.embeddings), method, metric=metric, **params)
    grid({"as in the game": projection, "the same numbers, shuffled": chance}, colored=False)


# -- pictures ------------------------------------------------------------------------------------------------


def grid(
    maps: Mapping[str, Projection],
    *,
    columns: int = 3,
    colored: bool = True,
    groups: np.ndarray | None = None,
    quality: bool = True,
) -> None:
    """Show maps side by side, coloured by label, or by groups numbered from 0 (−1: grey)."""
    columns = min(columns, len(maps))
    rows = -(-len(maps) // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(3.1 * columns, 3.45 * rows), layout="constrained", squeeze=False
    )
    for axes in panels.flat:
        axes.axis("off")
    handles: dict[str, Any] = {}
    for axes, (title, projection) in zip(panels.flat, maps.items(), strict=False):
        axes.axis("on")
        labels = projection.embeddings.items.labels
        if groups is not None:
            values: list[Any] = [None if g < 0 else f"{g:03d}" for g in groups]
        else:
            values = list(labels) if labels and colored else [None] * len(projection)
        handles |= _points(axes, projection.coords, values)
        axes.set_title(title, fontsize=11, color=INK)
        if quality:
            axes.set_xlabel(
                f"trustworthiness {projection.quality.trustworthiness:.2f}", fontsize=10.5, color=INK
            )
    named = [(name, handle) for name, handle in handles.items() if groups is None and len(handles) <= 12]
    if named:
        figure.legend(
            [handle for _, handle in named], [name for name, _ in named], loc="outside lower center",
            ncols=min(len(named), min(6, 2 * columns)), frameon=False, fontsize=10.5, markerscale=1.6,
        )  # fmt: skip
    show(figure)


def threads(projection: Projection, id: str) -> None:
    """Show a map with one item and lines to its true neighbours."""
    figure, axes = plt.subplots(figsize=(7.6, 5), layout="constrained")
    _points(axes, projection.coords, [None] * len(projection))
    row = projection.embeddings.ids.index(id)
    place = projection.coords[row]
    for other in projection.neighbors.indices[row, :15]:
        axes.plot(*np.array([place, projection.coords[other]]).T, color=CATEGORIES[0], linewidth=1, zorder=1)
        axes.scatter(
            projection.coords[other, 0], projection.coords[other, 1], s=36, color=CATEGORIES[0], zorder=3
        )
    axes.scatter(place[0], place[1], s=110, color=ACCENT, zorder=4)
    axes.set_title("one note, and its 15 true neighbours", fontsize=11, color=INK)
    show(figure)


def _points(axes: Any, coords: np.ndarray, values: Sequence[Any]) -> dict[str, Any]:
    handles = {}
    known = np.array([value is not None for value in values])
    axes.scatter(
        coords[~known, 0], coords[~known, 1], s=9, color=GREY if known.any() else "#5B6770", linewidths=0
    )
    for place, value in enumerate(sorted({value for value in values if value is not None})):
        chosen = np.array([other == value for other in values])
        marker = "oDsP^*"[place // len(CATEGORIES) % 6]
        color = CATEGORIES[place % len(CATEGORIES)]
        handles[str(value)] = axes.scatter(
            coords[chosen, 0], coords[chosen, 1], s=11, color=color, marker=marker, linewidths=0
        )
    axes.set(xticks=[], yticks=[])
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.08)
    axes.spines[:].set_color("#DDDDDD")
    return handles

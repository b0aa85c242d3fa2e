"""What a network knows at each depth: a table and a picture of the embeddings of its layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from embedlab.analysis.alignment import procrustes_rotate
from embedlab.analysis.projection import METHOD_NAMES, Method, project
from embedlab.comparison.geometry import two_nn
from embedlab.comparison.tasks import knn_accuracy
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem
from embedlab.palette import CATEGORIES, GREY, INK, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MARKERS = {"circle": "o", "diamond": "D", "square": "s", "cross": "P", "triangle-up": "^", "star": "*"}


def depth_table(stages: Mapping[str, Embeddings]) -> pd.DataFrame:
    """Each layer in numbers.

    Parameters
    ----------
    stages : mapping of str to Embeddings
        What :func:`embed_layers` returned, from the first layer to the last.

    Returns
    -------
    DataFrame
        One row per layer: ``layer``, ``dim`` (its width), ``accuracy_1nn`` (how often an item's nearest
        neighbour by cosine shares its label; NaN without labels) and ``intrinsic_dimension`` (TwoNN; NaN for
        fewer than 10 different vectors).
    """
    rows = [
        {
            "layer": name,
            "dim": embeddings.dim,
            "accuracy_1nn": _or_nan(knn_accuracy, embeddings),
            "intrinsic_dimension": _or_nan(two_nn, embeddings.vectors),
        }
        for name, embeddings in stages.items()
    ]
    return pd.DataFrame(rows, columns=["layer", "dim", "accuracy_1nn", "intrinsic_dimension"])


def depth_figure(
    stages: Mapping[str, Embeddings], *, method: Method = "umap", random_state: int = 0
) -> Figure:
    """Draw the table over the depth, and below each layer a small map of what it sees.

    Parameters
    ----------
    stages : mapping of str to Embeddings
        What :func:`embed_layers` returned: the same items at each layer.
    method : {"umap", "pca", "tsne"}
        Of the maps. Each is turned (rotated, mirrored and scaled, nothing else) to lie like the one before.
    random_state : int

    Returns
    -------
    matplotlib.figure.Figure
        A notebook shows it as the value of a cell; it is not registered with pyplot, so it shows once.

    Raises
    ------
    BadItem
        Without any layer.
    """
    from matplotlib.figure import Figure

    if not stages:
        raise BadItem("There are no layers to draw: embed_layers gives at least one.")
    table = depth_table(stages)
    figure = Figure(figsize=(max(7.0, 1.35 * len(stages)), 5.2), layout="constrained")
    grid = figure.add_gridspec(3, len(stages), height_ratios=[1.15, 0.75, 1.2])
    accuracy, dimension = figure.add_subplot(grid[0, :]), figure.add_subplot(grid[1, :])
    _line(accuracy, table["accuracy_1nn"], CATEGORIES[0], "{:.2f}", "nearest neighbour\nshares the label")
    accuracy.set_ylim(0, 1.18)
    _line(dimension, table["intrinsic_dimension"], CATEGORIES[7], "{:.0f}", "intrinsic\ndimension")
    dimension.set_ylim(0, 1.45 * np.nanmax([1, *table["intrinsic_dimension"]]))
    before = None
    for column, (name, embeddings) in enumerate(stages.items()):
        coords = project(embeddings, method, random_state=random_state).coords
        before = procrustes_rotate(coords, before)
        axes = figure.add_subplot(grid[2, column])
        _map(axes, before, embeddings)
        axes.set_xlabel(f"{_short(name)}\n{embeddings.dim} numbers", fontsize=10, color=INK)
    figure.supxlabel(
        f"from the first layer to the last →   "
        f"({METHOD_NAMES[method]} maps: near means like, far means little)",
        fontsize=10,
        color="#666666",
    )
    return figure


def _or_nan(measure: Any, value: Any) -> float:
    try:
        return float(measure(value))
    except BadItem:
        return float("nan")


def _line(axes: Any, values: pd.Series, color: str, form: str, title: str) -> None:
    places = np.arange(len(values))
    axes.plot(places, values, "-o", color=color, linewidth=2, markersize=6)
    for place, value in zip(places, values, strict=True):
        if np.isfinite(value):
            axes.annotate(
                form.format(value), (place, value), (0, 7), textcoords="offset points", ha="center", color=INK
            )
    axes.set_ylabel(title, rotation=0, ha="right", va="center", fontsize=11, color=INK)
    # Half a column of air on both sides, so that each point stands above its map.
    axes.set(xlim=(-0.5, len(values) - 0.5), xticks=[], yticks=[])
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GREY)


def _map(axes: Any, coords: np.ndarray, embeddings: Embeddings) -> None:
    labels = pd.Series(embeddings.items.labels or [None] * len(coords), dtype=object)
    for position, label in enumerate(sorted(labels.dropna().unique())):
        color, symbol = style(position)
        marker = _MARKERS.get(symbol, "o")
        own = coords[(labels == label).to_numpy()]
        axes.scatter(*own.T, s=9, color=color, marker=marker, linewidths=0, alpha=0.85)
    axes.scatter(*coords[labels.isna().to_numpy()].T, s=9, color=GREY, linewidths=0, alpha=0.85)
    axes.set(xticks=[], yticks=[])
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.06)
    axes.spines[:].set_color("#DDDDDD")


def _short(name: str, most: int = 14) -> str:
    """The end of a long layer name: ``resnet.encoder.stages.3`` → ``stages.3``."""
    while len(name) > most and "." in name:
        name = name.partition(".")[2]
    return name if len(name) <= most else f"{name[: most - 1]}…"

"""What a network represents at each depth: a table and a figure of the embeddings of its layers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

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
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = {"circle": "o", "diamond": "D", "square": "s", "cross": "P", "triangle-up": "^", "star": "*"}


def depth_table(stages: Mapping[str, Embeddings]) -> pd.DataFrame:
    """Measure the embeddings of each layer.

    Parameters
    ----------
    stages : mapping of str to Embeddings
        What :func:`embed_layers` returned, from the first layer to the last.

    Returns
    -------
    DataFrame
        One row per layer: ``layer``, ``dim``, ``accuracy_1nn`` (leave-one-out 1-NN accuracy by cosine; NaN
        without labels) and ``intrinsic_dimension`` (TwoNN; NaN for fewer than 10 distinct vectors).
    """
    rows = [
        {
            "layer": name,
            "dim": embeddings.dim,
            "accuracy_1nn": _accuracy(embeddings),
            "intrinsic_dimension": _dimension(embeddings),
        }
        for name, embeddings in stages.items()
    ]
    return pd.DataFrame(rows, columns=["layer", "dim", "accuracy_1nn", "intrinsic_dimension"])


def depth_figure(
    stages: Mapping[str, Embeddings], *, method: Method = "umap", random_state: int = 0
) -> Figure:
    """Draw the numbers of :func:`depth_table` over the depth, and a small map of each layer.

    Parameters
    ----------
    stages : mapping of str to Embeddings
        What :func:`embed_layers` returned: the same items at each layer.
    method : {"umap", "pca", "tsne"}
        Of the maps. Each is rotated, mirrored and scaled (Procrustes) to match the one before.
    random_state : int

    Returns
    -------
    matplotlib.figure.Figure
        Not registered with pyplot, so that a notebook shows it once.

    Raises
    ------
    BadItem
        If there are no layers.
    """
    from matplotlib.figure import Figure

    if not stages:
        raise BadItem("There are no layers to draw. Pass what embed_layers returns.")
    table = depth_table(stages)
    figure = Figure(figsize=(max(7.0, 1.35 * len(stages)), 5.2), layout="constrained")
    grid = figure.add_gridspec(3, len(stages), height_ratios=[1.15, 0.75, 1.2])
    accuracy, dimension = figure.add_subplot(grid[0, :]), figure.add_subplot(grid[1, :])
    _draw_line(
        accuracy, table["accuracy_1nn"], CATEGORIES[0], "{:.2f}", "nearest neighbour\nshares the label"
    )
    accuracy.set_ylim(0, 1.18)
    _draw_line(dimension, table["intrinsic_dimension"], CATEGORIES[7], "{:.0f}", "intrinsic\ndimension")
    dimension.set_ylim(0, 1.45 * np.nanmax([1, *table["intrinsic_dimension"]]))
    previous = None
    for column, (name, embeddings) in enumerate(stages.items()):
        coords = project(embeddings, method, random_state=random_state).coords
        previous = procrustes_rotate(coords, previous)
        axes = figure.add_subplot(grid[2, column])
        _draw_map(axes, previous, embeddings)
        axes.set_xlabel(f"{_shorten(name)}\n{embeddings.dim} numbers", fontsize=10, color=INK)
    figure.supxlabel(
        "from the first layer to the last →   "
        f"({METHOD_NAMES[method]} maps: near means like, far means little)",
        fontsize=10,
        color="#666666",
    )
    return figure


def _accuracy(embeddings: Embeddings) -> float:
    try:
        return float(knn_accuracy(embeddings))
    except BadItem:
        return float("nan")


def _dimension(embeddings: Embeddings) -> float:
    try:
        return two_nn(embeddings.vectors)
    except BadItem:
        return float("nan")


def _draw_line(axes: Axes, values: pd.Series, color: str, form: str, title: str) -> None:
    places = np.arange(len(values))
    axes.plot(places, values, "-o", color=color, linewidth=2, markersize=6)
    for place, value in zip(places, values, strict=True):
        if np.isfinite(value):
            axes.annotate(
                form.format(value), (place, value), (0, 7), textcoords="offset points", ha="center", color=INK
            )
    axes.set_ylabel(title, rotation=0, ha="right", va="center", fontsize=11, color=INK)
    # Half a column on both sides, so that each point is above its map.
    axes.set(xlim=(-0.5, len(values) - 0.5), xticks=[], yticks=[])
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GREY)


def _draw_map(axes: Axes, coords: np.ndarray, embeddings: Embeddings) -> None:
    labels = pd.Series(embeddings.items.labels or [None] * len(coords), dtype=object)
    for position, label in enumerate(sorted(labels.dropna().unique())):
        color, symbol = style(position)
        marker = _MARKERS.get(symbol, "o")
        chosen = coords[(labels == label).to_numpy()]
        x, y = chosen.T
        axes.scatter(x, y, s=9, color=color, marker=marker, linewidths=0, alpha=0.85)
    x, y = coords[labels.isna().to_numpy()].T
    axes.scatter(x, y, s=9, color=GREY, linewidths=0, alpha=0.85)
    axes.set(xticks=[], yticks=[])
    axes.set_aspect("equal", adjustable="datalim")
    axes.margins(0.06)
    axes.spines[:].set_color("#DDDDDD")


def _shorten(name: str, max_chars: int = 14) -> str:
    """Shorten a layer name from the front: ``resnet.encoder.stages.3`` → ``stages.3``."""
    while len(name) > max_chars and "." in name:
        name = name.partition(".")[2]
    return name if len(name) <= max_chars else f"{name[: max_chars - 1]}…"

"""The figures of a comparison: scores with intervals, heat maps, shapes, quality against bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from embedlab.analysis.neighbors import Neighbors
from embedlab.comparison.compression_words import quality_column, quality_title
from embedlab.comparison.evaluation import Task
from embedlab.comparison.geometry import k_occurrences, spectrum
from embedlab.comparison.geometry_tables import HUB_NEIGHBORS
from embedlab.embeddings import Embeddings, unit_rows
from embedlab.errors import BadItem
from embedlab.palette import CATEGORIES, GREY, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

# Of middle lightness, visible on white and on dark; teal and orange differ for colour-blind readers too.
MODEL_COLORS = tuple(CATEGORIES[place] for place in (2, 7, 8, 10, 9, 3))
MARKERS = {
    "float32": "o", "float16": "v", "int8": "s", "binary": "P", "PCA": "D", "PCA + int8": "X",
    "first numbers": "x",
}  # fmt: skip
_WAY_COLORS = {
    "float32": INK, "float16": "#777777", "int8": CATEGORIES[2], "binary": CATEGORIES[3],
    "PCA": CATEGORIES[10], "PCA + int8": CATEGORIES[8], "first numbers": CATEGORIES[7],
}  # fmt: skip
_LINES = ("-", "--", "-.", ":")
_SMALL_SIZE, _TEXT_SIZE = 10.5, 11.0


def model_color(place: int) -> str:
    """Return the colour of the model with this index."""
    return MODEL_COLORS[place % len(MODEL_COLORS)]


def scores_figure(tasks: Sequence[Task], names: Sequence[str]) -> Figure:
    """Draw every task: a dot for each model, its 95 % interval as a line, chance as a grey mark.

    Raises
    ------
    BadItem
        If there are no tasks.
    """
    if not tasks:
        raise BadItem("There are no scores to draw. Pass labels, queries or pairs to compare().")
    figure = _figure(8.4, 1.0 + 0.34 * len(tasks) * (len(names) + 0.8))
    axes = figure.add_subplot()
    y, ticks, words = 0.0, [], []
    for task in tasks:
        top = y
        for name, score in task.scores.items():
            color = model_color(list(names).index(name))
            if np.isfinite(score.low):
                axes.plot([score.low, score.high], [y, y], color=color, linewidth=3.5, alpha=0.45)
            axes.scatter([score.value], [y], s=58, color=color, zorder=3)
            axes.text(1.03, y, f"{score.value:.2f}  {name}", va="center", fontsize=_SMALL_SIZE, color=INK)
            y += 1
        if np.isfinite(task.chance):
            axes.plot([task.chance] * 2, [top - 0.45, y - 0.55], color=GREY, linewidth=2, zorder=0)
        ticks.append((top + y - 1) / 2)
        words.append(f"{task.measure}\nn = {next(iter(task.scores.values())).n:,} {task.unit}")
        y += 0.8
    axes.set_yticks(ticks, words)
    axes.set(
        xlim=(min(0, *(s.low for t in tasks for s in t.scores.values() if np.isfinite(s.low))) - 0.01, 1.01)
    )
    axes.set_ylim(y - 0.6, -0.8)
    axes.set_xlabel("score; line: 95 % interval; grey: chance", fontsize=_TEXT_SIZE, color=INK)
    _remove_spines(axes)
    return _disable_math(figure)


def heatmap_figure(matrices: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw tables of similarities as heat maps side by side: models by models, or layers by layers.

    Parameters
    ----------
    matrices : mapping of str to DataFrame
        By title, for example from :meth:`Comparison.matrix` or :func:`layer_similarity`; values up to 1.
    """
    largest = max(max(table.shape) for table in matrices.values())
    longest = max(len(str(name)) for table in matrices.values() for name in table.index)
    side = 1.6 + 0.62 * largest
    figure = _figure((side + 0.075 * longest) * len(matrices), side + 0.3 + 0.05 * longest)
    for axes, (title, table) in zip(
        np.atleast_1d(figure.subplots(1, len(matrices))), matrices.items(), strict=True
    ):
        values = table.to_numpy(float)
        axes.imshow(values, cmap="GnBu", vmin=0, vmax=1)
        for row, column in np.ndindex(*values.shape):
            value = values[row, column]
            axes.text(
                column, row, f"{value:.2f}" if np.isfinite(value) else "–", ha="center", va="center",
                fontsize=_SMALL_SIZE, color="white" if value > 0.65 else INK,
            )  # fmt: skip
        axes.set_xticks(range(values.shape[1]), list(table.columns), rotation=40, ha="right")
        axes.set_yticks(range(values.shape[0]), list(table.index))
        axes.set_title(title, fontsize=_TEXT_SIZE, color=INK)
        axes.tick_params(length=0, labelsize=_SMALL_SIZE, colors=INK)
        axes.spines[:].set_visible(False)
    return _disable_math(figure)


def shape_figure(embeddings: Mapping[str, Embeddings], neighbors: Mapping[str, Neighbors]) -> Figure:
    """Draw the spectrum of each cloud, its hubs, and the lengths of its vectors.

    Parameters
    ----------
    embeddings : mapping of str to Embeddings
        By the name of the model.
    neighbors : mapping of str to Neighbors
        Their graphs by cosine.
    """
    figure = _figure(12.6, 3.9)
    directions, hubs, lengths = figure.subplots(1, 3)
    n, k = (
        len(next(iter(embeddings.values()))),
        min(HUB_NEIGHBORS, *(graph.k for graph in neighbors.values())),
    )
    for place, (name, emb) in enumerate(embeddings.items()):
        style: dict[str, Any] = {
            "color": model_color(place),
            "linestyle": _LINES[place % len(_LINES)],
            "linewidth": 2,
        }
        try:
            shares = np.cumsum(spectrum(unit_rows(emb.vectors)))
            directions.plot(np.arange(1, len(shares) + 1), shares, label=name, **style)
        except BadItem:  # all vectors are identical
            directions.plot([], [], label=name, **style)
        counts = k_occurrences(neighbors[name].first(k))
        hubs.plot(np.arange(n) / max(n - 1, 1), np.sort(counts)[::-1], **style)
        ratio = np.sort(np.linalg.norm(emb.vectors, axis=1))
        lengths.plot(np.arange(n) / max(n - 1, 1), ratio / np.median(ratio), **style)
    directions.set(xscale="log", ylim=(0, 1.04))
    ticks = 2 ** np.arange(0, np.log2(max(emb.dim for emb in embeddings.values())) + 0.5, 2)
    directions.set_xticks(ticks, [f"{tick:,.0f}" for tick in ticks], minor=False)
    directions.set_xticks([], minor=True)
    hubs.axhline(k, color=GREY, linewidth=1, zorder=0)
    hubs.set_ylim(0, None)
    lengths.set_ylim(0, max(1.6, lengths.get_ylim()[1]))
    for axes, title, below in (
        (directions, "share of the spread that they hold", "leading directions (PCA)"),
        (hubs, f"lists of {k} nearest that an item is in (mean {k})", "items, from hubs to anti-hubs"),
        (lengths, "length of a vector / median", "items, from short to long"),
    ):
        axes.set_title(f"{title}\nn = {n:,}", fontsize=_TEXT_SIZE, color=INK)
        axes.set_xlabel(below, fontsize=_TEXT_SIZE, color=INK)
        _remove_spines(axes)
    for axes in (hubs, lengths):
        axes.set_xticks([0, 0.5, 1], ["first", "half of them", "last"])
    figure.legend(loc="outside lower center", ncols=len(embeddings), frameon=False, fontsize=_SMALL_SIZE)
    return _disable_math(figure)


def compression_figure(table: pd.DataFrame, k: int) -> Figure:
    """Draw quality against the bytes of one vector: a panel for each model, a mark for each compression.

    Parameters
    ----------
    table : DataFrame
        As :attr:`Comparison.smaller`.
    k : int
    """
    quality = quality_column(table)
    names = list(dict.fromkeys(table["model"]))
    figure = _figure(4.3 * max(len(names), 1.6), 3.9)
    panels = np.atleast_1d(figure.subplots(1, len(names), sharey=True, sharex=True))
    figure.get_layout_engine().set(wspace=0.06)  # type: ignore[union-attr,call-arg]
    ways = [way for way in MARKERS if way in set(table["way"])]
    handles: list[Line2D] = []
    for axes, name in zip(panels, names, strict=True):
        rows = table[table["model"] == name]
        full = rows[rows["way"] == "float32"].iloc[0]
        axes.axhspan(full[f"{quality}_low"], full[f"{quality}_high"], color="#EEEEF2", zorder=0)
        handles = [_draw_way(axes, rows[rows["way"] == way], way, quality) for way in ways]
        axes.set_xscale("log", base=2)
        sizes = 2.0 ** np.arange(np.floor(np.log2(table["bytes"].min())), np.log2(table["bytes"].max()) + 1)
        axes.set_xticks(sizes[::2], [f"{size:,.0f}" for size in sizes[::2]])
        axes.set_title(f"{name}: {int(full['dim'])} numbers", fontsize=_TEXT_SIZE, color=INK)
        axes.set_xlabel("bytes of one vector", fontsize=_TEXT_SIZE, color=INK)
        axes.set_ylim(min(0, float(table[quality].min())), 1.04)
        _remove_spines(axes)
    n = int(table["n_labelled" if quality == "accuracy" else "n_queries"].max())
    panels[0].set_ylabel(f"{quality_title(quality, k)}\nn = {n:,}", fontsize=_TEXT_SIZE, color=INK)
    figure.legend(handles, ways, loc="outside lower center", ncols=4, frameon=False, fontsize=_SMALL_SIZE)
    return _disable_math(figure)


def _draw_way(axes: Axes, rows: pd.DataFrame, way: str, quality: str) -> Line2D:
    """Draw the marks of one compression, joined if it has several sizes."""
    rows = rows.sort_values("bytes")
    single = len(rows) == 1
    [line] = axes.plot(
        rows["bytes"],
        rows[quality],
        color=_WAY_COLORS[way],
        marker=MARKERS[way],
        markersize=9 if single else 7,
        linewidth=1.4,
        zorder=3 if single else 2,
        markeredgecolor=None if way == "first numbers" else "white",
    )
    return line


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    # Outside pyplot, so that neither the notebook's figures nor its backend are affected.
    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def _disable_math(figure: Figure) -> Figure:
    """Show dollar signs in names as they are, instead of parsing formulas."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        text.set_parse_math(False)
    return figure


def _remove_spines(axes: Axes) -> None:
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(GREY)
    axes.tick_params(labelsize=_SMALL_SIZE, colors=INK, length=0)

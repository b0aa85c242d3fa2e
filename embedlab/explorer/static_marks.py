"""Draw the marks of a static map: points, thumbnails, legend and colour bar."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from embedlab import palette
from embedlab.analysis.projection import Projection
from embedlab.explorer.coloring import DISTORTION, Coloring, Group
from embedlab.explorer.item_image import item_kind, item_thumbnail
from embedlab.explorer.static_layout import DPI
from embedlab.io.text import clip
from embedlab.items import Items

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure

LEGEND_ROWS = 21
OPACITY = 0.85
TEXT_SYMBOL = "diamond"  # of texts on a map of images and texts
_MARKERS = {
    "circle": "o", "diamond": "D", "square": "s", "cross": "P", "triangle-up": "^", "star": "*", "x": "X",
    "triangle-down": "v", "circle-open": "o",
}  # fmt: skip
_THUMBNAIL, _MAX_THUMBNAILS = 46, 36  # longer side in pixels, and how many on one map
_THUMBNAIL_GAP = 6  # pixels
_MAX_LEGEND_CHARS, _MAX_TITLE_CHARS = 22, 24


def draw_points(axes: Axes, projection: Projection, coloring: Coloring, scale: float) -> list[PathCollection]:
    """Draw all points; return one artist per group, for the legend."""
    size = scale * (34 if len(projection) <= 1000 else (12 if len(projection) <= 5000 else 4))
    handles = []
    items = projection.embeddings.items
    is_mixed = items.modality == "image+text"
    for group in coloring.groups:
        x, y = projection.coords[group.rows].T
        marker = _MARKERS[group.symbol]
        if coloring.values is not None and np.isfinite(coloring.values[group.rows]).all():
            low, high = coloring.limits
            handles.append(
                axes.scatter(
                    x, y, s=size, c=coloring.values[group.rows], vmin=low, vmax=high, marker=marker,
                    cmap=palette.SEQUENTIAL.lower() + ("_r" if coloring.reverse else ""), alpha=OPACITY,
                    linewidths=0.4, edgecolors="#55555577",
                )
            )  # fmt: skip
            continue
        is_open = group.symbol.endswith("-open")
        edge, face = (group.color, "none") if is_open else ("white", group.color)
        look: dict[str, Any] = {"facecolors": face, "edgecolors": edge, "linewidths": 0.5, "alpha": OPACITY}
        is_text = np.array([symbol == TEXT_SYMBOL for symbol in list_symbols(items, group)])
        if is_mixed and is_text.any():  # the legend keeps the marker of the images
            axes.scatter(x[is_text], y[is_text], s=size, marker="D", **look)
            x, y = x[~is_text], y[~is_text]
        handles.append(axes.scatter(x, y, s=size, marker=marker, **look))
    return handles


def list_symbols(items: Items, group: Group) -> list[str]:
    """List the marker symbols of a group; among images and texts, texts are diamonds in every class."""
    if items.modality != "image+text":
        return [group.symbol] * len(group.rows)
    return [TEXT_SYMBOL if item_kind(items, row) == "text" else group.symbol for row in group.rows]


def draw_thumbnails(axes: Axes, projection: Projection, coloring: Coloring) -> None:
    """Draw some thumbnails above their points, framed in their colour, so that none covers another."""
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage
    from PIL import Image

    items = projection.embeddings.items
    above = np.array([0, _THUMBNAIL / 2 + 9])  # pixels, so that the point itself stays visible
    rows = [row for row in range(len(items)) if item_kind(items, row) != "text"]
    places = axes.transData.transform(projection.coords[rows]) + above
    for place in spread_places(places, _THUMBNAIL + _THUMBNAIL_GAP, np.asarray(axes.bbox.extents)):
        row = rows[place]
        with Image.open(io.BytesIO(item_thumbnail(items, row))) as opened:
            opened.thumbnail((_THUMBNAIL, _THUMBNAIL))
            image = OffsetImage(np.asarray(opened), zoom=72 / DPI)
        color, _ = coloring.style_of(row)
        frame = {"edgecolor": color, "linewidth": 1.6, "boxstyle": "square,pad=0"}
        x, y = projection.coords[row]
        axes.add_artist(
            AnnotationBbox(
                image, (x, y), xybox=tuple(above), boxcoords="offset pixels", pad=0, bboxprops=frame
            )
        )


def spread_places(places: np.ndarray, gap: float, box: np.ndarray) -> list[int]:
    """Choose up to 36 places inside a box, no two of them closer than ``gap``, spread over the whole box.

    Each next place is the one farthest from those already chosen.

    Parameters
    ----------
    places : ndarray, shape (n, 2)
        Centres of squares, in pixels.
    gap : float
        Side of a square, in pixels.
    box : ndarray, shape (4,)
        Left, bottom, right and top, in pixels.
    """
    (left, bottom), (right, top) = box[:2] + gap / 2, box[2:] - gap / 2
    inside = (places[:, 0] > left) & (places[:, 0] < right) & (places[:, 1] > bottom) & (places[:, 1] < top)
    rows = np.flatnonzero(inside)
    chosen: list[int] = []
    distance = np.full(len(rows), np.inf)  # to the nearest chosen place
    while len(rows) and len(chosen) < _MAX_THUMBNAILS and distance.max() >= gap:
        best = int(distance.argmax())
        chosen.append(int(rows[best]))
        # Whether two squares touch depends on the larger of their distances in x and y.
        distance = np.minimum(distance, np.abs(places[rows] - places[rows[best]]).max(axis=1))
    return chosen


def draw_legend(
    figure: Figure, coloring: Coloring, handles: list[PathCollection], right: float, columns: int
) -> None:
    """Draw the legend at the right."""
    shown = handles[: LEGEND_ROWS * 2]
    legend = figure.legend(
        shown, ["x"] * len(shown), loc="upper left", bbox_to_anchor=(right + 0.005, 0.985), frameon=False,
        fontsize=9.5, ncols=columns, handletextpad=0.2, labelspacing=0.35, columnspacing=0.6, markerscale=1.2,
        title="x", title_fontsize=10, alignment="left",
    )  # fmt: skip
    # Texts are set afterwards: matplotlib drops labels that begin with "_" and reads "$" as mathematics.
    texts = [*legend.get_texts(), legend.get_title()]
    names = [clip(group.name, _MAX_LEGEND_CHARS) or "(empty)" for group in coloring.groups[: len(shown)]]
    for text, name in zip(texts, [*names, clip(coloring.title, _MAX_LEGEND_CHARS)], strict=True):
        text.set_parse_math(False)
        text.set_text(name)
        text.set_color(palette.INK)


def draw_color_bar(figure: Figure, axes: Axes, coloring: Coloring, right: float) -> None:
    """Draw the colour bar at the right."""
    box = figure.add_axes((right + 0.03, 0.45, 0.016, 0.44))
    bar = figure.colorbar(axes.collections[0], cax=box)
    bar.outline.set_visible(False)
    if bar.solids is not None:
        bar.solids.set_alpha(1)
    box.tick_params(labelsize=9.5, length=0, colors=palette.INK)
    if coloring.by == DISTORTION:
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    title = clip(coloring.title, _MAX_TITLE_CHARS)
    text = figure.text(right + 0.02, 0.93, title, fontsize=10, color=palette.INK)
    text.set_parse_math(False)

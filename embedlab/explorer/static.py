"""The same map as a picture: for stored notebooks and for places where no Python runs."""

from __future__ import annotations

import dataclasses
import io
import textwrap
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from embedlab import palette
from embedlab.analysis.projection import METHOD_NAMES, Note, NoteCode, Projection
from embedlab.explorer.captions import honest_words
from embedlab.explorer.coloring import Coloring, Group, coloring
from embedlab.explorer.pictures import MIXED_WORDS, are_seen, kind_of, small_picture
from embedlab.io.text import clip
from embedlab.items import Items

WIDTH, HEIGHT, DPI = 900, 600, 100  # pixels, pixels, pixels per inch
_MARKERS = {
    "circle": "o", "diamond": "D", "square": "s", "cross": "P", "triangle-up": "^", "star": "*", "x": "X",
    "triangle-down": "v", "circle-open": "o",
}  # fmt: skip
_PER_COLUMN = 21
MOST_BYTES = 120_000
OPACITY = 0.85
TEXT_SYMBOL = "diamond"  # in a mixture of pictures and texts
_PICTURE, _MOST_PICTURES = 46, 36  # longer side in pixels, and how many on one map


def static_png(
    projections: Projection | Sequence[Projection], color_by: str | Coloring | Sequence[Coloring]
) -> bytes:
    """Draw maps with matplotlib, in the colours of the explorer.

    Parameters
    ----------
    projections : Projection or sequence of Projection
    color_by : str, Coloring, or one Coloring for each map
        As in :func:`embedlab.explorer.explore`, or made already.

    Returns
    -------
    bytes
        A PNG, 900 pixels wide and for one map 600 high: legend at the right, caption below.
    """
    maps = [projections] if isinstance(projections, Projection) else list(projections)
    if isinstance(color_by, str):
        colors = [coloring(projection, color_by) for projection in maps]
    else:
        colors = [color_by] * len(maps) if isinstance(color_by, Coloring) else list(color_by)
    png = _written(_canvas(maps, colors), "png", DPI)
    # Two hundred and fifty-six colours are plenty for classes, but would cut a continuous scale into steps.
    return png if colors[0].values is not None and len(png) <= MOST_BYTES else _fewer_colors(png)


def slide(projections: Sequence[Projection], colors: Sequence[Coloring], form: str) -> bytes:
    """The same picture for slides and papers: ``"png"`` at twice the pixels, or ``"svg"``."""
    return _written(_canvas(projections, colors), form, 2 * DPI)


def _written(canvas: Any, form: str, dpi: int) -> bytes:
    from matplotlib import rc_context

    out = io.BytesIO()
    with warnings.catch_warnings(), rc_context({"svg.hashsalt": "embedlab"}):
        # A label in a script or emoji that the font lacks shows as a box; the live map has all of them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        # Neither the program nor the hour: the same map is the same file.
        unsaid = {"Software": None} if form == "png" else {"Date": None}
        canvas.savefig(out, format=form, dpi=dpi, metadata=unsaid)
    return out.getvalue()


def _canvas(projections: Sequence[Projection], colorings: Sequence[Coloring]) -> Any:
    from matplotlib.figure import Figure

    maps, colors = [_seen(projection) for projection in projections], colorings[0]
    columns = min(-(-len(colors.groups) // _PER_COLUMN), 2)
    right = 0.98 if len(colors.groups) == 1 and colors.values is None else (0.79 if columns < 2 else 0.62)
    frames, lines, height = _layout(maps, right)
    # A figure of its own, outside pyplot: it touches neither the notebook's figures nor its backend.
    canvas = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI, facecolor="white")
    handles: list[Any] = []
    for projection, own, (left, bottom, width, high) in zip(maps, colorings, frames, strict=True):
        axes = canvas.add_axes((left / WIDTH, bottom / height, width / WIDTH, high / height))
        x, y = _same_scale(*extent(projection.coords), shape=(width, high))
        axes.set(xlim=x, ylim=y, xticks=[], yticks=[])
        for side in axes.spines.values():
            side.set_color("#E0E0E0")
        handles = _scatter(axes, projection, own, 1.0 if len(maps) == 1 else 0.5)
        if are_seen(projection.embeddings.items):
            _pictures(axes, projection, own)
        if len(maps) > 1:
            name = clip(projection.embeddings.model.name, 40)
            title = canvas.text(
                left / WIDTH, (bottom + high + 6) / height, name, fontsize=10.5, color=palette.INK
            )
            title.set(weight="bold", parse_math=False)
    if colors.values is not None:
        _color_bar(canvas, canvas.axes[0], colors, right)
    elif len(colors.groups) > 1:
        _legend(canvas, colors, handles, right, columns)
    for place, line in enumerate(lines):
        size, color = (9.5, "#666666") if place >= len(maps) else (10.5, palette.INK)
        text = canvas.text(
            0.02, (_LINE * (len(lines) - place) - 12) / height, line, fontsize=size, color=color
        )
        text.set_parse_math(False)
    return canvas


Frame = tuple[float, float, float, float]  # left, bottom, width and height, in pixels
_LINE, _GAP, _TITLE = 24, 14, 26  # pixels


def _layout(maps: Sequence[Projection], right: float) -> tuple[list[Frame], list[str], float]:
    """Where each map lies, the lines below them, and the height of the whole."""
    n, width, left = len(maps), right * WIDTH, 0.02 * WIDTH
    if n == 1:
        lines = _caption(maps[0])
        return [(left, 0.14 * HEIGHT, width - left, 0.84 * HEIGHT)], lines, HEIGHT
    lines = [line for one in maps for line in _caption(one)[:1]]
    lines += textwrap.wrap(f"{honest_words(maps[0])} {maps[-1].note}", 130)
    columns = 2 if n in (2, 4) else 3
    rows = -(-n // columns)
    one = (width - left - _GAP * (columns - 1)) / columns
    below = _LINE * len(lines) + 18
    height = below + rows * (one + _TITLE) + _GAP * (rows - 1) + 6
    frames = [
        (
            left + (place % columns) * (one + _GAP),
            below + (rows - 1 - place // columns) * (one + _TITLE + _GAP),
            one,
            one,
        )
        for place in range(n)
    ]
    return frames, lines, height


def _seen(projection: Projection) -> Projection:
    """A space as it is seen at first in the explorer (``front/data.js``); a plane as it is."""
    if projection.coords.shape[1] == 2:
        return projection
    yaw, pitch = 0.5, 0.3
    x, y, z = (projection.coords - projection.coords.mean(axis=0)).T
    away = z * np.cos(yaw) - x * np.sin(yaw)
    plane = np.column_stack([x * np.cos(yaw) + z * np.sin(yaw), y * np.cos(pitch) - away * np.sin(pitch)])
    note = Note(NoteCode.FLATTENED, "Three dimensions, seen from one side.")
    return dataclasses.replace(projection, coords=plane.astype(np.float32), notes=(note, *projection.notes))


def extent(coords: np.ndarray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ranges of x and y with some air around the points; never empty."""
    low, high = coords.min(axis=0).astype(float), coords.max(axis=0).astype(float)
    pad = 0.05 * float((high - low).max()) or 1.0
    return (low[0] - pad, high[0] + pad), (low[1] - pad, high[1] + pad)


def symbols(items: Items, group: Group) -> str | list[str]:
    """Marker symbols of a group: in a mixture texts are diamonds, whatever their class."""
    if items.modality != "image+text":
        return group.symbol
    return [TEXT_SYMBOL if kind_of(items, row) == "text" else group.symbol for row in group.rows]


Range = tuple[float, float]


def _same_scale(x: Range, y: Range, shape: tuple[float, float]) -> tuple[Range, Range]:
    """Widen one of two ranges so that a unit is as long across as up in a box of ``shape`` pixels."""
    unit = max((x[1] - x[0]) / shape[0], (y[1] - y[0]) / shape[1])
    return tuple(  # type: ignore[return-value]
        ((low + high - unit * side) / 2, (low + high + unit * side) / 2)
        for (low, high), side in zip((x, y), shape, strict=True)
    )


def _scatter(axes: Any, projection: Projection, colors: Coloring, scale: float) -> list[Any]:
    size = scale * (34 if len(projection) <= 1000 else (12 if len(projection) <= 5000 else 4))
    handles = []
    items = projection.embeddings.items
    mixed = items.modality == "image+text"
    for group in colors.groups:
        x, y = projection.coords[group.rows].T
        marker = _MARKERS[group.symbol]
        texts = np.array([s == TEXT_SYMBOL for s in symbols(items, group)]) if mixed else None
        if colors.values is not None and np.isfinite(colors.values[group.rows]).all():
            low, high = colors.limits
            handles.append(
                axes.scatter(
                    x, y, s=size, c=colors.values[group.rows], vmin=low, vmax=high, marker=marker,
                    cmap=palette.SEQUENTIAL.lower() + ("_r" if colors.reverse else ""), alpha=OPACITY,
                    linewidths=0.4, edgecolors="#55555577",
                )
            )  # fmt: skip
            continue
        edge, face = (group.color, "none") if group.symbol.endswith("-open") else ("white", group.color)
        look = {"facecolors": face, "edgecolors": edge, "linewidths": 0.5}
        if texts is not None and texts.any():  # the legend keeps the marker of the pictures
            axes.scatter(x[texts], y[texts], s=size, marker="D", alpha=OPACITY, **look)
            x, y = x[~texts], y[~texts]
        handles.append(axes.scatter(x, y, s=size, marker=marker, alpha=OPACITY, **look))
    return handles


def _pictures(axes: Any, projection: Projection, colors: Coloring) -> None:
    """Some of the pictures above their points, framed in their colour; none covers another."""
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage
    from PIL import Image

    items = projection.embeddings.items
    above = np.array([0, _PICTURE / 2 + 9])  # pixels: the point itself stays in sight
    pictured = [row for row in range(len(items)) if kind_of(items, row) != "text"]
    places = axes.transData.transform(projection.coords[pictured]) + above
    for place in _apart(places, _PICTURE + 6, axes.bbox.extents):
        row = pictured[place]
        with Image.open(io.BytesIO(small_picture(items, row))) as opened:
            opened.thumbnail((_PICTURE, _PICTURE))
            shown = OffsetImage(np.asarray(opened), zoom=72 / DPI)
        color, _ = colors.style_of(row)
        frame = {"edgecolor": color, "linewidth": 1.6, "boxstyle": "square,pad=0"}
        at = projection.coords[row]
        axes.add_artist(
            AnnotationBbox(shown, at, xybox=tuple(above), boxcoords="offset pixels", pad=0, bboxprops=frame)
        )


def _apart(places: np.ndarray, gap: float, box: np.ndarray) -> list[int]:
    """Up to ``_MOST_PICTURES`` rows no two of which are closer than ``gap`` pixels, all inside of ``box``.

    Each next one is the farthest from those chosen, so that they spread over the whole map.
    """
    (left, bottom), (right, top) = box[:2] + gap / 2, box[2:] - gap / 2
    inside = (places[:, 0] > left) & (places[:, 0] < right) & (places[:, 1] > bottom) & (places[:, 1] < top)
    rows = np.flatnonzero(inside)
    chosen: list[int] = []
    room = np.full(len(rows), np.inf)
    while len(rows) and len(chosen) < _MOST_PICTURES and room.max() >= gap:
        best = int(room.argmax())
        chosen.append(int(rows[best]))
        # The larger of the two distances decides whether two squares touch.
        room = np.minimum(room, np.abs(places[rows] - places[rows[best]]).max(axis=1))
    return chosen


def _legend(canvas: Any, colors: Coloring, handles: list[Any], right: float, columns: int) -> None:
    shown = handles[: _PER_COLUMN * 2]
    legend = canvas.legend(
        shown, ["x"] * len(shown), loc="upper left", bbox_to_anchor=(right + 0.005, 0.985), frameon=False,
        fontsize=9.5, ncols=columns, handletextpad=0.2, labelspacing=0.35, columnspacing=0.6, markerscale=1.2,
        title="x", title_fontsize=10, alignment="left",
    )  # fmt: skip
    # Texts are set afterwards: matplotlib drops labels that begin with "_" and reads "$" as mathematics.
    texts = [*legend.get_texts(), legend.get_title()]
    names = [clip(group.name, 22) or "(empty)" for group in colors.groups[: len(shown)]]
    for text, name in zip(texts, [*names, clip(colors.title, 22)], strict=True):
        text.set_parse_math(False)
        text.set_text(name)
        text.set_color(palette.INK)


def _color_bar(canvas: Any, axes: Any, colors: Coloring, right: float) -> None:
    box = canvas.add_axes((right + 0.03, 0.45, 0.016, 0.44))
    bar = canvas.colorbar(axes.collections[0], cax=box)
    bar.outline.set_visible(False)
    bar.solids.set_alpha(1)
    box.tick_params(labelsize=9.5, length=0, colors=palette.INK)
    if colors.by == "distortion":
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    text = canvas.text(right + 0.02, 0.93, clip(colors.title, 24), fontsize=10, color=palette.INK)
    text.set_parse_math(False)


def _caption(projection: Projection) -> list[str]:
    embeddings, quality = projection.embeddings, projection.quality
    first = f"{METHOD_NAMES[projection.method]} of {len(projection)} items, {clip(embeddings.model.name, 40)}"
    if np.isfinite(quality.trustworthiness):
        first += f" · trustworthiness {quality.trustworthiness:.2f}, continuity {quality.continuity:.2f}"
    rest = honest_words(projection)
    if embeddings.items.modality == "image+text":
        rest = f"{MIXED_WORDS} · {rest}"
    return [f"{first}: {quality.words}", *textwrap.wrap(f"{rest} {projection.note}".strip(), 130)[:2]]


def _fewer_colors(png: bytes) -> bytes:
    """The same picture with a palette of 256 colours: a third of the bytes in every stored notebook."""
    from PIL import Image

    picture = Image.open(io.BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    out = io.BytesIO()
    picture.save(out, format="PNG", optimize=True)
    return out.getvalue()

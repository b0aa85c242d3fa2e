"""Draw maps as static pictures: for stored notebooks, and for places where no Python runs."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from embedlab import palette
from embedlab.analysis.projection import Projection
from embedlab.explorer.coloring import Coloring, color_items
from embedlab.explorer.item_image import have_thumbnails
from embedlab.explorer.static_layout import (
    DPI,
    LINE_HEIGHT,
    MAX_NAME_CHARS,
    WIDTH,
    Frame,
    axis_limits,
    lay_out,
    project_to_plane,
)
from embedlab.explorer.static_marks import (
    LEGEND_ROWS,
    draw_color_bar,
    draw_legend,
    draw_points,
    draw_thumbnails,
)
from embedlab.io.text import clip

if TYPE_CHECKING:
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure

PictureFormat = Literal["png", "svg"]
MAX_PREVIEW_BYTES = 120_000
_FRAME_COLOR, _NOTE_COLOR = "#E0E0E0", "#666666"


def draw_preview(
    projections: Projection | Sequence[Projection], color_by: str | Coloring | Sequence[Coloring]
) -> bytes:
    """Draw maps as a small PNG in the colours of the explorer, for a stored notebook.

    Parameters
    ----------
    projections : Projection or sequence of Projection
    color_by : str, Coloring, or one Coloring per map
        As in :func:`embedlab.explorer.explore`.

    Returns
    -------
    bytes
        A PNG, 900 pixels wide and, for one map, 600 high: legend at the right, caption below.
    """
    maps = [projections] if isinstance(projections, Projection) else list(projections)
    if isinstance(color_by, str):
        colorings = [color_items(projection, color_by) for projection in maps]
    else:
        colorings = [color_by] * len(maps) if isinstance(color_by, Coloring) else list(color_by)
    png = _save(_draw_figure(maps, colorings), "png", DPI)
    # 256 colours are enough for classes, but would cut a continuous scale into steps.
    is_continuous = colorings[0].values is not None
    return png if is_continuous and len(png) <= MAX_PREVIEW_BYTES else _reduce_colors(png)


def draw_picture(
    projections: Sequence[Projection], colorings: Sequence[Coloring], form: PictureFormat
) -> bytes:
    """Draw maps for slides and papers: a PNG with twice the pixels, or an SVG."""
    return _save(_draw_figure(projections, colorings), form, 2 * DPI)


def _draw_figure(projections: Sequence[Projection], colorings: Sequence[Coloring]) -> Figure:
    from matplotlib.figure import Figure

    maps, coloring = [project_to_plane(projection) for projection in projections], colorings[0]
    columns = min(-(-len(coloring.groups) // LEGEND_ROWS), 2)
    has_legend = len(coloring.groups) > 1 or coloring.values is not None
    right = (0.79 if columns < 2 else 0.62) if has_legend else 0.98
    layout = lay_out(maps, right)
    # Outside pyplot, it affects neither the notebook's figures nor its backend.
    figure = Figure(figsize=(WIDTH / DPI, layout.height / DPI), dpi=DPI, facecolor="white")
    handles: list[PathCollection] = []
    for projection, own_coloring, frame in zip(maps, colorings, layout.frames, strict=True):
        handles = _draw_map(figure, projection, own_coloring, frame, layout.height, is_single=len(maps) == 1)
    if coloring.values is not None:
        draw_color_bar(figure, figure.axes[0], coloring, right)
    elif has_legend:
        draw_legend(figure, coloring, handles, right, columns)
    for place, line in enumerate(layout.lines):
        size, color = (9.5, _NOTE_COLOR) if place >= len(maps) else (10.5, palette.INK)
        y = (LINE_HEIGHT * (len(layout.lines) - place) - 12) / layout.height
        figure.text(0.02, y, line, fontsize=size, color=color).set_parse_math(False)
    return figure


def _draw_map(
    figure: Figure,
    projection: Projection,
    coloring: Coloring,
    frame: Frame,
    height: float,
    *,
    is_single: bool,
) -> list[PathCollection]:
    """Draw one map on a figure ``height`` pixels high; return its points by group."""
    left, bottom, width, high = frame
    axes = figure.add_axes((left / WIDTH, bottom / height, width / WIDTH, high / height))
    x, y = axis_limits(projection.coords, frame)
    axes.set(xlim=x, ylim=y, xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set_color(_FRAME_COLOR)
    handles = draw_points(axes, projection, coloring, 1.0 if is_single else 0.5)
    if have_thumbnails(projection.embeddings.items):
        draw_thumbnails(axes, projection, coloring)
    if not is_single:
        name = clip(projection.embeddings.model.name, MAX_NAME_CHARS)
        title = figure.text(
            left / WIDTH, (bottom + high + 6) / height, name, fontsize=10.5, color=palette.INK, weight="bold"
        )
        title.set_parse_math(False)
    return handles


def _save(figure: Figure, form: PictureFormat, dpi: int) -> bytes:
    from matplotlib import rc_context

    out = io.BytesIO()
    with warnings.catch_warnings(), rc_context({"svg.hashsalt": "embedlab"}):
        # A label in a script or emoji that the font lacks shows as a box; the live map shows all of them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
        # Without program and time, so that the same map gives the same file.
        metadata = {"Software": None} if form == "png" else {"Date": None}
        figure.savefig(out, format=form, dpi=dpi, metadata=metadata)
    return out.getvalue()


def _reduce_colors(png: bytes) -> bytes:
    """Reduce a picture to 256 colours: a third of the bytes in every stored notebook."""
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    out = io.BytesIO()
    image.save(out, format="PNG", optimize=True)
    return out.getvalue()

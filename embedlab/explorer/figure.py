"""The map as a plotly figure: one trace per legend entry, rings on top. Pure functions, no widget."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from embedlab import palette
from embedlab.explorer.coloring import Coloring, Group
from embedlab.explorer.pictures import are_seen, kind_of
from embedlab.explorer.text import hover, plotly_label
from embedlab.items import Items
from embedlab.projection import NAMES, Projection

SVG_UP_TO = 5_000  # browsers draw this many SVG points smoothly; above, WebGL
TEXT_SYMBOL = "diamond"  # in a mixture of pictures and texts
POINTS, OVERLAY = "points", "overlay"  # `meta` of the two kinds of trace
OPACITY, FADED = 0.85, 0.18
FONT = "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"


def map_figure(projection: Projection, coloring: Coloring, height: int = 560) -> go.Figure:
    """Draw a projection.

    Parameters
    ----------
    projection : Projection
    coloring : Coloring
        From :func:`embedlab.explorer.coloring.coloring`.
    height : int
        Pixels.

    Returns
    -------
    plotly.graph_objects.Figure
        Traces with ``meta == "points"`` hold the items; ``customdata`` is the id of each point, so that an
        event names items whatever the colouring.
    """
    traces = [_points(projection, coloring, group) for group in coloring.groups]
    return go.Figure(traces, _layout(projection, coloring, height))


def overlay(
    projection: Projection,
    coloring: Coloring,
    *,
    chosen: int | None = None,
    neighbors: Sequence[int] = (),
    hits: Sequence[int] = (),
    lands_among: Sequence[int] = (),
) -> list[go.Scatter]:
    """Rings (hits, neighbours, the chosen point) and a star (the query), always these four, perhaps empty.

    Row numbers in, always SVG: a browser paints SVG above WebGL, so the rings are never hidden.
    """
    size = point_size(len(projection))
    chosen_rows = [] if chosen is None else [chosen]
    items = projection.embeddings.items
    found = _lit(items, coloring, hits, size + 6, 2.5)
    ring = _lit(items, coloring, chosen_rows, size + 9, 3.5)
    near = {"symbol": "circle-open", "size": size + 7, "color": palette.INK, "line": {"width": 1.2}}
    return [
        _ring(projection, "hits", hits, found),
        _ring(projection, "neighbours", neighbors, near),
        _ring(projection, "chosen", chosen_rows, ring),
        _landing(projection, lands_among),
    ]


def _landing(projection: Projection, nearest: Sequence[int]) -> go.Scatter:
    """About where a query would lie: the middle of its nearest items. The map itself has no place for it."""
    edge = {"color": "#FFFFFF", "width": 1.2}
    marker = {"symbol": "star", "size": 17, "color": palette.ACCENT, "line": edge}
    near = projection.coords[np.asarray(nearest, np.int64)]
    middle = np.median(near, axis=0, keepdims=True) if len(near) else near
    return _overlay("query", middle, marker)


def point_size(n_items: int) -> int:
    """Marker diameter in pixels: large enough to hit with a mouse, small enough not to hide each other."""
    return next((size for most, size in ((150, 11), (1000, 9), (3000, 7), (20_000, 5)) if n_items <= most), 4)


def honest_words(projection: Projection) -> str:
    """What must not be read out of this map, in one sentence."""
    if projection.method == "pca":
        dim = projection.embeddings.dim
        return f"Two directions out of {dim}: points that overlap here may lie far apart in the full space."
    name = NAMES[projection.method]
    warning = "distances between far clusters mean little, and the axes have no unit."
    return f"{name} keeps neighbours together; {warning}"


def extent(coords: np.ndarray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ranges of x and y with some air around the points; never empty."""
    low, high = coords.min(axis=0).astype(float), coords.max(axis=0).astype(float)
    pad = 0.05 * float((high - low).max()) or 1.0
    return (low[0] - pad, high[0] + pad), (low[1] - pad, high[1] + pad)


def _points(projection: Projection, coloring: Coloring, group: Group) -> go.Scatter | go.Scattergl:
    items = projection.embeddings.items
    ids, labels, rows = items.ids, items.labels, group.rows.tolist()
    continuous = coloring.values is not None and bool(np.isfinite(coloring.values[group.rows]).all())
    edge = {"width": 0.7, "color": "rgba(255,255,255,0.9)"}
    marker: dict[str, object] = {
        "size": point_size(len(items)),
        "symbol": symbols(items, group),
        "opacity": OPACITY,
        "color": group.color,
        "line": {"width": 1.2} if group.symbol.endswith("-open") else edge,
    }
    if continuous and coloring.values is not None:
        marker |= _scale(coloring, coloring.values[group.rows])
    contents = items.contents if "text" in items.modality else ids
    words = [contents[row] if isinstance(contents[row], str) else ids[row] for row in rows]
    texts = [hover(word, labels[row] if labels else None) for word, row in zip(words, rows, strict=True)]
    trace = go.Scatter if len(items) <= SVG_UP_TO else go.Scattergl
    return trace(
        x=_rounded(projection.coords[group.rows, 0]),
        y=_rounded(projection.coords[group.rows, 1]),
        mode="markers",
        name=plotly_label(group.name, 24) or "(empty)",
        customdata=[ids[row] for row in rows],
        hovertext=texts,
        # What can be seen gets a card of our own beside the mouse; "none" still reports what is below it.
        hoverinfo="none" if are_seen(items) else "text",
        marker=marker,
        meta=POINTS,
        # A new colouring starts with every class shown; the same colouring keeps what was hidden.
        uirevision=coloring.by,
        showlegend=len(coloring.groups) > 1 and not continuous,
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": FADED}},
        hoverlabel={"bgcolor": "#FFFFFF", "bordercolor": group.color, "font": {"color": palette.INK}},
    )


def symbols(items: Items, group: Group) -> str | list[str]:
    """Marker symbols of a group: in a mixture texts are diamonds, whatever their class."""
    if items.modality != "image+text":
        return group.symbol
    return [TEXT_SYMBOL if kind_of(items, row) == "text" else group.symbol for row in group.rows]


def _scale(coloring: Coloring, values: np.ndarray) -> dict[str, object]:
    bar = {
        # The empty line keeps the title off the topmost number.
        "title": {
            "text": f"{plotly_label(coloring.title, 24)}<br>&nbsp;",
            "side": "top",
            "font": {"size": 13},
        },
        "thickness": 14,
        "len": 0.6,
        "x": 1.02,
        "y": 0.98,
        "yanchor": "top",
        "outlinewidth": 0,
        "tickfont": {"size": 12},
    }
    if coloring.by == "distortion":
        bar["tickformat"] = ".0%"
    return {
        "color": [float(v) for v in values],
        "colorscale": palette.SEQUENTIAL,
        "reversescale": coloring.reverse,
        "cmin": coloring.limits[0],
        "cmax": coloring.limits[1],
        "colorbar": bar,
        "showscale": True,
        # The light end of the scale needs an edge to be seen on white.
        "line": {"width": 0.7, "color": "rgba(40,40,50,0.45)"},
    }


def _lit(
    items: Items, coloring: Coloring, rows: Sequence[int], size: float, edge: float
) -> dict[str, object]:
    """Points in their own colour, larger, with an accent ring."""
    styles = [coloring.style_of(row) for row in rows]
    mixed = items.modality == "image+text"
    texts = [mixed and kind_of(items, row) == "text" for row in rows]
    return {
        "size": size,
        "color": [color for color, _ in styles],
        "symbol": [
            TEXT_SYMBOL if text else symbol.removesuffix("-open")
            for text, (_, symbol) in zip(texts, styles, strict=True)
        ],
        "line": {"color": palette.ACCENT, "width": edge},
        "opacity": 1,
    }


def _ring(projection: Projection, name: str, rows: Sequence[int], marker: dict[str, object]) -> go.Scatter:
    return _overlay(name, projection.coords[np.asarray(rows, np.int64)], marker)


def _overlay(name: str, coords: np.ndarray, marker: dict[str, object]) -> go.Scatter:
    return go.Scatter(
        x=_rounded(coords[:, 0]),
        y=_rounded(coords[:, 1]),
        mode="markers",
        name=name,
        marker=marker,
        meta=OVERLAY,
        hoverinfo="skip",  # the mouse goes through to the point below
        showlegend=False,
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
    )


def _layout(projection: Projection, coloring: Coloring, height: int) -> go.Layout:
    x, y = extent(projection.coords)
    axis = {"showgrid": False, "zeroline": False, "showticklabels": False, "ticks": "", "title": {"text": ""}}
    numeric = coloring.values is not None
    title = "" if numeric else plotly_label(coloring.title, 24)
    return go.Layout(
        height=height,
        # Room for a legend or a colour bar, also without one: the map must not jump with the colouring.
        margin={"l": 8, "r": 140, "t": 36, "b": 8},
        xaxis=axis | {"range": list(x)},
        yaxis=axis | {"range": list(y), "scaleanchor": "x", "scaleratio": 1},
        paper_bgcolor="#FFFFFF",
        plot_bgcolor="#FFFFFF",
        font={"family": FONT, "size": 13, "color": palette.INK},
        dragmode="lasso",
        hovermode="closest",
        hoverlabel={"align": "left", "font": {"size": 13, "family": FONT}, "namelength": 0},
        legend={
            "title": {"text": title, "font": {"size": 13, "weight": 600}},
            "itemsizing": "constant",
            "font": {"size": 13},
            "tracegroupgap": 0,
            "uirevision": coloring.by,
            "y": 0.3 if numeric else 1,  # below the colour bar when both are there
            "x": 1.02,
        },
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": "#8A8A94", "activecolor": palette.INK},
        newselection={"line": {"color": palette.INK, "width": 1, "dash": "dot"}},
        uirevision="map",  # zoom and drag mode survive a new colouring
        template="none",
    )


def _rounded(values: np.ndarray) -> list[float]:
    """Plain numbers with as many digits as a screen can show: a third of the bytes to send."""
    return [float(f"{v:.5g}") for v in values]

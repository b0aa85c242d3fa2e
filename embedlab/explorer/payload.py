"""Build what the browser needs to draw an explorer: items, maps and colourings as plain data.

The keys are those that ``front/data.js`` reads. Items are known by their row number, from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

import numpy as np

from embedlab.analysis.agreement import neighbor_overlap
from embedlab.analysis.clusters import find_clusters
from embedlab.analysis.neighbors import knn
from embedlab.analysis.projection import Projection
from embedlab.analysis.quality import Grade
from embedlab.explorer.captions import describe_limits, describe_projection, describe_quality, list_help
from embedlab.explorer.coloring import (
    DISAGREEMENT,
    DISTORTION,
    Coloring,
    color_items,
    list_colorings,
)
from embedlab.explorer.lists import ItemList, build_lists
from embedlab.explorer.rounding import round_values
from embedlab.io.text import clean, clip
from embedlab.items import Items

MAX_TITLE_CHARS, MAX_CELL_CHARS = 200, 200
_MAX_CLUSTER_CHARS = 28
# Neighbours of more items would be 12 MB for 100,000 items, so the browser asks for them one item at a time.
# Finding clusters would take minutes.
MAX_GRAPH_ITEMS = 20_000


class SearchBox(TypedDict):
    """The search box: whether it works, its placeholder, and what its scores are called."""

    possible: bool
    placeholder: str
    measure: str


class Legend(TypedDict):
    """One entry of a legend."""

    name: str
    color: str
    symbol: str


class Column(TypedDict, total=False):
    """A colouring.

    ``"classes"`` come with ``codes``, the number of its entry in ``groups`` for each item; a ``"number"``
    comes with ``values``, or with ``perPanel`` if the values differ between the maps.
    """

    kind: Literal["classes", "number"]
    title: str
    codes: list[int]
    groups: list[Legend]
    values: list[float | None] | None
    perPanel: list[list[float | None]]
    limits: tuple[float, float]
    reverse: bool
    percent: bool


class Cluster(TypedDict):
    """The name of a cluster, and where it is written on the map."""

    name: str
    place: list[float | None]


class Panel(TypedDict):
    """One map: coordinates, true neighbours, and how far to trust it."""

    name: str
    dim: int
    measure: str
    x: list[float | None]
    y: list[float | None]
    z: list[float | None] | None
    neighbors: list[list[int]] | None
    scores: list[list[float | None]] | None
    torn: list[list[int]] | None
    lost: list[int]
    k: int
    clusters: list[Cluster]
    grade: Grade
    verdict: str
    caption: str
    honest: str


class Payload(TypedDict):
    """Everything about the items and their maps that does not change while people look at them."""

    title: str
    modality: str
    ids: list[str]
    titles: list[str]
    labels: list[str | None] | None
    kinds: list[str] | None
    table: dict[str, list[str | None]]
    columns: dict[str, Column]
    panels: list[Panel]
    lists: list[ItemList]
    by: str
    k: int
    search: SearchBox
    help: list[str]


def build_payload(projections: Sequence[Projection], color_by: str, k: int, search: SearchBox) -> Payload:
    """Build the payload.

    Parameters
    ----------
    projections : sequence of Projection
        One per map: the same items in the same order, aligned.
    color_by : str
        Name of the first colouring.
    k : int
        Number of neighbours to ring.
    search : dict
        The search box.
    """
    first = projections[0]
    items = first.embeddings.items
    several = len(projections) > 1
    return {
        "title": f"{clean(items.name)}: {len(items)} items",
        "modality": items.modality,
        "ids": [clean(id) for id in items.ids],
        "titles": [clip(title, MAX_TITLE_CHARS) for title in items.titles(MAX_TITLE_CHARS)],
        "labels": None if items.labels is None else [None if x is None else clean(x) for x in items.labels],
        "kinds": items.kinds if items.modality == "image+text" else None,
        "table": tabulate_metadata(items),
        "columns": build_columns(projections),
        "panels": [build_panel(projection, several=several) for projection in projections],
        "lists": build_lists(projections),
        "by": color_by,
        "k": k,
        "search": search,
        "help": list_help(
            items.modality, search["possible"], several=several, deep=first.coords.shape[1] == 3
        ),
    }


def tabulate_metadata(items: Items) -> dict[str, list[str | None]]:
    """Write the metadata as text, by column, for search and for export; None for a missing value."""
    table: dict[str, list[str | None]] = {}
    for column in items.metadata.columns:
        series = items.metadata[column]
        if series.dtype.kind in "iufb" and series.notna().all():
            table[clean(column)] = [str(value) for value in series.tolist()]
            continue
        missing = [bool(x) if np.isscalar(x) else False for x in series.isna()]
        table[clean(column)] = [
            None if gone else clip(value, MAX_CELL_CHARS) for value, gone in zip(series, missing, strict=True)
        ]
    return table


def build_columns(projections: Sequence[Projection]) -> dict[str, Column]:
    """Build every colouring that can be chosen, by name."""
    first = projections[0]
    columns: dict[str, Column] = {}
    offered = list_colorings(first.embeddings.items)
    for name in offered:
        column = build_column(color_items(first, name, offered), len(first))
        if name == DISTORTION:
            column["perPanel"] = [round_values(p.quality.distortion) for p in projections]
            column["values"], column["percent"] = None, True
        columns[clean(name)] = column
    if len(projections) > 1:
        overlap = neighbor_overlap([p.neighbors for p in projections])
        columns[DISAGREEMENT] = {
            "kind": "number",
            "title": "neighbours not shared",
            "limits": (0.0, 1.0),
            "reverse": True,
            "values": round_values(1 - overlap),
            "percent": True,
        }
    return columns


def build_column(coloring: Coloring, n_items: int) -> Column:
    """Convert a colouring: for each item its value, or the number of its legend entry."""
    if coloring.values is not None:
        return {
            "kind": "number",
            "title": clean(coloring.title),
            "limits": coloring.limits,
            "reverse": coloring.reverse,
            "values": round_values(coloring.values),
        }
    codes = np.zeros(n_items, np.int64)
    for code, group in enumerate(coloring.groups):
        codes[group.rows] = code
    groups: list[Legend] = [
        {"name": clean(group.name), "color": group.color, "symbol": group.symbol} for group in coloring.groups
    ]
    return {"kind": "classes", "title": clean(coloring.title), "codes": codes.tolist(), "groups": groups}


def build_panel(projection: Projection, *, several: bool) -> Panel:
    """Build one map; ``several`` when it is one of several."""
    emb, quality, near = projection.embeddings, projection.quality, projection.neighbors
    is_cosine = near.metric == "cosine"
    scores = 1 - near.distances if is_cosine else near.distances
    has_graph = len(projection) <= MAX_GRAPH_ITEMS
    return {
        "name": clean(emb.model.name),
        "dim": emb.dim,
        "measure": "cosine" if is_cosine else "Euclidean distance",
        "x": round_values(projection.coords[:, 0]),
        "y": round_values(projection.coords[:, 1]),
        "z": round_values(projection.coords[:, 2]) if projection.coords.shape[1] == 3 else None,
        "neighbors": near.indices.tolist() if has_graph else None,
        "scores": [round_values(row, 3) for row in scores] if has_graph else None,
        "torn": find_lost_neighbors(projection) if has_graph else None,
        "lost": np.rint(quality.distortion * quality.k).astype(int).tolist(),
        "k": quality.k,
        "clusters": locate_clusters(projection) if has_graph else [],
        "grade": quality.grade,
        "verdict": describe_quality(quality),
        "caption": describe_projection(projection),
        "honest": "" if several else describe_limits(projection),
    }


def locate_clusters(projection: Projection) -> list[Cluster]:
    """Find the clusters of a map: their names, and where they are written."""
    found = find_clusters(projection)
    return [
        {"name": clip(name, _MAX_CLUSTER_CHARS), "place": round_values(place)}
        for name, place in zip(found.names, found.centers, strict=True)
    ]


def find_lost_neighbors(projection: Projection) -> list[list[int]]:
    """List, for each item, those of its k true neighbours that are not among its k nearest on the map."""
    true = projection.neighbors.indices[:, : projection.quality.k]
    if not true.size:
        return [[] for _ in range(len(projection))]
    near = knn(projection.coords, true.shape[1], "euclidean").indices
    is_kept = (true[:, :, None] == near[:, None, :]).any(axis=2)
    return [row[~kept].tolist() for row, kept in zip(true, is_kept, strict=True)]

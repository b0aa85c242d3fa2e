"""What the browser needs to draw an explorer: items, maps and colourings as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from embedlab.analysis.agreement import neighbor_overlap
from embedlab.analysis.clusters import find_clusters
from embedlab.analysis.outliers import find_near_duplicates, find_outliers
from embedlab.analysis.projection import Projection
from embedlab.explorer.captions import caption, help_lines, honest_words, verdict
from embedlab.explorer.coloring import DISAGREEMENT, DISTORTION, Coloring, choices, coloring
from embedlab.io.text import clean, clip
from embedlab.items import Items

MOST_TITLE, MOST_CELL = 200, 200  # characters
MOST_LISTED = 20
# Above, the neighbours of an item are asked for when it is chosen: they would be 12 MB for 100,000 items. And
# no clusters are sought: that would take minutes.
GRAPH_UP_TO = 20_000


def payload(
    projections: Sequence[Projection], color_by: str, k: int, search: dict[str, Any]
) -> dict[str, Any]:
    """Everything about the items and their maps that does not change while they are looked at.

    Parameters
    ----------
    projections : sequence of Projection
        One for each map: the same items in the same order, aligned.
    color_by : str
        What the colours stand for at first.
    k : int
        Neighbours that are ringed.
    search : dict
        ``possible``, ``placeholder`` and ``measure`` of the search box.
    """
    first = projections[0]
    items = first.embeddings.items
    mixed = items.modality == "image+text"
    return {
        "title": f"{clean(items.name)}: {len(items)} items",
        "modality": items.modality,
        "ids": [clean(id) for id in items.ids],
        "titles": titles(items),
        "labels": None if items.labels is None else [None if x is None else clean(x) for x in items.labels],
        "kinds": items.kinds if mixed else None,
        "table": table(items),
        "columns": columns(projections),
        "panels": [panel(projection, len(projections) > 1) for projection in projections],
        "lists": lists(projections),
        "by": color_by,
        "k": k,
        "search": search,
        "help": help_lines(
            items.modality,
            bool(search["possible"]),
            several=len(projections) > 1,
            deep=first.coords.shape[1] == 3,
        ),
    }


def titles(items: Items) -> list[str]:
    """What an item is called under the mouse and in lists: its text, or the name of its file."""
    return [clip(title, MOST_TITLE) for title in items.titles(MOST_TITLE)]


def table(items: Items) -> dict[str, list[str | None]]:
    """The metadata as text, for search and for export."""
    shown: dict[str, list[str | None]] = {}
    for column in items.metadata.columns:
        series = items.metadata[column]
        if series.dtype.kind in "iufb" and series.notna().all():
            shown[clean(column)] = [str(value) for value in series.tolist()]
            continue
        missing = [bool(x) if np.isscalar(x) else False for x in series.isna()]
        shown[clean(column)] = [
            None if gone else clip(value, MOST_CELL) for value, gone in zip(series, missing, strict=True)
        ]
    return shown


def columns(projections: Sequence[Projection]) -> dict[str, dict[str, Any]]:
    """Every colouring on offer: classes with their colours, or numbers with their limits."""
    first = projections[0]
    offered: dict[str, dict[str, Any]] = {}
    named = choices(first.embeddings.items)
    for name in named:
        offered[clean(name)] = column(coloring(first, name, named), len(first))
        if name == DISTORTION:
            of_each = [rounded(p.quality.distortion) for p in projections]
            offered[clean(name)] |= {"perPanel": of_each, "values": None, "percent": True}
    if len(projections) > 1:
        overlap = neighbor_overlap([p.neighbors for p in projections])
        offered[DISAGREEMENT] = {
            "kind": "number", "title": "neighbours not shared", "limits": (0.0, 1.0), "reverse": True,
            "values": rounded(1 - overlap), "percent": True,
        }  # fmt: skip
    return offered


def column(found: Coloring, n: int) -> dict[str, Any]:
    """A colouring: for each item the number of its class, and how each class is drawn; or its number."""
    if found.values is not None:
        return {
            "kind": "number",
            "title": clean(found.title),
            "limits": found.limits,
            "reverse": found.reverse,
            "values": rounded(found.values),
        }
    codes = np.zeros(n, np.int64)
    for code, group in enumerate(found.groups):
        codes[group.rows] = code
    drawn = [{"name": clean(g.name), "color": g.color, "symbol": g.symbol} for g in found.groups]
    return {"kind": "classes", "title": clean(found.title), "codes": codes.tolist(), "groups": drawn}


def lists(projections: Sequence[Projection]) -> list[dict[str, Any]]:
    """What is worth a second look: near duplicates, outliers, and what the models see differently."""
    first = projections[0]
    ids, row = first.embeddings.items.ids, {id: i for i, id in enumerate(first.embeddings.items.ids)}
    measure = "1 − cosine" if first.neighbors.metric == "cosine" else "Euclidean distance"
    where = f", for {clean(first.embeddings.model.name)}" if len(projections) > 1 else ""
    pairs = find_near_duplicates(ids, first.neighbors, MOST_LISTED)
    far = find_outliers(ids, first.neighbors, MOST_LISTED)
    found = [
        {
            "title": "Near duplicates",
            "note": f"The closest pairs{where}; {measure}.",
            "places": [
                {"row": row[a], "other": row[b], "score": rounded([d], 3)[0]}
                for a, b, d in zip(pairs["id"], pairs["other"], pairs["distance"], strict=True)
            ],
        },
        {
            "title": "Outliers",
            "note": f"How many times farther from their neighbours than those from theirs{where}.",
            "places": _places(row, far["id"], far["factor"]),
        },
    ]
    if len(projections) > 1:
        overlap = neighbor_overlap([p.neighbors for p in projections])
        order = np.argsort(overlap, kind="stable")[:MOST_LISTED]
        found.append(
            {
                "title": "Models disagree",
                "note": "Share of their neighbours that the models do not share.",
                "places": _places(row, [ids[i] for i in order], 1 - overlap[order]),
            }
        )
    return found


def _places(row: dict[str, int], ids: Iterable[str], scores: Any) -> list[dict[str, Any]]:
    return [{"row": row[id], "score": s} for id, s in zip(ids, rounded(scores, 3), strict=True)]


def panel(projection: Projection, several: bool) -> dict[str, Any]:
    """One map: its places, its true neighbours, and how far to trust it."""
    emb, quality, near = projection.embeddings, projection.quality, projection.neighbors
    cosine = near.metric == "cosine"
    scores = 1 - near.distances if cosine else near.distances
    small = len(projection) <= GRAPH_UP_TO
    return {
        "name": clean(emb.model.name),
        "dim": emb.dim,
        "measure": "cosine" if cosine else "Euclidean distance",
        "x": rounded(projection.coords[:, 0]),
        "y": rounded(projection.coords[:, 1]),
        "z": rounded(projection.coords[:, 2]) if projection.coords.shape[1] == 3 else None,
        "neighbors": near.indices.tolist() if small else None,
        "scores": [rounded(row, 3) for row in scores] if small else None,
        "torn": torn(projection) if small else None,
        "lost": np.rint(quality.distortion * quality.k).astype(int).tolist(),
        "k": quality.k,
        "clusters": islands(projection) if small else [],
        "grade": quality.grade,
        "verdict": verdict(quality),
        "caption": caption(projection),
        "honest": "" if several else honest_words(projection),
    }


def islands(projection: Projection) -> list[dict[str, Any]]:
    """The clusters of a map: what each is called, and where its name stands."""
    found = find_clusters(projection)
    both = zip(found.names, found.centers, strict=True)
    return [{"name": clip(name, 28), "place": rounded(place)} for name, place in both]


def torn(projection: Projection) -> list[list[int]]:
    """For each item, those of its k true neighbours that are not among its k nearest on the map."""
    from embedlab.analysis.neighbors import knn

    true = projection.neighbors.indices[:, : projection.quality.k]
    if not true.size:
        return [[] for _ in range(len(projection))]
    near = knn(projection.coords, true.shape[1], "euclidean").indices
    kept = (true[:, :, None] == near[:, None, :]).any(axis=2)
    return [row[~stays].tolist() for row, stays in zip(true, kept, strict=True)]


def rounded(values: Any, digits: int = 6) -> list[float | None]:
    """Plain numbers, the largest with so many digits and all as precise; what is not finite becomes None."""
    numbers = np.asarray(values, float)
    known = np.isfinite(numbers)
    largest = float(np.abs(numbers[known]).max(initial=0))
    decimals = digits - int(np.floor(np.log10(largest))) - 1 if largest else digits
    plain: list[float | None] = np.round(numbers, decimals).tolist()
    return plain if known.all() else [v if ok else None for v, ok in zip(plain, known.tolist(), strict=True)]

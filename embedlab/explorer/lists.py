"""Build the lists of items worth a second look: near duplicates, outliers, and where models disagree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NotRequired, TypedDict

import numpy as np
from numpy.typing import ArrayLike

from embedlab.analysis.agreement import neighbor_overlap
from embedlab.analysis.outliers import find_near_duplicates, find_outliers
from embedlab.analysis.projection import Projection
from embedlab.explorer.rounding import round_values
from embedlab.io.text import clean

MAX_LISTED = 20
_SCORE_DIGITS = 3


class Entry(TypedDict):
    """One entry of a list: an item, or a pair of items, by row number, with its score."""

    row: int
    other: NotRequired[int]
    score: float | None


class ItemList(TypedDict):
    """A list in the panel."""

    title: str
    note: str
    places: list[Entry]


def build_lists(projections: Sequence[Projection]) -> list[ItemList]:
    """Build near duplicates and outliers of the first map, and disagreement if there are several maps."""
    lists = [_list_duplicates(projections), _list_outliers(projections)]
    if len(projections) > 1:
        lists.append(_list_disagreement(projections))
    return lists


def _list_duplicates(projections: Sequence[Projection]) -> ItemList:
    first = projections[0]
    ids, rows = first.embeddings.items.ids, _rows_by_id(first)
    measure = "1 − cosine" if first.neighbors.metric == "cosine" else "Euclidean distance"
    pairs = find_near_duplicates(ids, first.neighbors, MAX_LISTED)
    return {
        "title": "Near duplicates",
        "note": f"The closest pairs{_which_model(projections)}; {measure}.",
        "places": [
            {"row": rows[a], "other": rows[b], "score": round_values([distance], _SCORE_DIGITS)[0]}
            for a, b, distance in zip(pairs["id"], pairs["other"], pairs["distance"], strict=True)
        ],
    }


def _list_outliers(projections: Sequence[Projection]) -> ItemList:
    first = projections[0]
    far = find_outliers(first.embeddings.items.ids, first.neighbors, MAX_LISTED)
    where = _which_model(projections)
    return {
        "title": "Outliers",
        "note": f"How many times farther from their neighbours than those from theirs{where}.",
        "places": _entries(first, far["id"], far["factor"]),
    }


def _list_disagreement(projections: Sequence[Projection]) -> ItemList:
    first = projections[0]
    overlap = neighbor_overlap([projection.neighbors for projection in projections])
    order = np.argsort(overlap, kind="stable")[:MAX_LISTED]
    return {
        "title": "Models disagree",
        "note": "Share of their neighbours that the models do not share.",
        "places": _entries(first, [first.embeddings.items.ids[i] for i in order], 1 - overlap[order]),
    }


def _which_model(projections: Sequence[Projection]) -> str:
    """Name the model that a list is about, if there are several."""
    return f", for {clean(projections[0].embeddings.model.name)}" if len(projections) > 1 else ""


def _entries(projection: Projection, ids: Iterable[str], scores: ArrayLike) -> list[Entry]:
    rows = _rows_by_id(projection)
    rounded = round_values(scores, _SCORE_DIGITS)
    return [{"row": rows[id], "score": score} for id, score in zip(ids, rounded, strict=True)]


def _rows_by_id(projection: Projection) -> dict[str, int]:
    return {id: row for row, id in enumerate(projection.embeddings.items.ids)}

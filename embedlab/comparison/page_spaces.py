"""The values of a comparison page about spaces: similarity matrices, similarities, shapes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedlab.comparison.data import ComparisonData
from embedlab.comparison.geometry_tables import HUB_NEIGHBORS, MAX_SAMPLED, MEANING
from embedlab.comparison.permutations import MeasureName
from embedlab.comparison.similarity_tables import KNN_MEASURES, MEASURES

_MEASURE_TITLES: dict[MeasureName, str] = {
    "cka": "CKA (debiased)", "cka_biased": "CKA (biased)", "procrustes": "Procrustes", "rsa": "RSA",
    "mutual_knn": "mutual kNN", "jaccard_knn": "Jaccard of kNN",
}  # fmt: skip
_SHAPE_TITLES = {
    "two_nn": "intrinsic dimension, TwoNN", "mle": "intrinsic dimension, MLE", "mean_cosine": "mean cosine",
    "iso_score": "IsoScore", "effective_rank": "effective rank", "hub_skewness": "hubness (skewness)",
    "anti_hubs": "anti-hubs", "length": "length of a vector", "length_spread": "spread of lengths",
}  # fmt: skip
_MISSING = "–"
# Colours of a matrix, RGB: from nearly white for 0 to a dark teal for 1.
_LIGHT, _DARK = np.array([238, 246, 244]), np.array([23, 107, 95])


@dataclass(frozen=True)
class Cell:
    """One similarity of a matrix; without a style if it is not known."""

    text: str
    style: str = ""


@dataclass(frozen=True)
class Matrix:
    """One measure of similarity for all pairs of models."""

    title: str
    names: list[str]
    rows: list[tuple[str, list[Cell]]]


def similarity_matrices(data: ComparisonData) -> list[Matrix]:
    """Return the matrices of debiased CKA and mutual kNN."""
    return [_matrix(data, "cka"), _matrix(data, "mutual_knn")]


def _matrix(data: ComparisonData, measure: MeasureName) -> Matrix:
    table = data.matrix(measure)
    k = f", k = {data.k}" if measure in KNN_MEASURES else ""
    names = list(table.columns)
    return Matrix(
        title=f"{_MEASURE_TITLES[measure]}{k}, n = {len(data.items):,}",
        names=names,
        rows=[
            (name, [_cell(value) for value in row])
            for name, row in zip(names, table.to_numpy(float), strict=True)
        ],
    )


def _cell(value: float) -> Cell:
    if not np.isfinite(value):
        return Cell(_MISSING)
    depth = float(np.clip(value, 0, 1))
    background = ", ".join(f"{part:.0f}" for part in _LIGHT + (_DARK - _LIGHT) * depth)
    ink = "#ffffff" if depth > 0.6 else "#2b2b33"
    return Cell(f"{value:.2f}", f"background: rgb({background}); color: {ink}")


def tabulate_similarities(data: ComparisonData) -> list[tuple[list[str], list[str]]]:
    """Return the words and the numbers of every measure for every pair of models."""
    rows = []
    for row in data.similarity.to_dict("records"):
        interval = f"[{row['low']:.2f}, {row['high']:.2f}]" if np.isfinite(row["low"]) else ""
        title = _MEASURE_TITLES[row["measure"]] + (f", k = {row['k']}" if row["k"] else "")
        numbers = [
            f"{row['value']:.3f}", interval, f"{row['chance']:z.3f}", f"{row['p_value']:.2g}", f"{row['n']:,}"
        ]  # fmt: skip
        rows.append(([f"{row['first']} · {row['second']}", title], numbers))
    return rows


def explain_measures() -> list[tuple[str, str]]:
    """Return the title and the meaning of every measure of similarity."""
    return [(_MEASURE_TITLES[measure], meaning) for measure, meaning in MEASURES.items()]


def tabulate_shapes(data: ComparisonData) -> tuple[list[tuple[str, list[str], str]], str]:
    """Return title, numbers and meaning of every measure of shape, and a note on the number of items."""
    shapes = data.geometry.loc[data.names]
    rows = [
        (_SHAPE_TITLES[name], [_format_number(value) for value in shapes[name].to_numpy(float)], meaning)
        for name, meaning in MEANING.items()
    ]
    n = len(data.items)
    note = (
        f"n = {n:,}; intrinsic dimensions are those of {min(n, MAX_SAMPLED):,} items. Hubs count among the "
        f"{min(HUB_NEIGHBORS, n - 1)} nearest."
    )
    return rows, note


def _format_number(value: float) -> str:
    if not np.isfinite(value):
        return _MISSING
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"

"""Tables of the similarity of models: every measure for every pair, and layers against layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from itertools import combinations

import numpy as np
import pandas as pd

from embedlab.analysis.neighbors import Neighbors
from embedlab.comparison.permutations import MeasureName, measure_neighbors, measure_vectors
from embedlab.comparison.similarity import Measure, cka
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem

MEASURES: dict[MeasureName, str] = {
    "cka": "Do the same items lie close to each other in both? 1: the same space, turned; 0: unrelated.",
    "cka_biased": "The same without debiasing: high for any two models when items are few. Mind chance.",
    "procrustes": "How well can one space be turned onto the other? Chance is well above 0.",
    "rsa": "Do both order the pairs of items alike, from the nearest to the farthest (Spearman)?",
    "mutual_knn": "Of the k nearest neighbours of an item, what share do both name?",
    "jaccard_knn": "The neighbours that both name, as a share of those that either names.",
}
KNN_MEASURES: frozenset[MeasureName] = frozenset({"mutual_knn", "jaccard_knn"})  # those that depend on k
COLUMNS = ["first", "second", "measure", "k", "value", "low", "high", "chance", "p_value", "n"]


def similarity_table(
    vectors: Mapping[str, np.ndarray],
    neighbors: Mapping[str, Neighbors],
    *,
    ks: Sequence[int] = (1, 10),
    random_state: int = 0,
) -> pd.DataFrame:
    """Compute every measure of similarity for every pair of models.

    Parameters
    ----------
    vectors : mapping of str to ndarray, shape (n_items, dim)
        By the name of the model; the same items in the same order.
    neighbors : mapping of str to Neighbors
        The graphs of the same spaces, with as many neighbours as the largest of ``ks``.
    ks : sequence of int
        Numbers of neighbours to compare.
    random_state : int

    Returns
    -------
    DataFrame
        Columns ``first``, ``second``, ``measure``, ``k`` (0 if it does not apply) and ``value``; ``low`` and
        ``high`` (95 % bootstrap interval over the items for shares of neighbours, otherwise NaN); ``chance``
        and ``p_value`` (mean of the same measure with the items of one space permuted, and how often a
        permutation is as high: 19 to 99 permutations; for shares of neighbours ``chance`` is exact); ``n``.
        p values are not adjusted for multiple comparisons.

    Notes
    -----
    Memory: a few tables of the size of the vectors, 20 of dim x dim, or, for ``rsa``, 2,000 x 2,000.

    Above 4,000 items the spaces are not permuted for CKA and Procrustes: the product of one space and the
    permuted other has the mean 0 and the covariance (product of one with itself) x (of the other with itself)
    / (n − 1), and is nearly normal (combinatorial central limit theorem, Hoeffding 1951). It is sampled from
    that distribution, at a cost that does not depend on n.
    """
    rows = [
        [a, b, *astuple(measurement)]
        for a, b in combinations(vectors, 2)
        for measurement in (
            *measure_vectors(vectors[a], vectors[b], random_state),
            *measure_neighbors(neighbors[a], neighbors[b], ks, random_state),
        )
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def to_matrix(table: pd.DataFrame, measure: MeasureName = "cka", k: int = 0) -> pd.DataFrame:
    """Pivot one measure to a matrix of models by models, with 1 on the diagonal.

    Raises
    ------
    BadItem
        If the table lacks the measure, or the measure for this ``k``.
    """
    if measure not in set(table["measure"]):
        raise BadItem(f"Unknown measure {measure!r}: choose one of {', '.join(table['measure'].unique())}.")
    chosen = table[table["measure"] == measure]
    known_ks = sorted(set(chosen["k"]))
    if k not in known_ks:
        raise BadItem(f"{measure} is known for k = {', '.join(map(str, known_ks))}, not {k}.")
    names = list(dict.fromkeys([*table["first"], *table["second"]]))
    matrix = pd.DataFrame(np.eye(len(names)), index=names, columns=names)
    chosen = chosen[chosen["k"] == k]
    for a, b, value in zip(chosen["first"], chosen["second"], chosen["value"], strict=True):
        matrix.loc[a, b] = matrix.loc[b, a] = value
    return matrix


def layer_similarity(
    rows: Mapping[str, Embeddings], columns: Mapping[str, Embeddings], measure: Measure = cka
) -> pd.DataFrame:
    """Compare every layer of one model with every layer of another, or of itself.

    Parameters
    ----------
    rows, columns : mapping of str to Embeddings
        What :func:`embed_layers` returned for the same items.
    measure : callable
        A function of two arrays: :func:`cka`, :func:`procrustes`, :func:`rsa`.

    Returns
    -------
    DataFrame, shape (n_rows, n_columns)

    Raises
    ------
    BadItem
        If there are no layers, or the items differ.
    """
    if not rows or not columns:
        raise BadItem("There are no layers to compare. Pass what embed_layers returns.")
    ids = next(iter(rows.values())).ids
    for name, embeddings in (*rows.items(), *columns.items()):
        if embeddings.ids != ids:
            raise BadItem(f"Layer {name!r} has different items, or in another order. Embed the same items.")
    values = [[measure(a.vectors, b.vectors) for b in columns.values()] for a in rows.values()]
    return pd.DataFrame(values, index=list(rows), columns=list(columns))

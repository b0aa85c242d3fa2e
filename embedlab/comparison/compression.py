"""Smaller vectors: what is lost when each number, or their number, is cut down."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from embedlab.comparison.retrieval import rank, recall_at_k
from embedlab.comparison.scores import Score
from embedlab.comparison.tasks import MOST, knn_accuracy
from embedlab.embeddings import Embeddings, unit_rows
from embedlab.errors import BadItem

MOST_QUERIES = 300
_SHORTEST = 16  # dimensions
_WITHIN = 0.01  # of the full vectors' quality counts as nothing lost
Shrunk = tuple[str, int, float, Callable[[np.ndarray], np.ndarray]]  # way, dim, bytes per vector, how


def smaller(
    embeddings: Embeddings,
    *,
    k: int = 10,
    queries: np.ndarray | None = None,
    relevant: Sequence[Sequence[str]] | None = None,
    groups: np.ndarray | None = None,
    drawn: np.ndarray | None = None,
    random_state: int = 0,
) -> pd.DataFrame:
    """Shrink the vectors in several ways and search again, exactly, by cosine.

    Parameters
    ----------
    embeddings : Embeddings
    k : int
        Results that count.
    queries : ndarray, shape (n_queries, dim), optional
        Vectors of queries by the same model; without them a random 300 of the items ask for their neighbours.
    relevant : sequence of sequences of str, optional
        For each query the ids that it should find.
    groups : ndarray, shape (n_items,), optional
        Items that belong together, such as copies: for ``accuracy`` none answers for another of its group.
    drawn : ndarray, shape (n_items,), optional
        Items that the interval of ``accuracy`` draws together; by default ``groups``.
    random_state : int

    Returns
    -------
    DataFrame
        One row for each way and size. ``way``: "float32", "float16", "int8", "binary", "PCA", "PCA + int8" or
        "first numbers"; ``dim``; ``bytes`` of one vector; ``kept``: recall@k of the k nearest that the full
        vectors find. With ``relevant`` also ``recall``: recall@k of what the queries should find; without it,
        but with labels, ``accuracy`` (1-NN, of at most 2,000 items). Each has its ``_low`` and ``_high``;
        ``n_queries`` and ``n_labelled`` say of how many.

    Raises
    ------
    BadItem
        For fewer than ``k + 1`` items, or queries of another length.

    Notes
    -----
    int8: each dimension is cut into 255 equal steps between the smallest and the largest value of the items.
    Binary: one bit, above or below the mean of the items. PCA: the leading directions of the items' own
    covariance. "First numbers" just cuts the vector off, which is only good for models that were trained for
    it (Matryoshka representation learning, Kusupati et al. 2022).
    """
    if len(embeddings) < k + 1:
        raise BadItem(f"{len(embeddings)} items are too few to look for {k} neighbours of one.")
    stored, rng = unit_rows(embeddings.vectors), np.random.default_rng(random_state)
    if queries is None:
        own = np.sort(rng.choice(len(stored), min(MOST_QUERIES, len(stored)), replace=False))
        asked = stored[own]
    else:
        own, asked = None, unit_rows(np.asarray(queries, np.float32))
    if asked.shape[1] != stored.shape[1]:
        raise BadItem(f"Queries of {asked.shape[1]} numbers, but items of {stored.shape[1]}.")
    nearest = _nearest(asked, stored, own, k)
    groups = np.arange(len(stored)) if groups is None else np.asarray(groups)
    drawn = groups if drawn is None else np.asarray(drawn)
    labelled = _labelled(embeddings, rng) if relevant is None else None
    if labelled is not None and len(np.unique(groups[labelled])) < 3:
        labelled = None  # nearly all are copies of one another
    table = []
    for way, dim, size, cut in ways(stored):
        short = dataclasses.replace(embeddings, vectors=_some_direction(cut(stored)))
        short_asked = _some_direction(cut(asked)) if own is None else short.select(_mask(own, len(stored)))
        row: dict[str, Any] = {"way": way, "dim": dim, "bytes": size}
        row |= _with_ends("kept", recall_at_k(rank(short_asked, short, nearest), k))
        if relevant is not None:
            row |= _with_ends("recall", recall_at_k(rank(short_asked, short, relevant), k))
        elif labelled is not None:
            right = knn_accuracy(short.select(labelled), groups=groups[labelled], drawn=drawn[labelled])
            row |= _with_ends("accuracy", right)
            row["n_labelled"] = int(labelled.sum())
        table.append(row | {"n_queries": len(asked)})
    return pd.DataFrame(table)


def _with_ends(name: str, score: Score) -> dict[str, float]:
    return {name: score.value, f"{name}_low": score.low, f"{name}_high": score.high}


def _labelled(embeddings: Embeddings, rng: np.random.Generator) -> np.ndarray | None:
    """A mask of at most 2,000 labelled items, taken at random; None where labels say nothing."""
    labels = pd.Series(embeddings.items.labels or [None] * len(embeddings), dtype=object)
    rows = np.flatnonzero(labels.notna())
    if labels.nunique() < 2 or len(rows) < 3:
        return None
    return _mask(rng.choice(rows, min(MOST, len(rows)), replace=False), len(embeddings))


def _mask(rows: np.ndarray, n: int) -> np.ndarray:
    mask: np.ndarray = np.zeros(n, bool)
    mask[rows] = True
    return mask


def quality_of(table: pd.DataFrame, k: int) -> tuple[str, str]:
    """The column that says most about smaller vectors, and its name in words."""
    if "recall" in table and table["recall"].notna().any():
        return "recall", f"recall@{k} of the queries"
    if "accuracy" in table and table["accuracy"].notna().any():
        return "accuracy", "1-NN accuracy"
    return "kept", f"recall@{k} of the full vectors' neighbours"


def in_words(table: pd.DataFrame, k: int) -> list[str]:
    """The fewest bytes that lose less than a hundredth of quality, and who beats whom with less space.

    Parameters
    ----------
    table : DataFrame
        Of :func:`smaller`, for several models, with a column ``model``.
    k : int
    """
    quality, title = quality_of(table, k)
    full, said = table[table["way"] == "float32"].sort_values(quality, kind="stable"), []
    for name in dict.fromkeys(table["model"]):
        own, whole = table[table["model"] == name], full[full["model"] == name].iloc[0]
        enough = own[own[quality] >= whole[quality] - _WITHIN].sort_values("bytes").iloc[0]
        how = f"{int(enough['bytes']):,} ({enough['way']}, {int(enough['dim'])} numbers)"
        before = f"{title} {whole[quality]:.2f} with {int(whole['bytes']):,} bytes"
        said.append(f"{name}: {before}; {enough[quality]:.2f} with {how}.")
    if quality == "kept":  # each model's own neighbours: nothing to compare models by
        return said
    best = full.iloc[-1]["model"]
    for other in full.to_dict("records")[:-1]:
        own = table[(table["model"] == best) & (table[quality] >= other[quality])]
        fewest = int(own["bytes"].min())
        if fewest < other["bytes"]:
            theirs = f"{other['model']} with its {other['bytes']:,.0f}"
            said.append(f"With {fewest:,} bytes {best} does as well as {theirs}.")
    return said


def ways(stored: np.ndarray) -> Iterator[Shrunk]:
    """Ways to shrink vectors of length 1, shape (n_items, dim): name, dimensions left, bytes, function."""
    dim = stored.shape[1]
    yield "float32", dim, 4.0 * dim, lambda v: v
    yield "float16", dim, 2.0 * dim, lambda v: v.astype(np.float16).astype(np.float32)
    yield "int8", dim, 1.0 * dim, _steps(stored)
    mean = stored.mean(axis=0)
    yield "binary", dim, dim / 8, lambda v: np.where(v > mean, 1, -1).astype(np.float32)
    directions = np.linalg.eigh(np.atleast_2d(np.cov(stored.T.astype(np.float64))))[1][:, ::-1].astype(
        np.float32
    )
    size = dim // 2
    while size >= _SHORTEST:
        if size < len(stored):  # more directions than items there are not
            turned = directions[:, :size]
            steps = _steps((stored - mean) @ turned)
            yield "PCA", size, 4.0 * size, lambda v, turned=turned: (v - mean) @ turned  # type: ignore[misc]
            yield (
                "PCA + int8", size, 1.0 * size,
                lambda v, turned=turned, steps=steps: steps((v - mean) @ turned),  # type: ignore[misc]
            )  # fmt: skip
        yield "first numbers", size, 4.0 * size, lambda v, size=size: v[:, :size]  # type: ignore[misc]
        size //= 2


def _steps(stored: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """To 255 steps between the extremes of the stored vectors and back, each dimension by itself."""
    low, high = stored.min(axis=0), stored.max(axis=0)
    step = np.where(high > low, (high - low) / 255, 1)

    def there_and_back(vectors: np.ndarray) -> np.ndarray:
        codes = np.clip(np.round((vectors - low) / step), 0, 255).astype(np.uint8)
        return np.asarray(codes * step + low, np.float32)

    return there_and_back


def _nearest(asked: np.ndarray, stored: np.ndarray, own: np.ndarray | None, k: int) -> list[list[int]]:
    """The k nearest stored rows of each query, without itself."""
    cosines = asked @ stored.T
    if own is not None:
        cosines[np.arange(len(own)), own] = -np.inf
    rows: list[list[int]] = np.argpartition(-cosines, k - 1, axis=1)[:, :k].tolist()
    return rows


def _some_direction(vectors: np.ndarray) -> np.ndarray:
    """A vector of which nothing is left has no cosine: it gets one that is nobody's."""
    empty = ~vectors.any(axis=1)
    if empty.any():
        vectors = vectors.copy()
        vectors[empty] = 1
    return vectors

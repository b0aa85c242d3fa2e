"""Compress vectors in several ways, and measure how much quality each way loses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from embedlab.comparison.ranking import Relevant, rank
from embedlab.comparison.retrieval import recall_at_k
from embedlab.comparison.scores import Score
from embedlab.comparison.tasks import MAX_SAMPLED, knn_accuracy
from embedlab.embeddings import Embeddings, unit_rows
from embedlab.errors import BadItem

MAX_QUERIES = 300
_MIN_DIM = 16


@dataclass(frozen=True)
class Compression:
    """One way to make vectors smaller.

    Attributes
    ----------
    way : str
        "float32", "float16", "int8", "binary", "PCA", "PCA + int8" or "first numbers".
    dim : int
        Dimensions that remain.
    n_bytes : float
        Size of one vector.
    apply : callable
        Compresses vectors, shape (n, dim), and restores float32 from them.
    """

    way: str
    dim: int
    n_bytes: float
    apply: Callable[[np.ndarray], np.ndarray]


def compression_table(
    embeddings: Embeddings,
    *,
    k: int = 10,
    queries: np.ndarray | None = None,
    relevant: Relevant | None = None,
    groups: np.ndarray | None = None,
    resample_groups: np.ndarray | None = None,
    random_state: int = 0,
) -> pd.DataFrame:
    """Compress the vectors in several ways and search again, exactly, by cosine.

    Parameters
    ----------
    embeddings : Embeddings
    k : int
        Results per search.
    queries : ndarray, shape (n_queries, dim), optional
        Vectors of queries by the same model; without them 300 random items search for their neighbours.
    relevant : list or dict, optional
        What each query should find, as for :func:`rank`.
    groups : ndarray, shape (n_items,), optional
        Items that belong together, such as copies: for ``accuracy`` none answers for another of its group.
    resample_groups : ndarray, shape (n_items,), optional
        Items that the interval of ``accuracy`` resamples together; by default ``groups``.
    random_state : int

    Returns
    -------
    DataFrame
        One row for each way and size. ``way``: "float32", "float16", "int8", "binary", "PCA", "PCA + int8" or
        "first numbers"; ``dim``; ``bytes`` of one vector; ``kept``: recall@k of the k nearest neighbours that
        the full vectors find. With ``relevant`` also ``recall``: recall@k of what the queries should find;
        without it, but with labels, ``accuracy`` (1-NN, of at most 2,000 items). Each has its ``_low`` and
        ``_high``; ``n_queries`` and ``n_labelled`` are their numbers.

    Raises
    ------
    BadItem
        For fewer than ``k + 1`` items, or queries of another dimension.

    Notes
    -----
    int8: 255 equal steps per dimension between the smallest and the largest value of the items. Binary: one
    bit per dimension, above or below the mean of the items. PCA: the leading directions of the items' own
    covariance. "First numbers" truncates the vector, which only works well for models that were trained for
    it (Matryoshka representation learning, Kusupati et al. 2022).
    """
    if len(embeddings) < k + 1:
        raise BadItem(
            f"{len(embeddings)} items are too few to search for {k} neighbours of each. Use a smaller k."
        )
    stored, rng = unit_rows(embeddings.vectors), np.random.default_rng(random_state)
    query_rows = None
    if queries is None:
        query_rows = np.sort(rng.choice(len(stored), min(MAX_QUERIES, len(stored)), replace=False))
    query_vectors = stored[query_rows] if queries is None else unit_rows(np.asarray(queries, np.float32))
    if query_vectors.shape[1] != stored.shape[1]:
        raise BadItem(
            f"The queries have {query_vectors.shape[1]} dimensions, but the items {stored.shape[1]}. Embed "
            "both with the same model."
        )
    groups = np.arange(len(stored)) if groups is None else np.asarray(groups)
    trial = _Trial(
        embeddings=embeddings,
        k=k,
        query_vectors=query_vectors,
        query_rows=query_rows,
        true_neighbors=_search(query_vectors, stored, query_rows, k),
        relevant=relevant,
        labelled=_sample_labelled(embeddings, groups, rng) if relevant is None else None,
        groups=groups,
        resample_groups=groups if resample_groups is None else np.asarray(resample_groups),
    )
    return pd.DataFrame([trial.run(compression, stored) for compression in compressions(stored)])


@dataclass(frozen=True, eq=False)
class _Trial:
    """What every way to compress is tested with."""

    embeddings: Embeddings
    k: int
    query_vectors: np.ndarray
    query_rows: np.ndarray | None  # if the queries are items
    true_neighbors: list[list[int]]
    relevant: Relevant | None
    labelled: np.ndarray | None  # mask of the items whose labels are predicted
    groups: np.ndarray
    resample_groups: np.ndarray

    def run(self, compression: Compression, stored: np.ndarray) -> dict[str, str | float]:
        """Compress the stored vectors, search, and return a row of the table."""
        vectors = _replace_zero_rows(compression.apply(stored))
        compressed = dataclasses.replace(self.embeddings, vectors=vectors)
        queries: Embeddings | np.ndarray
        if self.query_rows is None:
            queries = _replace_zero_rows(compression.apply(self.query_vectors))
        else:
            queries = compressed.select(_mask(self.query_rows, len(stored)))
        row: dict[str, str | float] = {"way": compression.way, "dim": compression.dim}
        row["bytes"] = compression.n_bytes
        row |= _columns("kept", recall_at_k(rank(queries, compressed, self.true_neighbors), self.k))
        if self.relevant is not None:
            row |= _columns("recall", recall_at_k(rank(queries, compressed, self.relevant), self.k))
        elif self.labelled is not None:
            groups, resample_groups = self.groups[self.labelled], self.resample_groups[self.labelled]
            chosen = compressed.select(self.labelled)
            row |= _columns("accuracy", knn_accuracy(chosen, groups=groups, resample_groups=resample_groups))
            row["n_labelled"] = int(self.labelled.sum())
        return row | {"n_queries": len(self.query_vectors)}


def compressions(stored: np.ndarray) -> Iterator[Compression]:
    """Yield the ways to compress vectors of length 1, shape (n_items, dim)."""
    dim = stored.shape[1]
    yield Compression("float32", dim, 4.0 * dim, lambda v: v)
    yield Compression("float16", dim, 2.0 * dim, lambda v: v.astype(np.float16).astype(np.float32))
    yield Compression("int8", dim, 1.0 * dim, _int8(stored))
    mean = stored.mean(axis=0)
    yield Compression("binary", dim, dim / 8, lambda v: np.where(v > mean, 1, -1).astype(np.float32))
    covariance = np.atleast_2d(np.cov(stored.T.astype(np.float64)))
    directions = np.linalg.eigh(covariance)[1][:, ::-1].astype(np.float32)
    size = dim // 2
    while size >= _MIN_DIM:
        if size < len(stored):  # there are at most n_items - 1 directions
            project = partial(_project, mean=mean, directions=directions[:, :size])
            quantize = _int8(project(stored))
            yield Compression("PCA", size, 4.0 * size, project)
            yield Compression("PCA + int8", size, 1.0 * size, partial(_chain, project, quantize))
        yield Compression("first numbers", size, 4.0 * size, partial(_truncate, size=size))
        size //= 2


def _project(vectors: np.ndarray, mean: np.ndarray, directions: np.ndarray) -> np.ndarray:
    return np.asarray((vectors - mean) @ directions)


def _truncate(vectors: np.ndarray, size: int) -> np.ndarray:
    return vectors[:, :size]


def _chain(
    first: Callable[[np.ndarray], np.ndarray], second: Callable[[np.ndarray], np.ndarray], vectors: np.ndarray
) -> np.ndarray:
    return second(first(vectors))


def _int8(stored: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that quantises to 255 steps per dimension between the extremes, and restores."""
    low, high = stored.min(axis=0), stored.max(axis=0)
    step = np.where(high > low, (high - low) / 255, 1)

    def quantize_and_restore(vectors: np.ndarray) -> np.ndarray:
        codes = np.clip(np.round((vectors - low) / step), 0, 255).astype(np.uint8)
        return np.asarray(codes * step + low, np.float32)

    return quantize_and_restore


def _search(
    query_vectors: np.ndarray, stored: np.ndarray, query_rows: np.ndarray | None, k: int
) -> list[list[int]]:
    """Return the k nearest stored rows of each query, without the query itself."""
    cosines = query_vectors @ stored.T
    if query_rows is not None:
        cosines[np.arange(len(query_rows)), query_rows] = -np.inf
    rows: list[list[int]] = np.argpartition(-cosines, k - 1, axis=1)[:, :k].tolist()
    return rows


def _sample_labelled(
    embeddings: Embeddings, groups: np.ndarray, rng: np.random.Generator
) -> np.ndarray | None:
    """Return a mask of at most 2,000 labelled items, or None if their labels cannot be predicted."""
    labels = pd.Series(embeddings.items.labels or [None] * len(embeddings), dtype=object)
    rows = np.flatnonzero(labels.notna())
    if labels.nunique() < 2 or len(rows) < 3:
        return None
    mask = _mask(rng.choice(rows, min(MAX_SAMPLED, len(rows)), replace=False), len(embeddings))
    return mask if len(np.unique(groups[mask])) >= 3 else None  # fewer: nearly all are copies of each other


def _mask(rows: np.ndarray, n: int) -> np.ndarray:
    mask: np.ndarray = np.zeros(n, bool)
    mask[rows] = True
    return mask


def _replace_zero_rows(vectors: np.ndarray) -> np.ndarray:
    """Give vectors that became all zeros an arbitrary direction, because they have no cosine."""
    empty = ~vectors.any(axis=1)
    if empty.any():
        vectors = vectors.copy()
        vectors[empty] = 1
    return vectors


def _columns(name: str, score: Score) -> dict[str, float]:
    return {name: score.value, f"{name}_low": score.low, f"{name}_high": score.high}

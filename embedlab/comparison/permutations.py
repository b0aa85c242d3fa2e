"""What chance gives: similarities of two spaces with the items of one of them permuted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from embedlab.analysis.agreement import neighbor_overlap
from embedlab.analysis.neighbors import Neighbors
from embedlab.comparison.scores import bootstrap
from embedlab.comparison.similarity import both_ckas, nuclear_norm, procrustes, rank_pairs

MeasureName = Literal["cka", "cka_biased", "procrustes", "rsa", "mutual_knn", "jaccard_knn"]

_WORK = 2e10  # multiplications that the permutations of one measure may take: less than a second
_FETCH_COST = 300  # multiplications in the time that random access to one number of a table takes
_MIN_PERMUTATIONS, _MAX_PERMUTATIONS = 19, 99  # 19 allow a p value of 0.05
_PERMUTED_UP_TO = (
    4000  # with more items the null distribution of CKA and Procrustes is sampled from its limit
)


@dataclass(frozen=True)
class Measurement:
    """One similarity of two spaces; the fields are columns of :func:`similarity_table`."""

    measure: MeasureName
    k: int
    value: float
    low: float
    high: float
    chance: float
    p_value: float
    n: int


def measure_vectors(x: np.ndarray, y: np.ndarray, random_state: int) -> Iterator[Measurement]:
    """Measure CKA, Procrustes and RSA of two spaces, and what permutations give."""
    a, b, n = _scale(x), _scale(y), len(x)
    products = _sample_null_products(a, b, random_state) if n > _PERMUTED_UP_TO else None
    dims = x.shape[1] * y.shape[1]
    orders = _permutations(n, n * min(_FETCH_COST * n, dims), random_state)
    biased, debiased = both_ckas(x, y)
    biased_null, debiased_null = _permute_ckas(a, b, orders, products)
    yield _summarise("cka", debiased, debiased_null, n)
    yield _summarise("cka_biased", biased, biased_null, n)

    orders = _permutations(n, n * dims + 3 * min(x.shape[1], y.shape[1]) ** 3, random_state)
    norms = float(np.linalg.norm(a) * np.linalg.norm(b)) or np.nan
    null = [nuclear_norm(product) / norms for product in products or (a.T @ b[order] for order in orders)]
    yield _summarise("procrustes", procrustes(x, y), null, n)

    ranks_x, ranks_y = rank_pairs(x, y, random_state=random_state)
    n_paired = len(ranks_x)
    norms = float(np.linalg.norm(ranks_x) * np.linalg.norm(ranks_y)) or np.nan
    orders = _permutations(n_paired, _FETCH_COST * n_paired * n_paired, random_state)
    null = [float(np.vdot(ranks_x, ranks_y[np.ix_(order, order)]) / norms) for order in orders]
    yield _summarise("rsa", float(np.vdot(ranks_x, ranks_y) / norms), null, n_paired)


def measure_neighbors(
    a: Neighbors, b: Neighbors, ks: Sequence[int], random_state: int
) -> Iterator[Measurement]:
    """Measure the neighbours that two graphs share, with bootstrap intervals and what chance gives."""
    n, largest = len(a.indices), min(a.k, b.k)
    for k in sorted({min(k, largest) for k in ks}):
        shares = neighbor_overlap([a, b], k).astype(np.float64)
        first_k, null = a.first(k), []
        for order in _permutations(n, 500 * n * k, random_state):  # the cost of sorting
            null.append(neighbor_overlap([first_k, _rename(b.indices[:, :k], order)], k).mean())
        p_value = _p_value(float(shares.mean()), null)
        chance = k / (n - 1)
        per_measure: tuple[tuple[MeasureName, np.ndarray, float], ...] = (
            ("mutual_knn", shares, chance),
            ("jaccard_knn", shares / (2 - shares), _expected_jaccard(n - 1, k)),
        )
        for name, per_item, expected in per_measure:
            score = bootstrap(per_item, random_state=random_state)
            yield Measurement(name, k, score.value, score.low, score.high, expected, p_value, n)


def _summarise(name: MeasureName, value: float, null: Sequence[float], n: int) -> Measurement:
    p_value = _p_value(value, null) if np.isfinite(value) else np.nan
    return Measurement(name, 0, value, np.nan, np.nan, float(np.mean(null)), p_value, n)


def _p_value(value: float, null: Sequence[float]) -> float:
    return (1 + int((np.array(null) >= value).sum())) / (1 + len(null))


def _permutations(n: int, work: float, seed: int) -> list[np.ndarray]:
    """Draw random orders of n items, as many as the work per permutation allows."""
    rng = np.random.default_rng(seed)
    if n > _PERMUTED_UP_TO:
        work = np.inf
    return [
        rng.permutation(n) for _ in range(int(np.clip(_WORK // work, _MIN_PERMUTATIONS, _MAX_PERMUTATIONS)))
    ]


def _permute_ckas(
    a: np.ndarray, b: np.ndarray, orders: list[np.ndarray], products: list[np.ndarray] | None
) -> tuple[list[float], list[float]]:
    """Compute biased and debiased CKA for every permutation; only the cross product depends on it."""
    n = len(a)
    lengths_a, lengths_b = (np.einsum("ij,ij->i", v, v, dtype=np.float64) for v in (a, b))
    use_gram = products is None and _FETCH_COST * n <= a.shape[1] * b.shape[1]
    left, right = (a @ a.T, b @ b.T) if use_gram else (a, b)
    norms = np.array([_self_hsic(a, lengths_a), _self_hsic(b, lengths_b)])  # biased, debiased
    norms = np.sqrt(np.where(norms > 0, norms, np.nan).prod(axis=0))
    ckas = []
    for place, order in enumerate(orders):
        if products is not None:
            total = float(np.square(products[place]).sum())
        elif use_gram:
            total = float(np.vdot(left, right[np.ix_(order, order)]))
        else:
            total = float(np.square(left.T @ right[order]).sum())
        ckas.append([total, total - _diagonal(lengths_a, lengths_b[order])] / norms)
    biased, debiased = np.array(ckas).T.tolist()
    return biased, debiased


def _sample_null_products(a: np.ndarray, b: np.ndarray, seed: int) -> list[np.ndarray]:
    """Sample products of two spaces with permuted items, up to a rotation; see :func:`similarity_table`."""
    rng = np.random.default_rng(seed)
    singular_a, singular_b = (np.sqrt(np.maximum(np.linalg.eigvalsh(v.T @ v), 0)) for v in (a, b))
    scale = np.outer(singular_a, singular_b) / np.float32(np.sqrt(len(a) - 1))
    return [scale * rng.standard_normal(scale.shape, np.float32) for _ in range(_MIN_PERMUTATIONS)]


def _self_hsic(vectors: np.ndarray, lengths: np.ndarray) -> list[float]:
    """Compute HSIC of a space with itself, biased and debiased."""
    product = vectors @ vectors.T if len(vectors) <= vectors.shape[1] else vectors.T @ vectors
    total = float(np.square(product).sum())
    return [total, total - _diagonal(lengths, lengths)]


def _diagonal(lengths_a: np.ndarray, lengths_b: np.ndarray) -> float:
    """Compute what pairs of an item with itself add to HSIC, see :func:`cka`."""
    n = len(lengths_a)
    return float(
        n / (n - 2) * (lengths_a @ lengths_b) - lengths_a.sum() * lengths_b.sum() / ((n - 1) * (n - 2))
    )


def _scale(vectors: np.ndarray) -> np.ndarray:
    """Centre and scale to a typical length of 1, in float32: precise enough, and twice as fast."""
    vectors = np.asarray(vectors, np.float64)
    centred = vectors - vectors.mean(axis=0)
    return np.asarray(centred / (np.linalg.norm(centred) or 1.0) * np.sqrt(len(centred)), np.float32)


def _rename(indices: np.ndarray, order: np.ndarray) -> Neighbors:
    """Return the graph in which item ``i`` is called ``order[i]``."""
    renamed = np.empty_like(indices)
    renamed[order] = order[indices]
    return Neighbors(renamed, np.zeros(indices.shape, np.float32), "cosine", True)


def _expected_jaccard(n_others: int, k: int) -> float:
    """Compute the expected Jaccard index of two random sets of k items (hypergeometric)."""
    from scipy.stats import hypergeom

    shared = np.arange(k + 1)
    return float(hypergeom.pmf(shared, n_others, k, k) @ (shared / (2 * k - shared)))

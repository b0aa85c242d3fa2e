"""Measures of how similar two embedding spaces are, and a permutation test for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from embedlab.analysis.agreement import neighbor_overlap
from embedlab.analysis.neighbors import Neighbors
from embedlab.embeddings import unit_rows
from embedlab.errors import BadItem

MAX_PAIRED = 2000  # items whose pairs RSA compares: two million pairs
Measure = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class PermutationTest:
    """A similarity, and those of the same vectors with the items of one space permuted.

    Attributes
    ----------
    value : float
        The similarity.
    expected, high : float
        Mean and 95th percentile over the permutations: the similarity of models that have nothing in common
        but the shape of their clouds.
    p_value : float
        How often a permutation is as high, (1 + count) / (1 + n_permutations); never below
        1 / (1 + n_permutations).
    n : int
        Number of items.
    n_permutations : int
    """

    value: float
    expected: float
    high: float
    p_value: float
    n: int
    n_permutations: int

    def __repr__(self) -> str:
        return f"{self.value:.3f} (by chance {self.expected:.3f}, p = {self.p_value:.2g}, n = {self.n})"


def cka(x: np.ndarray, y: np.ndarray, *, debiased: bool = True) -> float:
    """Compute linear centred kernel alignment (CKA) of two spaces.

    Parameters
    ----------
    x : ndarray, shape (n_items, dim_x)
    y : ndarray, shape (n_items, dim_y)
        The same items in the same order.
    debiased : bool
        Remove the bias of few items. Without this, two unrelated clouds of 100 items in 768 dimensions have
        a CKA of 0.88.

    Returns
    -------
    float
        1 for spaces that differ by a rotation, a shift and a factor; near 0 for unrelated ones, for which
        the debiased value may be slightly negative. NaN if a space has no variance.

    Raises
    ------
    BadItem
        For different numbers of items, fewer than 4, or values that are not finite.

    Notes
    -----
    Kornblith et al. 2019, "Similarity of neural network representations revisited"; debiased with HSIC₁ of
    Song et al. 2007. Computed from dim x dim or n x n products, whichever are smaller.
    """
    return both_ckas(x, y)[1 if debiased else 0]


def both_ckas(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Compute biased and debiased :func:`cka` at once."""
    x, y = _centre(x, y)
    cross, norm_x, norm_y = (_hsic(a, b) for a, b in ((x, y), (x, x), (y, y)))
    biased, debiased = (
        float(c / np.sqrt(a * b)) if a > 0 and b > 0 else float("nan")
        for c, a, b in zip(cross, norm_x, norm_y, strict=True)
    )
    return biased, debiased


def _hsic(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Compute HSIC of two centred spaces up to a factor, biased and debiased."""
    n = len(x)
    if n <= max(x.shape[1], y.shape[1]):
        total = float(((x @ x.T) * (y @ y.T)).sum())
    else:
        total = float(((x.T @ y) ** 2).sum())
    # An item paired with itself is no evidence: remove the diagonal, and centre again without it.
    lengths_x, lengths_y = np.einsum("ij,ij->i", x, x), np.einsum("ij,ij->i", y, y)
    diagonal = n / (n - 2) * float(lengths_x @ lengths_y)
    return total, total - diagonal + float(lengths_x.sum() * lengths_y.sum()) / ((n - 1) * (n - 2))


def procrustes(x: np.ndarray, y: np.ndarray) -> float:
    """Compute how well one space can be rotated onto the other.

    Parameters
    ----------
    x, y : ndarray, shape (n_items, dim_x) and (n_items, dim_y)
        Centred and scaled to the same norm here.

    Returns
    -------
    float
        1 − d²/2, where d² is the sum of squared distances that remains after the best rotation (both clouds
        of norm 1): from 0 to 1, and 1 for spaces that differ by a rotation, a shift and a factor. Unrelated
        spaces are well above 0, the more so the fewer the items.

    Raises
    ------
    BadItem
        As :func:`cka`.

    Notes
    -----
    Schönemann 1966; as a measure of similarity, Ding, Denain & Steinhardt 2021.
    """
    x, y = _centre(x, y)
    norms = float(np.linalg.norm(x) * np.linalg.norm(y))
    return nuclear_norm(x.T @ y) / norms if norms > 0 else float("nan")


def nuclear_norm(matrix: np.ndarray) -> float:
    """Sum the singular values, from the eigenvalues of the smaller product: three times as fast."""
    product = matrix @ matrix.T if len(matrix) <= matrix.shape[1] else matrix.T @ matrix
    return float(np.sqrt(np.maximum(np.linalg.eigvalsh(product), 0)).sum())


def rsa(x: np.ndarray, y: np.ndarray, *, random_state: int = 0) -> float:
    """Compute representational similarity (RSA): how alike two spaces order the pairs of items.

    Parameters
    ----------
    x, y : ndarray, shape (n_items, dim_x) and (n_items, dim_y)
    random_state : int
        Above 2,000 items a random 2,000 are compared: all pairs of 10,000 would be fifty million.

    Returns
    -------
    float
        Spearman correlation of the cosine distances of all pairs, from −1 to 1.

    Raises
    ------
    BadItem
        As :func:`cka`.

    Notes
    -----
    Kriegeskorte, Mur & Bandettini 2008.
    """
    ranks_x, ranks_y = rank_pairs(x, y, random_state=random_state)
    norms = np.linalg.norm(ranks_x) * np.linalg.norm(ranks_y)
    return float(np.vdot(ranks_x, ranks_y) / norms) if norms > 0 else float("nan")


def rank_pairs(x: np.ndarray, y: np.ndarray, *, random_state: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rank the cosines of all pairs of items in either space.

    Parameters and errors as for :func:`rsa`.

    Returns
    -------
    ranks_x, ranks_y : ndarray, shape (n, n)
        Symmetric, with a diagonal of 0 and ``n`` at most 2,000. Ranks are centred, so that the normalised
        inner product of both is Spearman's correlation.
    """
    from scipy.stats import rankdata

    x, y = _check_spaces(x, y)
    if len(x) > MAX_PAIRED:
        rows = np.random.default_rng(random_state).choice(len(x), MAX_PAIRED, replace=False)
        x, y = x[rows], y[rows]
    upper = np.triu_indices(len(x), 1)
    both = []
    for vectors in (x, y):
        unit = unit_rows(vectors, dtype=vectors.dtype)
        ranks = rankdata((unit @ unit.T)[upper])
        square = np.zeros((len(x), len(x)))
        square[upper] = ranks - ranks.mean()
        both.append(square + square.T)
    return both[0], both[1]


def mutual_knn(a: Neighbors, b: Neighbors, k: int | None = None) -> float:
    """Compute the mean share of an item's k nearest neighbours that both graphs have in common.

    By chance k / (n_items − 1). The mean of :func:`embedlab.analysis.agreement.neighbor_overlap`.
    """
    return float(neighbor_overlap([a, b], k).mean(dtype=np.float64))


def jaccard_knn(a: Neighbors, b: Neighbors, k: int | None = None) -> float:
    """Compute the mean Jaccard index of an item's k nearest neighbours in both graphs."""
    overlap = neighbor_overlap([a, b], k).astype(np.float64)
    return float((overlap / (2 - overlap)).mean())


def permutation_test(
    measure: Measure, x: np.ndarray, y: np.ndarray, *, n_permutations: int = 100, random_state: int = 0
) -> PermutationTest:
    """Compute a similarity, and the same measure with the items of one space permuted.

    Parameters
    ----------
    measure : callable
        :func:`cka`, :func:`procrustes`, :func:`rsa`, or any other function of two arrays.
    x, y : ndarray, shape (n_items, dim_x) and (n_items, dim_y)
    n_permutations : int
    random_state : int

    Returns
    -------
    PermutationTest

    Raises
    ------
    BadItem
        If ``n_permutations`` is below 1, and as :func:`cka`.
    """
    if n_permutations < 1:
        raise BadItem(f"n_permutations must be at least 1, not {n_permutations}.")
    x, y = _check_spaces(x, y)
    rng = np.random.default_rng(random_state)
    value = measure(x, y)
    permuted = np.array([measure(x, y[rng.permutation(len(y))]) for _ in range(n_permutations)])
    p_value = (1 + int((permuted >= value).sum())) / (1 + n_permutations)
    return PermutationTest(
        value, float(permuted.mean()), float(np.quantile(permuted, 0.95)), p_value, len(x), n_permutations
    )


def _centre(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = _check_spaces(x, y)
    return x - x.mean(axis=0), y - y.mean(axis=0)


def _check_spaces(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
        raise BadItem(
            f"x and y must hold vectors of the same items, but have the shapes {x.shape} and {y.shape}."
        )
    if len(x) < 4:
        raise BadItem(f"{len(x)} items are too few to compare two spaces; at least 4 are needed.")
    for name, values in (("first", x), ("second", y)):
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if len(bad):
            raise BadItem(f"Row {bad[0]} of the {name} space holds NaN or infinity. Embed it again.")
    return x, y

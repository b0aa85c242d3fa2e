"""How alike two models see the same items: numbers, each with what chance alone would give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from embedlab.analysis.neighbors import Neighbors
from embedlab.embeddings import unit_rows
from embedlab.errors import BadItem

PAIRED_UP_TO = 2000  # items whose pairs are all compared (RSA): two million pairs
Measure = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Chance:
    """A similarity beside those of the same vectors with their items mixed up.

    Attributes
    ----------
    value : float
        The similarity.
    expected, high : float
        Mean and 95th percentile of what mixing gives: what the measure says about models that have nothing
        in common but the shape of their clouds.
    p_value : float
        How often chance is as high, (1 + count) / (1 + n_permutations); it cannot be smaller than
        1 / (1 + n_permutations).
    n : int
        Items.
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
    """Linear centred kernel alignment: do the same items lie close to each other in both spaces?

    Parameters
    ----------
    x : ndarray, shape (n_items, dim_x)
    y : ndarray, shape (n_items, dim_y)
        The same items in the same order.
    debiased : bool
        Take away what chance alone adds. Without it two unrelated clouds of 100 items in 768 dimensions have
        0.88.

    Returns
    -------
    float
        1 for spaces that differ by a rotation, a shift and a factor; near 0 for unrelated ones, where the
        debiased value may fall a little below. NaN where a space has no spread.

    Raises
    ------
    BadItem
        For different numbers of items, fewer than 4, or values that are not finite.

    Notes
    -----
    Kornblith et al. 2019, "Similarity of neural network representations revisited"; without bias as HSIC₁ of
    Song et al. 2007. Computed from dim x dim or n x n products, whichever is smaller.
    """
    return ckas(x, y)[1 if debiased else 0]


def ckas(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Biased and debiased :func:`cka` in one go."""
    x, y = _centred(x, y)
    across, own_x, own_y = (_aligned(a, b) for a, b in ((x, y), (x, x), (y, y)))
    biased, debiased = (
        float(c / np.sqrt(a * b)) if a > 0 and b > 0 else float("nan")
        for c, a, b in zip(across, own_x, own_y, strict=True)
    )
    return biased, debiased


def _aligned(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The sum over all pairs of items of (product in x) times (product in y), biased and not; centred."""
    n = len(x)
    if n <= max(x.shape[1], y.shape[1]):
        total = float(((x @ x.T) * (y @ y.T)).sum())
    else:
        total = float(((x.T @ y) ** 2).sum())
    # An item paired with itself is no evidence: the diagonal goes, and centring is done anew without it.
    lengths_x, lengths_y = np.einsum("ij,ij->i", x, x), np.einsum("ij,ij->i", y, y)
    diagonal = n / (n - 2) * float(lengths_x @ lengths_y)
    return total, total - diagonal + float(lengths_x.sum() * lengths_y.sum()) / ((n - 1) * (n - 2))


def procrustes(x: np.ndarray, y: np.ndarray) -> float:
    """How well one space can be turned onto the other.

    Parameters
    ----------
    x, y : ndarray, shape (n_items, dim_x) and (n_items, dim_y)
        Centred and scaled to the same size here.

    Returns
    -------
    float
        1 − d²/2, where d² is what remains of the squared distances after the best rotation (both clouds of
        size 1): from 0 to 1, and 1 for spaces that differ by a rotation, a shift and a factor. Chance is well
        above 0, the more so the fewer the items.

    Raises
    ------
    BadItem
        As :func:`cka`.

    Notes
    -----
    Schönemann 1966; as a measure of similarity, Ding, Denain & Steinhardt 2021.
    """
    x, y = _centred(x, y)
    sizes = float(np.linalg.norm(x) * np.linalg.norm(y))
    return nuclear_norm(x.T @ y) / sizes if sizes > 0 else float("nan")


def nuclear_norm(matrix: np.ndarray) -> float:
    """Sum of the singular values, from the eigenvalues of the smaller product: three times as fast."""
    product = matrix @ matrix.T if len(matrix) <= matrix.shape[1] else matrix.T @ matrix
    return float(np.sqrt(np.maximum(np.linalg.eigvalsh(product), 0)).sum())


def rsa(x: np.ndarray, y: np.ndarray, *, random_state: int = 0) -> float:
    """Representational similarity analysis: do both spaces order the pairs of items alike?

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
    one, other = pair_ranks(x, y, random_state=random_state)
    return _correlation(one, other)


def pair_ranks(x: np.ndarray, y: np.ndarray, *, random_state: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ranks of the cosines of all pairs of items in either space: symmetric, shape (n, n), a diagonal of 0.

    Ranks are centred, so that their product is what Spearman's correlation is made of. Arguments and errors
    as :func:`rsa`; ``n`` is at most 2,000.
    """
    from scipy.stats import rankdata

    x, y = _checked(x, y)
    if len(x) > PAIRED_UP_TO:
        rows = np.random.default_rng(random_state).choice(len(x), PAIRED_UP_TO, replace=False)
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


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    sizes = np.linalg.norm(one) * np.linalg.norm(other)
    return float(np.vdot(one, other) / sizes) if sizes > 0 else float("nan")


def mutual_knn(one: Neighbors, other: Neighbors, k: int | None = None) -> float:
    """Share of an item's k nearest neighbours that both models name, as a mean over the items.

    By chance k / (n_items − 1). See :func:`embedlab.analysis.agreement.neighbor_overlap`, whose mean it is.
    """
    from embedlab.analysis.agreement import neighbor_overlap

    return float(neighbor_overlap([one, other], k).mean(dtype=np.float64))


def jaccard_knn(one: Neighbors, other: Neighbors, k: int | None = None) -> float:
    """The neighbours that both models name, as a share of those that either names; a mean over the items."""
    from embedlab.analysis.agreement import neighbor_overlap

    overlap = neighbor_overlap([one, other], k).astype(np.float64)
    return float((overlap / (2 - overlap)).mean())


def by_chance(
    measure: Measure, x: np.ndarray, y: np.ndarray, *, n_permutations: int = 100, random_state: int = 0
) -> Chance:
    """A similarity, and what the same measure says when the items of one space are mixed up.

    Parameters
    ----------
    measure : callable
        :func:`cka`, :func:`procrustes`, :func:`rsa`, or any other of two arrays.
    x, y : ndarray, shape (n_items, dim_x) and (n_items, dim_y)
    n_permutations : int
    random_state : int

    Returns
    -------
    Chance

    Raises
    ------
    BadItem
        When ``n_permutations`` is below 1, and as :func:`cka`.
    """
    if n_permutations < 1:
        raise BadItem(f"n_permutations must be at least 1, not {n_permutations}.")
    x, y = _checked(x, y)
    rng = np.random.default_rng(random_state)
    value = measure(x, y)
    mixed = np.array([measure(x, y[rng.permutation(len(y))]) for _ in range(n_permutations)])
    p_value = (1 + int((mixed >= value).sum())) / (1 + n_permutations)
    return Chance(
        value, float(mixed.mean()), float(np.quantile(mixed, 0.95)), p_value, len(x), n_permutations
    )


def _centred(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = _checked(x, y)
    return x - x.mean(axis=0), y - y.mean(axis=0)


def _checked(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
        raise BadItem(f"Two tables of vectors of the same items are needed, not shapes {x.shape}, {y.shape}.")
    if len(x) < 4:
        raise BadItem(f"{len(x)} items are too few to compare two spaces by; 4 are needed.")
    for name, values in (("first", x), ("second", y)):
        bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if len(bad):
            raise BadItem(f"Row {bad[0]} of the {name} space holds NaN or infinity. Embed it again.")
    return x, y

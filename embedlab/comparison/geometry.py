"""Measures of the shape of a cloud of vectors: dimension, anisotropy, hubness."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestNeighbors

from embedlab.analysis.neighbors import Neighbors
from embedlab.embeddings import unit_rows
from embedlab.errors import BadItem

_DISCARDED = 0.1  # share of the items with the largest ratios, which noise dominates


def two_nn(vectors: np.ndarray) -> float:
    """Estimate the intrinsic dimension from the two nearest neighbours of each item.

    In a space of ``d`` dimensions, the second neighbour is farther than the first by a factor ``mu`` with
    P(mu > x) = x^-d. The estimate is the ``d`` that fits best.

    Parameters
    ----------
    vectors : ndarray, shape (n_items, dim)
        At least 10 distinct rows. Exact duplicates count once, because their distance of 0 has no ratio.

    Returns
    -------
    float
        Between 0 and about 20 for most neural networks. Large dimensions are underestimated.

    Raises
    ------
    BadItem
        For fewer than 10 distinct vectors.

    Notes
    -----
    TwoNN of Facco, d'Errico, Rodriguez & Laio 2017, Scientific Reports 7, 12140: a line through the origin is
    fitted to (log mu, −log(1 − F)) without the tenth of the items with the largest ratios.
    """
    vectors = np.unique(np.asarray(vectors, np.float64), axis=0)
    n = len(vectors)
    if n < 10:
        raise BadItem(f"{n} distinct vectors are too few to estimate a dimension; at least 10 are needed.")
    # float32 would lose the small distances of a dense cloud.
    near = NearestNeighbors(n_neighbors=2).fit(vectors - vectors.mean(axis=0))
    first, second = near.kneighbors()[0].T
    apart = first > 0
    ratio = np.sort(second[apart] / first[apart])
    kept = int(len(ratio) * (1 - _DISCARDED))
    share = np.arange(1, len(ratio) + 1) / len(ratio)
    x, y = np.log(ratio[:kept]), -np.log1p(-share[:kept])
    return float((x @ y) / (x @ x)) if (x @ x) > 0 else float("nan")


def mle_dimension(vectors: np.ndarray, k: int = 20) -> float:
    """Estimate the intrinsic dimension from k nearest neighbours, as a check on :func:`two_nn`.

    Parameters
    ----------
    vectors : ndarray, shape (n_items, dim)
        More than ``k`` distinct rows; exact duplicates count once.
    k : int
        At least 2. A small k is local but has a high variance; a large k is stable but sees the curvature of
        the cloud.

    Returns
    -------
    float
        NaN if all neighbours of every item are equally far from it.

    Raises
    ------
    BadItem
        For too few vectors, or ``k`` below 2.

    Notes
    -----
    Levina & Bickel 2004, with the mean of the inverses over the items (MacKay & Ghahramani 2005).
    """
    vectors = np.unique(np.asarray(vectors, np.float64), axis=0)
    if k < 2:
        raise BadItem(f"k must be at least 2, not {k}.")
    if len(vectors) <= k:
        raise BadItem(
            f"{len(vectors)} distinct vectors are too few for {k} neighbours each. Use a smaller k."
        )
    near = NearestNeighbors(n_neighbors=k).fit(vectors - vectors.mean(axis=0))
    distances = near.kneighbors()[0]
    inverse = np.log(distances[:, -1:] / distances[:, :-1]).mean()
    return float(1 / inverse) if inverse > 0 else float("nan")


def mean_cosine(vectors: np.ndarray) -> float:
    """Compute the mean cosine of two different items, a measure of anisotropy.

    Parameters
    ----------
    vectors : ndarray, shape (n_items, dim)
        At least 2 rows, none all zeros.

    Returns
    -------
    float
        0 if all directions are used equally. With 0.6, a hit with a cosine of 0.65 means little.

    Raises
    ------
    BadItem
        For fewer than 2 items or a row of zeros.

    Notes
    -----
    Ethayarajh 2019. Computed for all pairs at once, from the length of the sum of all unit vectors.
    """
    n = len(vectors)
    if n < 2:
        raise BadItem("A mean cosine needs at least 2 items.")
    total = unit_rows(vectors).sum(axis=0, dtype=np.float64)
    return float((total @ total - n) / (n * (n - 1)))


def iso_score(vectors: np.ndarray) -> float:
    """Measure how evenly a cloud fills the directions of its space (isotropy).

    Parameters
    ----------
    vectors : ndarray, shape (n_items, dim)
        At least 2 items in 2 dimensions, not all identical.

    Returns
    -------
    float
        1 for a ball, 0 for a line; about the share of directions that are used. If it is small, shorter
        vectors suffice.

    Raises
    ------
    BadItem
        For fewer than 2 items or dimensions, or if all items are identical.

    Notes
    -----
    IsoScore of Rudman, Gillman, Rayne & Eickhoff 2022, from the spectrum of the covariance.
    """
    spectrum = _variances(vectors)
    dim = len(spectrum)
    if dim < 2:
        raise BadItem("IsoScore needs at least 2 dimensions.")
    even = spectrum * np.sqrt(dim) / np.linalg.norm(spectrum)
    defect = np.linalg.norm(even - 1) / np.sqrt(2 * (dim - np.sqrt(dim)))
    filled = (dim - defect**2 * (dim - np.sqrt(dim))) ** 2 / dim**2
    return float((dim * filled - 1) / (dim - 1))


def effective_rank(vectors: np.ndarray) -> float:
    """Compute the effective rank: the number of directions if all were used equally.

    Parameters
    ----------
    vectors : ndarray, shape (n_items, dim)
        At least 2 rows, not all identical; centred here.

    Returns
    -------
    float
        From 1 to min(dim, n_items − 1): exp of the entropy of the singular values' shares.

    Raises
    ------
    BadItem
        For fewer than 2 items, or if all items are identical.

    Notes
    -----
    Roy & Vetterli 2007.
    """
    sizes = np.sqrt(_variances(vectors))
    share = sizes[sizes > 0] / sizes.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def spectrum(vectors: np.ndarray) -> np.ndarray:
    """Compute the share of the variance along each principal direction.

    Parameters
    ----------
    vectors : ndarray, shape (n_items, dim)
        At least 2 rows, not all identical; centred here.

    Returns
    -------
    ndarray, shape (dim,)
        Largest first; the sum is 1. scikit-learn's ``PCA`` calls it ``explained_variance_ratio_``.

    Raises
    ------
    BadItem
        For fewer than 2 items, or if all items are identical.
    """
    variances = _variances(vectors)
    return np.asarray(variances / variances.sum())


def k_occurrences(neighbors: Neighbors) -> np.ndarray:
    """Count the neighbour lists that contain each item, shape (n_items,); k on average."""
    return np.bincount(neighbors.indices.ravel(), minlength=len(neighbors.indices))


def hubness(neighbors: Neighbors) -> tuple[float, float]:
    """Measure hubness: how unevenly items occur as neighbours of others.

    Parameters
    ----------
    neighbors : Neighbors
        Of at least 3 items.

    Returns
    -------
    skewness : float
        Skewness of :func:`k_occurrences`: 0 for a symmetric distribution; above about 1.5 there are hubs,
        which appear in the results of many queries. NaN if all items are in equally many lists.
    anti_hubs : float
        Share of the items that are in no list: no item finds them as a neighbour.

    Raises
    ------
    BadItem
        For fewer than 3 items.

    Notes
    -----
    Radovanović, Nanopoulos & Ivanović 2010.
    """
    n = len(neighbors.indices)
    if n < 3:
        raise BadItem(f"{n} items are too few to measure hubness; at least 3 are needed.")
    counts = k_occurrences(neighbors).astype(np.float64)
    spread = counts.std()
    skewness = ((counts - counts.mean()) ** 3).mean() / spread**3 if spread > 0 else np.nan
    return float(skewness), float((counts == 0).mean())


def _variances(vectors: np.ndarray) -> np.ndarray:
    """Compute the variances along the principal directions, shape (dim,), largest first."""
    vectors = np.asarray(vectors, np.float64)
    if len(vectors) < 2:
        raise BadItem("The variance of a cloud needs at least 2 items.")
    centred = vectors - vectors.mean(axis=0)
    # Eigenvalues of the smaller product: ten times as fast as singular values, and precise enough here.
    product = centred.T @ centred if len(centred) > centred.shape[1] else centred @ centred.T
    eigenvalues = np.maximum(np.linalg.eigvalsh(product)[::-1], 0)
    if eigenvalues.sum() <= 1e-20 * max(1.0, float((vectors**2).sum())):
        raise BadItem("All items have the same vector, so there is no variance.")
    variances = np.zeros(vectors.shape[1])
    variances[: len(eigenvalues)] = np.where(eigenvalues > 1e-12 * eigenvalues[0], eigenvalues, 0)
    return variances

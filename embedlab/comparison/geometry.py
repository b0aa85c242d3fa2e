"""The shape of one cloud of vectors."""

from __future__ import annotations

import numpy as np
from sklearn.neighbors import NearestNeighbors

from embedlab.analysis.neighbors import Neighbors
from embedlab.embeddings import unit_rows
from embedlab.errors import BadItem

_DISCARDED = 0.1


def two_nn(vectors: np.ndarray) -> float:
    """Intrinsic dimension: in how many directions the cloud really extends, whatever the length of a vector.

    Looks only at each item's two nearest others: in a space of ``d`` dimensions, the second is farther than
    the first by a factor ``mu`` with P(mu > x) = x^-d. The ``d`` that fits is the answer.

    Parameters
    ----------
    vectors : ndarray, shape (n_items, dim)
        At least 10 different ones. Exact duplicates are counted once: their distance of 0 says nothing.

    Returns
    -------
    float
        Between 0 and about 20 for what neural networks give. Large values are estimated too low.

    Raises
    ------
    BadItem
        For fewer than 10 different vectors.

    Notes
    -----
    TwoNN of Facco, d'Errico, Rodriguez and Laio (2017), Scientific Reports 7, 12140: a line through the
    origin is fitted to (log mu, −log(1 − F)) without the tenth with the largest ratios, where noise rules.
    """
    vectors = np.unique(np.asarray(vectors, np.float64), axis=0)
    n = len(vectors)
    if n < 10:
        raise BadItem(f"{n} different vectors are too few to estimate a dimension from; 10 are needed.")
    # In double precision: single precision loses the small distances of a tight cloud.
    near = NearestNeighbors(n_neighbors=2).fit(vectors - vectors.mean(axis=0))
    first, second = near.kneighbors()[0].T
    apart = first > 0
    ratio = np.sort(second[apart] / first[apart])
    kept = int(len(ratio) * (1 - _DISCARDED))
    share = np.arange(1, len(ratio) + 1) / len(ratio)
    x, y = np.log(ratio[:kept]), -np.log1p(-share[:kept])
    return float((x @ y) / (x @ x)) if (x @ x) > 0 else float("nan")


def mle_dimension(vectors: np.ndarray, k: int = 20) -> float:
    """Intrinsic dimension from the k nearest others of each item: a second opinion on :func:`two_nn`.

    Parameters
    ----------
    vectors : ndarray, shape (n_items, dim)
        More than ``k`` different ones; exact duplicates are counted once.
    k : int
        At least 2. Few look closely and waver, many are steadier and see the bends of the cloud.

    Returns
    -------
    float
        NaN where all of an item's neighbours lie equally far from it.

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
        raise BadItem(f"{len(vectors)} different vectors are too few for {k} neighbours of each.")
    near = NearestNeighbors(n_neighbors=k).fit(vectors - vectors.mean(axis=0))
    distances = near.kneighbors()[0]
    inverse = np.log(distances[:, -1:] / distances[:, :-1]).mean()
    return float(1 / inverse) if inverse > 0 else float("nan")


def mean_cosine(vectors: np.ndarray) -> float:
    """Mean cosine of two different items: how far a cloud points in one direction (anisotropy).

    Parameters
    ----------
    vectors : ndarray, shape (n_items, dim)
        At least 2, none all zeros.

    Returns
    -------
    float
        0 where all directions are used alike. At 0.6 a hit with a cosine of 0.65 says little.

    Raises
    ------
    BadItem
        For fewer than 2 items or a row of zeros.

    Notes
    -----
    Ethayarajh 2019. All pairs, from the length of the sum of all directions, without comparing any two.
    """
    n = len(vectors)
    if n < 2:
        raise BadItem("Two items or more are needed for a cosine between them.")
    whole = unit_rows(vectors).sum(axis=0, dtype=np.float64)
    return float((whole @ whole - n) / (n * (n - 1)))


def iso_score(vectors: np.ndarray) -> float:
    """How evenly a cloud fills the directions of its space.

    Parameters
    ----------
    vectors : ndarray, shape (n_items, dim)
        At least 2 items in 2 dimensions, not all the same.

    Returns
    -------
    float
        1 for a ball, 0 for a line; about the share of directions that are used. Where it is small, fewer
        numbers per item would do.

    Raises
    ------
    BadItem
        For fewer than 2 items or dimensions, or where all items are the same.

    Notes
    -----
    IsoScore of Rudman, Gillman, Rayne & Eickhoff 2022, from the spectrum of the covariance.
    """
    spectrum = _variances(vectors)
    dim = len(spectrum)
    if dim < 2:
        raise BadItem("Two dimensions or more are needed to see how evenly they are filled.")
    even = spectrum * np.sqrt(dim) / np.linalg.norm(spectrum)
    defect = np.linalg.norm(even - 1) / np.sqrt(2 * (dim - np.sqrt(dim)))
    filled = (dim - defect**2 * (dim - np.sqrt(dim))) ** 2 / dim**2
    return float((dim * filled - 1) / (dim - 1))


def effective_rank(vectors: np.ndarray) -> float:
    """How many directions a cloud would have if it used them all alike.

    Parameters
    ----------
    vectors : ndarray, shape (n_items, dim)
        At least 2, not all the same; centred here.

    Returns
    -------
    float
        From 1 to min(dim, n_items − 1): exp of the entropy of the singular values' shares.

    Raises
    ------
    BadItem
        For fewer than 2 items, or where all items are the same.

    Notes
    -----
    Roy & Vetterli 2007.
    """
    sizes = np.sqrt(_variances(vectors))
    share = sizes[sizes > 0] / sizes.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def spectrum(vectors: np.ndarray) -> np.ndarray:
    """How the spread of a cloud is shared among its principal directions.

    Parameters
    ----------
    vectors : ndarray, shape (n_items, dim)
        At least 2, not all the same; centred here.

    Returns
    -------
    ndarray, shape (dim,)
        Shares of the variance, the largest first; their sum is 1. What ``PCA`` of scikit-learn calls
        ``explained_variance_ratio_``.

    Raises
    ------
    BadItem
        For fewer than 2 items, or where all items are the same.
    """
    variances = _variances(vectors)
    return np.asarray(variances / variances.sum())


def occurrences(neighbors: Neighbors) -> np.ndarray:
    """In how many lists of neighbours each item is (k-occurrence), shape (n_items,); k on average."""
    return np.bincount(neighbors.indices.ravel(), minlength=len(neighbors.indices))


def hubness(neighbors: Neighbors) -> tuple[float, float]:
    """Whether a few items are everybody's neighbour, and how many are nobody's.

    Parameters
    ----------
    neighbors : Neighbors
        Of 3 items or more.

    Returns
    -------
    skewness : float
        Of the number of lists that an item is in (k-occurrence): 0 for a symmetric spread, above about 1.5
        there are hubs, which come up for many queries. NaN where every item is in as many lists.
    anti_hubs : float
        Share of the items that are in no list: no search for a neighbour ever finds them.

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
        raise BadItem(f"{n} items are too few for hubs.")
    counts = occurrences(neighbors).astype(np.float64)
    spread = counts.std()
    skewness = ((counts - counts.mean()) ** 3).mean() / spread**3 if spread > 0 else np.nan
    return float(skewness), float((counts == 0).mean())


def _variances(vectors: np.ndarray) -> np.ndarray:
    """Variances along the principal directions, shape (dim,), the largest first."""
    vectors = np.asarray(vectors, np.float64)
    if len(vectors) < 2:
        raise BadItem("Two items or more are needed to see how a cloud is spread.")
    centred = vectors - vectors.mean(axis=0)
    # From the smaller of the two products: ten times as fast as singular values, and exact enough here.
    product = centred.T @ centred if len(centred) > centred.shape[1] else centred @ centred.T
    found = np.maximum(np.linalg.eigvalsh(product)[::-1], 0)
    if found.sum() <= 1e-20 * max(1.0, float((vectors**2).sum())):
        raise BadItem("All items have the same vector: such a cloud has no directions.")
    variances = np.zeros(vectors.shape[1])
    variances[: len(found)] = np.where(found > 1e-12 * found[0], found, 0)
    return variances

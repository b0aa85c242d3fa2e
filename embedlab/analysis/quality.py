"""How far to trust a map: how many neighbourhoods it preserves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from embedlab.analysis.neighbors import Metric, knn
from embedlab.embeddings import unit_rows

Grade = Literal["good", "fair", "poor", "unknown"]
GRADE_WORDS: dict[Grade, str] = {
    "good": "neighbours are well kept",
    "fair": "read neighbours with care",
    "poor": "do not trust distances here",
    "unknown": "too few points to judge",
}
# Ranking every pair costs n² log n: above this many items the two scores are estimated on a random subset.
RANKED_UP_TO = 5_000


@dataclass(frozen=True, eq=False)
class Quality:
    """How well a projection keeps neighbourhoods.

    Attributes
    ----------
    trustworthiness : float
        1 if the k nearest neighbours *on the map* are true neighbours; lower if the map puts unrelated items
        together. About 0.5 for a random map.
    continuity : float
        1 if the k *true* neighbours are still near on the map; lower if the map separates neighbours.
    k : int
        Size of the neighbourhood that both scores use.
    distortion : ndarray, shape (n_samples,), float32
        For each item the share of its k true neighbours that are not among its k nearest on the map (0 to 1).
    n_ranked : int
        Items on which the two scores were computed: all of them up to 5,000, otherwise a random subset.
    """

    trustworthiness: float
    continuity: float
    k: int
    distortion: np.ndarray
    n_ranked: int

    def __repr__(self) -> str:
        return (
            f"Quality(trustworthiness={self.trustworthiness:.3f}, continuity={self.continuity:.3f}, "
            f"k={self.k}, mean distortion={float(self.distortion.mean()):.2f})"
        )

    @property
    def grade(self) -> Grade:
        """How far to trust the map: good from 0.95, fair from 0.85, by the worse of the two scores."""
        if not np.isfinite(self.trustworthiness):
            return "unknown"
        worse = min(self.trustworthiness, self.continuity)
        return "good" if worse >= 0.95 else "fair" if worse >= 0.85 else "poor"

    @property
    def words(self) -> str:
        """The grade in a few words, for a badge."""
        return GRADE_WORDS[self.grade]


def measure_quality(
    vectors: np.ndarray,
    coords: np.ndarray,
    *,
    k: int,
    metric: Metric,
    true_neighbors: np.ndarray,
    random_state: int = 0,
) -> Quality:
    """Compute trustworthiness and continuity (Venna & Kaski 2001), and each item's distortion.

    Parameters
    ----------
    vectors : ndarray, shape (n_samples, dim)
        The embeddings.
    coords : ndarray, shape (n_samples, n_components)
        Their coordinates on the map.
    k : int
        Neighbourhood size; reduced if necessary so that the scores are defined (k < n_samples / 2).
    metric : {"cosine", "euclidean"}
        Distance in the full space; on the map it is always Euclidean.
    true_neighbors : ndarray, shape (n_samples, at least k), int64
        The graph of :func:`embedlab.analysis.neighbors.knn`.
    random_state : int
        Seed of the subset above 5,000 items.

    Returns
    -------
    Quality
        With NaN scores for fewer than 4 items, for which they are undefined.
    """
    n = len(vectors)
    k = min(k, (n - 1) // 2)
    if n < 4 or k < 1:
        return Quality(float("nan"), float("nan"), max(k, 0), np.zeros(n, np.float32), n)
    on_map = knn(coords, k, metric="euclidean").indices
    kept = (true_neighbors[:, :k, None] == on_map[:, None, :]).any(axis=2).mean(axis=1)
    rows = np.arange(n)
    if n > RANKED_UP_TO:
        rows = np.sort(np.random.default_rng(random_state).choice(n, RANKED_UP_TO, replace=False))
    space = unit_rows(vectors[rows]) if metric == "cosine" else vectors[rows]
    return Quality(
        trustworthiness=_intrusion_score(space, coords[rows], k),
        continuity=_intrusion_score(coords[rows], space, k),
        k=k,
        distortion=(1 - kept).astype(np.float32),
        n_ranked=len(rows),
    )


def _intrusion_score(reference: np.ndarray, shown: np.ndarray, k: int) -> float:
    """Compute the trustworthiness of ``shown`` given ``reference``; swap the two for continuity.

    T(k) = 1 - 2 / (n k (2n - 3k - 1)) * sum of max(0, r(i, j) - k) over every i and the k nearest j of i in
    ``shown``, where r(i, j) is the rank of j among the neighbours of i in ``reference``.
    """
    n = len(reference)
    nearest = knn(shown, k, metric="euclidean").indices
    reference = np.asarray(reference, np.float32)
    norms = np.einsum("ij,ij->i", reference, reference)
    penalty = 0
    for start in range(0, n, 1000):
        stop = min(start + 1000, n)
        block = norms[start:stop, None] + norms[None, :] - 2 * (reference[start:stop] @ reference.T)
        block[np.arange(stop - start), np.arange(start, stop)] = -np.inf
        order = np.argsort(block, axis=1)
        ranks = np.empty_like(order)
        np.put_along_axis(ranks, order, np.broadcast_to(np.arange(n), order.shape), axis=1)
        penalty += int(np.maximum(np.take_along_axis(ranks, nearest[start:stop], axis=1) - k, 0).sum())
    return 1.0 - 2.0 * penalty / (n * k * (2 * n - 3 * k - 1))

"""Models, caveats and rankings made by hand for the tests of comparisons."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from embedlab.comparison.caveats import Caveat, CaveatCode
from embedlab.comparison.result import Comparison
from embedlab.comparison.retrieval import (
    mean_average_precision,
    mrr,
    ndcg_at_k,
    rank,
    recall_at_k,
    success_at_k,
)
from embedlab.comparison.scores import Score
from embedlab.embeddings import Embeddings


def renamed(emb: Embeddings, name: str, **changes: object) -> Embeddings:
    return dataclasses.replace(emb, model=dataclasses.replace(emb.model, name=name, **changes))


def noisy(emb: Embeddings, amount: float, seed: int = 5) -> Embeddings:
    noise = np.random.default_rng(seed).normal(size=emb.vectors.shape)
    return dataclasses.replace(emb, vectors=emb.vectors + amount * noise)


def codes(found: Comparison) -> list[CaveatCode]:
    return [caveat.code for caveat in found.caveats]


def caveat(found: Comparison, code: CaveatCode) -> Caveat:
    [found_caveat] = [each for each in found.caveats if each.code == code]
    return found_caveat


def fan(*degrees: float) -> np.ndarray:
    """Vectors at these angles: seen from 0°, a smaller angle is nearer."""
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


METRICS: dict[str, Callable[..., Score]] = {
    "recall@3": lambda ranking: recall_at_k(ranking, 3),
    "hit_rate@3": lambda ranking: success_at_k(ranking, 3),
    "mrr": mrr,
    "ndcg@3": lambda ranking: ndcg_at_k(ranking, 3),
    "ndcg@200": lambda ranking: ndcg_at_k(ranking, 200),
    "map": mean_average_precision,
}


def scores(*ranking_arguments: object, **more: object) -> dict[str, np.ndarray]:
    ranking = rank(*ranking_arguments, **more)  # type: ignore[arg-type]
    return {name: metric(ranking).per_query for name, metric in METRICS.items()}


def random_case(seed: int = 0) -> tuple[np.ndarray, np.ndarray, dict[str, dict[str, int]]]:
    rng = np.random.default_rng(seed)
    queries, documents = rng.normal(size=(40, 12)), rng.normal(size=(150, 12))
    relevant = {
        str(q): {str(d): int(rng.integers(1, 5)) for d in rng.choice(150, rng.integers(1, 12), replace=False)}
        for q in range(40)
    }
    return queries.astype(np.float32), documents.astype(np.float32), relevant

"""How alike two models are, on 10,000 items of 768 numbers: time and memory of each part, in one run."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from embedlab.analysis.neighbors import knn
from embedlab.comparison.geometry_tables import geometry_table
from embedlab.comparison.similarity import cka, procrustes, rsa
from embedlab.comparison.similarity_tables import similarity_table

N, DIM = 10_000, 768


def main() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, DIM)).astype(np.float32)
    y = (x @ rng.normal(size=(DIM, DIM)) / 30 + rng.normal(size=(N, DIM))).astype(np.float32)
    print(f"two models, {N:,} x {DIM}; a table of all pairs would be {8 * N * N / 1e6:.0f} MB")
    before = _peak()
    found: dict[str, Any] = {}
    timed("exact kNN graphs, k = 20, both", lambda: found.update(graphs={"x": knn(x, 20), "y": knn(y, 20)}))
    timed("debiased CKA", lambda: cka(x, y))
    timed("Procrustes", lambda: procrustes(x, y))
    timed("RSA (2,000 items)", lambda: rsa(x, y))
    vectors = {"x": x, "y": y}
    timed("all measures, each beside chance", lambda: similarity_table(vectors, found["graphs"]))
    timed("geometry of both", lambda: geometry_table(vectors, found["graphs"]))
    print(f"  peak of memory above the two models: {_peak() - before:.0f} MB")


def timed(what: str, run: Callable[[], Any]) -> None:
    """Print how long it takes."""
    started = time.perf_counter()
    run()
    print(f"  {what:<36}{time.perf_counter() - started:6.2f} s")


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

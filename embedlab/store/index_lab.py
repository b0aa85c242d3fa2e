"""Measure index types against exact search: what each finds, how fast, and what it costs to build."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from embedlab.embeddings import Embeddings, unit_rows
from embedlab.errors import BadItem
from embedlab.io.progress import progress_bar
from embedlab.store.connection import Token
from embedlab.store.index_lab_backends import Finder, each, in_faiss, in_milvus
from embedlab.store.index_lab_result import IndexLab
from embedlab.store.indexes import INDEXES, check_count, check_index
from embedlab.store.vectorstore import VectorStore

_TIE = 1e-5  # scores nearer than this are equal
_COLUMNS = ["place", "index", "build", "search", "recall", "median_ms", "p95_ms", "build_s", "size_mb"]
EF = (10, 20, 40, 80, 160, 320)
NPROBE = (1, 2, 4, 8, 16, 32)


def index_lab(
    embeddings: Embeddings,
    queries: Embeddings | None = None,
    *,
    k: int = 10,
    builds: Mapping[str, Sequence[Mapping[str, int]]] | None = None,
    ef: Sequence[int] = EF,
    nprobe: Sequence[int] = NPROBE,
    recall: float = 0.95,
    n_queries: int = 200,
    server: str | None = None,
    token: str | None = None,
    progress: bool | None = None,
    random_state: int = 0,
) -> IndexLab:
    """Which index for these vectors? Each is built, asked, and compared with the exact answers.

    Everything is stored, flushed and indexed in Milvus Lite in a temporary folder, in a Milvus server too
    where ``server`` names one, and in bare FAISS, which shows what an index costs without any database
    around it. Searches go one at a time, as those of a user do. Cosine is the metric.

    Parameters
    ----------
    embeddings : Embeddings
        What is searched; at least 100 items.
    queries : Embeddings, optional
        What is searched for, by the same model. By default some items, which then are not stored: an item
        that is stored finds itself, which is too easy.
    k : int
        Neighbours that count.
    builds : mapping of str to sequence of dict, optional
        Index types with the settings to build each with, such as ``{"HNSW": [{"M": 8, "efConstruction":
        100}]}``.
    ef, nprobe : sequence of int
        How hard to look: for HNSW and for IVF. Values below ``k`` (ef) or above the number of cells (nprobe)
        are left out.
    recall : float
        What the proposal has to reach.
    n_queries : int
        How many queries, at most a fifth of the items.
    server, token : str, optional
        A Milvus server or Zilliz Cloud to measure as well. A collection of its own is made there, and
        dropped.
    progress : bool, optional
        Show a progress bar; by default when it takes longer than a second.
    random_state : int
        Chooses the queries.

    Returns
    -------
    IndexLab
        Shows itself as a verdict, a drawing and a table.

    Raises
    ------
    BadItem
        For too few items, or queries of another model.
    StoreError
        For an unknown index or setting, or when Milvus answers without the index that was asked for.
    """
    token = Token.of(token)
    check_count("k", k, 1)
    check_count("n_queries", n_queries, 1)
    stored, asked = _split(embeddings, queries, n_queries, random_state)
    if len(stored) < max(100, k):
        raise BadItem(f"{len(stored)} items to search are too few to measure an index: take 100 or more.")
    plan = dict(builds) if builds is not None else default_builds(len(stored))
    for index, several in plan.items():
        for params in several:
            check_index(index, "COSINE", params)
    base = unit_rows(stored.vectors, ids=stored.ids)
    wanted = unit_rows(asked.vectors, ids=asked.ids)
    best = _exact(base, wanted, k)
    rows: list[dict[str, Any]] = []
    total = sum(map(len, plan.values())) * (3 if server else 2)
    bar = progress_bar("measuring indexes", total, unit="index", progress=progress)

    def measure(
        place: str, index: str, built: Mapping[str, int], find: Finder, seconds: float, mb: float
    ) -> None:
        about = {"place": place, "index": index, "build": dict(built), "build_s": seconds, "size_mb": mb}
        for looking in _searches(index, built, k, ef, nprobe):
            rows.append(about | {"search": looking} | _measured(find, wanted, looking, best, k))
        bar.update()

    with bar:
        for index, built in each(plan):
            measure(f"FAISS {version('faiss-cpu')}", index, built, *in_faiss(base, index, built))
        with tempfile.TemporaryDirectory() as folder, VectorStore(Path(folder) / "lab.db") as lite:
            in_milvus(lite, stored, plan, k, measure)
        if server is not None:
            with VectorStore(server, token=token) as there:
                in_milvus(there, stored, plan, k, measure)
    table = pd.DataFrame(rows, columns=_COLUMNS)
    return IndexLab(table, len(stored), stored.dim, k, len(asked), recall, str(stored.model.name))


def default_builds(n_items: int) -> dict[str, list[dict[str, int]]]:
    """What is measured unless told otherwise."""
    nlist = {"nlist": max(1, min(round(4 * n_items**0.5), n_items // 39, 65_536))}
    return {
        "FLAT": [{}],
        "HNSW": [{"M": 8, "efConstruction": 100}, {"M": 32, "efConstruction": 200}],
        "HNSW_SQ": [{"M": 16, "efConstruction": 200}],
        "IVF_FLAT": [nlist],
        "IVF_SQ8": [nlist],
    }


def _searches(
    index: str, built: Mapping[str, int], k: int, ef: Sequence[int], nprobe: Sequence[int]
) -> list[dict[str, int]]:
    """Search settings worth trying for an index."""
    setting = INDEXES[index][1]
    if setting == "ef":
        return [{"ef": value} for value in sorted({max(value, k) for value in ef})]
    if setting == "nprobe":
        cells = built.get("nlist", 1)
        return [{"nprobe": value} for value in sorted({min(value, cells) for value in nprobe})]
    return [{}]


def _split(
    embeddings: Embeddings, queries: Embeddings | None, n_queries: int, random_state: int
) -> tuple[Embeddings, Embeddings]:
    if queries is not None:
        if queries.dim != embeddings.dim or queries.model.name != embeddings.model.name:
            raise BadItem(
                f"The queries are {queries.dim} numbers from {queries.model.name!r}, the items "
                f"{embeddings.dim} from "
                f"{embeddings.model.name!r}: embed both with one model."
            )
        return embeddings, queries.select(queries.ids[:n_queries])
    chosen = np.zeros(len(embeddings), dtype=bool)
    n = min(n_queries, len(embeddings) // 5)
    chosen[np.random.default_rng(random_state).permutation(len(embeddings))[:n]] = True
    return embeddings.select(~chosen), embeddings.select(chosen)


def _exact(base: np.ndarray, wanted: np.ndarray, k: int) -> tuple[list[float], list[np.ndarray]]:
    """For each query the k-th best score, and the scores of all items; computed in one piece for all."""
    scores = wanted @ base.T
    kth = np.partition(scores, -k, axis=1)[:, -k]
    return kth.tolist(), list(scores)


def _share(found: list[int], kth: float, scores: np.ndarray, k: int) -> float:
    """recall@k: the share of the k places taken by items as near as the true k-th; ties count for all."""
    return float((scores[found[:k]] >= kth - _TIE).sum()) / k


def _ask(find: Finder, wanted: np.ndarray, looking: Mapping[str, int]) -> tuple[list[list[int]], list[float]]:
    for query in wanted[:5]:  # the first searches pay for what is set up once
        find(query, looking)
    found, times = [], []
    for query in wanted:
        started = time.perf_counter()
        found.append(find(query, looking))
        times.append(time.perf_counter() - started)
    return found, times


def _measured(
    find: Finder,
    wanted: np.ndarray,
    looking: Mapping[str, int],
    best: tuple[list[float], list[np.ndarray]],
    k: int,
) -> dict[str, float]:
    """Recall and times of all queries by one setting."""
    found, times = _ask(find, wanted, looking)
    shares = [_share(rows, kth, scores, k) for rows, kth, scores in zip(found, *best, strict=True)]
    return {
        "recall": float(np.mean(shares)),
        "median_ms": 1000 * float(np.median(times)),
        "p95_ms": 1000 * float(np.quantile(times, 0.95)),
    }

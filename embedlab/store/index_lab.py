"""Measure index types against exact search: what each finds, how fast, and what it costs to build."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from embedlab.embeddings import Embeddings, unit_rows
from embedlab.errors import BadItem, WrongModel
from embedlab.io.progress import ProgressBar, progress_bar
from embedlab.store.addresses import Token
from embedlab.store.index_lab_backends import BuiltIndex, Finder, faiss_indexes, milvus_indexes
from embedlab.store.index_lab_result import IndexLab
from embedlab.store.index_spec import (
    IndexSpec,
    IndexType,
    build_settings,
    check_count,
    default_nlist,
    search_setting,
)
from embedlab.store.vectorstore import VectorStore

_TIE = 1e-5  # scores nearer than this are equal
Row = dict[str, object]
Truth = tuple[list[float], list[np.ndarray]]  # for each query the k-th best score, and all scores

_COLUMNS = ["place", "index", "build", "search", "recall", "median_ms", "p95_ms", "build_s", "size_mb"]
EF = (10, 20, 40, 80, 160, 320)
NPROBE = (1, 2, 4, 8, 16, 32)


def index_lab(
    embeddings: Embeddings,
    queries: Embeddings | None = None,
    *,
    k: int = 10,
    builds: Mapping[IndexType, Sequence[Mapping[str, int]]] | None = None,
    ef: Sequence[int] = EF,
    nprobe: Sequence[int] = NPROBE,
    recall: float = 0.95,
    n_queries: int = 200,
    server: str | None = None,
    token: str | None = None,
    progress: bool | None = None,
    random_state: int = 0,
) -> IndexLab:
    """Measure which index suits these vectors: build each, search it, and compare with the exact answers.

    Everything is stored, flushed and indexed in Milvus Lite in a temporary folder, in a Milvus server too if
    ``server`` names one, and in bare FAISS, which shows what an index costs without a database around it.
    Searches go one at a time, as those of a user do. Cosine is the metric.

    Parameters
    ----------
    embeddings : Embeddings
        What is searched; at least 100 items.
    queries : Embeddings, optional
        What is searched for, by the same model. By default some of the items, which then are not stored: an
        item that is stored finds itself, which is too easy.
    k : int
        How many neighbours count.
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
        A Milvus server or Zilliz Cloud to measure as well. A collection is made there for this, and dropped.
    progress : bool, optional
        Show a progress bar; by default if it takes longer than a second.
    random_state : int
        Chooses the queries.

    Returns
    -------
    IndexLab
        Shows itself as a verdict, a drawing and a table.

    Raises
    ------
    BadItem
        For too few items, a vector of zeros, or queries of another model.
    StoreError
        For an unknown index or setting, or if Milvus answers without the index that was asked for.
    """
    token = Token.wrap(token)
    check_count("k", k, 1)
    check_count("n_queries", n_queries, 1)
    stored, asked = _split(embeddings, queries, n_queries, random_state)
    if len(stored) < max(100, k):
        raise BadItem(
            f"{len(stored)} items to search are too few to measure an index. Take {max(100, k)} or more."
        )
    specs = _make_specs(default_builds(len(stored)) if builds is None else builds, len(stored))
    base = unit_rows(stored.vectors, ids=stored.ids)
    wanted = unit_rows(asked.vectors, ids=asked.ids)
    truth = _exact(base, wanted, k)
    efforts = _Efforts(k, ef, nprobe)
    rows: list[Row] = []
    stores: list[str] = []
    n_builds = len(specs) * (3 if server else 2)
    with progress_bar("measuring indexes", n_builds, unit="index", progress=progress) as bar:
        rows += _measure_indexes(faiss_indexes(base, specs), wanted, truth, efforts, bar)
        with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
            opened = [stack.enter_context(VectorStore(Path(folder) / "lab.db"))]
            if server is not None:
                opened.append(stack.enter_context(VectorStore(server, token=token)))
            for store in opened:
                stores.append(store.backend.name)
                rows += _measure_indexes(milvus_indexes(store, stored, specs, k), wanted, truth, efforts, bar)
    table = pd.DataFrame(rows, columns=_COLUMNS)
    model = str(stored.model.name)
    return IndexLab(table, len(stored), stored.dim, k, len(asked), recall, model, tuple(stores))


def default_builds(n_items: int) -> dict[IndexType, list[dict[str, int]]]:
    """Choose what is measured by default."""
    nlist = {"nlist": max(1, min(round(4 * n_items**0.5), n_items // 39, 65_536))}
    return {
        "FLAT": [{}],
        "HNSW": [{"M": 8, "efConstruction": 100}, {"M": 32, "efConstruction": 200}],
        "HNSW_SQ": [{"M": 16, "efConstruction": 200}],
        "IVF_FLAT": [nlist],
        "IVF_SQ8": [nlist],
    }


def _make_specs(builds: Mapping[IndexType, Sequence[Mapping[str, int]]], n_items: int) -> list[IndexSpec]:
    specs = []
    for index, several in builds.items():
        for params in several:
            spec = IndexSpec.from_arguments(index, "COSINE", params)
            if "nlist" in build_settings(index) and spec.nlist is None:
                spec = replace(spec, nlist=default_nlist(n_items))
            specs.append(spec)
    return specs


@dataclass(frozen=True)
class _Efforts:
    """How many neighbours count, and how hard the indexes are to look for them."""

    k: int
    ef: Sequence[int]
    nprobe: Sequence[int]

    def params(self, built: BuiltIndex) -> list[dict[str, int]]:
        """List the search settings worth trying for an index."""
        setting = search_setting(built.index)
        if setting == "ef":
            return [{"ef": value} for value in sorted({max(value, self.k) for value in self.ef})]
        if setting == "nprobe":
            cells = built.params.get("nlist", 1)
            return [{"nprobe": value} for value in sorted({min(value, cells) for value in self.nprobe})]
        return [{}]


def _measure_indexes(
    indexes: Generator[BuiltIndex],
    wanted: np.ndarray,
    truth: Truth,
    efforts: _Efforts,
    bar: ProgressBar,
) -> list[Row]:
    """Measure each index with each search setting."""
    rows = []
    with closing(indexes):  # drops what it stored, also if a search fails
        for built in indexes:
            for params in efforts.params(built):
                measured = _measure(built, wanted, params, truth, efforts.k)
                rows.append(_describe(built) | {"search": params} | measured)
            bar.update()
    return rows


def _describe(built: BuiltIndex) -> Row:
    return {
        "place": built.place,
        "index": built.index,
        "build": dict(built.params),
        "build_s": built.seconds,
        "size_mb": built.megabytes,
    }


def _split(
    embeddings: Embeddings, queries: Embeddings | None, n_queries: int, random_state: int
) -> tuple[Embeddings, Embeddings]:
    """Return what is searched and what is searched for."""
    if queries is not None:
        if queries.dim != embeddings.dim or queries.model.name != embeddings.model.name:
            raise WrongModel(
                f"The queries have {queries.dim} dimensions from {queries.model.name!r}, but the items "
                f"{embeddings.dim} from {embeddings.model.name!r}. Embed both with one model.",
                model=queries.model.name,
            )
        return embeddings, queries.select(queries.ids[:n_queries])
    chosen = np.zeros(len(embeddings), dtype=bool)
    n = min(n_queries, len(embeddings) // 5)
    chosen[np.random.default_rng(random_state).permutation(len(embeddings))[:n]] = True
    return embeddings.select(~chosen), embeddings.select(chosen)


def _exact(base: np.ndarray, wanted: np.ndarray, k: int) -> Truth:
    """Return for each query the k-th best score, and the scores of all items."""
    scores = wanted @ base.T
    kth = np.partition(scores, -k, axis=1)[:, -k]
    return kth.tolist(), list(scores)


def _recall(rows: list[int], kth: float, scores: np.ndarray, k: int) -> float:
    """Return recall@k: the share of k hits that are as near as the true k-th; ties count for all."""
    return float((scores[rows[:k]] >= kth - _TIE).sum()) / k


def _search_all(
    find: Finder, wanted: np.ndarray, params: Mapping[str, int]
) -> tuple[list[list[int]], list[float]]:
    """Return rows and seconds of each search."""
    for query in wanted[:5]:  # the first searches pay for what is set up once
        find(query, params)
    rows, seconds = [], []
    for query in wanted:
        started = time.perf_counter()
        rows.append(find(query, params))
        seconds.append(time.perf_counter() - started)
    return rows, seconds


def _measure(
    built: BuiltIndex,
    wanted: np.ndarray,
    params: Mapping[str, int],
    truth: Truth,
    k: int,
) -> dict[str, float]:
    """Return mean recall, and times of all queries in milliseconds, with one search setting."""
    found, seconds = _search_all(built.find, wanted, params)
    recalls = [_recall(rows, kth, scores, k) for rows, kth, scores in zip(found, *truth, strict=True)]
    return {
        "recall": float(np.mean(recalls)),
        "median_ms": 1000 * float(np.median(seconds)),
        "p95_ms": 1000 * float(np.quantile(seconds, 0.95)),
    }

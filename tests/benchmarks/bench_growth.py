"""How a collection grows: adding, indexing, searching, disk and memory from a thousand rows to a million.

    python -m tests.benchmarks.bench_growth [--places lite standalone] [--sizes 1000 10000 100000 1000000]

The vectors are synthetic: seeded, 128 numbers, unit length, around as many centres as the square root of
the rows. Each row has an id, a sentence, one of a hundred labels and a year. Queries are further points of
the same cloud; the filter is ``year < 1910``, which a tenth of the rows satisfy. Recall@10 is against exact
search in numpy. "As far as it takes" is what a filtered search does by default in Milvus Lite.

Every size runs in a process of its own, and a server in a folder of its own. Memory is the most that the
process (of the server: the server, without us) held above what it held before the first row; disk is the
whole folder. Searches are measured one at a time, as a user asks, and include making a table of the hits.
CPU seconds of a step are of the process that holds the data, those of a search of ours; on a busy machine
they say more.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from embedlab.catalog.registry import row
from embedlab.embeddings import Embeddings
from embedlab.items import Items
from embedlab.store import VectorStore, index_lab_backends, reading
from embedlab.store.provenance import PROPERTY
from tests.benchmarks.watch import Memory

DIM, K, QUERIES = 128, 10, 100
SIZES = (1_000, 10_000, 100_000, 1_000_000)
FILTER = "year < 1910"
HNSW = {"M": 16, "efConstruction": 200}
EF = {"ef": 100}


def cloud(n: int) -> tuple[Embeddings, np.ndarray]:
    """Vectors with their rows, and the queries, shape (QUERIES, DIM)."""
    rng = np.random.default_rng(0)
    n_centres = max(10, round(n**0.5))
    centres = rng.standard_normal((n_centres, DIM), np.float32)
    group = rng.integers(0, n_centres, n + QUERIES)
    vectors = rng.standard_normal((n + QUERIES, DIM), np.float32)
    vectors += centres[group]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    table = {
        "id": [f"n{i:07d}" for i in range(n)],
        "content": [
            f"Sentence number {i}, as long as a sentence in a small collection is." for i in range(n)
        ],
        "label": [f"topic {g % 100}" for g in group[:n]],
        "year": rng.integers(1900, 2000, n),
    }
    card = row("text/minilm").card
    card = dataclasses.replace(card, name="text/synthetic", dim=DIM, sha256=None, revision=None)
    items = Items(pd.DataFrame(table), "text", "synthetic")
    return Embeddings(vectors[:n], items, card, "none", "none", True), vectors[n:]


def asked(
    store: VectorStore,
    emb: Embeddings,
    queries: np.ndarray,
    params: dict[str, int] | None,
    kinds: Sequence[str] = ("", "filtered_"),
) -> dict[str, float]:
    """Milliseconds of a search, median and 95 %, with and without a filter, and recall@K."""
    told: dict[str, float] = {}
    for what in kinds:
        expression = FILTER if what else None
        rows = np.flatnonzero(emb.items.frame["year"].to_numpy() < 1910) if what else None
        for query in queries[:3]:  # the first searches pay for what is set up once
            store.search("growth", query, k=K, filter=expression, params=params)
        times, hit, cpu = [], 0, 0.0
        for query in queries:
            cpu -= time.process_time()
            begin = time.perf_counter()
            hits = store.search("growth", query, k=K, filter=expression, params=params)
            times.append(1000 * (time.perf_counter() - begin))
            cpu += time.process_time()
            scores = emb.vectors @ query if rows is None else emb.vectors[rows] @ query
            worst = np.partition(scores, -K)[-K]
            hit += int((hits["score"] >= worst - 1e-5).sum())
        told |= {
            f"{what}median_ms": float(np.median(times)),
            f"{what}p95_ms": float(np.quantile(times, 0.95)),
            f"{what}cpu_ms": 1000 * cpu / len(queries),
            f"{what}recall": hit / (K * len(queries)),
        }
    return told


def folder_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def measure(where: str, folder: Path, pid: int, token: str | None, n: int) -> None:
    """Fill one collection, search it with each index, and print what is known so far as lines of JSON."""

    def tell(**found: Any) -> None:
        now = {
            "load": os.getloadavg()[0],
            "memory_mb": memory.most / 1e6,
            "disk_mb": folder_mb(folder) - before_mb,
        }
        print(json.dumps({"n": n, "place": place} | now | found), flush=True)

    emb, queries = cloud(n)
    queries = queries[: QUERIES if n < 10**6 else QUERIES // 5]
    process, before_mb = psutil.Process(pid), folder_mb(folder)

    def timed(work: Callable[[], Any]) -> dict[str, float]:
        begin, cpu = time.perf_counter(), sum(process.cpu_times()[:2])
        work()
        return {"s": time.perf_counter() - begin, "cpu_s": sum(process.cpu_times()[:2]) - cpu}

    with VectorStore(where, token=token) as store, Memory(pid) as memory:
        here, place = store._connection, store.backend.name

        def add() -> None:
            store.add("growth", emb, index="FLAT", progress=False)
            here.client.flush("growth")

        tell(what="added, FLAT", **timed(add))
        tell(what="search FLAT", **asked(store, emb, queries, None))
        made = dataclasses.replace(reading.require_record(here, "growth"), index="HNSW", params=HNSW)
        tell(what="built HNSW", **timed(lambda: index_lab_backends.rebuild(here, "growth", made)))
        here.client.alter_collection_properties("growth", {PROPERTY: made.to_json()})
        tell(what="search HNSW", **asked(store, emb, queries, EF))
        if store.backend.lite:
            tell(what="search HNSW, as far as it takes", **asked(store, emb, queries, None, ["filtered_"]))


def one(place: str, n: int) -> None:
    """Measure one size at one place; Milvus Lite in this process."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())).resolve()
        if place == "lite":
            measure(str(folder / "growth.db"), folder, os.getpid(), None, n)
            return
        sys.path.insert(0, str(Path(__file__).parents[1] / "kit"))
        from servers import standalone

        server = stack.enter_context(standalone(folder))
        measure(server.uri, folder, server.also[0], server.token, n)


def main(arguments: Sequence[str] = ()) -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--places", nargs="+", default=["lite", "standalone"], choices=["lite", "standalone"]
    )
    options.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    options.add_argument("--one", nargs=2, metavar=("PLACE", "N"), help="this one alone, as JSON")
    chosen = options.parse_args(list(arguments))
    if chosen.one:
        one(chosen.one[0], int(chosen.one[1]))
        return
    print(f"{DIM} numbers a vector, synthetic; k = {K}; HNSW {HNSW}, searched with {EF}; filter {FILTER}")
    for place in chosen.places:
        for n in chosen.sizes:
            command = [sys.executable, "-m", "tests.benchmarks.bench_growth", "--one", place, str(n)]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
                assert child.stdout is not None
                for line in child.stdout:
                    report(json.loads(line))
            if child.returncode:
                print(f"{place}, {n:,} rows: ended early (exit {child.returncode})", flush=True)


def report(told: dict[str, Any]) -> None:
    """Print one step as a line."""
    n = told["n"]
    parts = []
    if "s" in told:
        parts.append(f"{told['s']:.1f} s ({n / told['s']:,.0f} rows/s), {told['cpu_s']:.1f} s of the CPU")
    for kind in ("", "filtered_"):
        if f"{kind}median_ms" in told:
            median, p95, cpu, found = (
                told[f"{kind}{key}"] for key in ("median_ms", "p95_ms", "cpu_ms", "recall")
            )
            how = "filtered " if kind else ""
            parts.append(f"{how}{median:.1f} ms (95 % {p95:.1f}, CPU {cpu:.1f}), recall {found:.3f}")
    parts.append(f"disk {told['disk_mb']:.0f} MB, memory +{told['memory_mb']:.0f} MB")
    parts.append(f"load of the machine {told['load']:.1f}")
    print(f"{told['place']}, {n:,}, {told['what']}: {'; '.join(parts)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

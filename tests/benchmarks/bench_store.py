"""What the store's add and add_parquet cost beside the leanest pymilvus code by hand. It decides no test.

    python -m tests.benchmarks.bench_store [--n 50000] [--dim 384] [--runs 5] [--index HNSW]
                                           [--parquet-n 100000] [--parquet-dim 768] [--parquet-runs 3]

Both sides store the same: id, vector, content, label and one number, in Milvus Lite, and end with the index
built and the collection loaded. Both start from the vectors and the table in memory, and open a folder of
their own.

The lean side does nothing that is not needed: it checks nothing, knows its columns, sends numpy rows (a
little faster than lists), may insert instead of upsert, and does not wait for pymilvus to poll the index,
which is built when ``create_index`` returns.

The runs alternate, so that both sides meet the same neighbours on the machine, and who goes first changes
each time. On a quiet machine the medians count; on a busy one, the fastest runs. CPU seconds are those of
this process, which holds Milvus Lite too: they hardly see the neighbours, but do not count waiting.

From parquet, both sides read the same file, each in a process of its own, into a FLAT collection, so that
no building of an index hides what adding costs. The lean side reads 500 rows at a time, leaves flushing to
Milvus until the end, and can neither show how far it is nor go on after an interruption.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from milvus_lite.server_manager import server_manager_instance
from pymilvus import DataType, MilvusClient

from embedlab.catalog.registry import row
from embedlab.embeddings import Embeddings
from embedlab.items import Items
from embedlab.store import VectorStore
from embedlab.store.connection import close_lite
from tests.benchmarks.watch import Memory

LEAN_ROWS = 500


def made_up(n: int, dim: int) -> Embeddings:
    """Unit vectors around 100 centres, each with a sentence, a label and a year."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 100, n)
    vectors = (rng.standard_normal((100, dim))[group] + rng.standard_normal((n, dim))).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    table = {
        "id": [f"n{i:06d}" for i in range(n)],
        "content": [
            f"Sentence number {i}, about as long as a sentence in a small collection is." for i in range(n)
        ],
        "label": [f"topic {g}" for g in group],
        "year": rng.integers(1900, 2030, n),
    }
    items = Items(pd.DataFrame(table), "text", "bench")
    return Embeddings(vectors, items, row("text/minilm").card, "last_hidden_state", "mean", True)


def with_pymilvus(path: Path, emb: Embeddings, index: str) -> None:
    """The same with pymilvus alone."""
    frame, vectors = emb.items.frame, emb.vectors
    ids, texts, labels = frame["id"].tolist(), frame["content"].tolist(), frame["label"].tolist()
    years = frame["year"].tolist()
    client = _lean_collection(path, emb.dim)
    for start in range(0, len(ids), LEAN_ROWS):
        client.insert(
            "notes",
            [
                {
                    "id": ids[i],
                    "vector": vectors[i],
                    "content": texts[i],
                    "label": labels[i],
                    "year": years[i],
                }
                for i in range(start, min(start + LEAN_ROWS, len(ids)))
            ],
        )
    _lean_end(client, index)


def _lean_collection(path: Path, dim: int) -> MilvusClient:
    client = MilvusClient(str(path))
    schema = client.create_schema(auto_id=False)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=64)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dim)
    schema.add_field("content", DataType.VARCHAR, max_length=1024)
    schema.add_field("label", DataType.VARCHAR, max_length=64)
    schema.add_field("year", DataType.INT64)
    client.create_collection("notes", schema=schema)
    return client


def _lean_end(client: MilvusClient, index: str) -> None:
    client.flush("notes")
    params = client.prepare_index_params()
    params.add_index("vector", index_type=index, metric_type="COSINE")
    client.create_index("notes", params, sync=False)
    client.load_collection("notes")


def lean_parquet(path: Path, file: Path) -> None:
    """A parquet file into Milvus with pymilvus and pyarrow alone."""
    import pyarrow.parquet as pq

    source = pq.ParquetFile(file)
    dim = source.schema_arrow.field("vector").type.list_size
    client = _lean_collection(path, dim)
    for batch in source.iter_batches(LEAN_ROWS):
        vectors = batch.column("vector").flatten().to_numpy().reshape(-1, dim)
        columns = [batch.column(name).to_pylist() for name in ("id", "content", "label", "year")]
        client.insert(
            "notes",
            [
                {"id": id, "vector": vector, "content": content, "label": label, "year": year}
                for id, vector, content, label, year in zip(columns[0], vectors, *columns[1:], strict=True)
            ],
        )
    _lean_end(client, "FLAT")


def with_embedlab(path: Path, emb: Embeddings, index: str) -> None:
    """The same with embedlab."""
    VectorStore(path).add("notes", emb, index=index)


def timed(side: str, emb: Embeddings, index: str) -> tuple[float, float]:
    """Seconds and CPU seconds of one run in a new folder; closing and checking are not counted."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder).resolve() / "bench.db"
        begin, cpu = time.perf_counter(), time.process_time()
        (with_embedlab if side == "ours" else with_pymilvus)(path, emb, index)
        seconds = time.perf_counter() - begin, time.process_time() - cpu
        client = MilvusClient(str(path))
        assert client.get_collection_stats("notes")["row_count"] == len(emb)
        assert len([*path.rglob("*.idx")]) == len([*path.rglob("data_*.parquet")])
        client.close()
        close_lite(path)
        server_manager_instance.release_server(str(path))
    return seconds


def from_parquet(side: str, file: Path) -> dict[str, float]:
    """One run into a new folder, in this process: seconds, CPU seconds, and bytes at the peak."""
    from embedlab.embeddings.parquet import (
        EmbeddingsFile,  # what both sides need is imported before the clock starts
    )

    n = len(EmbeddingsFile(file))
    with tempfile.TemporaryDirectory() as folder:
        warm, path = (Path(folder).resolve() / name for name in ("warm.db", "bench.db"))
        _lean_end(_lean_collection(warm, 8), "FLAT")
        with Memory() as memory:
            begin, cpu = time.perf_counter(), time.process_time()
            if side == "ours":
                VectorStore(path).add_parquet("notes", file, index="FLAT")
            else:
                lean_parquet(path, file)
            told = {"s": time.perf_counter() - begin, "cpu": time.process_time() - cpu, "bytes": memory.most}
        client = MilvusClient(str(path))
        assert client.get_collection_stats("notes")["row_count"] == n
        client.close()
    return told | {"bytes": memory.most}


def beside_parquet(n: int, dim: int, runs: int) -> None:
    """Alternate both sides, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bench.parquet"
        made_up(n, dim).save(file)
        told: dict[str, list[dict[str, float]]] = {"lean": [], "ours": []}
        for run in range(runs):
            for side in ("lean", "ours") if run % 2 else ("ours", "lean"):
                command = [sys.executable, "-m", "tests.benchmarks.bench_store", "--side", side, str(file)]
                done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
                told[side].append(json.loads(done.stdout.splitlines()[-1]))
        megabytes = file.stat().st_size / 1e6
    print(
        f"from parquet, {n:,} x {dim} ({megabytes:.0f} MB), {runs} runs each, load {os.getloadavg()[0]:.1f}:"
    )
    for what, best in (("median", statistics.median), ("fastest", min)):
        ours, lean = (
            {key: best(run[key] for run in told[side]) for key in ("s", "cpu", "bytes")}
            for side in ("ours", "lean")
        )
        print(
            f"    {what}: add_parquet {n / ours['s']:,.0f} rows/s / pymilvus {n / lean['s']:,.0f} = "
            f"{lean['s'] / ours['s']:.2f} (goal 0.90), per second of the CPU {n / ours['cpu']:,.0f} / "
            f"{n / lean['cpu']:,.0f} = {lean['cpu'] / ours['cpu']:.2f}; peak memory "
            f"{ours['bytes'] / 1e6:.0f} MB / {lean['bytes'] / 1e6:.0f} MB",
            flush=True,
        )


def main(arguments: Sequence[str] = ()) -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--n", type=int, default=50_000, help="items")
    options.add_argument("--dim", type=int, default=384, help="numbers per vector")
    options.add_argument("--runs", type=int, default=5, help="runs of each side; 0 leaves add out")
    options.add_argument("--index", default="HNSW")
    options.add_argument("--parquet-n", type=int, default=100_000)
    options.add_argument("--parquet-dim", type=int, default=768)
    options.add_argument("--parquet-runs", type=int, default=3, help="0 leaves add_parquet out")
    options.add_argument("--side", nargs=2, metavar=("SIDE", "FILE"), help="this side alone, as JSON")
    chosen = options.parse_args(list(arguments))
    if chosen.side:
        print(json.dumps(from_parquet(chosen.side[0], Path(chosen.side[1]))))
        return
    if chosen.runs:
        beside_add(chosen.n, chosen.dim, chosen.runs, chosen.index)
    if chosen.parquet_runs:
        beside_parquet(chosen.parquet_n, chosen.parquet_dim, chosen.parquet_runs)


def beside_add(n: int, dim: int, n_runs: int, index: str) -> None:
    """Alternate both sides in this process, from vectors in memory."""
    emb = made_up(n, dim)
    for side in ("lean", "ours"):  # imports and first-time work belong to neither side
        timed(side, emb.select(emb.ids[:500]), index)
    runs: dict[str, list[tuple[float, float]]] = {"lean": [], "ours": []}
    for run in range(n_runs):
        for side in ("lean", "ours") if run % 2 else ("ours", "lean"):
            runs[side].append(timed(side, emb, index))
        report(f"run {run + 1}", runs["ours"][-1], runs["lean"][-1])
    what = f"{n_runs}, n = {n:,} x {dim}, {index}, goal 1.10"
    for name, best in (("medians", statistics.median), ("fastest", min)):
        ours, lean = (tuple(map(best, zip(*runs[side], strict=True))) for side in ("ours", "lean"))
        report(f"{name} of {what}", ours, lean)


def report(what: str, ours: tuple[float, ...], lean: tuple[float, ...]) -> None:
    """Print one line: seconds of both sides with their ratio, then the same for CPU seconds."""
    parts = [f"{o:.2f} s / {p:.2f} s = {o / p:.3f}" for o, p in zip(ours, lean, strict=True)]
    print(f"{what}: VectorStore / pymilvus {parts[0]}, of the CPU {parts[1]}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

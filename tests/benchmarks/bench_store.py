"""What VectorStore.add costs beside the leanest pymilvus code written by hand. It decides no test.

    python -m tests.benchmarks.bench_store [--n 50000] [--dim 384] [--runs 5] [--index HNSW]

Both sides store the same: id, vector, content, label and one number, in Milvus Lite, and end with the index
built and the collection loaded. Both start from the vectors and the table in memory, and open a folder of
their own.

The lean side does nothing that is not needed: it checks nothing, knows its columns, sends numpy rows (a
little faster than lists), may insert instead of upsert, and does not wait for pymilvus to poll the index,
which is built when ``create_index`` returns.

The runs alternate, so that both sides meet the same neighbours on the machine, and who goes first changes
each time. On a quiet machine the medians count; on a busy one, the fastest runs. CPU seconds are those of
this process, which holds Milvus Lite too: they hardly see the neighbours, but do not count waiting.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from milvus_lite.server_manager import server_manager_instance
from pymilvus import DataType, MilvusClient

from embedlab.catalog import row
from embedlab.embeddings import Embeddings
from embedlab.items import Items
from embedlab.store import VectorStore
from embedlab.store.connection import close_lite

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
    client = MilvusClient(str(path))
    schema = client.create_schema(auto_id=False)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=64)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=emb.dim)
    schema.add_field("content", DataType.VARCHAR, max_length=1024)
    schema.add_field("label", DataType.VARCHAR, max_length=64)
    schema.add_field("year", DataType.INT64)
    client.create_collection("notes", schema=schema)
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
    client.flush("notes")
    params = client.prepare_index_params()
    params.add_index("vector", index_type=index, metric_type="COSINE")
    client.create_index("notes", params, sync=False)
    client.load_collection("notes")


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


def main(arguments: Sequence[str] = ()) -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--n", type=int, default=50_000, help="items")
    options.add_argument("--dim", type=int, default=384, help="numbers per vector")
    options.add_argument("--runs", type=int, default=5, help="runs of each side")
    options.add_argument("--index", default="HNSW")
    chosen = options.parse_args(list(arguments))
    emb = made_up(chosen.n, chosen.dim)
    for side in ("lean", "ours"):  # imports and first-time work belong to neither side
        timed(side, emb.select(emb.ids[:500]), chosen.index)
    runs: dict[str, list[tuple[float, float]]] = {"lean": [], "ours": []}
    for run in range(chosen.runs):
        for side in ("lean", "ours") if run % 2 else ("ours", "lean"):
            runs[side].append(timed(side, emb, chosen.index))
        report(f"run {run + 1}", runs["ours"][-1], runs["lean"][-1])
    what = f"{chosen.runs}, n = {chosen.n:,} x {chosen.dim}, {chosen.index}, goal 1.10"
    for name, best in (("medians", statistics.median), ("fastest", min)):
        ours, lean = (tuple(map(best, zip(*runs[side], strict=True))) for side in ("ours", "lean"))
        report(f"{name} of {what}", ours, lean)


def report(what: str, ours: tuple[float, ...], lean: tuple[float, ...]) -> None:
    """Print one line: seconds of both sides with their ratio, then the same for CPU seconds."""
    parts = [f"{o:.2f} s / {p:.2f} s = {o / p:.3f}" for o, p in zip(ours, lean, strict=True)]
    print(f"{what}: VectorStore / pymilvus {parts[0]}, of the CPU {parts[1]}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

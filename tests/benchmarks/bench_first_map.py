"""From a cold process to a drawn map of the 600 notes, weights cached and vectors not: where the time goes.

A fresh process for each turn. Beside it the plain way: the same with umap-learn's own neighbour search,
spectral start and no compiled code on disk.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile

TURNS = 3
OURS = """
import json, sys, time
marks = {}
def lap(name, since=[time.perf_counter()]):
    now = time.perf_counter(); marks[name] = now - since[0]; since[0] = now
import embedlab as el
lap("import embedlab")
items = el.load_dataset("notes"); lap("read the notes (pandas)")
import torch, sentence_transformers; lap("import torch, sentence-transformers")
model = el.load_model("text/minilm"); lap("load the model")
from pathlib import Path
from embedlab import cache
cache.folder = lambda: Path(sys.argv[1])
emb = model.embed(items); lap("embed 600 notes")
from embedlab.analysis.neighbors import knn
import embedlab.analysis.projection as projection
graph = knn(emb.vectors, 15); lap("exact kNN graph")
projection._import_umap(); lap("import umap")
proj = el.project(emb); lap("UMAP and quality")
el.explore(proj, model=model); lap("figure")
print(json.dumps(marks))
"""
PLAIN_UMAP = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np
vectors = np.load(sys.argv[1])
started = time.perf_counter(); import umap
imported = time.perf_counter()
umap.UMAP(metric="cosine", random_state=0).fit_transform(vectors)
print(json.dumps({"import umap": imported - started, "UMAP": time.perf_counter() - imported}))
"""


def _run(code: str, *arguments: str) -> dict[str, float]:
    env = {**os.environ, "TQDM_DISABLE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, env=env, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    import numpy as np

    print(f"cold process to a drawn map of the 600 notes, {TURNS} turns, median seconds")
    turns, plain = [], []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        vectors = f"{folder}/vectors.npy"
        np.save(vectors, np.random.default_rng(0).normal(size=(600, 384)).astype("float32"))
        for turn in range(TURNS):
            turns.append(_run(OURS, f"{folder}/{turn}"))
            plain.append(_run(PLAIN_UMAP, vectors))
    for name in turns[0]:
        print(f"  {name:<38}{statistics.median(t[name] for t in turns):8.2f}")
    print(f"  {'total':<38}{statistics.median(sum(t.values()) for t in turns):8.2f}")
    ours = statistics.median(t["UMAP and quality"] for t in turns)
    theirs = statistics.median(t["UMAP"] for t in plain)
    print(f"  umap-learn as it comes, same shape    {theirs:8.2f}   ratio {theirs / ours:.1f}")


if __name__ == "__main__":
    main()

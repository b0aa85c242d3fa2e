"""What a model costs: its size, its vectors' size, and its speed and memory measured on this machine.

Run as ``python -m embedlab.comparison.cost JOB.json`` it is the process that measures one model: a fresh one,
so that its peak of memory is that model's alone, and no cache makes it look fast.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from embedlab.catalog import registry
from embedlab.embedders.handlers import locate
from embedlab.embedders.loading import is_loadable
from embedlab.embeddings import Embeddings
from embedlab.errors import EmbedlabError
from embedlab.io.progress import progress_bar
from embedlab.items import Items

COLUMNS = ["params", "dim", "file_mb", "mb_per_million", "items_per_second", "peak_mb", "n_measured", "note"]
_SECONDS = 2.0  # of measuring, for each model
_MOST_ITEMS = 128
_PATIENCE = 300  # seconds for loading and measuring one model


def cost_table(
    embeddings: Sequence[Embeddings], *, measure: bool = True, progress: bool | None = None
) -> pd.DataFrame:
    """One row per model: what it is made of, and what it takes to run.

    Parameters
    ----------
    embeddings : sequence of Embeddings
        Of the same items, which are what is measured with.
    measure : bool
        Load each model in a process of its own, one after the other, and embed some of the items: about ten
        seconds for each, more for a large one.
    progress : bool, optional
        Show a progress bar; by default when it takes longer than a second.

    Returns
    -------
    DataFrame
        ``params``, ``dim``, ``file_mb`` (10^6 bytes of the model's files), ``mb_per_million`` (of a million
        float32 vectors), ``items_per_second`` and ``peak_mb`` (of the whole process, at its peak; not on
        Windows) with ``n_measured`` items; NaN with a ``note`` where it was not measured.
    """
    rows = []
    bar = progress_bar(
        "measuring speed and memory", len(embeddings), unit="model", progress=progress if measure else False
    )
    with bar:
        for emb in embeddings:
            rows.append(_row(emb, measure))
            bar.update()
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype({name: float for name in ("file_mb", "items_per_second", "peak_mb")})


def _row(emb: Embeddings, measure: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "params": emb.model.params,
        "dim": emb.dim,
        "file_mb": _file_mb(emb.model.name),
        "mb_per_million": 4.0 * emb.dim,
        "items_per_second": float("nan"),
        "peak_mb": float("nan"),
        "n_measured": 0,
        "note": "" if measure else "not asked for",
    }
    if not measure:
        return row
    if not is_loadable(emb.model.name):
        return row | {"note": "not in the catalogue, so it cannot be loaded by name"}
    if emb.model.source == "server":
        return row | {"note": "runs on a server: nothing is sent there to take its time"}
    if any(known.make and known.card.name == emb.model.name for known in registry.rows()):
        return row | {"note": "registered in this process, and measured in another"}
    if locate(emb.model.name) is None:
        return row | {"note": "not measured: its weights are not on this machine"}
    if not len(emb):
        return row | {"note": "no items to measure with"}
    # Whatever is first in a table may be short, or of one kind.
    few = emb.items.take(np.random.default_rng(0).permutation(len(emb))[:_MOST_ITEMS])
    columns = [c for c in ("id", "content", "path") if c in few.frame.columns]
    frame = few.frame[columns].astype(object).where(few.frame[columns].notna(), None)
    made = {"model": emb.model.name, "revision": emb.model.revision}
    job = {"made": made, "modality": few.modality, "rows": frame.to_dict("records")}
    found: dict[str, Any] = json.loads(_measured(json.dumps(job, default=str), emb.model.sha256))
    return row | found


@lru_cache(maxsize=64)
def _measured(job: str, sha256: str | None) -> str:
    """The child's answer as JSON; kept, so that a second comparison in this session does not measure anew."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "job.json"
        file.write_text(job, encoding="utf-8")
        command = [sys.executable, "-m", "embedlab.comparison.cost", str(file)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
        except subprocess.TimeoutExpired:
            return json.dumps({"note": f"not measured: it took longer than {_PATIENCE} seconds"})
    last = (done.stdout.strip().splitlines() or [""])[-1]
    if done.returncode == 0 and last.startswith("{"):
        return last
    why = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return json.dumps({"note": f"not measured: {why[:200]}"})


def _file_mb(name: str) -> float:
    """Size of a model's files on this machine, or of its download; NaN where neither is known."""
    try:
        row = registry.row(name)
    except registry.UnknownModel:
        return float("nan")
    total = 0
    for part in row.parts or (name,):
        found = locate(part)
        files = [file for file in found.path.rglob("*") if file.is_file()] if found else []
        total += sum(file.stat().st_size for file in files) or registry.row(part).download_bytes
    return total / 1e6 if total else float("nan")


# -- in the child -------------------------------------------------------------------------------------------


def _main(file: str) -> None:
    from embedlab.embedders.base import CachedEmbedder
    from embedlab.embedders.loading import load_again

    job = json.loads(Path(file).read_text(encoding="utf-8"))
    items = Items(pd.DataFrame(job["rows"]), job["modality"])
    model = load_again(SimpleNamespace(**job["made"]))
    if not isinstance(model, CachedEmbedder):
        raise EmbedlabError("only models of the catalogue are measured")
    model.caches_vectors = False  # nothing from the cache, nothing into it
    _seconds(model, items.take(np.arange(1)))  # the first item also pays for what is set up once
    few = min(len(items), 8)
    per_item = _seconds(model, items.take(np.arange(few))) / few
    n = max(1, min(len(items), int(_SECONDS / max(per_item, 1e-6))))
    chosen = items.take(np.arange(n))
    passes = [_seconds(model, chosen) for _ in range(3 if n * per_item < _SECONDS / 3 else 1)]
    found = {"items_per_second": n / min(passes), "n_measured": n, "peak_mb": _peak_mb(), "note": ""}
    sys.stdout.write("\n" + json.dumps(found) + "\n")


def _seconds(model: Any, items: Items) -> float:
    started = time.perf_counter()
    model.embed(items, progress=False, on_error="skip")
    return time.perf_counter() - started


def _peak_mb() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    # Linux hands a parent's peak on to its children in ru_maxrss; VmHWM begins anew with each program.
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text("utf-8"), re.MULTILINE)
        if found:
            return int(found[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    _main(sys.argv[1])

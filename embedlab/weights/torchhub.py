"""Torch Hub: one file of weights at a plain address, fetched by torch's own downloader."""

from __future__ import annotations

import json
import logging
import os
import threading
from pathlib import Path

from embedlab import settings
from embedlab.catalog.pins import Weights
from embedlab.io import disk
from embedlab.weights import errors, hub, subprocess_download
from embedlab.weights.cache_slot import CacheSlot

log = logging.getLogger("embedlab")

# Address -> why it is out of reach, or None when it answers.
_asked: dict[str, str | None] = {}
_asking = threading.Lock()


def own_cache() -> Path:
    """Where torch keeps the files it downloaded; found without importing torch, which takes a second."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("TORCH_HOME", str(Path(cache, "torch")))
    return Path(home, "hub", "checkpoints").expanduser()


def unreachable(spec: Weights) -> str | None:
    """Why the file is out of reach, or None; asked once per process and address, a few seconds at most."""
    if spec.url is None:
        return "Torch Hub has no file for this model"
    if settings.offline():
        return "EMBEDLAB_OFFLINE is set"
    with _asking:
        if spec.url not in _asked:
            _asked[spec.url] = hub.within_time(lambda: _ask(str(spec.url)))
            if _asked[spec.url]:
                log.info("%s is given up for this process: %s.", spec.url, _asked[spec.url])
        return _asked[spec.url]


def _ask(url: str) -> str | None:
    from huggingface_hub import get_session

    try:
        response = get_session().head(url, timeout=hub.PROBE_SECONDS, follow_redirects=True)
    except Exception as error:
        # As in hub.py: the errors of the HTTP library share no base class that could be named here.
        return str(error).strip().split("\n")[0][:200] or type(error).__name__
    if response.status_code != 200:
        return f"it answers with HTTP {response.status_code}"
    if response.headers.get("content-type", "").startswith("text/html"):
        return "what answers is a web page, perhaps of a filter or a login"
    return None


def download(slot: CacheSlot, progress: subprocess_download.Progress | None) -> Path:
    """Fetch a model's one file into the staging folder.

    Returns
    -------
    Path
        The complete folder, not yet checked.

    Raises
    ------
    SourceFailed
        With the reason and a cure in one line.
    CacheUnusable
        When the disk is full or read-only.
    """
    spec = slot.spec
    reason = unreachable(spec)
    if reason:
        raise errors.SourceFailed(_out_of_reach(spec, reason))
    folder = slot.staging / "torchhub"
    with disk.cache_errors(slot.root, spec.folder_bytes):
        slot.make_staging(spec.folder_bytes)
        folder.mkdir(exist_ok=True)
        for rest in folder.iterdir():
            rest.unlink()

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
        raise errors.SourceFailed(_out_of_reach(spec, "the download stood still"))
    if outcome.code != 0:
        lines = outcome.output.strip().splitlines() or ["no message"]
        raise errors.SourceFailed(_out_of_reach(spec, lines[-1][:300]))
    return folder


def _out_of_reach(spec: Weights, reason: str) -> str:
    return f"{spec.url}: {reason}. Check the connection or proxy"

"""The model hub: is it there, and fetch a model from it at the pinned commit."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

from embedlab import settings
from embedlab.catalog import registry
from embedlab.errors import EmbedlabError
from embedlab.io import disk
from embedlab.weights import errors, subprocess_download
from embedlab.weights.cache_slot import CacheSlot

log = logging.getLogger("embedlab")

# A hub that does not answer within this time is given up for the rest of the process.
PROBE_SECONDS = 3.0
# A download is given up when nothing arrives for so long.
STALL_SECONDS = 20.0

# Endpoint -> why it is out of reach, or None when it answers.
_probed: dict[str, str | None] = {}
_probing = threading.Lock()


def endpoint() -> str:
    """Address of the hub: ``HF_ENDPOINT`` as it is now, or the public one."""
    from huggingface_hub import constants

    return (os.environ.get("HF_ENDPOINT") or str(constants.ENDPOINT)).rstrip("/")


def unreachable() -> str | None:
    """Why the hub is out of reach, or None when it answers. It is asked once per process and address."""
    if settings.offline():
        return "EMBEDLAB_OFFLINE is set"
    for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        if os.environ.get(variable, "").upper() in {"1", "ON", "YES", "TRUE"}:
            return f"{variable} is set"
    address = endpoint()
    with _probing:
        if address not in _probed:
            _probed[address] = _probe(address)
            if _probed[address]:
                log.info("%s is given up for this process: %s.", address, _probed[address])
        return _probed[address]


def reachable() -> bool:
    """Whether the model hub answers; asked once per process, for a few seconds at most."""
    return unreachable() is None


def give_up(reason: str) -> None:
    """Do not ask this hub again in this process: it answered at first and then went silent."""
    with _probing:
        _probed[endpoint()] = reason


def _probe(address: str) -> str | None:
    return within_time(lambda: _ask(address))


def within_time(ask: Callable[[], str | None]) -> str | None:
    """What ``ask`` answers, or a reason when that takes longer than ``PROBE_SECONDS``."""
    # In a thread: neither looking up a name nor a server that sends one byte a second obeys a time limit.
    answer: list[str | None] = []
    asker = threading.Thread(target=lambda: answer.append(ask()), daemon=True)
    asker.start()
    asker.join(PROBE_SECONDS)
    return answer[0] if answer else f"no answer within {PROBE_SECONDS:g} s"


def _ask(address: str) -> str | None:
    from huggingface_hub import get_session

    spec = registry.row("text/minilm").weights
    url = f"{address}/{spec.repo}/resolve/{spec.revision}/config.json"
    try:
        response = get_session().head(url, timeout=PROBE_SECONDS, follow_redirects=False)
    except Exception as error:
        # The HTTP library has changed twice; its errors share no base class that could be named here.
        return str(error).strip().split("\n")[0][:200] or type(error).__name__
    # Proxies and login pages answer anything with 200; only a hub names the commit it serves, or its error.
    if {"x-repo-commit", "x-error-code"} & {key.lower() for key in response.headers}:
        return None
    return f"what answers is not a model hub (HTTP {response.status_code}), perhaps a filter or a login page"


def download(slot: CacheSlot, progress: subprocess_download.Progress | None) -> Path:
    """Fetch a model into the staging folder.

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
    if spec.repo is None:
        raise errors.SourceFailed("the hub has no repository for this model")
    reason = unreachable()
    if reason:
        raise errors.SourceFailed(out_of_reach(reason))
    # An earlier run may have left finished files, which count, and half a file, which does not.
    folder = slot.staging / "hub"
    with disk.cache_errors(slot.root, spec.folder_bytes):
        for rest in folder.rglob("*.incomplete"):
            rest.unlink(missing_ok=True)
        slot.make_staging(max(0, spec.folder_bytes - subprocess_download.size_of(folder)))
        folder.mkdir(exist_ok=True)
        _run(slot, folder, progress)
        shutil.rmtree(folder / ".cache", ignore_errors=True)
    return folder


def _run(slot: CacheSlot, folder: Path, progress: subprocess_download.Progress | None) -> None:
    spec = slot.spec
    files = [f.path for f in spec.files]
    job = {
        "repo": spec.repo,
        "type": spec.repo_type,
        "revision": spec.revision,
        "files": files,
        "folder": str(folder),
    }

    def report(size: int) -> None:
        if progress:
            progress(min(size, spec.folder_bytes), spec.folder_bytes, f"{slot.name} from the model hub")

    outcome = subprocess_download.run(
        ["hub", json.dumps(job)], folder=folder, env=_settings(), stall_seconds=STALL_SECONDS, on_bytes=report
    )
    if outcome.stalled:
        reason = f"the download stood still for {STALL_SECONDS:g} s"
        give_up(reason)
        raise errors.SourceFailed(out_of_reach(reason))
    if outcome.code != 0:
        raise _failure(slot, outcome.output)


def _settings() -> dict[str, str]:
    """Settings of huggingface_hub in the child."""
    return {
        # One plain HTTP download per file: it can be resumed, and its bytes seen to arrive. The chunk store
        # behind the hub's other protocol is a second host, often blocked where the hub itself is not.
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_ETAG_TIMEOUT": os.environ.get("HF_HUB_ETAG_TIMEOUT", "5"),
        "HF_HUB_DOWNLOAD_TIMEOUT": os.environ.get("HF_HUB_DOWNLOAD_TIMEOUT", "10"),
    }


def _failure(slot: CacheSlot, output: str) -> EmbedlabError:
    last = output.strip().splitlines()[-1:] or [""]
    try:
        facts = json.loads(last[0])
        name, kind, why, number, status = (facts[k] for k in ("file", "kind", "why", "errno", "status"))
    except (ValueError, KeyError, TypeError):
        return errors.SourceFailed(f"{endpoint()} failed: {last[0][:300] or 'no message'}")
    unusable = disk.as_cache_error(number, slot.root, slot.spec.folder_bytes)
    if unusable:
        return unusable
    if status == 404:
        return errors.SourceFailed(
            f"{endpoint()} has no {name} in {slot.spec.repo} at commit {slot.spec.revision}; "
            "if HF_ENDPOINT names a mirror, it may be incomplete"
        )
    reason = f"{name}: {why or kind}"
    if "Timeout" in kind or "Connect" in kind:
        give_up(reason)
    return errors.SourceFailed(out_of_reach(reason))


def out_of_reach(reason: str) -> str:
    """The reason, with the hub's address and the cure."""
    forbidden = re.match(r"(\w+_OFFLINE) is set$", reason)
    if forbidden:
        return f"{endpoint()} is not asked, as {forbidden[1]} is set; unset it to download"
    return f"{endpoint()}: {reason}. Check the connection or proxy, or set HF_ENDPOINT to a mirror"

"""The model hub: whether it can be reached, and downloads from it at a fixed commit."""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from embedlab import settings
from embedlab.catalog import registry
from embedlab.errors import EmbedlabError
from embedlab.io import disk
from embedlab.io.text import first_line
from embedlab.weights import subprocess_download
from embedlab.weights.cache_slot import CacheSlot, require_space
from embedlab.weights.errors import FailureCode, SourceFailed
from embedlab.weights.subprocess_download import Progress

log = logging.getLogger("embedlab")

# A hub that does not answer within this time is not asked again in this process.
PROBE_SECONDS = 3.0
# A download is stopped when nothing has arrived for this long.
STALL_SECONDS = 20.0


@dataclass(frozen=True)
class Unreachable:
    """Why a server is not used.

    Attributes
    ----------
    code : FailureCode
        To decide on.
    reason : str
        To read; no full stop at the end.
    variable : str or None
        The environment variable that forbids the network, if ``code`` is ``OFFLINE``.
    status : int or None
        The HTTP status, if there was an answer.
    """

    code: FailureCode
    reason: str
    variable: str | None = None
    status: int | None = None


# Why each address is unreachable, or None if it answers.
_probed: dict[str, Unreachable | None] = {}
_probing = threading.Lock()


def endpoint() -> str:
    """Return the address of the hub: ``HF_ENDPOINT`` as it is now, or the public one."""
    from huggingface_hub import constants

    return (os.environ.get("HF_ENDPOINT") or str(constants.ENDPOINT)).rstrip("/")


def unreachable() -> Unreachable | None:
    """Return why the hub is not used, or None if it answers; asked once per process and address."""
    variable = _offline_variable()
    if variable:
        return Unreachable(FailureCode.OFFLINE, f"{variable} is set", variable=variable)
    address = endpoint()
    with _probing:
        if address not in _probed:
            problem = within_time(lambda: _ask(address))
            _probed[address] = problem
            if problem:
                log.info("%s is not used by this process: %s.", address, problem.reason)
        return _probed[address]


def _offline_variable() -> str | None:
    """Return the environment variable that forbids the network, if one does."""
    if settings.offline():
        return "EMBEDLAB_OFFLINE"
    library = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    return next((v for v in library if os.environ.get(v, "").upper() in {"1", "ON", "YES", "TRUE"}), None)


def reachable() -> bool:
    """Return whether the model hub answers; asked once per process, for a few seconds at most."""
    return unreachable() is None


def give_up(problem: Unreachable) -> None:
    """Stop asking this hub in this process: it answered at first and then went silent."""
    with _probing:
        _probed[endpoint()] = problem


def within_time(ask: Callable[[], Unreachable | None]) -> Unreachable | None:
    """Return what ``ask`` returns, or that there was no answer within ``PROBE_SECONDS``."""
    # In a thread: neither a name lookup nor a server that sends one byte a second obeys a time limit.
    answers: list[Unreachable | None] = []
    thread = threading.Thread(target=lambda: answers.append(ask()), daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS)
    if answers:
        return answers[0]
    return Unreachable(FailureCode.NO_ANSWER, f"no answer within {PROBE_SECONDS:g} s")


def no_connection(error: Exception) -> Unreachable:
    """Describe an error of the HTTP library."""
    return Unreachable(FailureCode.NO_CONNECTION, first_line(error, 200))


def _ask(address: str) -> Unreachable | None:
    from huggingface_hub import get_session

    spec = registry.row("text/minilm").weights
    url = f"{address}/{spec.repo}/resolve/{spec.revision}/config.json"
    try:
        response = get_session().head(url, timeout=PROBE_SECONDS, follow_redirects=False)
    except Exception as error:
        # The HTTP library has changed twice; its errors share no base class that could be named here.
        return no_connection(error)
    # Proxies and login pages answer anything with 200. Only a hub names the commit it serves, or its error.
    if {"x-repo-commit", "x-error-code"} & {key.lower() for key in response.headers}:
        return None
    status = response.status_code
    reason = f"what answers is not a model hub (HTTP {status}), perhaps a filter or a login page"
    return Unreachable(FailureCode.NOT_A_HUB, reason, status=status)


def explain(problem: Unreachable) -> SourceFailed:
    """Make the error for a hub that is not used, with its address and what would help."""
    if problem.code is FailureCode.OFFLINE:
        words = f"{endpoint()} is not asked, as {problem.variable} is set; unset it to download"
    else:
        words = (
            f"{endpoint()}: {problem.reason}. Check the connection or proxy, or set HF_ENDPOINT to a mirror"
        )
    return SourceFailed(words, problem.code)


def download(slot: CacheSlot, progress: Progress | None) -> Path:
    """Download the pinned files of a model into the staging folder.

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
    if spec.repo is None:
        raise SourceFailed("the hub has no repository for this model", FailureCode.NOT_OFFERED)
    problem = unreachable()
    if problem:
        raise explain(problem)
    # An earlier run may have left finished files, which are kept, and partial files, which are not.
    folder = slot.staging / "hub"
    with disk.cache_errors(slot.root, spec.folder_bytes):
        for partial in folder.rglob("*.incomplete"):
            partial.unlink(missing_ok=True)
        slot.make_staging(max(0, spec.folder_bytes - subprocess_download.size_of(folder)))
        folder.mkdir(exist_ok=True)
        job = {
            "repo": spec.repo,
            "type": spec.repo_type,
            "revision": spec.revision,
            "files": [file.path for file in spec.files],
            "folder": str(folder),
        }
        _run("hub", job, folder, spec.folder_bytes, _reporter(progress, slot.name, spec.folder_bytes))
        shutil.rmtree(folder / ".cache", ignore_errors=True)
    return folder


def download_snapshot(
    repo: str,
    commit: str,
    files: Sequence[str],
    cache_dir: Path,
    folder: Path,
    n_bytes: int,
    progress: Progress | None = None,
) -> None:
    """Download files of a repository into a cache with Hugging Face's layout.

    Parameters
    ----------
    repo, commit : str
    files : sequence of str
        Paths in the repository.
    cache_dir : Path
        The cache.
    folder : Path
        The folder of the repository in that cache.
    n_bytes : int
        Size of the files.
    progress : callable, optional
        As for :func:`embedlab.weights.fetch`.

    Raises
    ------
    SourceFailed, CacheUnusable
        As :func:`download`.
    """
    with disk.cache_errors(folder, n_bytes):
        folder.mkdir(parents=True, exist_ok=True)
        for partial in folder.glob("blobs/*.incomplete"):  # of a process that was killed
            partial.unlink(missing_ok=True)
        require_space(folder, n_bytes)
        before = subprocess_download.size_of(folder)
        report = _reporter(progress, repo, n_bytes)
        job = {"repo": repo, "revision": commit, "files": list(files), "cache_dir": str(cache_dir)}
        _run("snapshot", job, folder, n_bytes, lambda size: report(max(0, size - before)))


def _reporter(progress: Progress | None, name: str, n_bytes: int) -> Callable[[int], None]:
    def report(size: int) -> None:
        if progress:
            progress(min(size, n_bytes), n_bytes, f"{name} from the model hub")

    return report


def _run(
    kind: str, job: Mapping[str, object], folder: Path, n_bytes: int, report: Callable[[int], None]
) -> None:
    """Run a job of ``download_child.py`` whose files arrive in ``folder``."""
    outcome = subprocess_download.run(
        [kind, json.dumps(job)],
        folder=folder,
        env=_child_settings(),
        stall_seconds=STALL_SECONDS,
        on_bytes=report,
    )
    if outcome.stalled:
        problem = Unreachable(FailureCode.STALLED, f"the download stood still for {STALL_SECONDS:g} s")
        give_up(problem)
        raise explain(problem)
    if outcome.code != 0:
        raise _failure(job, outcome.output, folder, n_bytes)


def _child_settings() -> dict[str, str]:
    """Return the settings of huggingface_hub in the child."""
    return {
        # One plain HTTP download per file can be resumed, and its bytes can be seen to arrive. The other
        # protocol uses a chunk store on a second host, which is often blocked where the hub itself is not.
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_ETAG_TIMEOUT": os.environ.get("HF_HUB_ETAG_TIMEOUT", "5"),
        "HF_HUB_DOWNLOAD_TIMEOUT": os.environ.get("HF_HUB_DOWNLOAD_TIMEOUT", "10"),
    }


def _failure(job: Mapping[str, object], output: str, folder: Path, n_bytes: int) -> EmbedlabError:
    """Turn the line of JSON with which a failed job ends into an error."""
    last = output.strip().splitlines()[-1:] or [""]
    try:
        facts = json.loads(last[0])
        file, kind, why = (str(facts[key] or "") for key in ("file", "kind", "why"))
        number, status, away = (facts[key] for key in ("errno", "status", "unreachable"))
    except (ValueError, KeyError, TypeError):
        return SourceFailed(f"{endpoint()} failed: {last[0][:300] or 'no message'}")
    unusable = disk.as_cache_error(number, folder, n_bytes)
    if unusable:
        return unusable
    if status == 404:
        return SourceFailed(
            f"{endpoint()} has no {file or 'file'} in {job['repo']} at commit {job['revision']}; "
            "if HF_ENDPOINT names a mirror, it may be incomplete",
            FailureCode.NOT_FOUND,
        )
    reason = f"{file}: {why or kind}" if file else why or kind
    if away:
        problem = Unreachable(FailureCode.NO_CONNECTION, reason)
        give_up(problem)
        return explain(problem)
    return explain(
        Unreachable(FailureCode.HTTP_ERROR if status else FailureCode.FAILED, reason, None, status)
    )

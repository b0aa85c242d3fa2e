"""Download in a child process; ``subprocess_download.run`` starts it, and it imports nothing of embedlab.

``pip download …``
    runs pip;
``pip-for <json of markers> download …``
    runs pip with the markers of another machine;
``hub <json>``
    downloads files from the model hub into a folder;
``snapshot <json>``
    downloads files from the model hub into a cache with Hugging Face's layout;
``torchhub <json>``
    downloads one file.

If ``hub`` or ``snapshot`` fails, the last line of the output is JSON that says why.
"""

from __future__ import annotations

import glob
import json
import os
import runpy
import sys
import threading
from collections.abc import Callable
from pathlib import Path


def end_with_parent() -> None:
    """End this process when the parent ends, however it ended: its side of the pipe is closed then."""

    def wait() -> None:
        # Not sys.stdin: its lock, held by this thread, would abort the interpreter at a normal end.
        os.read(0, 1)
        os._exit(3)

    threading.Thread(target=wait, daemon=True).start()


def hub(job: dict[str, object]) -> int:
    """Download the files of one repository at one commit into a plain folder."""
    from huggingface_hub import hf_hub_download

    name = ""

    def download() -> None:
        nonlocal name
        for name in job["files"]:  # type: ignore[attr-defined]
            hf_hub_download(
                str(job["repo"]),
                name,
                revision=str(job["revision"]),
                repo_type=str(job["type"]),
                local_dir=str(job["folder"]),
                # A copy in the user's Hugging Face cache was already looked at, and refused if it is there.
                cache_dir=str(Path(str(job["folder"])) / ".cache"),
                library_name="embedlab",
            )

    return _report_failure(download, lambda: name)


def snapshot(job: dict[str, object]) -> int:
    """Download some files of one repository at one commit into a cache with Hugging Face's layout."""
    from huggingface_hub import snapshot_download

    def download() -> None:
        snapshot_download(
            str(job["repo"]),
            revision=str(job["revision"]),
            # The patterns are for fnmatch; a path must match only itself.
            allow_patterns=[glob.escape(path) for path in job["files"]],  # type: ignore[attr-defined]
            cache_dir=str(job["cache_dir"]),
            library_name="embedlab",
        )

    return _report_failure(download, lambda: "")


def _report_failure(download: Callable[[], None], current_file: Callable[[], str]) -> int:
    """Run a download by huggingface_hub; if it fails, write one line of JSON that says why."""
    from huggingface_hub import constants

    # The default writes in steps of 10 MB: on a slow line that looks like a stalled download.
    constants.DOWNLOAD_CHUNK_SIZE = 256 * 1024
    try:
        download()
    except Exception as error:
        # Whatever it is, the parent turns it into one line and goes on with the next source.
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        lines = str(cause).strip().splitlines() or [""]
        facts = {
            "file": current_file(),
            "kind": type(cause).__name__,
            "why": lines[0][:300],
            "errno": next((e.errno for e in (error, cause) if isinstance(e, OSError) and e.errno), None),
            "status": getattr(getattr(cause, "response", None), "status_code", None),
            "unreachable": _is_unreachable(cause),
        }
        sys.stdout.write("\n" + json.dumps(facts) + "\n")
        return 1
    return 0


def _is_unreachable(error: Exception) -> bool:
    """Return whether an error of the HTTP library means that the server is away or silent."""
    # By name: the library has changed twice, and the releases allowed here use different ones.
    names = {"ConnectError", "ConnectionError", "TimeoutException", "TimeoutError"}
    return any(kind.__name__ in names for kind in type(error).__mro__)


def torchhub(job: dict[str, object]) -> int:
    """Download one file as Torch Hub does, with its sha256 checked on the way."""
    import torch

    try:
        sha256 = str(job["sha256"]) if job["sha256"] else None
        torch.hub.download_url_to_file(str(job["url"]), str(job["file"]), hash_prefix=sha256, progress=False)
    except (OSError, RuntimeError) as error:
        sys.stdout.write(f"\n{type(error).__name__}: {str(error).strip() or 'no message'}\n")
        return 1
    return 0


def pip(arguments: list[str]) -> int:
    """Run pip, which ends the process with a status of its own."""
    sys.argv = ["pip", *arguments]
    runpy.run_module("pip", run_name="__main__", alter_sys=True)
    return 0


def pip_for(target_markers: dict[str, str], arguments: list[str]) -> int:
    """Run pip so that it resolves for another machine.

    ``--platform`` makes pip choose wheels for another machine, but pip evaluates the markers of requirements
    (``pywinpty; os_name == "nt"``) on the machine that it runs on, and has no option to change that
    (https://github.com/pypa/pip/issues/11664, open): wheels for Windows gathered on Linux would lack what
    only Windows needs, and include what only Linux needs. So the environment of its markers is replaced. The
    alternatives lose more: uv can resolve for another platform, but it would be one more dependency for a
    single command, and it does not read pip's configuration, in which classrooms have their proxies and
    mirrors; ``pip download --no-deps`` needs a resolver of our own.

    Nothing relies on this patch alone: ``bundle/closure.py`` follows every requirement again with
    ``packaging.markers`` and the target's environment. If a later pip evaluates markers elsewhere, making a
    bundle for another machine fails with the names of the missing packages.
    """
    from pip._vendor.packaging import markers

    markers.default_environment = lambda: dict(target_markers)
    return pip(arguments)


def main(arguments: list[str]) -> int:
    """Run one job and return the exit status."""
    end_with_parent()
    if arguments[0] == "pip":
        return pip(arguments[1:])
    if arguments[0] == "pip-for":
        return pip_for(json.loads(arguments[1]), arguments[2:])
    jobs = {"hub": hub, "snapshot": snapshot, "torchhub": torchhub}
    return jobs[arguments[0]](json.loads(arguments[1]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

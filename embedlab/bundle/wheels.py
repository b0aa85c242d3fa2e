"""Gather the wheels that a kind of machine needs, and write down exactly which: name, version, sha256."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from packaging.utils import canonicalize_name

from embedlab.bundle import closure
from embedlab.bundle.targets import Target
from embedlab.errors import EmbedlabError
from embedlab.weights import subprocess_download, verify
from embedlab.weights.wheels import STALL_SECONDS

# All wheels for one machine take 560 MB with torch's build for processors (measured on Linux, Python 3.11).
USUAL_BYTES = 560_000_000
LARGE_BYTES = 1_500_000_000
_GPU = re.compile(r"(nvidia_|cuda_|triton-)", re.IGNORECASE)


class TooLarge(EmbedlabError):
    """What pip began to fetch has gigabytes for graphics cards in it; the message says how to avoid that."""


@dataclass(frozen=True)
class Gathered:
    """The wheels of one target, and the file that pip installs them by."""

    target: Target
    wheels: tuple[closure.Wheel, ...]
    lock: Path

    @property
    def size(self) -> int:
        """Bytes of all wheels."""
        return sum(wheel.path.stat().st_size for wheel in self.wheels)

    def version(self, name: str) -> str:
        """Version of a package among them; empty where it is not."""
        return next((str(wheel.version) for wheel in self.wheels if wheel.name == name), "")


OnBytes = Callable[[int], None]


def gather(own: Path, target: Target, folder: Path, *, allow_large: bool, on_bytes: OnBytes) -> Gathered:
    """Fetch what is not there yet, check that nothing is missing, and write the target's lock file.

    Parameters
    ----------
    own : Path
        The wheel of embedlab, in ``folder``.
    target : Target
    folder : Path
        For the wheels of all targets: those without machine code are shared.
    allow_large : bool
        Go on when pip fetches builds for graphics cards, or more than 1.5 GB.
    on_bytes : callable
        Told how many bytes have arrived in this call.

    Raises
    ------
    EmbedlabError
        Naming the package that has no wheel for the target, or the requirement that none meets.
    """
    lock = folder / f"{target.name}.txt"
    recipe = _recipe(own, target)
    if not _in_step(lock, recipe, folder):
        _fetch(own, target, folder, allow_large=allow_large, on_bytes=on_bytes)
    found = closure.close(folder, target)
    gpu = [wheel.path for wheel in found.wheels if _GPU.match(wheel.path.name)]
    if gpu and not allow_large:
        for path in gpu:
            path.unlink()
        raise TooLarge(_too_large(target, gpu[0].name))
    if found.missing:
        raise EmbedlabError(
            f"The wheels for {target.name} are not complete: {', '.join(found.missing)}. "
            "Delete the folder wheels and run again; if that does not help, please report it."
        )
    lines = [f"# {recipe}"] + [
        f"{w.name}=={w.version} --hash=sha256:{verify.sha256_of(w.path)}" for w in found.wheels
    ]
    lock.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return Gathered(target, found.wheels, lock)


def prune(folder: Path, gathered: list[Gathered]) -> list[str]:
    """Delete wheels and lock files that no target needs: what an earlier run or another machine left."""
    kept = {wheel.path for each in gathered for wheel in each.wheels} | {each.lock for each in gathered}
    old = [path for path in sorted([*folder.glob("*.whl"), *folder.glob("*.txt")]) if path not in kept]
    for path in old:
        path.unlink()
    return [path.name for path in old]


def _recipe(own: Path, target: Target) -> str:
    """Changes when embedlab wants other packages, or the target is described in another way."""
    wants = sorted(map(str, closure.read_wheel(own).requires))
    return hashlib.sha256(json.dumps([wants, target.pip_options, target.markers]).encode()).hexdigest()[:16]


def _in_step(lock: Path, recipe: str, folder: Path) -> bool:
    """Whether every wheel that the lock names is there, byte for byte; embedlab's own may be newer."""
    if not lock.is_file():
        return False
    first, *lines = lock.read_text(encoding="utf-8").splitlines()
    wanted = {line.rsplit(":", 1)[1] for line in lines if not line.startswith("embedlab==")}
    if first != f"# {recipe}" or not wanted:
        return False
    there = {verify.sha256_of(path): path for path in folder.glob("*.whl")}
    return wanted <= set(there)


def _fetch(own: Path, target: Target, folder: Path, *, allow_large: bool, on_bytes: OnBytes) -> None:
    if find_spec("pip") is None:
        raise EmbedlabError("This Python has no pip, which fetches the wheels. Run `python -m ensurepip`.")
    passing = folder / ".passing"
    _salvage(passing, folder)
    (passing / "tmp").mkdir(parents=True, exist_ok=True)

    def look(size: int) -> None:
        on_bytes(size)
        # os.walk passes over folders that pip deletes meanwhile; rglob would fail.
        arriving = (name for _, _, names in os.walk(passing) for name in names)
        gpu = next((name for name in arriving if name.endswith(".whl") and _GPU.match(name)), None)
        if not allow_large and (gpu or size > LARGE_BYTES):
            raise TooLarge(_too_large(target, gpu))

    # pip leaves alone what lies in the folder already, as long as its sha256 is the index's.
    words = [
        "download",
        "--dest",
        str(folder),
        "--no-input",
        "--disable-pip-version-check",
        "--progress-bar=off",
    ]
    job = ["pip-for", json.dumps(target.markers), *words, *target.pip_options, str(own)]
    temporary = str(passing / "tmp")
    env = {"TMPDIR": temporary, "TEMP": temporary, "TMP": temporary}
    try:
        outcome = subprocess_download.run(
            job, folder=passing, env=env, stall_seconds=STALL_SECONDS, on_bytes=look
        )
    except TooLarge:
        shutil.rmtree(passing, ignore_errors=True)
        raise
    if outcome.stalled or outcome.code:
        _salvage(passing, folder)
        raise EmbedlabError(_why(outcome, target))
    shutil.rmtree(passing, ignore_errors=True)


def _salvage(passing: Path, folder: Path) -> None:
    """Keep the whole wheels of a run that was interrupted: pip holds all back until the last has arrived."""
    for path in sorted(passing.rglob("*.whl")):
        if zipfile.is_zipfile(path) and not (folder / path.name).exists():
            path.replace(folder / path.name)
    shutil.rmtree(passing, ignore_errors=True)


def _too_large(target: Target, gpu: str | None) -> str:
    what = f"pip began to fetch {gpu.split('-')[0]}" if gpu else f"more than {LARGE_BYTES / 1e9:.1f} GB came"
    return (
        f"{target.name}: {what}: that is torch's build for graphics cards, several GB. The lessons need "
        "only its build for processors. Tell pip where it is (pytorch.org, 'Get started', CPU, shows the "
        "address: set PIP_EXTRA_INDEX_URL to it, or `pip config set global.extra-index-url`), or take the "
        "large one with --allow-large."
    )


def _why(outcome: subprocess_download.Outcome, target: Target) -> str:
    if outcome.stalled:
        return f"{target.name}: nothing arrived for {STALL_SECONDS:g} s. Run again: what is here is kept."
    if found := re.search(r"No matching distribution found for (\S[^\n]*)", outcome.output):
        lost = re.search(r"Retrying \(|ConnectionError|in name resolution", outcome.output)
        return (
            f"{target.name}: the package index could not be reached. Run again: what is here is kept."
            if lost
            else f"{target.name}: no wheel of {found[1].strip()} on the package index fits this machine."
        )
    if caused := re.search(r"conflict is caused by:\n\s*([^\n]*)", outcome.output):
        return f"{target.name}: there is no wheel that fits this machine: {caused[1].strip()}."
    lines = outcome.output.strip().splitlines() or [f"exit status {outcome.code}"]
    complaint = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1])
    return f"{target.name}: pip failed: {complaint[:300]}"


def resolve(own: Path, target: Target, scratch: Path) -> list[tuple[str, str, str]]:
    """What pip would install on the target: name, version and wheel of each package; nothing is kept.

    Raises
    ------
    EmbedlabError
        Naming the package that has no wheel for the target.
    """
    report = scratch / f"{target.name}.json"
    words = ["install", "--dry-run", "--ignore-installed", "--target", str(scratch / "nowhere"), "--no-input"]
    more = ["--disable-pip-version-check", "--progress-bar=off", "--report", str(report)]
    job = ["pip-for", json.dumps(target.markers), *words, *more, *target.pip_options, str(own)]
    outcome = subprocess_download.run(job, folder=scratch, env={}, stall_seconds=600, on_bytes=lambda _: None)
    if outcome.code:
        raise EmbedlabError(_why(outcome, target))
    listed = json.loads(report.read_text(encoding="utf-8"))["install"]
    return sorted(
        (
            canonicalize_name(each["metadata"]["name"]),
            each["metadata"]["version"],
            each["download_info"]["url"].rsplit("/", 1)[1],
        )
        for each in listed
    )

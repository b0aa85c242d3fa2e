"""Gather the wheels that a target needs, and write a lock file with name, version and sha256 of each."""

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

from embedlab.bundle.closure import Wheel, find_closure, read_wheel
from embedlab.bundle.pip_output import Failure, FailureKind, classify
from embedlab.bundle.targets import Target
from embedlab.errors import Argument, EmbedlabError
from embedlab.weights import subprocess_download, verify
from embedlab.weights.wheels import STALL_SECONDS

# All wheels for one machine take 560 MB with torch's build for processors (measured on Linux, Python 3.11).
USUAL_BYTES = 560_000_000
LARGE_BYTES = 1_500_000_000
_GPU = re.compile(r"(nvidia_|cuda_|triton-)", re.IGNORECASE)
_PIP_OPTIONS = ("--no-input", "--disable-pip-version-check", "--progress-bar=off")

OnBytes = Callable[[int], None]


class TooLarge(EmbedlabError):
    """The wheels include builds for graphics cards, several GB.

    Attributes
    ----------
    wheel : str or None
        The file name that gave it away; None if only the size did.
    """

    wheel: str | None

    def __init__(self, target: Target, wheel: str | None) -> None:
        what = (
            f"pip began to fetch {wheel.split('-')[0]}"
            if wheel
            else f"more than {LARGE_BYTES / 1e9:.1f} GB arrived"
        )
        super().__init__(
            f"{target.name}: {what}. That is torch's build for graphics cards, several GB; the lessons need "
            "only its build for processors. Give pip the address of that build (pytorch.org, 'Get started', "
            "CPU): set PIP_EXTRA_INDEX_URL to it, or use `pip config set global.extra-index-url`. Or accept "
            "the large build with ",
            Argument("allow_large", True),
            ".",
        )
        self.wheel = wheel


class PipFailed(EmbedlabError):
    """pip could not resolve or download the wheels of a target; ``failure`` says why."""

    failure: Failure

    def __init__(self, target: Target, failure: Failure) -> None:
        super().__init__(f"{target.name}: {_describe(failure)}")
        self.failure = failure


def _describe(failure: Failure) -> str:
    again = "Run the command again; complete wheels are kept."
    match failure.kind:
        case FailureKind.STALLED:
            return f"nothing arrived for {STALL_SECONDS:g} s. {again}"
        case FailureKind.UNREACHABLE:
            return f"the package index is not reachable. {again}"
        case FailureKind.NO_WHEEL:
            return f"the package index has no wheel of {failure.detail} that fits this machine."
        case FailureKind.CONFLICT:
            return f"there is no wheel that fits this machine: {failure.detail}."
        case FailureKind.OTHER:
            return f"pip failed: {failure.detail}"


@dataclass(frozen=True)
class TargetWheels:
    """The wheels of one target, and the lock file that pip installs them from."""

    target: Target
    wheels: tuple[Wheel, ...]
    lock: Path

    @property
    def size(self) -> int:
        """Size of all wheels in bytes."""
        return sum(wheel.path.stat().st_size for wheel in self.wheels)

    def version(self, name: str) -> str:
        """Return the version of a package among them; empty if it is not."""
        return next((str(wheel.version) for wheel in self.wheels if wheel.name == name), "")


@dataclass(frozen=True)
class ResolvedPackage:
    """A package that pip would install: its normalized name, version, and the file name of the wheel."""

    name: str
    version: str
    wheel: str


def gather(root: Path, target: Target, folder: Path, *, allow_large: bool, on_bytes: OnBytes) -> TargetWheels:
    """Fetch what is missing, check that the wheels are complete, and write the target's lock file.

    Parameters
    ----------
    root : Path
        The wheel of embedlab, in ``folder``.
    target : Target
    folder : Path
        For the wheels of all targets: those without machine code are shared.
    allow_large : bool
        Accept builds for graphics cards, and more than 1.5 GB.
    on_bytes : callable
        Called with the number of bytes that have arrived in this call.

    Raises
    ------
    TooLarge
        If there are builds for graphics cards, and ``allow_large`` is False.
    PipFailed
        If a package has no wheel for the target, or the index is not reachable.
    EmbedlabError
        If there is no pip, or a requirement is not met although pip succeeded.
    """
    lock = folder / f"{target.name}.txt"
    fingerprint = _fingerprint(root, target)
    if not _is_current(lock, fingerprint, folder):
        _download(root, target, folder, allow_large=allow_large, on_bytes=on_bytes)
    closure = find_closure(folder, target)
    gpu = [wheel.path for wheel in closure.wheels if _GPU.match(wheel.path.name)]
    if gpu and not allow_large:
        for path in gpu:
            path.unlink()
        raise TooLarge(target, gpu[0].name)
    if closure.missing:
        raise EmbedlabError(
            f"The wheels for {target.name} are incomplete: {', '.join(map(str, closure.missing))}. "
            f"Delete {folder} and run the command again. If that does not help, please report it.",
            path=folder,
        )
    lines = [f"# {fingerprint}"] + [
        f"{w.name}=={w.version} --hash=sha256:{verify.sha256_of(w.path)}" for w in closure.wheels
    ]
    lock.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return TargetWheels(target, closure.wheels, lock)


def prune(folder: Path, gathered: list[TargetWheels]) -> list[str]:
    """Delete wheels and lock files that no target needs, left by an earlier run; return their names."""
    needed = {wheel.path for wheels in gathered for wheel in wheels.wheels}
    needed |= {wheels.lock for wheels in gathered}
    old = [path for path in sorted([*folder.glob("*.whl"), *folder.glob("*.txt")]) if path not in needed]
    for path in old:
        path.unlink()
    return [path.name for path in old]


def _fingerprint(root: Path, target: Target) -> str:
    """Hash what embedlab requires and how the target is described: a change of either needs a new resolve."""
    requires = sorted(map(str, read_wheel(root).requires))
    facts = json.dumps([requires, target.pip_options, target.markers])
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def _is_current(lock: Path, fingerprint: str, folder: Path) -> bool:
    """Whether every wheel in the lock file is there, byte for byte; the wheel of embedlab may be newer."""
    if not lock.is_file():
        return False
    first, *lines = lock.read_text(encoding="utf-8").splitlines()
    locked = {line.rsplit(":", 1)[1] for line in lines if not line.startswith("embedlab==")}
    if first != f"# {fingerprint}" or not locked:
        return False
    return locked <= {verify.sha256_of(path) for path in folder.glob("*.whl")}


def _download(root: Path, target: Target, folder: Path, *, allow_large: bool, on_bytes: OnBytes) -> None:
    if find_spec("pip") is None:
        raise EmbedlabError("This Python has no pip, which fetches the wheels. Run `python -m ensurepip`.")
    scratch = folder / ".passing"
    _keep_complete_wheels(scratch, folder)
    (scratch / "tmp").mkdir(parents=True, exist_ok=True)

    def check_size(size: int) -> None:
        on_bytes(size)
        # os.walk skips folders that pip deletes meanwhile; rglob would raise.
        arriving = (name for _, _, names in os.walk(scratch) for name in names)
        gpu = next((name for name in arriving if name.endswith(".whl") and _GPU.match(name)), None)
        if not allow_large and (gpu or size > LARGE_BYTES):
            raise TooLarge(target, gpu)

    # pip skips files that the folder already has, if their sha256 is that of the index.
    arguments = ["download", "--dest", str(folder), *_PIP_OPTIONS, *target.pip_options, str(root)]
    temporary = str(scratch / "tmp")
    env = {"TMPDIR": temporary, "TEMP": temporary, "TMP": temporary}
    try:
        outcome = subprocess_download.run(
            ["pip-for", json.dumps(target.markers), *arguments],
            folder=scratch,
            env=env,
            stall_seconds=STALL_SECONDS,
            on_bytes=check_size,
        )
    except TooLarge:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    if outcome.stalled or outcome.code:
        _keep_complete_wheels(scratch, folder)
        raise PipFailed(target, _failure(outcome))
    shutil.rmtree(scratch, ignore_errors=True)


def _keep_complete_wheels(scratch: Path, folder: Path) -> None:
    """Move the complete wheels of an interrupted run: pip itself moves none before the last has arrived."""
    for path in sorted(scratch.rglob("*.whl")):
        if zipfile.is_zipfile(path) and not (folder / path.name).exists():
            path.replace(folder / path.name)
    shutil.rmtree(scratch, ignore_errors=True)


def _failure(outcome: subprocess_download.Outcome) -> Failure:
    return Failure(FailureKind.STALLED) if outcome.stalled else classify(outcome.output, outcome.code)


def resolve(root: Path, target: Target, scratch: Path) -> list[ResolvedPackage]:
    """Return what pip would install on the target, sorted by name; nothing is kept.

    Raises
    ------
    PipFailed
        If a package has no wheel for the target, or the index is not reachable.
    """
    report = scratch / f"{target.name}.json"
    arguments = ["install", "--dry-run", "--ignore-installed", "--target", str(scratch / "nowhere")]
    arguments += [*_PIP_OPTIONS, "--report", str(report), *target.pip_options, str(root)]
    job = ["pip-for", json.dumps(target.markers), *arguments]
    outcome = subprocess_download.run(job, folder=scratch, env={}, stall_seconds=600, on_bytes=lambda _: None)
    if outcome.stalled or outcome.code:
        raise PipFailed(target, _failure(outcome))
    installed = json.loads(report.read_text(encoding="utf-8"))["install"]
    packages = [
        ResolvedPackage(
            canonicalize_name(package["metadata"]["name"]),
            package["metadata"]["version"],
            package["download_info"]["url"].rsplit("/", 1)[1],
        )
        for package in installed
    ]
    return sorted(packages, key=lambda package: package.name)

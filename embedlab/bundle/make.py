"""Make a bundle: a folder that installs embedlab and its lessons on a laptop without any network."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

import embedlab
from embedlab.bundle import closure, content, manifest, pages, third_party, wheels
from embedlab.bundle.embedlab_wheel import write_embedlab_wheel
from embedlab.bundle.targets import Target
from embedlab.catalog import registry
from embedlab.errors import EmbedlabError
from embedlab.lessons import lab
from embedlab.weights import subprocess_download

_MARKER = ".embedlab-bundle"  # marks a folder as a bundle, also before it is complete
_LONG_PATH = 150  # characters below the bundle that may exceed the limit of Windows in a deep folder

Report = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What a bundle contains, and where it goes.

    Attributes
    ----------
    lessons : list of Lesson
    targets : list of Target
        The machines that it installs on.
    out : Path
        The folder to make.
    models : tuple of str
        Models in addition to those of the lessons.
    allow_large : bool
        Whether builds for graphics cards are accepted.
    """

    lessons: list[lab.Lesson]
    targets: list[Target]
    out: Path
    models: tuple[str, ...] = ()
    allow_large: bool = False

    @property
    def numbers(self) -> list[str]:
        """The numbers of the lessons, for example ``["00", "02"]``."""
        return [f"{lesson.number:02}" for lesson in self.lessons]


@dataclass(frozen=True)
class Bundle:
    """A bundle that was made: its files, the wheels of each target, and warnings for people."""

    out: Path
    entries: list[manifest.Entry]
    gathered: list[wheels.TargetWheels]
    warnings: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Size of all files in bytes."""
        return sum(entry.size for entry in self.entries)


def make(plan: Plan, *, report: Report, progress: content.Progress) -> Bundle:
    """Make a bundle, or continue one that was interrupted; complete files are not copied again.

    Parameters
    ----------
    plan : Plan
    report : callable
        Called with a line for people now and then.
    progress : callable
        Called as ``progress(done_bytes, total_bytes, what)``.

    Raises
    ------
    EmbedlabError
        If the folder belongs to something else, the disk is too small, or content cannot be fetched.
    """
    out = plan.out
    with _disk_errors(out), _locked_folder(out):
        _check_space(plan)
        report(f"Lessons {', '.join(plan.numbers)} for {', '.join(t.name for t in plan.targets)}.")
        (out / manifest.NAME).unlink(missing_ok=True)  # a bundle without a manifest is incomplete
        gathered = _gather_wheels(plan, report, progress)
        models, datasets = content.models_of(plan.lessons, plan.models), content.datasets_of(plan.lessons)
        entries, left_out = _copy_files(plan, models, datasets, progress)
        entries += _wheel_entries(out, gathered)
        kept = [name for name in datasets if name not in left_out]
        size = sum(entry.size for entry in entries)
        facts = pages.Facts(plan.lessons, plan.targets, gathered, models, kept, size)
        entries += pages.write_pages(out, facts)
        manifest.write(out, _describe(plan, gathered), entries)
        return Bundle(out, entries, gathered, [*left_out.values(), *_find_warnings(entries)])


def _gather_wheels(plan: Plan, report: Report, progress: content.Progress) -> list[wheels.TargetWheels]:
    folder, gathered = plan.out / "wheels", []
    root = write_embedlab_wheel(folder)
    for target in plan.targets:
        what = f"wheels for {target.name}"

        def on_bytes(size: int, what: str = what) -> None:
            progress(size, max(size, wheels.USUAL_BYTES), what)

        found = wheels.gather(root, target, folder, allow_large=plan.allow_large, on_bytes=on_bytes)
        report(f"{what}: {len(found.wheels)}, {found.size / 1e6:.0f} MB, torch {found.version('torch')}")
        gathered.append(found)
    if old := wheels.prune(folder, gathered):
        report(f"{len(old)} wheels that no target needs were deleted.")
    return gathered


def _copy_files(
    plan: Plan, models: list[str], datasets: list[str], progress: content.Progress
) -> tuple[list[manifest.Entry], dict[str, str]]:
    """Copy weights, sample data and notebooks.

    Returns
    -------
    entries : list of Entry
    left_out : dict of str to str
        A warning for each set of sample data that cannot be fetched.
    """
    sources = [source for name in models for source in content.model_files(name, progress)]
    left_out = {}
    for name in datasets:
        try:
            sources += content.dataset_files(name, progress)
        except EmbedlabError as error:
            # No lesson depends on data that only the hub has: it prints one line instead of using them.
            reason = str(error).splitlines()[0].rstrip(":.")
            left_out[name] = f"The sample data {name} are left out: {reason}. The lessons work without them."
    sources += content.notebook_files(plan.lessons)
    total, done, entries = sum(source.origin.stat().st_size for source in sources), 0, []
    for source in sources:
        entries.append(content.copy(source, plan.out))
        done += entries[-1].size
        progress(done, total, f"copying {source.what}")
    return entries, left_out


def _wheel_entries(out: Path, gathered: list[wheels.TargetWheels]) -> list[manifest.Entry]:
    every = {wheel.path: wheel for found in gathered for wheel in found.wheels}
    entries = [
        manifest.make_entry(
            out,
            path,
            f"{wheel.name} {wheel.version}",
            "package index",
            third_party.licence_of(wheel.metadata),
        )
        for path, wheel in every.items()
    ]
    return entries + [
        manifest.make_entry(out, found.lock, "list of wheels", "embedlab") for found in gathered
    ]


def _describe(plan: Plan, gathered: list[wheels.TargetWheels]) -> dict[str, Any]:
    """Return what the manifest says about the bundle as a whole; ``start.py`` reads it."""
    return {
        "embedlab": embedlab.__version__,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "lessons": plan.numbers,
        "targets": [
            {
                "name": found.target.name,
                "system": found.target.system,
                "machine": found.target.machine,
                "python": found.target.python,
                "lock": f"wheels/{found.lock.name}",
                "torch": found.version("torch"),
                "bytes": found.size,
                "installed_bytes": pages.installed_bytes(found),
                "longest_path": closure.longest_path(found.wheels),
            }
            for found in gathered
        ],
    }


def _check_space(plan: Plan) -> None:
    needed, free = _needed_bytes(plan), shutil.disk_usage(plan.out).free
    if free < needed:
        raise EmbedlabError(
            f"Not enough disk space in {plan.out}: {needed / 1e6:.0f} MB are needed, {free / 1e6:.0f} MB are "
            "free. Choose a folder on a larger disk, fewer lessons, or fewer platforms.",
            path=plan.out,
        )


def _needed_bytes(plan: Plan) -> int:
    """Return the space that is still needed; files of an interrupted run already count."""
    models = [registry.row(name) for name in content.models_of(plan.lessons, plan.models)]
    weights = sum(
        row.weights.folder_bytes for row in models if not (plan.out / "models" / row.card.name).is_dir()
    )
    missing = [t for t in plan.targets if not (plan.out / "wheels" / f"{t.name}.txt").is_file()]
    # While they arrive, the wheels of one target exist twice.
    there = subprocess_download.size_of(plan.out / "wheels")
    return weights + max(0, (len(missing) + 1) * wheels.USUAL_BYTES - there) * bool(missing)


def _find_warnings(entries: list[manifest.Entry]) -> list[str]:
    warnings = [
        f"{entry.path} has more than 4 GB, which FAT32 cannot store. Format the stick as exFAT."
        for entry in manifest.too_large_for_fat32(entries)
    ]
    deepest = max(entries, key=lambda entry: len(entry.path))
    if len(deepest.path) > _LONG_PATH:
        warnings.append(
            f"{deepest.path} is long for Windows. Put the bundle directly below a drive: C:\\embedlab."
        )
    return warnings


@contextmanager
def _locked_folder(out: Path) -> Iterator[None]:
    """Make the folder if necessary, and keep other processes from making the same bundle."""
    if out.exists() and not out.is_dir():
        raise EmbedlabError(f"{out} is a file. Name a folder for the bundle.", path=out)
    if out.is_dir() and any(out.iterdir()) and not (out / _MARKER).is_file():
        raise EmbedlabError(f"{out} is not empty and not a bundle. Name another folder.", path=out)
    out.mkdir(parents=True, exist_ok=True)
    (out / _MARKER).touch()
    lock = FileLock(out / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise EmbedlabError(
            f"Another process is making {out}. Wait until it has ended, and run this again.", path=out
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _disk_errors(out: Path) -> Iterator[None]:
    """Turn the system's errors about the folder into :class:`EmbedlabError`."""
    try:
        yield
    except OSError as error:
        path = error.filename or out
        full = error.errno in (errno.ENOSPC, errno.EFBIG)
        fix = "Free some space" if full else "Choose another folder"
        raise EmbedlabError(
            f"{path} cannot be written: {error.strerror}. {fix} and run the command again; complete files "
            "are kept.",
            path=path,
        ) from error

"""Make a bundle: a folder that installs embedlab and its lessons on a laptop without any network."""

from __future__ import annotations

import errno
import html
import math
import shutil
import string
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

import embedlab
from embedlab.bundle import closure, content, manifest, third_party, wheels
from embedlab.bundle.self_wheel import own_wheel
from embedlab.bundle.targets import Target
from embedlab.catalog import registry
from embedlab.errors import EmbedlabError
from embedlab.lessons import lab
from embedlab.weights import subprocess_download

_SIGN = ".embedlab-bundle"  # tells a bundle that is being made from a folder of somebody's
_LONG = 150  # letters of a path below the bundle that leave too few for the folder before it, on Windows
_START = Path(__file__).with_name("start")


@dataclass(frozen=True)
class Plan:
    """What is to be in a bundle, and where it goes; ``models`` are those beside the lessons' own."""

    lessons: list[lab.Lesson]
    targets: list[Target]
    out: Path
    models: tuple[str, ...] = ()
    allow_large: bool = False

    @property
    def names(self) -> list[str]:
        """The numbers of the lessons: ``["00", "02"]``."""
        return [f"{each.number:02}" for each in self.lessons]


@dataclass(frozen=True)
class Made:
    """What came of it: all files, what pip took for each target, and what people should know."""

    out: Path
    entries: list[manifest.Entry]
    gathered: list[wheels.Gathered]
    warnings: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(each.size for each in self.entries)


Tell = Callable[[str], None]


def make(plan: Plan, *, tell: Tell, progress: content.Progress) -> Made:
    """Make a bundle, or go on with one that was interrupted; what is there and whole is left alone.

    Parameters
    ----------
    plan : Plan
    tell : callable
        Given a line for people, now and then.
    progress : callable
        Called as ``progress(done_bytes, total_bytes, what)``.

    Raises
    ------
    EmbedlabError
        When the folder is somebody else's or too small, or something cannot be had.
    """
    out = plan.out
    with _disk(out), _alone(out):
        needed = _needed(plan)
        free = shutil.disk_usage(out).free
        if free < needed:
            raise EmbedlabError(_too_small(out, needed, free))
        tell(f"Lessons {', '.join(plan.names)} for {', '.join(t.name for t in plan.targets)}.")
        (out / manifest.NAME).unlink(missing_ok=True)  # until all is there again it is no whole bundle
        gathered = _packages(plan, tell, progress)
        models, datasets = content.models_of(plan.lessons, plan.models), content.datasets_of(plan.lessons)
        entries, left_out = _files(plan, models, datasets, progress)
        entries += _packages_entries(out, gathered)
        entries += _pages(
            plan, gathered, models, [d for d in datasets if d not in left_out], sum(e.size for e in entries)
        )
        manifest.write(out, _about(plan, gathered), entries)
        return Made(out, entries, gathered, [*left_out.values(), *_warnings(entries)])


def _packages(plan: Plan, tell: Tell, progress: content.Progress) -> list[wheels.Gathered]:
    folder, gathered = plan.out / "wheels", []
    own = own_wheel(folder)
    for target in plan.targets:
        what = f"wheels for {target.name}"

        def on_bytes(size: int, what: str = what) -> None:
            progress(size, max(size, wheels.USUAL_BYTES), what)

        got = wheels.gather(own, target, folder, allow_large=plan.allow_large, on_bytes=on_bytes)
        tell(f"{what}: {len(got.wheels)}, {got.size / 1e6:.0f} MB, torch {got.version('torch')}")
        gathered.append(got)
    if old := wheels.prune(folder, gathered):
        tell(f"{len(old)} wheels that no machine of these needs were deleted.")
    return gathered


def _files(
    plan: Plan, models: list[str], datasets: list[str], progress: content.Progress
) -> tuple[list[manifest.Entry], dict[str, str]]:
    """Weights, sample data and notebooks; and which sample data cannot be had, in words."""
    sources = [s for name in models for s in content.model_files(name, progress)]
    left_out = {}
    for name in datasets:
        try:
            sources += content.dataset_files(name, progress)
        except EmbedlabError as error:
            # What only the hub has, no lesson depends on: it says in one line what it would show.
            left_out[name] = f"Left out: {str(error).splitlines()[0].rstrip(':')}; lessons go on without."
    sources += content.notebook_files(plan.lessons)
    total, done, entries = sum(s.origin.stat().st_size for s in sources), 0, []
    for source in sources:
        entries.append(content.copy(source, plan.out))
        done += entries[-1].size
        progress(done, total, f"copying {source.what}")
    return entries, left_out


def _packages_entries(out: Path, gathered: list[wheels.Gathered]) -> list[manifest.Entry]:
    every = {wheel.path: wheel for each in gathered for wheel in each.wheels}
    entries = [
        manifest.entry(
            out, path, f"{wheel.name} {wheel.version}", "package index", third_party.licence_of(wheel.about)
        )
        for path, wheel in every.items()
    ]
    return entries + [manifest.entry(out, each.lock, "list of wheels", "embedlab") for each in gathered]


def _pages(
    plan: Plan, gathered: list[wheels.Gathered], models: list[str], datasets: list[str], size: int
) -> list[manifest.Entry]:
    out, written = plan.out, []
    text = third_party.page([w for each in gathered for w in each.wheels], models, datasets)
    written.append(_write(out / "THIRD_PARTY.md", text))
    template = string.Template((_START / "START.html").read_text(encoding="utf-8"))
    words = {
        "lessons": ", ".join(plan.names),
        "size": f"{size / 1e9:.1f} GB",
        "room": f"{math.ceil((size + max(map(_installed, gathered))) / 1e9)} GB",
        "first": plan.lessons[0].path.name,
        "pythons": " or ".join(sorted({t.python for t in plan.targets})),
        "systems": " or ".join(dict.fromkeys(f"{t.system} ({t.machine})" for t in plan.targets)),
        "models": ", ".join(models) or "no model",
    }
    page = template.substitute({key: html.escape(value) for key, value in words.items()})
    written.append(_write(out / "START.html", page))
    for name in ("start.py", "start.sh", "start.bat"):
        # Windows reads a batch file with bare line feeds wrongly, a shell one with carriage returns.
        lines = (_START / name).read_text(encoding="utf-8")
        written.append(_write(out / name, lines, newline="\r\n" if name.endswith(".bat") else "\n"))
    (out / "start.sh").chmod(0o755)
    return [manifest.entry(out, path, "how to start", "embedlab", "Apache-2.0") for path in written]


def _write(path: Path, text: str, newline: str = "\n") -> Path:
    path.write_text(text, encoding="utf-8", newline=newline)
    return path


def _about(plan: Plan, gathered: list[wheels.Gathered]) -> dict[str, Any]:
    return {
        "embedlab": embedlab.__version__,
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "lessons": plan.names,
        "targets": [
            {
                "name": each.target.name,
                "system": each.target.system,
                "machine": each.target.machine,
                "python": each.target.python,
                "lock": f"wheels/{each.lock.name}",
                "torch": each.version("torch"),
                "bytes": each.size,
                "installed_bytes": _installed(each),
                "longest_path": closure.longest_path(each.wheels),
            }
            for each in gathered
        ],
    }


def _installed(gathered: wheels.Gathered) -> int:
    """Bytes that installing takes: what is in the wheels, and a third for compiled files and blocks."""
    return int(1.35 * sum(map(closure.unpacked_bytes, gathered.wheels)))


def _needed(plan: Plan) -> int:
    """Bytes that must still be free; what is there already counts."""
    models = [registry.row(name) for name in content.models_of(plan.lessons, plan.models)]
    weights = sum(
        row.weights.folder_bytes for row in models if not (plan.out / "models" / row.card.name).is_dir()
    )
    missing = [t for t in plan.targets if not (plan.out / "wheels" / f"{t.name}.txt").is_file()]
    # While they arrive, the wheels of one target lie there twice.
    there = subprocess_download.size_of(plan.out / "wheels")
    return weights + max(0, (len(missing) + 1) * wheels.USUAL_BYTES - there) * bool(missing)


def _too_small(out: Path, needed: int, free: int) -> str:
    return (
        f"Not enough disk space in {out}: {needed / 1e6:.0f} MB are needed, {free / 1e6:.0f} MB are free. "
        "Choose a folder on a larger disk, fewer lessons, or fewer platforms."
    )


def _warnings(entries: list[manifest.Entry]) -> list[str]:
    found = [
        f"{each.path} has more than 4 GB: a stick formatted as FAT32 does not take it. Format it as exFAT."
        for each in manifest.too_large_for_fat32(entries)
    ]
    deepest = max(entries, key=lambda each: len(each.path))
    if len(deepest.path) > _LONG:
        found.append(
            f"{deepest.path} is long for Windows: put the bundle right below a drive, as C:\\embedlab."
        )
    return found


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """The folder is empty or a bundle, and no other process is making it."""
    if out.exists() and not out.is_dir():
        raise EmbedlabError(f"{out} is a file. Name a folder for the bundle.")
    if out.is_dir() and any(out.iterdir()) and not (out / _SIGN).is_file():
        raise EmbedlabError(f"{out} is not empty, and no bundle. Name another folder.")
    out.mkdir(parents=True, exist_ok=True)
    (out / _SIGN).touch()
    lock = FileLock(out / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise EmbedlabError(f"{out} is being made by another process. Wait for it.") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _disk(out: Path) -> Iterator[None]:
    """The system's errors about the folder as messages."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EFBIG)
        cure = "Free some space" if full else "Choose another folder"
        raise EmbedlabError(
            f"{error.filename or out} cannot be written: {error.strerror}. {cure} and run again: what is "
            "whole is kept."
        ) from error

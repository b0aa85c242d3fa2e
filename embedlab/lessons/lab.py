"""``embedlab lab``: put the lessons in place, say what they will download, and open JupyterLab."""

from __future__ import annotations

import filecmp
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from embedlab import settings, weights
from embedlab.catalog import registry
from embedlab.errors import EmbedlabError
from embedlab.lessons.run import read


@dataclass(frozen=True)
class Copied:
    """What ``copy_lessons`` did: files written, and files that were there, differ, and were left alone."""

    written: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Lesson:
    """What a lesson says of itself in its notebook metadata."""

    path: Path
    number: int
    minutes: int
    models: tuple[str, ...]

    @classmethod
    def of(cls, path: Path) -> Lesson:
        """Read the ``embedlab`` block of a notebook."""
        about = read(path).metadata.get("embedlab", {})
        number = about.get("lesson", -1)
        return cls(path, number, about.get("minutes", 0), tuple(about.get("models", ())))


@dataclass(frozen=True)
class Need:
    """A model that lessons use: the size of its download, and whether it is on this machine."""

    model: str
    lessons: tuple[int, ...]
    size: str
    here: bool

    @property
    def words(self) -> str:
        """Where it is, or when it will be downloaded."""
        if self.here:
            return "already here"
        return f"will be downloaded when lesson {self.lessons[0]} first needs it"


def all_lessons() -> list[Lesson]:
    """The lessons of this package, in order."""
    return [Lesson.of(path) for path in sorted(settings.notebooks_folder().glob("[0-9]*.ipynb"))]


def lesson(number: int) -> Lesson:
    """One lesson by its number; raises :class:`EmbedlabError` listing the numbers there are."""
    known = {each.number: each for each in all_lessons()}
    if number not in known:
        raise EmbedlabError(f"There is no lesson {number}; there are {', '.join(map(str, sorted(known)))}.")
    return known[number]


def chosen(words: str) -> list[Lesson]:
    """Some lessons by their numbers: ``"all"``, ``"00-03,07"``.

    Raises
    ------
    EmbedlabError
        For words that are no numbers, and numbers without a lesson.
    """
    every = all_lessons()
    if words.strip().lower() == "all":
        return every
    numbers: set[int] = set()
    for word in filter(None, (w.strip() for w in words.split(","))):
        first, _, last = word.partition("-")
        if not first.isdigit() or not (last or first).isdigit():
            raise EmbedlabError(f"{word!r} is no lesson. Write numbers, such as 00-03,07, or all.")
        span = {each.number for each in every if int(first) <= each.number <= int(last or first)}
        # A range may have gaps; a single number, and the ends of a range, must be there.
        lesson(int(first)), lesson(int(last or first))
        numbers |= span
    if not numbers:
        raise EmbedlabError("No lesson is named. Write numbers, such as 00-03,07, or all.")
    return [each for each in every if each.number in numbers]


def models_of_lessons(some: list[Lesson] | None = None) -> list[str]:
    """Every model that lessons use (default: all lessons), in their order."""
    every = all_lessons() if some is None else some
    return list(dict.fromkeys(name for each in every for name in each.models))


def needs(some: list[Lesson] | None = None) -> list[Need]:
    """What lessons use (default: all lessons), in their order, and whether it is on this machine."""
    every = all_lessons() if some is None else some
    return [
        Need(
            name,
            tuple(each.number for each in every if name in each.models),
            download_size(name),
            weights.locate(name) is not None,
        )
        for name in models_of_lessons(every)
    ]


def download_size(name: str) -> str:
    """How much fetching a model moves over the network, for people: ``"404 MB"``."""
    return f"{round(registry.row(name).download_bytes / 1e6, 1):.0f} MB"


def lesson_files(numbers: set[int] | None = None) -> list[Path]:
    """The files of the lessons: notebooks, solutions, pictures, pages beside them, and the teacher's guide.

    Parameters
    ----------
    numbers : set of int, optional
        Only the notebooks of these lessons, and those that are no lesson.
    """
    origin = settings.notebooks_folder()
    pages = [*origin.glob("*.md"), *origin.glob("teacher/*.md"), *origin.glob("pictures/*.png")]
    files = [*origin.rglob("*.ipynb"), *pages]
    chosen = {f"{n:02}" for n in numbers or ()}

    def wanted(path: Path) -> bool:
        number = path.name[:2] if path.suffix == ".ipynb" else ""
        return numbers is None or not number.isdigit() or number in chosen

    return [path for path in sorted(files) if ".ipynb_checkpoints" not in path.parts and wanted(path)]


def copy_lessons(target: Path, numbers: set[int] | None = None) -> Copied:
    """Copy the lessons, their pictures, the pages beside them and the teacher's guide into a folder.

    A file that is there already is never overwritten. With ``numbers``, only those lessons.

    Raises
    ------
    EmbedlabError
        When the folder cannot be made or written.
    """
    done = Copied()
    origin = settings.notebooks_folder()
    try:
        target.mkdir(parents=True, exist_ok=True)
        for source in lesson_files(numbers):
            name = source.relative_to(origin)
            place = target / name
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                _copy_whole(source, place)
                done.written.append(name.as_posix())
            elif not filecmp.cmp(source, place, shallow=False):
                done.kept.append(name.as_posix())
    except OSError as error:
        raise EmbedlabError(
            f"The lessons cannot be copied to {target}: {error}. Choose another folder."
        ) from error
    return done


def _copy_whole(source: Path, place: Path) -> None:
    """Copy by a rename at the end: half a lesson would look like the learner's own work the next time."""
    part = place.with_suffix(".part")
    shutil.copyfile(source, part)
    part.replace(place)


def open_lab(folder: Path, *, port: int | None = None, browser: bool = True) -> int:
    """Run JupyterLab on a folder until it ends; returns its exit status."""
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}"]
    command += [] if browser else ["--no-browser"]
    command += [f"--port={port}"] if port else []
    first = folder / "00_start_here.ipynb"
    if first.is_file():
        command.append(f"--LabApp.default_url=/lab/tree/{first.name}")
    with subprocess.Popen(command) as server:
        # Ended from outside: JupyterLab and its kernels must not be left behind.
        before = signal.signal(signal.SIGTERM, lambda *_: server.terminate())
        try:
            return _wait(server)
        finally:
            signal.signal(signal.SIGTERM, before)


def _wait(server: subprocess.Popen[bytes]) -> int:
    while True:
        try:
            return server.wait()
        except KeyboardInterrupt:
            # Ctrl-C reached JupyterLab as well: it asks and shuts down by itself.
            continue

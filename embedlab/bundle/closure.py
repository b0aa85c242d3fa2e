"""Is a folder of wheels complete for one kind of machine? Asked of the wheels themselves, not of pip.

pip's answer holds for the machine that it ran on. Here every requirement is followed with the markers of the
machine that the wheels are for, from embedlab down, so that nothing is missing where there is no network.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from embedlab.bundle.targets import Target
from embedlab.errors import EmbedlabError


@dataclass(frozen=True)
class Wheel:
    """A wheel on the disk, and what it says of itself."""

    path: Path
    name: str
    version: Version
    about: Message

    @property
    def requires(self) -> list[Requirement]:
        """What it needs, conditions included."""
        return [Requirement(text) for text in self.about.get_all("Requires-Dist") or ()]


@dataclass(frozen=True)
class Closure:
    """The wheels that one target needs, in the order of their names, and what is missing."""

    wheels: tuple[Wheel, ...]
    missing: tuple[str, ...]


def read_wheel(path: Path) -> Wheel:
    """Read a wheel's metadata.

    Raises
    ------
    EmbedlabError
        When it is no wheel, or damaged.
    """
    try:
        name, version, _, _ = parse_wheel_filename(path.name)
        with zipfile.ZipFile(path) as archive:
            inside = next(
                n for n in archive.namelist() if n.endswith(".dist-info/METADATA") and n.count("/") == 1
            )
            about = BytesParser().parsebytes(archive.read(inside), headersonly=True)
    except (InvalidWheelFilename, zipfile.BadZipFile, StopIteration, OSError, EOFError) as error:
        raise EmbedlabError(
            f"{path.name} is no wheel, or damaged ({error}). Delete it and run again."
        ) from error
    return Wheel(path, name, version, about)


def usable(wheels: Iterable[Path], target: Target) -> dict[str, list[Path]]:
    """Those of the wheels that can be installed on the target, by project, the newest first."""
    tags, found = target.tags(), dict[str, list[tuple[Version, Path]]]()
    for path in wheels:
        name, version, _, its = parse_wheel_filename(path.name)
        if its & tags:
            found.setdefault(name, []).append((version, path))
    return {name: [path for _, path in sorted(each, reverse=True)] for name, each in found.items()}


def close(folder: Path, target: Target, root: str = "embedlab") -> Closure:
    """Follow the requirements of ``root`` through the wheels in a folder.

    Returns
    -------
    Closure
        ``missing`` has a line for each requirement that no wheel meets: ``"pywinpty (for terminado)"``.
    """
    there, read = usable(sorted(folder.glob("*.whl")), target), dict[str, Wheel]()
    done, missing = set[tuple[str, str]](), list[str]()
    todo: list[tuple[Requirement, str]] = [(Requirement(root), "")]
    while todo:
        wanted, by = todo.pop()
        name = canonicalize_name(wanted.name)
        if name not in read and there.get(name):
            read[name] = read_wheel(there[name][0])
        wheel = read.get(name)
        if wheel is None or not wanted.specifier.contains(wheel.version, prereleases=True):
            have = f", but {wheel.version} is there" if wheel else ""
            missing.append(f"{wanted.name}{wanted.specifier}{have}" + (f" (for {by})" if by else ""))
            continue
        for extra in ("", *sorted(wanted.extras)):
            if (name, extra) not in done:
                done.add((name, extra))
                todo += [(need, name) for need in wheel.requires if _holds(need, target, extra)]
    return Closure(tuple(read[name] for name in sorted(read)), tuple(sorted(set(missing))))


def _holds(need: Requirement, target: Target, extra: str) -> bool:
    return need.marker is None or need.marker.evaluate({**target.markers, "extra": extra})


def longest_path(wheels: Iterable[Wheel]) -> int:
    """Letters in the longest path that installing them writes; Windows takes 259, its folder included."""
    lengths = [0]
    for wheel in wheels:
        with zipfile.ZipFile(wheel.path) as archive:
            lengths += [len(name) for name in archive.namelist()]
    return max(lengths)


def unpacked_bytes(wheel: Wheel) -> int:
    """Bytes of all files in a wheel, once it is installed."""
    with zipfile.ZipFile(wheel.path) as archive:
        return sum(info.file_size for info in archive.infolist())

"""Check that a folder of wheels is complete for a target, by the metadata of the wheels themselves.

pip resolves for the machine that it runs on. Here every requirement is followed with the markers of the
target, from embedlab down, so that nothing is missing when there is no network to fetch it from.
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
    """A wheel on the disk, and its metadata."""

    path: Path
    name: str
    version: Version
    metadata: Message

    @property
    def requires(self) -> list[Requirement]:
        """The requirements, with their markers."""
        return [Requirement(text) for text in self.metadata.get_all("Requires-Dist") or ()]


@dataclass(frozen=True)
class MissingRequirement:
    """A requirement that no wheel in the folder meets.

    Attributes
    ----------
    requirement : str
        Name and versions, for example ``"thing>=3"``.
    required_by : str
        The project that requires it; empty for the root.
    found : Version or None
        The version in the folder, if there is one and it does not fit.
    """

    requirement: str
    required_by: str
    found: Version | None = None

    def __str__(self) -> str:
        """Return ``"thing>=3, but 2.0 is there (for embedlab)"``."""
        found = f", but {self.found} is there" if self.found else ""
        return f"{self.requirement}{found}" + (f" (for {self.required_by})" if self.required_by else "")


@dataclass(frozen=True)
class Closure:
    """The wheels that a target needs, sorted by name, and the requirements that none meets."""

    wheels: tuple[Wheel, ...]
    missing: tuple[MissingRequirement, ...]


def read_wheel(path: Path) -> Wheel:
    """Read the metadata of a wheel.

    Raises
    ------
    EmbedlabError
        If it is damaged, or not a wheel.
    """
    try:
        name, version, _, _ = parse_wheel_filename(path.name)
        with zipfile.ZipFile(path) as archive:
            inside = next(
                n for n in archive.namelist() if n.endswith(".dist-info/METADATA") and n.count("/") == 1
            )
            metadata = BytesParser().parsebytes(archive.read(inside), headersonly=True)
    except (InvalidWheelFilename, zipfile.BadZipFile, StopIteration, OSError, EOFError) as error:
        raise EmbedlabError(
            f"{path.name} is damaged or not a wheel ({error}). Delete it and run the command again.",
            path=path,
        ) from error
    return Wheel(path, name, version, metadata)


def compatible_wheels(wheels: Iterable[Path], target: Target) -> dict[str, list[Path]]:
    """Return the wheels that can be installed on the target, by project, the newest first."""
    tags, found = target.tags(), dict[str, list[tuple[Version, Path]]]()
    for path in wheels:
        name, version, _, wheel_tags = parse_wheel_filename(path.name)
        if wheel_tags & tags:
            found.setdefault(name, []).append((version, path))
    return {name: [path for _, path in sorted(versions, reverse=True)] for name, versions in found.items()}


def find_closure(folder: Path, target: Target, root: str = "embedlab") -> Closure:
    """Follow the requirements of ``root`` through the wheels in a folder, with the target's markers."""
    candidates, read = compatible_wheels(sorted(folder.glob("*.whl")), target), dict[str, Wheel]()
    done, missing = set[tuple[str, str]](), set[MissingRequirement]()
    todo: list[tuple[Requirement, str]] = [(Requirement(root), "")]
    while todo:
        requirement, required_by = todo.pop()
        name = canonicalize_name(requirement.name)
        if name not in read and candidates.get(name):
            read[name] = read_wheel(candidates[name][0])
        wheel = read.get(name)
        if wheel is None or not requirement.specifier.contains(wheel.version, prereleases=True):
            text = f"{requirement.name}{requirement.specifier}"
            missing.add(MissingRequirement(text, required_by, wheel.version if wheel else None))
            continue
        for extra in ("", *sorted(requirement.extras)):
            if (name, extra) not in done:
                done.add((name, extra))
                todo += [(need, name) for need in wheel.requires if _applies(need, target, extra)]
    return Closure(tuple(read[name] for name in sorted(read)), tuple(sorted(missing, key=str)))


def _applies(requirement: Requirement, target: Target, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({**target.markers, "extra": extra})


def longest_path(wheels: Iterable[Wheel]) -> int:
    """Return the length of the longest path that installing the wheels writes, in characters."""
    lengths = [0]
    for wheel in wheels:
        with zipfile.ZipFile(wheel.path) as archive:
            lengths += [len(name) for name in archive.namelist()]
    return max(lengths)


def unpacked_bytes(wheel: Wheel) -> int:
    """Return the size of all files in a wheel once it is installed, in bytes."""
    with zipfile.ZipFile(wheel.path) as archive:
        return sum(info.file_size for info in archive.infolist())

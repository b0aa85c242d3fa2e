"""The manifest of a bundle: every file with its size, sha256, source and licence; and the check of a copy."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from embedlab.errors import EmbedlabError

NAME = "MANIFEST.json"
FORMAT = 1
FAT32_BYTES = 2**32 - 1  # the largest file on a USB stick that is formatted as FAT32
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One file of a bundle.

    Attributes
    ----------
    path : str
        Below the bundle, with forward slashes.
    size : int
        In bytes.
    sha256 : str
        In hexadecimal digits.
    what, source, licence : str
        What it belongs to, where it came from, and its licence.
    """

    path: str
    size: int
    sha256: str
    what: str
    source: str = ""
    licence: str = ""


class DamageKind(StrEnum):
    """How a file differs from the manifest."""

    MISSING = "missing"
    UNREADABLE = "unreadable"
    CHANGED = "changed"


@dataclass(frozen=True)
class Damage:
    """A file that differs from the manifest; ``reason`` says how, for people."""

    path: str
    kind: DamageKind
    reason: str


OnFile = Callable[[Entry], None]
_OpenFile = Callable[[], IO[bytes]]


def make_entry(root: Path, path: Path, what: str, source: str = "", licence: str = "") -> Entry:
    """Return the entry of a file in the bundle ``root``."""
    name = path.relative_to(root).as_posix()
    with path.open("rb") as file:
        return Entry(name, path.stat().st_size, sha256_of(file), what, source, licence)


def sha256_of(file: IO[bytes]) -> str:
    """Return the sha256 of an open file in hexadecimal digits."""
    state = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        state.update(chunk)
    return state.hexdigest()


def write(root: Path, about: dict[str, Any], entries: list[Entry]) -> Path:
    """Write ``MANIFEST.json`` atomically; a bundle without it is incomplete."""
    files = [asdict(entry) for entry in sorted(entries, key=lambda entry: entry.path)]
    content = {"format": FORMAT, **about, "files": files}
    part = root / f".{NAME}.part"
    part.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8", newline="\n")
    part.replace(root / NAME)
    return root / NAME


def read(bundle: Path) -> tuple[dict[str, Any], list[Entry]]:
    """Read the manifest of a folder or a zip.

    Returns
    -------
    about : dict
        Version, date, lessons and targets.
    entries : list of Entry

    Raises
    ------
    EmbedlabError
        If it is not a bundle, or an incomplete one.
    """
    try:
        if zipfile.is_zipfile(bundle):
            with zipfile.ZipFile(bundle) as archive:
                inside = next(n for n in archive.namelist() if n.endswith(f"/{NAME}") and n.count("/") == 1)
                content = json.loads(archive.read(inside))
        else:
            content = json.loads((bundle / NAME).read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']}")
        return content, [Entry(**fields) for fields in content.pop("files")]
    except (OSError, ValueError, KeyError, TypeError, StopIteration, zipfile.BadZipFile) as error:
        raise EmbedlabError(
            f"{bundle} is not a complete bundle: its {NAME} cannot be read ({type(error).__name__}). Copy it "
            "again, or run the command that made it again; it continues where it stopped.",
            path=bundle,
        ) from error


def check(bundle: Path, on_file: OnFile | None = None) -> list[Damage]:
    """Read every byte of a bundle, folder or zip, and compare it with the manifest.

    Returns
    -------
    list of Damage
        One for each file that is missing, unreadable or changed.

    Raises
    ------
    EmbedlabError
        If it is not a bundle.
    """
    damages = []
    for entry, open_file in _open_files(bundle):
        if on_file is not None:
            on_file(entry)
        if (damage := _compare(entry, open_file)) is not None:
            damages.append(damage)
    return damages


def _compare(entry: Entry, open_file: _OpenFile) -> Damage | None:
    try:
        with open_file() as file:
            found = sha256_of(file)
    except (FileNotFoundError, KeyError):
        return Damage(entry.path, DamageKind.MISSING, "missing")
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        return Damage(entry.path, DamageKind.UNREADABLE, f"cannot be read ({error})")
    if found == entry.sha256:
        return None
    reason = f"changed: sha256 {found[:12]}… instead of {entry.sha256[:12]}…"
    return Damage(entry.path, DamageKind.CHANGED, reason)


def _open_files(bundle: Path) -> Iterator[tuple[Entry, _OpenFile]]:
    _, entries = read(bundle)
    if not zipfile.is_zipfile(bundle):
        for entry in entries:
            yield entry, _file_opener(bundle / entry.path)
        return
    with zipfile.ZipFile(bundle) as archive:
        top = archive.namelist()[0].split("/")[0]
        for entry in entries:
            yield entry, _member_opener(archive, f"{top}/{entry.path}")


def _file_opener(path: Path) -> _OpenFile:
    return lambda: path.open("rb")


def _member_opener(archive: zipfile.ZipFile, name: str) -> _OpenFile:
    return lambda: archive.open(name)


def too_large_for_fat32(entries: list[Entry]) -> list[Entry]:
    """Return the files that a USB stick formatted as FAT32 cannot store."""
    return [entry for entry in entries if entry.size > FAT32_BYTES]

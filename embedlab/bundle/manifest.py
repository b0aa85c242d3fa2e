"""What is in a bundle: every file with its size, sha256, source and licence; and whether it still is."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from embedlab.errors import EmbedlabError

NAME = "MANIFEST.json"
FORMAT = 1
FAT32_BYTES = 2**32 - 1  # a file system of many USB sticks; it takes no larger file
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One file: ``path`` below the bundle with forward slashes, bytes, and where it came from."""

    path: str
    size: int
    sha256: str
    what: str
    source: str = ""
    licence: str = ""


@dataclass(frozen=True)
class Damage:
    """A file that is not as the manifest says; ``words`` say how."""

    path: str
    words: str


OnFile = Callable[[Entry], None]


def entry(root: Path, path: Path, what: str, source: str = "", licence: str = "") -> Entry:
    """The entry of a file that lies in the bundle."""
    name = path.relative_to(root).as_posix()
    with path.open("rb") as file:
        return Entry(name, path.stat().st_size, digest(file), what, source, licence)


def digest(file: IO[bytes]) -> str:
    """sha256 of an open file as hexadecimal digits."""
    state = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        state.update(chunk)
    return state.hexdigest()


def write(root: Path, about: dict[str, Any], entries: list[Entry]) -> Path:
    """Write ``MANIFEST.json``; by a rename, so that it is there whole or not at all."""
    listed = [asdict(each) for each in sorted(entries, key=lambda each: each.path)]
    content = {"format": FORMAT, **about, "files": listed}
    part = root / f".{NAME}.part"
    part.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8", newline="\n")
    part.replace(root / NAME)
    return root / NAME


def read(bundle: Path) -> tuple[dict[str, Any], list[Entry]]:
    """The manifest of a folder or of a zip: what it says of the whole, and the files.

    Raises
    ------
    EmbedlabError
        When it is not a bundle, or not whole.
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
        return content, [Entry(**each) for each in content.pop("files")]
    except (OSError, ValueError, KeyError, TypeError, StopIteration, zipfile.BadZipFile) as error:
        raise EmbedlabError(
            f"{bundle} is not a whole bundle: its {NAME} cannot be read ({type(error).__name__}). Copy it "
            "again, or run the command that made it once more: it goes on where it stopped."
        ) from error


def check(bundle: Path, on_file: OnFile | None = None) -> list[Damage]:
    """Read every byte of a bundle, folder or zip, and compare it with the manifest.

    Returns
    -------
    list of Damage
        One for each file that is missing, cut short or changed; empty when all is well.

    Raises
    ------
    EmbedlabError
        When it is not a bundle.
    """
    found = []
    for each, opened in _opened(bundle):
        if on_file is not None:
            on_file(each)
        if (words := _wrong(each, opened)) is not None:
            found.append(Damage(each.path, words))
    return found


def _wrong(each: Entry, opened: Callable[[], IO[bytes]]) -> str | None:
    try:
        with opened() as file:
            found = digest(file)
    except (FileNotFoundError, KeyError):
        return "missing"
    except (OSError, zipfile.BadZipFile, EOFError) as error:
        return f"cannot be read ({error})"
    return (
        None if found == each.sha256 else f"changed: sha256 {found[:12]}…, but {each.sha256[:12]}… is right"
    )


def _opened(bundle: Path) -> Iterator[tuple[Entry, Callable[[], IO[bytes]]]]:
    _, entries = read(bundle)
    if not zipfile.is_zipfile(bundle):
        for each in entries:
            yield each, _opener(bundle / each.path)
        return
    with zipfile.ZipFile(bundle) as archive:
        top = archive.namelist()[0].split("/")[0]
        for each in entries:
            yield each, _inside(archive, f"{top}/{each.path}")


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


def _inside(archive: zipfile.ZipFile, name: str) -> Callable[[], IO[bytes]]:
    return lambda: archive.open(name)


def too_large_for_fat32(entries: list[Entry]) -> list[Entry]:
    """Files that a USB stick formatted as FAT32 refuses."""
    return [each for each in entries if each.size > FAT32_BYTES]

"""A bundle as one file: zip for everybody, tar for those who copy by script. Wheels are packed already."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from embedlab.bundle import manifest
from embedlab.bundle.make import Made
from embedlab.weights import Progress, verify

KINDS = ("zip", "tar")


@dataclass(frozen=True)
class Packed:
    """The archive, its bytes and its sha256, which also stands in the file ``….sha256`` beside it."""

    path: Path
    size: int
    sha256: str
    warnings: tuple[str, ...]


def pack(made: Made, kind: str, progress: Progress) -> Packed:
    """Write ``OUT.zip`` or ``OUT.tar`` beside a bundle; by a rename, so that it is whole or not there."""
    folder = made.out.resolve()
    target = folder.with_name(f"{folder.name}.{kind}")
    part = target.with_name(f"{target.name}.part")
    names, done = [manifest.NAME, *(each.path for each in made.entries)], 0
    with _opened(part, kind) as add:
        for name in names:
            progress(done, made.size, f"packing {name}")
            add(folder / name, f"{folder.name}/{name}")
            done += (folder / name).stat().st_size
    part.replace(target)
    sha256, size = verify.sha256_of(target), target.stat().st_size
    target.with_name(f"{target.name}.sha256").write_text(f"{sha256}  {target.name}\n", encoding="utf-8")
    large = size > manifest.FAT32_BYTES
    words = f"{target.name} has more than 4 GB: a stick formatted as FAT32 does not take it. Copy the folder."
    return Packed(target, size, sha256, (words,) if large else ())


@contextmanager
def _opened(path: Path, kind: str) -> Iterator[Callable[[Path, str], None]]:
    # Stored, not squeezed: wheels and weights hardly get smaller, and it would take minutes.
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            yield archive.write
    else:
        with tarfile.open(path, "w") as archive_tar:
            yield archive_tar.add

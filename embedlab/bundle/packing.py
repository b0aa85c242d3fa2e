"""Pack a bundle into one file: zip, which every system opens, or tar, for copying by script."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from embedlab.bundle import manifest
from embedlab.bundle.make import Bundle
from embedlab.errors import EmbedlabError
from embedlab.weights import Progress, verify

Kind = Literal["zip", "tar"]


@dataclass(frozen=True)
class Packed:
    """The archive, its size in bytes and its sha256, which the file ``….sha256`` beside it repeats."""

    path: Path
    size: int
    sha256: str
    warnings: tuple[str, ...]


def parse_kind(text: str) -> Kind:
    """Return the kind of archive that a text names.

    Raises
    ------
    EmbedlabError
        For an unknown kind.
    """
    for kind in get_args(Kind):
        if text == kind:
            return kind  # type: ignore[no-any-return]
    raise EmbedlabError(f"{text!r} is not a kind of archive. Choose from {', '.join(get_args(Kind))}.")


def pack(bundle: Bundle, kind: Kind, progress: Progress) -> Packed:
    """Write ``OUT.zip`` or ``OUT.tar`` beside a bundle, with a rename at the end."""
    folder = bundle.out.resolve()
    target = folder.with_name(f"{folder.name}.{kind}")
    part = target.with_name(f"{target.name}.part")
    names, done = [manifest.NAME, *(entry.path for entry in bundle.entries)], 0
    with _open_archive(part, kind) as add:
        for name in names:
            progress(done, bundle.size, f"packing {name}")
            add(folder / name, f"{folder.name}/{name}")
            done += (folder / name).stat().st_size
    part.replace(target)
    sha256, size = verify.sha256_of(target), target.stat().st_size
    target.with_name(f"{target.name}.sha256").write_text(f"{sha256}  {target.name}\n", encoding="utf-8")
    warning = f"{target.name} has more than 4 GB, which FAT32 cannot store. Copy the folder instead."
    return Packed(target, size, sha256, (warning,) if size > manifest.FAT32_BYTES else ())


@contextmanager
def _open_archive(path: Path, kind: Kind) -> Iterator[Callable[[Path, str], None]]:
    # Stored, not compressed: wheels and weights hardly get smaller, and it would take minutes.
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            yield archive.write
    else:
        with tarfile.open(path, "w") as archive_tar:
            yield archive_tar.add

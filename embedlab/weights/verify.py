"""Check that files are the pinned ones, by sha256.

The sha256 of a large file is recorded in a stamp, so that 400 MB are not read again at every start.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from embedlab import settings
from embedlab.catalog.pins import WeightFile, Weights
from embedlab.weights.errors import WeightsMismatch

log = logging.getLogger("embedlab")

# Below this, hashing costs less than looking for a stamp.
_STAMP_FROM_BYTES = 4_000_000


def weights_root() -> Path:
    """Return the folder of all weights that embedlab downloaded."""
    return settings.cache_root() / "weights"


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(folder: Path, spec: Weights, recorded: Mapping[str, str]) -> str:
    """Check a model folder in embedlab's own cache.

    Parameters
    ----------
    folder : Path
        The model folder.
    spec : Weights
        What it must hold: every file, with the pinned sha256.
    recorded : mapping of str to str
        Path to sha256 at the first download, for files that the catalogue does not pin.

    Returns
    -------
    str
        sha256 of the weights file.

    Raises
    ------
    WeightsMismatch
        For the first file that is missing or different.
    """
    found = {}
    for file in spec.files:
        path, expected = folder / file.path, file.sha256 or recorded.get(file.path)
        if not path.is_file():
            raise _missing(folder, file.path, expected)
        found[file.path] = _check_cached(path, expected)
    return found[spec.main]


def check_download(folder: Path, files: Iterable[WeightFile]) -> dict[str, str]:
    """Check a folder that was just downloaded; every byte is read, whatever was recorded before.

    Returns
    -------
    dict of str to str
        sha256 of each file, by path.

    Raises
    ------
    WeightsMismatch
        For the first file that is missing or different.
    """
    found = {}
    for file in files:
        path = folder / file.path
        if not path.is_file():
            raise WeightsMismatch(
                f"{file.path} did not arrive", file=file.path, expected=file.sha256, actual=None, path=folder
            )
        found[file.path] = sha256_of(path)
        _compare(file.path, found[file.path], file.sha256, folder)
    return found


def check_foreign(folder: Path, spec: Weights) -> tuple[str, list[str]]:
    """Check a folder that embedlab did not fill: one brought by hand, or the Hugging Face cache.

    The weights file must be the pinned one. Small files may differ (line endings, or a folder saved again by
    a newer library). A changed tokenizer or pooling would change the vectors, so they are returned.

    Returns
    -------
    sha256 : str
        Of the weights file.
    different : list of str
        Paths of the small files that differ from the pinned ones.

    Raises
    ------
    WeightsMismatch
        If an essential file is missing, or the weights file is not the pinned one.
    """
    different = []
    for file in spec.files:
        path = folder / file.path
        if not path.is_file():
            if file.essential:
                raise _missing(folder, file.path, file.sha256)
        elif file.path != spec.main and file.sha256 and sha256_of(path) != file.sha256:
            different.append(file.path)
    return _check_cached(folder / spec.main, spec.sha256), different


def _missing(folder: Path, file: str, expected: str | None) -> WeightsMismatch:
    return WeightsMismatch(
        f"{file} is missing in {folder}", file=file, expected=expected, actual=None, path=folder
    )


def _check_cached(path: Path, expected: str | None) -> str:
    """Return the sha256 of a file that must be ``expected``."""
    sha256 = cached_sha256(path)
    _compare(str(path), sha256, expected, path.parent)
    return sha256


def cached_sha256(path: Path) -> str:
    """Return the sha256 of a file, from its stamp if that is still valid."""
    sha256 = _read_stamp(path)
    if sha256 is None:
        sha256 = sha256_of(path)
        write_stamp(path, sha256)
    return sha256


def _compare(file: str, actual: str, expected: str | None, folder: Path) -> None:
    if expected and actual != expected:
        raise WeightsMismatch(
            f"{file} has sha256 {actual}, but {expected} is pinned",
            file=file,
            expected=expected,
            actual=actual,
            path=folder,
        )


def write_stamp(path: Path, sha256: str) -> None:
    """Record the sha256 of a large file; valid while its size and modification time stay the same."""
    facts = path.stat()
    if facts.st_size < _STAMP_FROM_BYTES:
        return
    stamp = _stamp_path(path)
    content = {"path": str(path), "size": facts.st_size, "mtime_ns": facts.st_mtime_ns, "sha256": sha256}
    try:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        fresh = stamp.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(content), encoding="utf-8")
        fresh.replace(stamp)
    except OSError as error:
        # A read-only cache with good weights is fine: the next start only has to hash again.
        log.debug("No stamp for %s: %s", path, error)


def _read_stamp(path: Path) -> str | None:
    facts = path.stat()
    if facts.st_size < _STAMP_FROM_BYTES:
        return None
    try:
        stamp = json.loads(_stamp_path(path).read_text(encoding="utf-8"))
        same = (stamp["size"], stamp["mtime_ns"]) == (facts.st_size, facts.st_mtime_ns)
        return str(stamp["sha256"]) if same else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _stamp_path(path: Path) -> Path:
    # Not inside the model folder, which may be a read-only network drive or the Hugging Face cache.
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:32]
    return weights_root() / ".stamps" / f"{name}.json"

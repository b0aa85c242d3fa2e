"""Are these the pinned files? sha256 of each, remembered so that 400 MB are not read again at every start."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from pathlib import Path

from embedlab import settings
from embedlab.catalog.pins import Weights
from embedlab.weights.errors import WeightsMismatch

log = logging.getLogger("embedlab")

# Below this, hashing costs less than looking for a stamp.
_STAMP_FROM_BYTES = 4_000_000


def weights_root() -> Path:
    """Folder of all weights that embedlab fetched."""
    return settings.cache_root() / "weights"


def sha256_of(path: Path) -> str:
    """sha256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(folder: Path, spec: Weights, recorded: dict[str, str]) -> str:
    """Check a model folder in embedlab's own cache.

    Parameters
    ----------
    folder
        The model folder.
    spec
        What it must hold: every file, with the pinned sha256.
    recorded
        sha256 noted at the first arrival, for files that the catalogue does not pin.

    Returns
    -------
    str
        sha256 of the weights file.

    Raises
    ------
    WeightsMismatch
        Naming the first file that is missing or different, with both sha256.
    """
    found = {}
    for file in spec.files:
        path = folder / file.path
        if not path.is_file():
            raise WeightsMismatch(f"{file.path} is missing in {folder}")
        found[file.path] = _checked(path, file.sha256 or recorded.get(file.path))
    return found[spec.main]


def check_arrival(folder: Path, spec: Weights) -> dict[str, str]:
    """Check a folder that was just downloaded; every byte is read, whatever was noted before.

    Returns
    -------
    dict
        sha256 of each file.

    Raises
    ------
    WeightsMismatch
        As :func:`check`.
    """
    arrived = {}
    for file in spec.files:
        path = folder / file.path
        if not path.is_file():
            raise WeightsMismatch(f"{file.path} did not arrive")
        arrived[file.path] = sha256_of(path)
        _compare(file.path, arrived[file.path], file.sha256)
    return arrived


def check_brought(folder: Path, spec: Weights) -> tuple[str, list[str]]:
    """Check a folder that embedlab did not fill: one brought by hand, or the Hugging Face cache.

    The weights file must be the pinned one. Small files may differ (line endings, or a folder saved again by
    a newer library), yet a changed tokenizer or pooling would change the vectors, so the caller is told.

    Returns
    -------
    tuple of str and list of str
        sha256 of the weights file, and the paths of the small files that differ from the pinned ones.

    Raises
    ------
    WeightsMismatch
        When an essential file is missing, or the weights file is not the pinned one.
    """
    differ = []
    for file in spec.files:
        path = folder / file.path
        if not path.is_file():
            if file.essential:
                raise WeightsMismatch(f"{file.path} is missing in {folder}")
        elif file.path != spec.main and file.sha256 and sha256_of(path) != file.sha256:
            differ.append(file.path)
    return _checked(folder / spec.main, spec.sha256), differ


def _checked(path: Path, wanted: str | None) -> str:
    """sha256 of a file that must be ``wanted``."""
    sha256 = sha256_kept(path)
    _compare(str(path), sha256, wanted)
    return sha256


def sha256_kept(path: Path) -> str:
    """sha256 of a file, from its stamp where that still holds."""
    sha256 = _stamped(path)
    if sha256 is None:
        sha256 = sha256_of(path)
        remember(path, sha256)
    return sha256


def _compare(what: str, sha256: str, wanted: str | None) -> None:
    if wanted and sha256 != wanted:
        raise WeightsMismatch(f"{what} has sha256 {sha256}, but {wanted} is pinned")


def remember(path: Path, sha256: str) -> None:
    """Note the sha256 of a large file, valid as long as its size and modification time stay the same."""
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
        # A read-only cache with good weights is fine: the only cost is hashing again next time.
        log.debug("No stamp for %s: %s", path, error)


def _stamped(path: Path) -> str | None:
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
    # Outside of the model folder: that may be a read-only network drive, or belong to the Hugging Face cache.
    name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:32]
    return weights_root() / ".stamps" / f"{name}.json"

"""Fetch the weights of catalogue models, and other pinned files, from the first source that has them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from embedlab import settings
from embedlab.catalog import registry
from embedlab.catalog.pins import Weights
from embedlab.weights import hub, torchhub, wheels
from embedlab.weights.cache_slot import CacheSlot
from embedlab.weights.errors import (
    FailureCode,
    SourceAttempt,
    SourceFailed,
    UnsafeArchive,
    WeightsMismatch,
    WeightsUnavailable,
    attempt_of,
)
from embedlab.weights.local import LocalWeights
from embedlab.weights.locate import combine, first_found, in_own_cache, locate, search
from embedlab.weights.subprocess_download import Progress

log = logging.getLogger("embedlab")

Route = Literal["hub", "torchhub", "wheels"]
_OFFLINE = "not asked, as EMBEDLAB_OFFLINE is set; unset it to download"
_REFUSED = "; it was refused and removed. If this happens again, the source has changed: please report it"
_NAMES = {"hub": "the model hub", "torchhub": "Torch Hub", "wheels": "the package index"}


def obtainable(name: str) -> bool:
    """Return whether the weights of a catalogue model are on this machine or a source can be reached.

    A hub is asked only for a model that no wheel carries: once per process, for a few seconds at most.

    Parameters
    ----------
    name : str
        Name of a catalogue model.
    """
    row = registry.row(name)
    if row.make:
        return True
    if row.parts:
        return all(map(obtainable, row.parts))
    if locate(name):
        return True
    if settings.offline():
        return False
    if "wheels" in row.sources or ("hub" in row.sources and hub.reachable()):
        return True
    return row.weights.url is not None and torchhub.unreachable(row.weights) is None


def fetch(name: str, progress: Progress | None = None) -> LocalWeights:
    """Return a model's weights, downloading them if they are not on this machine.

    Parameters
    ----------
    name : str
        Name of a catalogue model.
    progress : callable, optional
        Called as ``progress(done_bytes, total_bytes, what)`` while downloading.

    Returns
    -------
    LocalWeights

    Raises
    ------
    WeightsUnavailable
        If no source can serve the pinned files; ``tried`` says why, for each source.
    CacheUnusable
        If the cache folder is full or cannot be written.
    """
    row = registry.row(name)
    if row.make:
        raise WeightsUnavailable(
            f"{name} was registered in this process; there is nothing to download.", model=name
        )
    if row.parts:
        return combine(row, [fetch(part, progress) for part in row.parts])
    tried: list[SourceAttempt] = []
    found = search(row, tried)
    if found is None and not settings.offline():
        slots = CacheSlot.all_of(row)
        with slots[0].locked():
            # Another process may have downloaded it while this one waited.
            found = first_found(slots, lambda slot: in_own_cache(slot, []))
            found = found or first_found(slots, lambda slot: _download(slot, tried, progress))
    if found is None:
        if settings.offline():
            tried.append(SourceAttempt("network", FailureCode.OFFLINE, _OFFLINE))
        raise WeightsUnavailable(
            f"No source has the pinned weights of {name}", tried=tuple(tried), model=name
        )
    source = _NAMES.get(found.source, found.origin)
    log.info("%s: weights from %s, sha256 %s…", name, source, found.sha256[:12])
    return found


def fetch_files(name: str, spec: Weights, root: Path, progress: Progress | None = None) -> Path:
    """Return a folder with pinned files that wheels carry, such as images, downloading them if necessary.

    Parameters
    ----------
    name : str
        What to call them in messages and progress bars, for example ``"the photographs"``.
    spec : Weights
        The files, with their sha256, and the wheels.
    root : Path
        Folder to keep them in; they are in a sub-folder named after their hash.
    progress : callable, optional
        As for :func:`fetch`.

    Returns
    -------
    Path
        The folder that holds the files.

    Raises
    ------
    WeightsUnavailable, CacheUnusable
        As :func:`fetch`.
    """
    tried: list[SourceAttempt] = []
    slot = CacheSlot(name, spec, root)
    if in_own_cache(slot, tried):
        return slot.folder
    if settings.offline():
        size = (spec.wheel_bytes or spec.folder_bytes) / 1e6
        reason = f"not asked, as EMBEDLAB_OFFLINE is set; unset it once to download {size:.0f} MB"
        tried.append(SourceAttempt("network", FailureCode.OFFLINE, reason))
        raise WeightsUnavailable(f"No source has {name}", tried=tuple(tried))
    with slot.locked():
        if not in_own_cache(slot, []) and not _download(slot, tried, progress):
            raise WeightsUnavailable(f"No source has {name}", tried=tuple(tried))
    return slot.folder


def _download(slot: CacheSlot, tried: list[SourceAttempt], progress: Progress | None) -> LocalWeights | None:
    """Try the hub, then Torch Hub, then the wheels; each failure is added to ``tried``."""
    routes: list[tuple[Route, Callable[[CacheSlot, Progress | None], Path]]] = [
        ("hub", hub.download),
        ("wheels", wheels.download),
    ]
    if slot.spec.url:
        routes.insert(1, ("torchhub", torchhub.download))
    for source, download in routes:
        if slot.is_alternative and source not in slot.spec.sources:
            continue  # the other form of the model comes from there
        try:
            sha256 = slot.install(download(slot, progress), source)
        except (SourceFailed, UnsafeArchive, WeightsMismatch) as error:
            tried.append(attempt_of(source, error, _REFUSED if isinstance(error, WeightsMismatch) else ""))
            log.info("%s: %s.", slot.name, tried[-1])
            continue
        return LocalWeights(slot.folder, sha256, source)
    return None

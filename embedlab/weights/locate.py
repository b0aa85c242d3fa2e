"""Weights on this machine: in a folder brought by hand, in what came with embedlab, in three caches.

Each place that does not have them leaves a line in ``tried``, with what is wrong and what helps.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from embedlab import settings
from embedlab.catalog import registry
from embedlab.settings import data_folder
from embedlab.weights import torchhub, verify
from embedlab.weights.cache_slot import Place
from embedlab.weights.errors import WeightsMismatch

log = logging.getLogger("embedlab")

Source = Literal["folder", "shipped", "cache", "hub", "torchhub", "wheels"]


@dataclass(frozen=True)
class Found:
    """A complete, checked model folder.

    Attributes
    ----------
    path : Path
        The folder.
    source : str
        ``"folder"``, ``"shipped"``, ``"cache"``, ``"hub"``, ``"torchhub"`` or ``"wheels"``: which step of the
        search found it this time.
    sha256 : str
        Of the weights file; of a model that is made of others, a hash of theirs.
    origin : str
        In words, with the source that first delivered a cached copy: ``"cache (from wheels)"``.
    """

    path: Path
    source: Source
    sha256: str
    origin: str


def search(row: registry.Row, tried: list[str]) -> Found | None:
    return (
        _brought(row, tried)
        or _shipped(row, tried)
        or first(Place.all_of(row), lambda place: own_cache(place, tried))
        or _hugging_face_cache(row, tried)
        or _torch_cache(row, tried)
    )


def first(places: Iterable[Place], look: Callable[[Place], Found | None]) -> Found | None:
    """What the first successful look finds; a model that comes in two forms has two places."""
    return next(filter(None, map(look, places)), None)


def _brought(row: registry.Row, tried: list[str]) -> Found | None:
    """The folder that ``EMBEDLAB_MODELS`` names."""
    models = settings.models_folder()
    if models is None:
        tried.append("folder: EMBEDLAB_MODELS is not set; set it to a folder that holds " + row.card.name)
        return None
    folder = models / row.card.name
    if not folder.is_dir():
        tried.append(f"folder: {folder} (of EMBEDLAB_MODELS) does not exist")
        return None
    # Which of the model's forms it is, is told by the file with the weights.
    spec = next((form for form in row.forms if (folder / form.main).is_file()), row.weights)
    try:
        sha256, differ = verify.check_brought(folder, spec)
    except (WeightsMismatch, OSError) as error:
        message = f"folder: {error}. Put the pinned {row.card.name} there, or remove that folder"
        warnings.warn(f"{message}. The other sources are tried.", stacklevel=4)
        tried.append(message)
        return None
    if differ:
        log.warning("%s: %s differ from the pinned files, so vectors may differ.", folder, ", ".join(differ))
    return Found(folder, "folder", sha256, "folder")


def _shipped(row: registry.Row, tried: list[str]) -> Found | None:
    spec = row.weights
    if not spec.shipped:
        return None
    folder = data_folder() / spec.shipped
    try:
        sha256, _ = verify.check_brought(folder, spec)
    except (WeightsMismatch, OSError) as error:
        tried.append(f"with embedlab: {error}. Install embedlab again")
        return None
    return Found(folder, "shipped", sha256, "came with embedlab")


def own_cache(place: Place, tried: list[str]) -> Found | None:
    if not place.folder.is_dir():
        tried.append(f"cache: nothing in {place.folder}")
        return None
    try:
        sha256 = place.check()
    except (WeightsMismatch, OSError) as error:
        # The next download replaces it; until then it stays, since another process may be reading it.
        tried.append(f"cache: {error}; the next download will replace it")
        return None
    first = place.receipt().get("source")
    return Found(place.folder, "cache", sha256, f"cache (from {first})" if first else "cache")


def _hugging_face_cache(row: registry.Row, tried: list[str]) -> Found | None:
    spec = row.weights
    if spec.repo is None:
        return None
    from huggingface_hub import try_to_load_from_cache

    weights = try_to_load_from_cache(spec.repo, spec.main, revision=spec.revision)
    if not isinstance(weights, str):
        tried.append(f"Hugging Face cache: no {spec.repo} at commit {(spec.revision or '')[:8]}")
        return None
    folder = Path(weights[: -len(spec.main)])
    try:
        sha256, differ = verify.check_brought(folder, spec)
    except (WeightsMismatch, OSError) as error:
        tried.append(f"Hugging Face cache: {error}. Delete that copy")
        log.warning("%s: the copy in the Hugging Face cache is not used: %s.", row.card.name, error)
        return None
    if differ:
        tried.append(f"Hugging Face cache: {', '.join(differ)} in {folder} differ from the pinned files")
        return None
    return Found(folder, "cache", sha256, "Hugging Face cache")


def _torch_cache(row: registry.Row, tried: list[str]) -> Found | None:
    spec, folder = row.weights, torchhub.own_cache()
    if spec.url is None:
        return None
    if not (folder / spec.main).is_file():
        tried.append(f"torch's cache: no {spec.main} in {folder}")
        return None
    try:
        sha256, _ = verify.check_brought(folder, spec)
    except (WeightsMismatch, OSError) as error:
        tried.append(f"torch's cache: {error}. Delete that copy")
        return None
    return Found(folder, "cache", sha256, "torch's cache")

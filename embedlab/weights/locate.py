"""Weights on this machine: in a folder brought by hand, in what came with embedlab, in three caches.

Each place that does not have them leaves a line in ``tried``, with what is wrong and what helps.
"""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from embedlab import settings
from embedlab.catalog import registry
from embedlab.settings import data_folder
from embedlab.weights import torchhub, verify
from embedlab.weights.cache_slot import CacheSlot
from embedlab.weights.errors import WeightsMismatch
from embedlab.weights.local import LocalWeights

log = logging.getLogger("embedlab")


def locate(name: str) -> LocalWeights | None:
    """Look for the weights of a catalogue model on this machine, without using the network.

    Parameters
    ----------
    name : str
        Name of a catalogue model.

    Returns
    -------
    LocalWeights or None

    Warns
    -----
    UserWarning
        If there is a folder brought by hand, but it does not hold the pinned model.
    """
    row = registry.row(name)
    if row.make:
        return None
    if row.parts:
        parts = [locate(part) for part in row.parts]
        return combine(row, [part for part in parts if part]) if all(parts) else None
    return search(row, [])


def combine(row: registry.Row, parts: list[LocalWeights]) -> LocalWeights:
    """Return what stands for the weights of a model that is made of other models."""
    sha256 = hashlib.sha256("".join(part.sha256 for part in parts).encode()).hexdigest()
    return LocalWeights(parts[0].path, sha256, parts[0].source, parts=row.parts)


def search(row: registry.Row, tried: list[str]) -> LocalWeights | None:
    return (
        _brought(row, tried)
        or _shipped(row, tried)
        or first(CacheSlot.all_of(row), lambda slot: own_cache(slot, tried))
        or _hugging_face_cache(row, tried)
        or _torch_cache(row, tried)
    )


def first(
    slots: Iterable[CacheSlot], look: Callable[[CacheSlot], LocalWeights | None]
) -> LocalWeights | None:
    """What the first successful look finds; a model that comes in two forms has two slots."""
    return next(filter(None, map(look, slots)), None)


def _brought(row: registry.Row, tried: list[str]) -> LocalWeights | None:
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
    return LocalWeights(folder, sha256, "folder")


def _shipped(row: registry.Row, tried: list[str]) -> LocalWeights | None:
    spec = row.weights
    if not spec.shipped:
        return None
    folder = data_folder() / spec.shipped
    try:
        sha256, _ = verify.check_brought(folder, spec)
    except (WeightsMismatch, OSError) as error:
        tried.append(f"with embedlab: {error}. Install embedlab again")
        return None
    return LocalWeights(folder, sha256, "shipped")


def own_cache(slot: CacheSlot, tried: list[str]) -> LocalWeights | None:
    if not slot.folder.is_dir():
        tried.append(f"cache: nothing in {slot.folder}")
        return None
    try:
        sha256 = slot.check()
    except (WeightsMismatch, OSError) as error:
        # The next download replaces it; until then it stays, since another process may be reading it.
        tried.append(f"cache: {error}; the next download will replace it")
        return None
    first = slot.receipt().get("source")
    return LocalWeights(
        slot.folder, sha256, "cache", cache="embedlab", delivered_by=str(first) if first else None
    )


def _hugging_face_cache(row: registry.Row, tried: list[str]) -> LocalWeights | None:
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
    return LocalWeights(folder, sha256, "cache", cache="huggingface")


def _torch_cache(row: registry.Row, tried: list[str]) -> LocalWeights | None:
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
    return LocalWeights(folder, sha256, "cache", cache="torch")

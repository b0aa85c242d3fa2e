"""Weights on this machine: in a folder brought by hand, in what came with embedlab, in three caches."""

from __future__ import annotations

import hashlib
import logging
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from embedlab import settings
from embedlab.catalog import registry
from embedlab.weights import torchhub, verify
from embedlab.weights.cache_slot import CacheSlot
from embedlab.weights.errors import FailureCode, SourceAttempt, WeightsMismatch, attempt_of
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


def search(row: registry.Row, tried: list[SourceAttempt]) -> LocalWeights | None:
    """Look for a model in every place on this machine; each failure is added to ``tried``."""
    return (
        _in_models_folder(row, tried)
        or _in_package(row, tried)
        or first_found(CacheSlot.all_of(row), lambda slot: in_own_cache(slot, tried))
        or _in_hugging_face_cache(row, tried)
        or _in_torch_cache(row, tried)
    )


def first_found(
    slots: Iterable[CacheSlot], look: Callable[[CacheSlot], LocalWeights | None]
) -> LocalWeights | None:
    """Return the first result of ``look``; a model that comes in two forms has two slots."""
    return next(filter(None, map(look, slots)), None)


def in_own_cache(slot: CacheSlot, tried: list[SourceAttempt]) -> LocalWeights | None:
    """Look for a model in embedlab's own cache; a failure is added to ``tried``."""
    if not slot.folder.is_dir():
        tried.append(SourceAttempt("cache", FailureCode.NOT_FOUND, f"nothing in {slot.folder}"))
        return None
    try:
        sha256 = slot.check()
    except (WeightsMismatch, OSError) as error:
        # It stays until the next download replaces it, since another process may be reading it.
        tried.append(attempt_of("cache", error, "; the next download will replace it"))
        return None
    source = slot.receipt().get("source")
    return LocalWeights(
        slot.folder, sha256, "cache", cache="embedlab", delivered_by=str(source) if source else None
    )


def _in_models_folder(row: registry.Row, tried: list[SourceAttempt]) -> LocalWeights | None:
    """Look in the folder that ``EMBEDLAB_MODELS`` names."""
    name, models = row.card.name, settings.models_folder()
    if models is None:
        reason = f"EMBEDLAB_MODELS is not set; set it to a folder that holds {name}"
        tried.append(SourceAttempt("folder", FailureCode.NOT_CONFIGURED, reason))
        return None
    folder = models / name
    if not folder.is_dir():
        reason = f"{folder} (of EMBEDLAB_MODELS) does not exist"
        tried.append(SourceAttempt("folder", FailureCode.NOT_FOUND, reason))
        return None
    # The weights file tells which form of the model it is.
    spec = next((form for form in row.forms if (folder / form.main).is_file()), row.weights)
    try:
        sha256, different = verify.check_foreign(folder, spec)
    except (WeightsMismatch, OSError) as error:
        tried.append(attempt_of("folder", error, f". Put the pinned {name} there, or remove that folder"))
        warnings.warn(f"{tried[-1]}. The other sources are tried.", stacklevel=4)
        return None
    if different:
        log.warning(
            "%s: %s differ from the pinned files, so vectors may differ.", folder, ", ".join(different)
        )
    return LocalWeights(folder, sha256, "folder")


def _in_package(row: registry.Row, tried: list[SourceAttempt]) -> LocalWeights | None:
    """Look in ``data/``, for a model that comes with embedlab."""
    spec = row.weights
    if not spec.shipped:
        return None
    folder = settings.data_folder() / spec.shipped
    try:
        sha256, _ = verify.check_foreign(folder, spec)
    except (WeightsMismatch, OSError) as error:
        tried.append(attempt_of("shipped", error, ". Install embedlab again"))
        return None
    return LocalWeights(folder, sha256, "shipped")


def _in_hugging_face_cache(row: registry.Row, tried: list[SourceAttempt]) -> LocalWeights | None:
    spec = row.weights
    if spec.repo is None:
        return None
    from huggingface_hub import try_to_load_from_cache

    weights = try_to_load_from_cache(spec.repo, spec.main, revision=spec.revision)
    if not isinstance(weights, str):
        reason = f"no {spec.repo} at commit {(spec.revision or '')[:8]}"
        tried.append(SourceAttempt("huggingface_cache", FailureCode.NOT_FOUND, reason))
        return None
    folder = Path(weights[: -len(spec.main)])
    try:
        sha256, different = verify.check_foreign(folder, spec)
    except (WeightsMismatch, OSError) as error:
        tried.append(attempt_of("huggingface_cache", error, ". Delete that copy"))
        log.warning("%s: the copy in the Hugging Face cache is not used: %s.", row.card.name, error)
        return None
    if different:
        reason = f"{', '.join(different)} in {folder} differ from the pinned files"
        tried.append(SourceAttempt("huggingface_cache", FailureCode.MISMATCH, reason))
        return None
    return LocalWeights(folder, sha256, "cache", cache="huggingface")


def _in_torch_cache(row: registry.Row, tried: list[SourceAttempt]) -> LocalWeights | None:
    spec, folder = row.weights, torchhub.cache_folder()
    if spec.url is None:
        return None
    if not (folder / spec.main).is_file():
        tried.append(SourceAttempt("torch_cache", FailureCode.NOT_FOUND, f"no {spec.main} in {folder}"))
        return None
    try:
        sha256, _ = verify.check_foreign(folder, spec)
    except (WeightsMismatch, OSError) as error:
        tried.append(attempt_of("torch_cache", error, ". Delete that copy"))
        return None
    return LocalWeights(folder, sha256, "cache", cache="torch")

"""Open a model folder on this machine that embedlab did not fill."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from embedlab.weights import untrusted, verify
from embedlab.weights.local import LocalWeights


def open_model_folder(folder: Path, name: str) -> LocalWeights:
    """Check that a folder holds a model that can be loaded without running code from it.

    Parameters
    ----------
    folder : Path
    name : str
        What to call the model in messages.

    Raises
    ------
    NotAModel
        If the folder does not exist, or has no weights in a format that is read.
    NeedsCode
        If the model only runs with code of its own.
    """
    folder = folder.expanduser().resolve()
    if not folder.is_dir():
        raise untrusted.NotAModel(
            f"{name}: the folder {folder} does not exist. Check the path.", model=name, path=folder
        )
    try:
        paths = untrusted.select_files(untrusted.list_files(folder))
    except untrusted.NotAModel as error:
        raise untrusted.NotAModel(
            f"{name}: {folder} is not a model folder: {error}.", model=name, path=folder
        ) from None
    untrusted.check_code(folder, name)
    return LocalWeights(folder, identity_of(folder, paths), "folder")


def identity_of(folder: Path, paths: Iterable[str]) -> str:
    """Return one sha256 that stands for all weights files among ``paths``."""
    return untrusted.identity({p: verify.cached_sha256(folder / p) for p in paths if untrusted.is_weights(p)})

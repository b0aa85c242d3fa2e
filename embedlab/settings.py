"""Settings from the environment: where embedlab stores files, and whether it may use the network.

``EMBEDLAB_CACHE``
    Root of everything embedlab writes: ``weights/``, ``vectors/``, ``datasets/``.
    Default: the user's cache folder.
``EMBEDLAB_MODELS``
    A folder with copies of models (a USB stick, a network drive): ``text/minilm/…``.
``EMBEDLAB_OFFLINE``
    ``1`` forbids every use of the network.
``TQDM_DISABLE``
    ``1`` turns progress bars off.

Each function reads the environment when it is called, so that a notebook may set a variable at any time.
"""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_cache_dir

_FALSE = {"", "0", "false", "no", "off"}


def cache_root() -> Path:
    """Return the folder for everything that embedlab writes; it may not exist yet."""
    chosen = os.environ.get("EMBEDLAB_CACHE")
    return Path(chosen).expanduser() if chosen else Path(user_cache_dir("embedlab"))


def models_folder() -> Path | None:
    """Return the folder with copies of models, or None."""
    chosen = os.environ.get("EMBEDLAB_MODELS")
    return Path(chosen).expanduser() if chosen else None


def offline() -> bool:
    """Return whether ``EMBEDLAB_OFFLINE`` forbids the network."""
    return os.environ.get("EMBEDLAB_OFFLINE", "").strip().lower() not in _FALSE


def bars_disabled() -> bool:
    """Return whether ``TQDM_DISABLE`` turns progress bars off; tqdm's notebook bar ignores it."""
    return os.environ.get("TQDM_DISABLE", "").strip().lower() not in _FALSE


def data_folder() -> Path:
    """Return ``data/`` of the checkout, or the copy inside the installed package."""
    return _beside_package("data")


def notebooks_folder() -> Path:
    """Return ``notebooks/`` of the checkout, or the copy inside the installed package."""
    return _beside_package("notebooks")


def in_checkout() -> bool:
    """Return whether the lessons are those of a checkout, which are opened where they are."""
    return notebooks_folder().name == "notebooks"


def _beside_package(name: str) -> Path:
    package = Path(__file__).parent
    installed = package / f"_{name}"
    return installed if installed.is_dir() else package.parent / name

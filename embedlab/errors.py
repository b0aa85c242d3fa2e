"""Errors that embedlab raises on purpose. Each message names the item and the cure."""

from __future__ import annotations

import importlib
from types import ModuleType


class EmbedlabError(Exception):
    """Base of every error that embedlab raises on purpose."""


class BadItem(EmbedlabError, ValueError):
    """One or more items cannot be used; the message names them by id."""


class WrongModel(EmbedlabError, ValueError):
    """Vectors of two different models, revisions or dimensions were about to be mixed."""


class MissingExtra(EmbedlabError, ImportError):
    """An optional dependency is not installed; the message gives the pip command."""


def require(module: str, extra: str) -> ModuleType:
    """Import an optional dependency, or say how to install it.

    Parameters
    ----------
    module
        Name to import, for example ``"openai"``.
    extra
        The extra of this package that brings it.

    Raises
    ------
    MissingExtra
        With the exact ``pip install`` command.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f'This needs {module}. Install it with: pip install "embedlab[{extra}]"'
        ) from error

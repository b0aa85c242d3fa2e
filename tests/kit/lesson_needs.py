"""What the lessons need when pytest runs them through nbval; loaded by ``-p lesson_needs`` in pyproject.toml.

A plugin, since the hooks of ``tests/conftest.py`` see only what lies below ``tests/``, and no lesson does.
Where the weights of a lesson cannot be had its cells are skipped, with the reason once; in CI they fail.
"""

from __future__ import annotations

import importlib.util
import os
from functools import cache
from pathlib import Path

import nbformat
import pytest

IN_CI = os.environ.get("CI", "").lower() in ("true", "1")


def unmet(reason: str) -> None:
    """Skip the test with ``reason``; in CI everything must be there, so fail it."""
    if IN_CI:
        pytest.fail(f"in CI this must be there: {reason}", pytrace=False)
    pytest.skip(reason)


@cache
def weights_missing(name: str) -> str | None:
    """Fetch the weights of a model once; why they cannot be had, or None."""
    from embedlab import weights
    from embedlab.catalog import registry
    from embedlab.errors import EmbedlabError

    row = registry.row(name)
    if row.needs and importlib.util.find_spec(row.needs) is None:
        return f"{name} needs {row.needs}, which is not installed"
    try:
        weights.fetch(name)
    except EmbedlabError as error:
        return f"no weights for {name}: {str(error).splitlines()[0].rstrip(':')}"
    return None


@cache
def models_of(notebook: Path) -> tuple[str, ...]:
    """The models a lesson says it needs."""
    return tuple(nbformat.read(notebook, as_version=4).metadata.get("embedlab", {}).get("models", ()))


def pytest_configure() -> None:
    # The kernels inherit it: a progress bar would be an output that no lesson stores.
    os.environ.setdefault("TQDM_DISABLE", "1")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.path.suffix == ".ipynb":
        for name in models_of(item.path):
            if why := weights_missing(name):
                unmet(why)

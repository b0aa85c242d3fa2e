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


# Its later cells depend on the learner's plan, so their outputs differ from those of the solution.
RUN_BESIDE_ITS_SOLUTION = {"12_final_project.ipynb"}


def stands_for(lesson: Path) -> Path | None:
    """Find the solution that is run in place of a lesson, or None if the lesson itself is run.

    Lesson and solution share every cell but the exercises, and tests/lessons/test_shared_cells.py compares
    what is stored in the rest. So one run of the solution checks the outputs of both.
    """
    solution = lesson.parent / "solutions" / lesson.name
    return solution if solution.is_file() and lesson.name not in RUN_BESIDE_ITS_SOLUTION else None


@cache
def models_of(notebook: Path) -> tuple[str, ...]:
    """The models a lesson says it needs."""
    return tuple(nbformat.read(notebook, as_version=4).metadata.get("embedlab", {}).get("models", ()))


def pytest_configure() -> None:
    # The kernels inherit it: a progress bar would be an output that no lesson stores.
    os.environ.setdefault("TQDM_DISABLE", "1")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Pass over a lesson that its solution stands for, unless it is named on the command line."""
    if collection_path.suffix != ".ipynb" or stands_for(collection_path) is None:
        return None
    named = {Path(argument.partition("::")[0]).resolve() for argument in config.args}
    return None if collection_path.resolve() in named else True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.path.suffix == ".ipynb":
        for name in models_of(item.path):
            if why := weights_missing(name):
                unmet(why)

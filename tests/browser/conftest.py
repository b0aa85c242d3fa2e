"""A JupyterLab with the first lesson open in Chromium, shared by the browser tests of one run."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from browser.lab import (
    ROOT,
    Notebook,
    browser_path,
    open_notebook,
    running_chromium,
    running_lab,
    write_notebook,
)
from conftest import unmet

from embedlab import settings

LESSON = "00_start_here.ipynb"
# Until there is a lesson, and as the smallest notebook that uses the explorer.
CELLS = (
    'import embedlab as el\n\nnotes = el.load_dataset("notes")\nemb = el.embed(notes, "text/minilm")',
    "explorer = el.explore(emb)\nexplorer",
)

# The first explorer that the lesson made, whatever the lesson calls it.
FIND = """
from ipywidgets.widgets.widget import _instances
from embedlab.explorer import Explorer
first = next(w for w in list(_instances.values()) if isinstance(w, Explorer))
"""


def missing() -> str | None:
    """What is not there for a browser test, in one line."""
    for module in ("jupyterlab", "playwright"):
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed"
    return None if browser_path() else "there is no Chromium on the PATH"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The one browser of all tests."""
    if why := missing():
        unmet(why)
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def lesson(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    """The first lesson, run to its end, with the map on screen."""
    folder = tmp_path_factory.mktemp("lab")
    # Weights may come from the user's cache, vectors may not.
    cache = folder / "cache"
    cache.mkdir()
    (settings.cache_root() / "weights").mkdir(parents=True, exist_ok=True)
    (cache / "weights").symlink_to(settings.cache_root() / "weights", target_is_directory=True)
    with running_lab(folder, env={"EMBEDLAB_CACHE": str(cache)}) as lab:
        source = ROOT / "notebooks" / LESSON
        if source.exists():
            shutil.copy(source, lab.root / LESSON)
            shutil.copytree(source.parent / "pictures", lab.root / "pictures")
        else:
            write_notebook(lab.root / LESSON, CELLS)
        with open_notebook(chromium, lab, LESSON) as notebook:
            notebook.run_all()
            notebook.wait(".embedlab-map [data-ready=true] .scatterlayer .point", 240)
            notebook.run(FIND)
            yield notebook

"""Many explorers in one notebook, and a notebook opened again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
from browser.lab import open_notebook, running_lab, write_notebook
from browser.test_lab import MAP, colored_pixels, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EXPLORERS = 10  # a browser has room for the contexts of eight
MAKE = """
import dataclasses
import numpy as np
import embedlab as el
from embedlab.catalog import registry

def cloud(seed, n=5200):
    vectors = np.random.default_rng(seed).normal(size=(n, 6)).astype(np.float32)
    items = el.Items.from_texts([f"point {i}" for i in range(n)], labels=[i % 5 for i in range(n)])
    card = dataclasses.replace(registry.row("text/minilm").card, dim=6, sha256="a" * 64)
    return el.Embeddings(vectors, items, card, card.layer, card.pooling, True)
"""


def test_many_explorers_with_webgl_are_all_painted(chromium: Any, tmp_path: Path) -> None:
    cells = [MAKE] + [f"el.explore(cloud({i}), method='pca')" for i in range(EXPLORERS)]
    with running_lab(tmp_path, env={"EMBEDLAB_CACHE": str(tmp_path / "cache")}) as lab:
        write_notebook(lab.root / "many.ipynb", cells)
        with open_notebook(chromium, lab, "many.ipynb", size=(1280, 900)) as notebook:
            warned: list[str] = []
            notebook.page.on("console", lambda message: warned.append(message.text))
            notebook.run_all()
            maps = notebook.page.locator(MAP)
            assert until(notebook, lambda: maps.count() == EXPLORERS, 180)
            # There and back again: those that were out of sight too.
            for which in [*range(EXPLORERS), *reversed(range(EXPLORERS - 1))]:
                shown = maps.nth(which)
                shown.evaluate("map => map.scrollIntoView({block: 'center'})")
                shown.locator("[data-ready=true]").wait_for(state="attached", timeout=60_000)
                assert until(notebook, lambda shown=shown: colored_pixels(shown) > 10_000), which  # type: ignore[misc]
            assert not [text for text in warned if "Too many active WebGL contexts" in text]
            assert notebook.errors == []


def test_a_notebook_opened_again_shows_the_stored_maps(chromium: Any, tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(MAKE),
            nbformat.v4.new_code_cell("el.explore([cloud(0, 60), cloud(1, 60)], method='pca')"),
        ]
    )
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbclient.NotebookClient(notebook, timeout=120).execute()
    with running_lab(tmp_path) as lab:
        nbformat.write(notebook, lab.root / "stored.ipynb")
        with open_notebook(chromium, lab, "stored.ipynb") as opened:
            picture = opened.page.locator(".jp-OutputArea-output img").first
            picture.wait_for(timeout=30_000)
            picture.scroll_into_view_if_needed()
            assert picture.evaluate("image => image.naturalWidth") == 900
            assert colored_pixels(picture) > 2000
            assert opened.errors == []

"""The HNSW walk as a page of its own, opened from disk, and as a widget in JupyterLab."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.lab import ROOT, open_notebook, running_lab, write_notebook
from store_kit import cloud

import embedlab as el

pytestmark = [pytest.mark.browser, pytest.mark.slow]
HOSTILE = "<img src=x onerror=alert(1)> & “”"


@pytest.fixture(scope="module")
def walked() -> el.HnswWalk:
    emb = cloud(200, 16)
    emb.items.frame["content"] = [f"{HOSTILE} {i}" for i in range(200)]
    return el.hnsw_walk(el.project(emb, "pca"), cloud(1, 16, seed=9).vectors[0], ef=8)


@pytest.fixture(scope="module")
def page(chromium: Any, walked: el.HnswWalk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    path = walked.to_html(tmp_path_factory.mktemp("walk") / "walk.html")
    opened = chromium.new_page(viewport={"width": 1000, "height": 800})
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    opened.on("request", lambda asked: problems.append(asked.url) if asked.url != path.as_uri() else None)
    opened.on("dialog", lambda dialog: problems.append(dialog.message))
    opened.goto(path.as_uri())
    opened.wait_for_selector(".embedlab-walk .controls")
    yield opened
    assert problems == []


def where(page: Any) -> str:
    return str(page.locator(".embedlab-walk .controls .count").inner_text())


def test_the_slider_and_the_keys_move_through_the_steps(page: Any, walked: el.HnswWalk) -> None:
    n = len(walked.trace)
    slider = page.locator(".embedlab-walk input")
    slider.focus()
    for key, step in (("Home", 1), ("ArrowRight", 2), ("ArrowRight", 3), ("End", n), ("ArrowLeft", n - 1)):
        page.keyboard.press(key)
        assert where(page) == f"step {step} of {n}"
        assert page.locator(".words").inner_text() == walked.words[step - 1]
        assert f"{walked.trace[step - 1].compared} comparisons" in page.locator("header .count").inner_text()


def test_what_is_drawn_is_what_was_found(page: Any, walked: el.HnswWalk) -> None:
    page.locator(".embedlab-walk input").fill(str(len(walked.trace) - 1))
    assert page.locator("svg[role=img] .ring").count() == len(walked.rows)
    assert page.locator("svg[role=img] .here").count() == 0
    opened = [step for step in walked.trace if step.kind not in ("enter", "end")]
    drawn = {(step.layer, step.row) for step in opened}
    assert page.locator("svg[role=img] .dot.opened").count() == len(drawn)
    assert page.locator("svg[role=img] .sheet").count() == walked.graph.n_layers
    assert HOSTILE[:10] in page.locator(".dot.opened title").first.text_content()


def test_it_plays_to_the_end_and_stops(page: Any, walked: el.HnswWalk) -> None:
    n = len(walked.trace)
    page.locator(".embedlab-walk input").fill(str(n - 2))
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_text(f"step {n} of {n}", exact=True).wait_for()
    page.get_by_role("button", name="Play").wait_for()


def test_it_lives_in_jupyterlab(chromium: Any, tmp_path: Path) -> None:
    code = (
        "import numpy as np, embedlab as el\nfrom store_kit import cloud",
        "walked = el.hnsw_walk(el.project(cloud(200, 16), 'pca'), cloud(1, 16, seed=9).vectors[0])\nwalked",
    )
    with running_lab(tmp_path, env={"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests' / 'kit'}"}) as lab:
        write_notebook(lab.root / "walk.ipynb", code)
        with open_notebook(chromium, lab, "walk.ipynb") as notebook:
            notebook.run_all()
            notebook.wait(".embedlab-walk .controls", 120)
            notebook.page.locator(".embedlab-walk input").focus()
            for _ in range(2):
                notebook.page.keyboard.press("ArrowRight")
            assert where(notebook.page).startswith("step 3 of ")
            assert notebook.page.locator(".jp-Notebook .jp-Cell").count() == 2
            assert notebook.errors == []

"""Several models in one explorer, in a real JupyterLab: what is done in one map happens in all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from browser.lab import Notebook, open_notebook, running_lab, write_notebook
from browser.test_lab import MAP, PANEL, drag, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

N = 60
MAKE = f"""
import dataclasses
import numpy as np, pandas as pd
import embedlab as el
from embedlab.catalog import registry

rng = np.random.default_rng(0)
HOSTILE = '<img src=x onerror="window.hacked=1">'
frame = pd.DataFrame({{
    "id": [f"item {{i}}" for i in range({N})], "content": [f"text number {{i}}" for i in range({N})],
    "label": [("even", HOSTILE)[i % 2] for i in range({N})], "size": [float(i) for i in range({N})],
}})
items = el.Items(frame, "text", "by hand")
card = dataclasses.replace(registry.row("text/minilm").card, dim=8, sha256="a" * 64)
def space(name, seed):
    vectors = np.random.default_rng(seed).normal(size=({N}, 8)).astype(np.float32)
    return el.Embeddings(vectors, items, dataclasses.replace(card, name=name), card.layer, card.pooling, True)
one, two = space("one/model", 1), space("two/model", 2)
class Asked:
    card, dim = one.model, 8
    def embed_query(self, x):
        return one.vectors[int(x)]
first = el.explore([one, two], method="pca", height=380, model=Asked())
"""
OVERLAY = f"{MAP} .embedlab-overlay"


@pytest.fixture(scope="module")
def linked(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    folder = tmp_path_factory.mktemp("linked-lab")
    with running_lab(folder, env={"EMBEDLAB_CACHE": str(folder / "cache")}) as lab:
        write_notebook(lab.root / "linked.ipynb", (MAKE, "first"))
        with open_notebook(chromium, lab, "linked.ipynb", size=(1280, 900)) as notebook:
            notebook.command("application:toggle-left-area")
            notebook.run_all()
            notebook.wait(f"{MAP} [data-ready=true] .scatterlayer .point", 120)
            yield notebook


@pytest.fixture(autouse=True)
def fresh(linked: Notebook) -> None:
    # The page first: what it sends reaches Python before the cell, and cannot undo what a test does next.
    linked.page.locator(MAP).first.evaluate("map => map.scrollIntoView({block: 'start'})")
    linked.page.get_by_role("button", name="Clear").first.click()
    linked.run("first.clear(); first.color('label')")
    linked.page.locator(MAP).first.evaluate("map => map.scrollIntoView({block: 'start'})")
    linked.wait(f"{MAP} [data-ready=true]")


def ask(linked: Notebook, code: str) -> Any:
    return json.loads(linked.run(f"import json; print(json.dumps({code}))"))


def rings(linked: Notebook, kind: str) -> list[int]:
    """How many marks of a kind there are in each map."""
    return [linked.page.locator(f"{OVERLAY} [data-panel='{i}'] .embedlab-{kind}").count() for i in (0, 1)]


def point_of(linked: Notebook, row: int, panel: int = 0) -> tuple[float, float]:
    """Where an item lies on the screen, in one of the maps."""
    script = """([row, panel]) => {
      const plot = document.querySelector(".embedlab-map .js-plotly-plot");
      const { data } = document.querySelector(".embedlab-explorer").embedlab;
      const which = panel ? panel + 1 : "";
      const [x, y] = [plot._fullLayout[`xaxis${which}`], plot._fullLayout[`yaxis${which}`]];
      const frame = plot.getBoundingClientRect();
      return [frame.left + x._offset + x.c2p(data.panels[panel].x[row]),
        frame.top + y._offset + y.c2p(data.panels[panel].y[row])];
    }"""
    x, y = linked.page.evaluate(script, [row, panel])
    return float(x), float(y)


def test_each_model_has_its_map_in_one_figure(linked: Notebook) -> None:
    assert linked.page.locator(f"{MAP} .js-plotly-plot").count() == 1
    assert linked.page.locator(f"{MAP} .scatterlayer .point").count() == 2 * N
    names = linked.page.locator(f"{MAP} .annotation-text").all_text_contents()
    assert names == ["one/model", "two/model"]


def test_an_item_chosen_in_one_is_ringed_in_both_with_each_models_neighbours(linked: Notebook) -> None:
    linked.run("first.k_neighbors = 6; first.click('item 7')")
    linked.wait(f"{PANEL} [data-item='item 7']")
    assert until(linked, lambda: rings(linked, "chosen") == [1, 1])
    graphs = ask(linked, "[p.neighbors.indices[7, :6].tolist() for p in first.projections]")
    both = set(graphs[0]) & set(graphs[1])
    assert rings(linked, "shared") == [len(both)] * 2
    assert rings(linked, "near") == [6 - len(both)] * 2
    drawn = linked.page.locator(f"{OVERLAY} [data-panel='1'] .embedlab-near").evaluate_all(
        "rings => rings.map((ring) => Number(ring.dataset.row))"
    )
    assert set(drawn) == set(graphs[1]) - both


def test_the_mouse_over_one_map_shows_the_item_in_both(linked: Notebook) -> None:
    for row in (3, 11, 20):
        x, y = point_of(linked, row, panel=1)
        linked.page.mouse.move(x + 3, y)
        linked.page.mouse.move(x, y)
        assert until(linked, lambda: rings(linked, "echo") == [1, 1])
    card = linked.page.locator(f"{MAP} .embedlab-card").first
    assert "text number" in card.inner_text()


@pytest.mark.parametrize("panel", [0, 1])
def test_a_lasso_in_either_map_selects_in_both(linked: Notebook, panel: int) -> None:
    linked.page.locator(f'{MAP} .modebar-btn[data-title="Lasso Select"]').first.click()
    x, y = point_of(linked, 5, panel)
    drag(linked, [(x - 40, y - 40), (x + 40, y - 40), (x + 40, y + 40), (x - 40, y + 40)])
    linked.wait(f"{PANEL} .embedlab-selection")
    selected = ask(linked, "first.selected_ids")
    assert "item 5" in selected
    assert len(selected) < N
    assert until(linked, lambda: linked.page.evaluate(BRIGHT) == [len(selected)] * 2)


BRIGHT = """() => {
  const plot = document.querySelector(".embedlab-map .js-plotly-plot");
  return ["x", "x2"].map((axis) => plot.data.filter((trace) => trace.xaxis === axis)
    .reduce((sum, trace) => sum + (trace.selectedpoints || []).length, 0));
}"""


def test_a_query_lights_up_both_and_lands_in_both(linked: Notebook) -> None:
    linked.page.locator(".embedlab-search").first.fill("12")
    linked.page.keyboard.press("Enter")
    linked.wait(f"{PANEL} .embedlab-hits")
    assert ask(linked, "first.hits[0][0]") == "item 12"
    assert until(linked, lambda: rings(linked, "hit") == [10, 10])
    assert rings(linked, "landing") == [1, 1]


def test_a_failing_query_is_told_where_people_look(linked: Notebook) -> None:
    linked.page.locator(".embedlab-search").first.fill("no number")
    linked.page.keyboard.press("Enter")
    assert "ValueError" in linked.wait(f"{PANEL} [role=alert]").inner_text()


def test_a_tag_becomes_a_column_in_python_and_a_colour_in_the_page(linked: Notebook) -> None:
    linked.run("first.select(['item 1', 'item 2'])")
    linked.wait(f"{PANEL} .embedlab-selection")
    linked.page.get_by_label("Tag for the selection").fill("sarcasm")
    linked.page.get_by_role("button", name="Tag", exact=True).click()
    assert until(linked, lambda: ask(linked, "first.tags") == {"item 1": "sarcasm", "item 2": "sarcasm"})
    linked.page.get_by_label("Colour by").first.select_option("tag")
    assert until(linked, lambda: "sarcasm" in linked.page.locator(f"{MAP} .legendtext").all_text_contents())
    assert ask(linked, "first.color_by") == "tag"
    linked.page.get_by_role("button", name="Undo").click()
    assert until(linked, lambda: ask(linked, "first.tags") == {})
    assert ask(linked, "first.color_by") == "none"


def test_a_filter_leaves_some_items_on_both_maps(linked: Notebook) -> None:
    def drawn() -> int:
        return linked.page.locator(f"{MAP} .scatterlayer .point").count()

    linked.page.get_by_label("Filter by").first.select_option("label")
    assert until(linked, lambda: drawn() == N)
    linked.page.get_by_label("Filter by").first.select_option("size")
    assert until(linked, lambda: drawn() == 2 * N)
    least = linked.page.get_by_label("Least").first
    least.evaluate("slider => { slider.value = 29.5; slider.dispatchEvent(new Event('input')); }")
    assert until(linked, lambda: drawn() == N)
    linked.page.get_by_role("button", name="Clear").first.click()
    assert until(linked, lambda: drawn() == 2 * N)


def test_lists_names_and_torn_neighbours_can_be_shown(linked: Notebook) -> None:
    linked.page.get_by_label("Show a list").first.select_option(label="Models disagree")
    button = linked.wait(f"{PANEL} .embedlab-list button")
    id = button.get_attribute("data-id")
    button.click()
    linked.wait(f"{PANEL} [data-item='{id}']")
    linked.page.get_by_role("button", name="Torn neighbours").first.click()
    lost = f"round(float(p.quality.distortion[first.items.ids.index({id!r})]) * p.quality.k)"
    torn = ask(linked, f"[{lost} for p in first.projections]")
    assert until(linked, lambda: rings(linked, "torn") == torn)
    linked.page.get_by_role("button", name="Torn neighbours").first.click()
    assert rings(linked, "torn") == [0, 0]


def test_the_keyboard_goes_from_point_to_point(linked: Notebook) -> None:
    x, y = point_of(linked, 7)
    linked.page.mouse.move(x, y)
    linked.page.mouse.down()
    linked.page.mouse.up()
    chosen = "() => document.querySelector('.embedlab-explorer').embedlab.state().clicked"
    cell = """() => {
      const { activeCellIndex, widgets } = window.jupyterapp.shell.currentWidget.content;
      return [activeCellIndex, widgets.length];
    }"""
    before, seen = linked.page.evaluate(cell), [linked.page.evaluate(chosen)]
    # Elsewhere in a notebook these keys go to other cells, and the last makes one.
    for key in ("ArrowRight", "ArrowUp", "ArrowDown", "ArrowLeft"):
        linked.page.keyboard.press(key)
        seen.append(linked.page.evaluate(chosen))
    assert len(set(seen)) > 2
    linked.page.keyboard.press("b")
    linked.page.wait_for_timeout(500)
    assert linked.page.evaluate(cell) == before
    assert until(linked, lambda: ask(linked, "first.clicked_id") == f"item {seen[-1]}")
    linked.page.locator(MAP).first.focus()
    linked.page.keyboard.press("Escape")
    assert until(linked, lambda: ask(linked, "first.clicked_id") is None)


def test_a_hostile_label_stays_text(linked: Notebook) -> None:
    linked.run("first.click('item 1'); first.select(['item 1', 'item 3'])")
    linked.wait(f"{PANEL} .embedlab-selection")
    assert "<img src=x onerror" in linked.page.locator(PANEL).first.inner_text()
    assert any("<img" in name for name in linked.page.locator(f"{MAP} .legendtext").all_text_contents())
    assert linked.page.evaluate("() => window.hacked") is None
    assert linked.errors == []

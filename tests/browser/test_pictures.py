"""Pictures in the explorer, in a real browser: what is shown always belongs to the item below the mouse.

Each picture of the test is one plain colour that says its row, so that the pixels on screen tell whose it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from browser.lab import Notebook, open_notebook, running_lab, write_notebook
from browser.test_lab import MAP, PANEL, POINTS, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

N = 40
MAKE = f"""
import dataclasses
import numpy as np, pandas as pd
from pathlib import Path
from PIL import Image
import embedlab as el
from embedlab.catalog import registry

def colour(row):
    return (row * 6, 255 - row * 6, (row * 53) % 256)

Path("pictures").mkdir(exist_ok=True)
rng = np.random.default_rng(0)
order = rng.permutation({N})          # neither ids nor paths are in the order of the rows
ids = [f"item {{row}}" for row in order]
for row in order:
    Image.new("RGB", (60, 40), colour(int(row))).save(f"pictures/{{row}}.png")
frame = pd.DataFrame({{
    "id": ids, "path": [str(Path("pictures", f"{{row}}.png").resolve()) for row in order],
    "label": [("even", "odd")[row % 2] for row in order], "third": [f"t{{row % 3}}" for row in order],
    "size": [float(row) for row in order],
}})
items = el.Items(frame, "image", "colours")
card = dataclasses.replace(registry.row("image/efficientnet-lite0").card, dim=8, sha256="a" * 64)
emb = el.Embeddings(rng.normal(size=({N}, 8)), items, card, "avgpool", "mean", False)
first = el.explore(el.project(emb, method="pca"))
"""

# The colour that an <img> on the page really shows, as a row number (the nearest colour of all rows).
ROW_SHOWN = f"""(image) => {{
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d");
  pen.drawImage(image, image.naturalWidth / 2, image.naturalHeight / 2, 1, 1, 0, 0, 1, 1);
  const seen = pen.getImageData(0, 0, 1, 1).data;
  const far = (row) => Math.abs(row * 6 - seen[0]) + Math.abs(255 - row * 6 - seen[1])
    + Math.abs(row * 53 % 256 - seen[2]);
  return [...Array({N}).keys()].reduce((best, row) => (far(row) < far(best) ? row : best), 0);
}}"""
CARD = f"{MAP} .embedlab-card"


@pytest.fixture(scope="module")
def colours(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    folder = tmp_path_factory.mktemp("pictures-lab")
    with running_lab(folder, env={"EMBEDLAB_CACHE": str(folder / "cache")}) as lab:
        write_notebook(lab.root / "pictures.ipynb", (MAKE, "first"))
        with open_notebook(chromium, lab, "pictures.ipynb") as notebook:
            notebook.run_all()
            notebook.wait(f"{MAP} [data-ready=true] .scatterlayer .point", 120)
            yield notebook


def settle(page: Notebook) -> None:
    page.page.locator(MAP).first.evaluate("map => map.scrollIntoView({block: 'center'})")
    page.wait(f"{MAP} [data-ready=true]")


def shown_under_the_mouse(page: Notebook, point: dict[str, Any]) -> tuple[str, int]:
    """Hover a point: the id that the card names, and the row whose picture it shows."""
    page.page.mouse.move(5, 5)
    page.page.mouse.move(point["x"] + 2, point["y"])
    page.page.mouse.move(point["x"], point["y"])
    page.page.wait_for_function(
        f"""(id) => {{
          const card = document.querySelector({json.dumps(CARD)});
          const image = card.querySelector("img");
          return card.style.display === "block" && card.dataset.item === id
            && image.dataset.picture === id && image.complete && image.naturalWidth > 0;
        }}""",
        arg=point["id"],
        timeout=20_000,
    )
    card = page.page.locator(CARD).first
    return card.get_attribute("data-item") or "", int(card.locator("img").evaluate(ROW_SHOWN))


def some_points(page: Notebook, most: int = 6) -> list[dict[str, Any]]:
    points = [p for p in page.page.evaluate(POINTS) if p["alone"] > 9]
    return sorted(points, key=lambda p: -p["alone"])[:most]


CHANGES = {
    "as it is": "first.color('label')",
    "recoloured": "first.color('third')",
    "continuous": "first.color('size')",
    "selected": "first.select(list(items.ids[:15]))",
    "clicked": "first.click(items.ids[3])",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_card_shows_the_picture_of_its_item(colours: Notebook, change: str) -> None:
    colours.run(f"first.clear(); first.color('label'); {change}")
    settle(colours)
    points = some_points(colours)
    assert len(points) >= 4
    for point in points:
        assert shown_under_the_mouse(colours, point) == (point["id"], int(point["id"].split()[1]))


def test_after_a_class_is_hidden_pictures_still_belong(colours: Notebook) -> None:
    colours.run("first.clear(); first.color('label')")
    settle(colours)
    colours.page.locator(f"{MAP} .legendtoggle").first.click()
    colours.page.wait_for_function(
        f"() => document.querySelectorAll('{MAP} .scatterlayer .point').length < {N}"
    )
    odd = [p for p in colours.page.evaluate(POINTS) if int(p["id"].split()[1]) % 2 and p["alone"] > 9]
    for point in odd[:4]:
        assert shown_under_the_mouse(colours, point) == (point["id"], int(point["id"].split()[1]))
    colours.page.locator(f"{MAP} .legendtoggle").first.click()


def test_after_a_filter_pictures_still_belong(colours: Notebook) -> None:
    colours.run("first.clear(); first.color('label')")
    settle(colours)
    assert until(colours, lambda: len(colours.page.evaluate(POINTS)) == N)
    for column in ("third", "size"):
        colours.page.get_by_label("Filter by").first.select_option(column)
        if column == "size":
            least = colours.page.get_by_label("Least").first
            half = "slider => (Number(slider.min) + Number(slider.max)) / 2"
            middle = least.evaluate(half)
            least.evaluate(
                "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
                middle,
            )
        settle(colours)
        points = some_points(colours)
        assert 0 < len(colours.page.evaluate(POINTS)) < N
        for point in points:
            assert shown_under_the_mouse(colours, point) == (point["id"], int(point["id"].split()[1]))
    colours.page.get_by_label("Filter by").first.select_option("")
    settle(colours)
    assert until(colours, lambda: len(colours.page.evaluate(POINTS)) == N)


def test_the_panel_shows_the_item_and_its_neighbours(colours: Notebook) -> None:
    colours.run("first.clear(); first.color('third'); first.click('item 17')")
    settle(colours)
    image = colours.wait(f"{PANEL} .embedlab-item img")
    assert image.evaluate(ROW_SHOWN) == 17
    tiles = colours.page.locator(f"{PANEL} .embedlab-strip button")
    assert tiles.count() == 10
    for tile in tiles.all():
        id = tile.get_attribute("data-id") or ""
        assert int(id.split()[1]) == tile.locator("img").evaluate(ROW_SHOWN)
    id = tiles.nth(2).get_attribute("data-id") or ""
    tiles.nth(2).click()
    colours.wait(f'{PANEL} [data-item="{id}"]')
    assert colours.page.locator(f"{PANEL} .embedlab-item img").evaluate(ROW_SHOWN) == int(id.split()[1])
    assert colours.run("print(first.clicked_id)").strip() == id


def test_a_selection_shows_its_pictures(colours: Notebook) -> None:
    colours.run("first.clear(); first.select(['item 5', 'item 30', 'item 8'])")
    settle(colours)
    colours.wait(f"{PANEL} .embedlab-selection img")

    def shown() -> dict[str, int]:
        tiles = colours.page.locator(f"{PANEL} .embedlab-selection li button").all()
        return {t.get_attribute("data-id") or "": t.locator("img").evaluate(ROW_SHOWN) for t in tiles}

    assert until(colours, lambda: shown() == {"item 5": 5, "item 30": 30, "item 8": 8}), shown()

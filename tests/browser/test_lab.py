"""A lesson in a real JupyterLab, used with a real mouse and keyboard."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from browser.lab import Notebook
from PIL import Image

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.weights("text/minilm")]

MAP = ".embedlab-explorer .embedlab-map"
PANEL = ".embedlab-explorer .embedlab-panel"

# Every point of the first map: its id, its place in the window, and how far the nearest other point is.
POINTS = """() => {
  const plot = document.querySelector(".embedlab-map .js-plotly-plot");
  const { ids } = document.querySelector(".embedlab-explorer").embedlab.data;
  const { xaxis, yaxis } = plot._fullLayout;
  const frame = plot.getBoundingClientRect();
  const drawn = plot.data.filter((trace) => trace.visible !== "legendonly" && trace.xaxis === "x");
  const points = drawn.flatMap((trace) =>
    trace.customdata.map((row, i) => ({
      id: ids[row],
      x: frame.left + xaxis._offset + xaxis.c2p(trace.x[i]),
      y: frame.top + yaxis._offset + yaxis.c2p(trace.y[i]),
    })));
  const gap = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
  const alone = (a) => Math.min(...points.filter((b) => b !== a).map((b) => gap(a, b)));
  return points.map((a) => ({ ...a, alone: alone(a) }));
}"""


@pytest.fixture(autouse=True)
def fresh(lesson: Notebook) -> None:
    """Each test starts with a plain map in the middle of the window."""
    lesson.run("first.clear(); first.color('label')")
    center(lesson)
    lesson.page.wait_for_function("() => !document.querySelector('.embedlab-panel .embedlab-item')")


def points(lesson: Notebook) -> list[dict[str, Any]]:
    return list(lesson.page.evaluate(POINTS))


def ask(lesson: Notebook, code: str) -> Any:
    """A value from the kernel, by running a cell of the notebook."""
    shown = lesson.run(f"import json; print(json.dumps({code}))")
    center(lesson)
    return json.loads(shown)


def center(lesson: Notebook) -> None:
    """The first map in the middle of the window: running a cell scrolls to it."""
    lesson.page.locator(MAP).first.evaluate("map => map.scrollIntoView({block: 'center'})")


def until(lesson: Notebook, condition: Callable[[], bool], seconds: int = 20) -> bool:
    """Whether something comes true in a while: the page draws in its own time."""
    for _ in range(5 * seconds):
        if condition():
            return True
        lesson.page.wait_for_timeout(200)
    return condition()


def spread(lesson: Notebook) -> float:
    """How many pixels the points span from left to right, those outside the window included."""
    across = [point["x"] for point in points(lesson)]
    return float(max(across) - min(across))


def colored_pixels(element: Any) -> int:
    """Pixels of an element on screen that are neither white nor grey."""
    shot = Image.open(io.BytesIO(element.screenshot())).convert("RGB")
    values = np.asarray(shot).astype(int)
    return int((values.max(axis=2) - values.min(axis=2) > 40).sum())


def rings(lesson: Notebook) -> list[int]:
    """How many hits, neighbours, chosen points and stars are drawn over the points on screen."""
    layer = lesson.page.locator(f"{MAP} .embedlab-overlay").first
    kinds = ("hit", "near", "chosen", "landing")
    return [layer.locator(f".embedlab-{kind}").count() for kind in kinds]


def drag(lesson: Notebook, corners: list[tuple[float, float]]) -> None:
    mouse = lesson.page.mouse
    mouse.move(*corners[0])
    mouse.down()
    for corner in corners[1:]:
        mouse.move(*corner, steps=10)
    mouse.up()


def click(lesson: Notebook, point: dict[str, Any]) -> None:
    """Point at it, see its text, click: as people do."""
    lesson.page.mouse.move(point["x"] + 2, point["y"])
    lesson.page.mouse.move(point["x"], point["y"])
    lesson.page.wait_for_function(
        "id => document.querySelector('.embedlab-card').offsetHeight"
        " && document.querySelector('.embedlab-card').dataset.item === id",
        arg=point["id"],
    )
    lesson.page.mouse.down()
    lesson.page.mouse.up()


def a_lonely_point(lesson: Notebook) -> dict[str, Any]:
    """The point with the most room around it, so that the mouse can mean no other."""
    return max(points(lesson), key=lambda point: point["alone"])


def test_the_map_is_painted(lesson: Notebook) -> None:
    n = ask(lesson, "len(first.projection)")
    marks = lesson.page.locator(f"{MAP} .scatterlayer").first.locator(".trace .point")
    sizes = marks.evaluate_all("marks => marks.map((mark) => mark.getBoundingClientRect().width)")
    drawn = sum(width > 2 for width in sizes)
    assert drawn == n
    assert colored_pixels(lesson.page.locator(MAP).first) > 5 * n
    names = lesson.page.locator(f"{MAP} .legend .legendtext").all_text_contents()
    assert names == ask(
        lesson, "[g['name'] for g in json.loads(first.payload)['columns']['label']['groups']]"
    )


def test_a_click_shows_the_item_and_rings_its_neighbours(lesson: Notebook) -> None:
    before = lesson.page.locator(PANEL).first.inner_text()
    point = a_lonely_point(lesson)
    click(lesson, point)
    lesson.wait(f'{PANEL} [data-item="{point["id"]}"] .embedlab-content *')  # it comes from Python
    after = lesson.page.locator(PANEL).first.inner_text()
    assert after != before
    assert ask(lesson, "first.clicked_id") == point["id"]
    assert ask(lesson, "first.projection.embeddings.items.row(first.clicked_id)['content']") in after
    lesson.page.wait_for_function(
        "() => document.querySelectorAll('.embedlab-panel ol button').length === 10"
    )
    assert rings(lesson) == [0, 10, 1, 0]


def test_a_neighbour_in_the_list_can_be_chosen(lesson: Notebook) -> None:
    lesson.run("first.click(first.projection.embeddings.ids[0])")
    button = lesson.wait(f"{PANEL} ol button")
    id = button.get_attribute("data-id")
    button.click()
    lesson.wait(f'{PANEL} [data-item="{id}"]')
    assert ask(lesson, "first.clicked_id") == id


def test_a_query_lights_up_hits_and_clear_takes_them_back(lesson: Notebook) -> None:
    box = lesson.page.locator(".embedlab-explorer .embedlab-search").first
    box.fill("something to eat")
    box.press("Enter")
    lesson.wait(f"{PANEL} .embedlab-hits button", 120)
    listed = lesson.page.locator(f"{PANEL} .embedlab-hits button").evaluate_all(
        "buttons => buttons.map((button) => button.dataset.id)"
    )
    assert listed == ask(lesson, "[id for id, _ in first.hits]")
    assert len(listed) == 10
    assert rings(lesson) == [10, 0, 0, 1]
    bright = colored_pixels(lesson.page.locator(MAP).first)
    lesson.page.locator(".embedlab-explorer").first.get_by_role("button", name="Clear").click()
    lesson.page.wait_for_function("() => !document.querySelector('.embedlab-hits')")
    assert rings(lesson) == [0, 0, 0, 0]
    assert until(lesson, lambda: colored_pixels(lesson.page.locator(MAP).first) > 1.5 * bright)
    assert box.input_value() == ""


@pytest.mark.parametrize("tool", ["Lasso Select", "Box Select"])
def test_a_drawn_selection_arrives_in_python(lesson: Notebook, tool: str) -> None:
    lesson.page.locator(f'{MAP} .modebar-btn[data-title="{tool}"]').first.click()
    places = points(lesson)
    x = float(np.median([p["x"] for p in places]))
    y = float(np.median([p["y"] for p in places]))
    corners = [(x - 60, y - 50), (x + 60, y - 50), (x + 60, y + 50), (x - 60, y + 50)]
    drag(lesson, corners if tool.startswith("Lasso") else [corners[0], corners[2]])
    lesson.wait(f"{PANEL} .embedlab-selection")
    inside = {p["id"] for p in places if abs(p["x"] - x) < 58 and abs(p["y"] - y) < 48}
    around = {p["id"] for p in places if abs(p["x"] - x) < 62 and abs(p["y"] - y) < 52}
    selected = set(ask(lesson, "first.selected_ids"))
    assert inside
    assert inside <= selected <= around
    assert ask(lesson, "len(set(first.selection.labels))") > 1
    lesson.page.mouse.dblclick(x + 150, y + 120)
    lesson.page.wait_for_function("() => !document.querySelector('.embedlab-selection')")
    assert ask(lesson, "first.selected_ids") == []


def test_a_new_colouring_keeps_the_ids_and_the_zoom(lesson: Notebook) -> None:
    lesson.page.locator(".embedlab-explorer select").first.select_option("distortion")
    lesson.wait(f"{MAP} .infolayer .colorbar")
    assert ask(lesson, "first.color_by") == "distortion"
    lesson.page.locator(f'{MAP} .modebar-btn[data-title="Zoom"]').first.click()
    width = spread(lesson)
    point = a_lonely_point(lesson)
    drag(lesson, [(point["x"] - 90, point["y"] - 90), (point["x"] + 90, point["y"] + 90)])
    assert until(lesson, lambda: spread(lesson) > 1.5 * width)
    zoomed = points(lesson)
    lesson.page.locator(".embedlab-explorer select").first.select_option("label")
    lesson.wait(f"{MAP} .legend")
    lesson.wait(f"{MAP} [data-ready=true]")
    places = {p["id"]: p for p in points(lesson)}
    assert all(places[p["id"]]["x"] == pytest.approx(p["x"], abs=2) for p in zoomed)
    click(lesson, places[point["id"]])
    lesson.wait(f'{PANEL} [data-item="{point["id"]}"]')
    lesson.page.locator(f'{MAP} .modebar-btn[data-title="Whole map"]').first.click()
    assert until(lesson, lambda: spread(lesson) == pytest.approx(width, abs=2))


def test_a_second_view_shows_the_present_state(lesson: Notebook) -> None:
    lesson.run("first.color('distortion'); first.click(first.projection.embeddings.ids[5])")
    lesson.run("first")
    last = lesson.page.locator(MAP).nth(lesson.page.locator(MAP).count() - 1)
    last.locator(".infolayer .colorbar").wait_for()
    last.locator(".embedlab-chosen").wait_for(state="attached")


def test_five_thousand_points_and_more_are_painted_by_webgl(lesson: Notebook) -> None:
    lesson.run(
        "import numpy as np, dataclasses\n"
        "texts, labels = [f'point {i}' for i in range(5200)], [i % 5 for i in range(5200)]\n"
        "items = el.Items.from_texts(texts, labels=labels)\n"
        "cloud = dataclasses.replace(first.projection.embeddings, items=items,\n"
        "    vectors=np.random.default_rng(0).normal(size=(5200, 384)))\n"
        "el.explore(cloud, method='pca')"
    )
    last = lesson.page.locator(MAP).nth(lesson.page.locator(MAP).count() - 1)
    last.locator("canvas.gl-canvas").first.wait_for(state="attached", timeout=120_000)
    last.scroll_into_view_if_needed()
    assert until(lesson, lambda: colored_pixels(last) > 20_000)


def test_the_page_has_nothing_to_complain_about(lesson: Notebook) -> None:
    assert lesson.errors == []

"""For every eye and every screen: sizes, contrast, focus, narrow windows, both themes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browser.lab import Notebook, open_notebook, running_lab, write_notebook
from browser.test_lab import MAP, PANEL, until
from browser.test_linked import MAKE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIZES = {"projector": (1280, 720), "13 inches": (1440, 900), "half a screen": (800, 900)}
THEMES = ("JupyterLab Light", "JupyterLab Dark")

TEXTS = """() => [...document.querySelectorAll(".embedlab-explorer *")].filter((node) =>
  node.checkVisibility() && node.getBoundingClientRect().width > 1
  && !node.closest(".embedlab-spoken, .embedlab-card")
  && [...node.childNodes].some((one) => one.nodeType === Node.TEXT_NODE && one.data.trim()))"""
SMALL = f"""() => ({TEXTS})().filter((node) => parseFloat(getComputedStyle(node).fontSize) < 11)
  .map((node) => node.outerHTML.slice(0, 80))"""
# Contrast of text and what lies behind it, as WCAG 2 computes it; 4.5 is its level AA.
FAINT = f"""() => {{
  const parts = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
    .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, i) => sum + part * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (node) => {{
    for (let one = node; one; one = one.parentElement) {{
      const found = parts(getComputedStyle(one).backgroundColor);
      if (found.length === 3 || found[3] > 0.5) return found;
    }}
    return [255, 255, 255];
  }};
  return ({TEXTS})().filter((node) => !(node instanceof SVGElement)).map((node) => {{
    const [one, other] = [light(parts(getComputedStyle(node).color)), light(behind(node))];
    return [(Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05), node.outerHTML.slice(0, 80)];
  }}).filter(([contrast]) => contrast < 4.5);
}}"""
CONTROLS = ".embedlab-bar > *, .embedlab-map, .embedlab-panel, .embedlab-badge"
# Parts that stick out of the explorer, and pairs of them that lie on each other.
UNTIDY = f"""() => [...document.querySelectorAll(".embedlab-explorer")].flatMap((explorer) => {{
  const frame = explorer.getBoundingClientRect();
  const parts = [...explorer.querySelectorAll("{CONTROLS}")].filter((one) => one.checkVisibility());
  const boxes = parts.map((one) => one.getBoundingClientRect());
  const out = parts.filter((_, i) => boxes[i].left < frame.left - 1 || boxes[i].right > frame.right + 1);
  const over = boxes.flatMap((a, i) => boxes.slice(i + 1).filter((b) => a.left < b.right - 1
    && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
    .map((b) => [parts[i], parts[boxes.indexOf(b)]]));
  return [...out, ...over.flat()].map((one) => one.outerHTML.slice(0, 90));
}})"""


FOCUSED = """() => {
  const { activeElement: node } = document;
  const { outlineStyle, outlineWidth } = getComputedStyle(node);
  return [node.getAttribute("aria-label") || node.textContent, outlineStyle, outlineWidth];
}"""


@pytest.fixture(scope="module")
def shown(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    folder = tmp_path_factory.mktemp("everyone-lab")
    with running_lab(folder, env={"EMBEDLAB_CACHE": str(folder / "cache")}) as lab:
        alone = "alone = el.explore(one, method='pca', height=420, n_samples=40)\nalone"
        write_notebook(lab.root / "everyone.ipynb", (MAKE, "first", alone))
        with open_notebook(chromium, lab, "everyone.ipynb") as notebook:
            notebook.command("application:toggle-left-area")
            notebook.run_all()
            ready = notebook.page.locator(f"{MAP} [data-ready=true]")
            assert until(notebook, lambda: ready.count() == 2, 120)
            yield notebook


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES)
def test_all_text_is_large_and_clear_enough_and_nothing_lies_on_anything(
    shown: Notebook, theme: str, size: str
) -> None:
    width, height = SIZES[size]
    shown.page.set_viewport_size({"width": width, "height": height})
    shown.page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
    )
    light = str(theme == "JupyterLab Light").lower()
    shown.page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")
    for code in (
        "first.clear(); alone.clear()",
        "first.click('item 3'); first.select(['item 1', 'item 2'])"
        "; alone.click(alone.projection.embeddings.ids[0])",
        "first.search('12')",
    ):
        shown.run(code)
        if "search" in code:
            shown.wait(f"{PANEL} .embedlab-hits")
        assert shown.page.evaluate(f"({TEXTS})().length") > 20
        assert shown.page.evaluate(SMALL) == []
        assert shown.page.evaluate(FAINT) == []
        assert until(shown, lambda: shown.page.evaluate(UNTIDY) == []), shown.page.evaluate(UNTIDY)
    assert shown.errors == []


def test_whoever_comes_with_the_keyboard_sees_where_they_are(shown: Notebook) -> None:
    shown.page.locator(".embedlab-search").first.focus()
    seen = []
    for _ in range(9):
        name, style, wide = shown.page.evaluate(FOCUSED)
        assert (style, wide) == ("solid", "2px"), name
        seen.append(name)
        shown.page.keyboard.press("Tab")
    for name in ("Colour by", "Clear", "Names of clusters", "Show a list", "Filter by"):
        assert name in seen
    assert any(name.startswith("Map. Arrow keys") for name in seen)

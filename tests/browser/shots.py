"""Take pictures of the explorer in JupyterLab: ``python tests/browser/shots.py FOLDER``.

They are for looking at (light and dark, wide and narrow). ``light-2-hits``, ``dark-linked`` and
``light-compared`` are those of the README and the lessons.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "kit")]
from browser.lab import Notebook, open_notebook, running_chromium, running_lab, write_notebook  # noqa: E402

CELLS = (
    'import embedlab as el\n\nitems = el.load_dataset("notes")\nemb = el.embed(items, "text/minilm")',
    "explorer = el.explore(emb)\nexplorer",
)
LINKED = (
    CELLS[0] + '\nbigger = el.embed(items, "text/mpnet")',
    "explorer = el.explore([emb, bigger], height=430)\nexplorer",
)


COMPARED = (
    LINKED[0],
    'comparison = el.compare([emb, bigger], queries=el.load_dataset("notes-questions"))\ncomparison',
)


def shoot_compared(folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch, running_lab(Path(scratch)) as lab:
        write_notebook(lab.root / "compared.ipynb", COMPARED)
        with (
            running_chromium() as browser,
            open_notebook(browser, lab, "compared.ipynb", size=(1280, 1120)) as page,
        ):
            page.command("application:toggle-left-area")
            page.run_all()
            page.wait(".embedlab-compare", 240)
            page.page.locator(".embedlab-compare").evaluate("node => node.scrollIntoView()")
            page.page.wait_for_timeout(1000)
            page.page.screenshot(path=str(folder / "light-compared.png"))


def shoot(folder: Path, theme: str, name: str, *, sidebar: bool) -> None:
    with tempfile.TemporaryDirectory() as scratch, running_lab(Path(scratch), theme=theme) as lab:
        write_notebook(lab.root / "shots.ipynb", CELLS)
        with (
            running_chromium() as browser,
            open_notebook(browser, lab, "shots.ipynb", size=(1280, 880)) as page,
        ):
            if not sidebar:
                page.command("application:toggle-left-area")
            page.run_all()
            page.wait(".embedlab-map [data-ready=true] .scatterlayer .point", 180)
            take = Camera(page, folder, name)
            take("1-start")
            take.explorer.locator(".embedlab-search").fill("why is the night sky dark?")
            page.page.keyboard.press("Enter")
            page.page.locator(".embedlab-hits").wait_for(timeout=60_000)
            take("2-hits")
            take.explorer.locator(".embedlab-hits button").first.click()
            page.page.locator(".embedlab-item").wait_for()
            take("3-clicked")
            hover_a_point(page)
            take("4-hover")
            draw_lasso(page)
            take("5-lasso")
            take.explorer.get_by_role("button", name="Clear").click()
            take.explorer.locator("select").first.select_option("distortion")
            page.page.locator(".embedlab-map .infolayer .colorbar").wait_for()
            take("6-distortion")


def shoot_linked(folder: Path, theme: str, name: str) -> None:
    with tempfile.TemporaryDirectory() as scratch, running_lab(Path(scratch), theme=theme) as lab:
        write_notebook(lab.root / "linked.ipynb", LINKED)
        with (
            running_chromium() as browser,
            open_notebook(browser, lab, "linked.ipynb", size=(1280, 980)) as page,
        ):
            page.command("application:toggle-left-area")
            page.run_all()
            page.wait(".embedlab-map [data-ready=true] .scatterlayer .point", 240)
            take = Camera(page, folder, name)
            page.page.get_by_role("button", name="Names of clusters").click()
            page.page.get_by_label("Show a list").select_option(label="Models disagree")
            page.page.locator(".embedlab-list button").nth(2).click()
            page.page.locator(".embedlab-item").wait_for()
            page.page.get_by_label("Show a list").select_option("")
            take("linked")


def hover_a_point(page: Notebook) -> None:
    page.page.locator(".embedlab-map .scatterlayer .trace").first.locator(".point").nth(8).hover(force=True)


def draw_lasso(page: Notebook) -> None:
    """Around the middle of the map."""
    box = page.page.locator(".embedlab-map .nsewdrag").first.bounding_box()
    middle = (box["x"] + box["width"] * 0.45, box["y"] + box["height"] * 0.5)
    corners = [(-0.15, -0.15), (0.15, -0.15), (0.15, 0.15), (-0.15, 0.15), (-0.15, -0.14)]
    around = [(middle[0] + dx * box["width"], middle[1] + dy * box["height"]) for dx, dy in corners]
    page.page.mouse.move(*around[0])
    page.page.mouse.down()
    for corner in around[1:]:
        page.page.mouse.move(*corner, steps=12)
    page.page.mouse.up()


class Camera:
    """Takes numbered pictures of the page and of the explorer alone."""

    def __init__(self, page: Notebook, folder: Path, name: str) -> None:
        self.page, self.folder, self.name = page, folder, name
        self.explorer = page.page.locator(".embedlab-explorer").first

    def __call__(self, step: str) -> None:
        self.explorer.locator(".embedlab-badge").last.evaluate(
            "badge => badge.scrollIntoView({block: 'end'})"
        )
        self.page.page.wait_for_timeout(600)  # let a picture settle; nothing is asserted here
        self.page.page.screenshot(path=str(self.folder / f"{self.name}-{step}.png"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    target = parser.parse_args().folder
    target.mkdir(parents=True, exist_ok=True)
    shoot(target, "JupyterLab Light", "light", sidebar=False)
    shoot(target, "JupyterLab Dark", "dark", sidebar=True)
    shoot_linked(target, "JupyterLab Dark", "dark")
    shoot_compared(target)

"""The explorer with many points in JupyterLab in headless Chromium, and two others beside it.

The rivals are no dependency: ``pip install jupyter-scatter embedding-atlas`` first, or they are left out.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.explorer_page import (
    CALM,
    HOVERED,
    PICTURED,
    POINT,
    RINGED,
    SHOW,
    WATCH,
    WORDS,
    browser_megabytes,
    colored_share,
    densest_place,
    draw_lasso,
    heard_at,
)
from tests.benchmarks.explorer_tools import DATA, PACKAGE, TOOLS, UNABLE

N = 100_000
SIZE = (1280, 960)
TURNS = 7
PHOTOS = range(5, 180, 25)


def measure(tool: str, n: int) -> dict[str, float] | None:
    """One tool in a JupyterLab of its own; None when it draws nothing."""
    from tests.browser.lab import open_notebook, running_chromium, running_lab, write_notebook

    before, show = TOOLS[tool]
    with tempfile.TemporaryDirectory() as scratch, running_lab(Path(scratch)) as lab:
        write_notebook(lab.root / "many.ipynb", (f"{DATA.format(n=n)}\n{before}",))
        with (
            running_chromium() as chromium,
            open_notebook(chromium, lab, "many.ipynb", size=SIZE) as notebook,
        ):
            page = notebook.page
            notebook.command("application:toggle-left-area")
            notebook.command("notebook:hide-all-cell-code")
            notebook.run_all()
            page.wait_for_timeout(1000)
            page.wait_for_function("() => document.querySelector('.jp-Notebook')", timeout=10_000)
            notebook.run("print('data are there')")  # waits for what runs before
            page.evaluate(WATCH)
            box = {"x": 130, "y": 250, "width": 700, "height": 550}
            empty = browser_megabytes()
            start = time.monotonic()
            page.evaluate(SHOW, show)
            while colored_share(page, box) < 0.02 or page.get_by_text(UNABLE).count():
                if time.monotonic() - start > 30:
                    return None
            found = {"first paint, s": time.monotonic() - start}
            page.wait_for_timeout(3000)
            found["memory, MB"] = browser_megabytes() - empty
            middle = densest_place(page, box)
            hovers = []
            for turn in range(TURNS + 1):
                page.mouse.move(box["x"] - 60, box["y"] - 20)
                page.wait_for_timeout(400)
                seen = page.evaluate(WORDS)
                page.mouse.move(middle[0] + 9 * turn, middle[1] + 5 * turn)
                hovers.append(page.evaluate(HOVERED, seen))
            lassos, knows = [], []
            for turn in range(4):
                draw_lasso(page, middle, 30 + 5 * turn)
                lassos.append(page.evaluate(CALM))
                knows.append(heard_at(lab.root / "told") - page.evaluate("() => window.up"))
                page.wait_for_timeout(1500)
            clicks: list[list[float]] = []
            if tool not in PACKAGE:
                for turn in range(TURNS):
                    page.evaluate(RINGED)
                    page.mouse.move(middle[0] + 9 * turn, middle[1] + 5 * turn)
                    page.wait_for_timeout(200)
                    page.mouse.down()
                    page.mouse.up()
                    clicks.append(page.evaluate("() => window.ringed"))
                    page.wait_for_timeout(300)
    if clicks:
        found["click, ms"], found["the same by way of Python, ms"] = map(
            statistics.median, zip(*clicks, strict=True)
        )
    found["hover, ms"] = statistics.median(hovers[1:])
    found["lasso until the page answers, ms"] = statistics.median(lassos[1:])
    found["lasso until Python knows, ms"] = statistics.median(knows[1:])
    return found


def main(tools: Sequence[str] = tuple(TOOLS)) -> None:
    print(f"explorer: {N:,} points, one cell of a notebook, medians of {TURNS} hovers and 3 lassos")
    for tool in tools:
        if tool in PACKAGE and importlib.util.find_spec(PACKAGE[tool]) is None:
            print(f"  {tool}: not installed (pip install {tool})")
            continue
        version = f" {importlib.metadata.version(tool)}" if tool in PACKAGE else ""
        found = measure(tool, N)
        if found is None:
            print(f"  {tool}{version}: draws no point here within half a minute")
            continue
        print(f"  {tool}{version}: " + ", ".join(f"{name} {value:.3g}" for name, value in found.items()))

    print(f"  a picture under the mouse, of {len(PHOTOS)} hovers over photos, ms: {thumbnails()}")


def thumbnails() -> str:
    """From the mouse resting on a point until its picture is there, at first sight: median and most."""
    from tests.browser.lab import open_notebook, running_chromium, running_lab, write_notebook

    code = (
        "import embedlab as el\n"
        "el.explore(el.embed(el.load_dataset('photos'), 'image/efficientnet-lite0'), method='pca')"
    )
    with tempfile.TemporaryDirectory() as scratch, running_lab(Path(scratch)) as lab:
        write_notebook(lab.root / "photos.ipynb", (code,))
        with (
            running_chromium() as chromium,
            open_notebook(chromium, lab, "photos.ipynb", size=SIZE) as notebook,
        ):
            page = notebook.page
            notebook.run_all()
            notebook.wait(".embedlab-map [data-ready=true]", 240)
            page.evaluate(WATCH)
            page.locator(".embedlab-map").evaluate("map => map.scrollIntoView({block: 'center'})")
            waits = []
            for row in PHOTOS:
                x, y = page.evaluate(POINT, row)
                page.mouse.move(x + 30, y - 30)
                page.wait_for_timeout(500)
                page.mouse.move(x, y)
                waits.append(page.evaluate(PICTURED))
    return f"{statistics.median(waits):.0f}, {max(waits):.0f}"


if __name__ == "__main__":
    main()

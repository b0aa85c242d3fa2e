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
from typing import Any

import psutil

N = 100_000
SIZE = (1280, 960)
TURNS = 7

DATA = """
import dataclasses, time
from pathlib import Path
import numpy as np, pandas as pd
import embedlab as el
from embedlab.catalog import registry

rng, n = np.random.default_rng(0), {n}
group = np.arange(n) % 10
vectors = (rng.normal(size=(10, 8)) * 3)[group] + rng.normal(size=(n, 8))
frame = pd.DataFrame({{"id": [str(i) for i in range(n)], "content": [f"point {{i}}" for i in range(n)],
                       "label": group.astype(str), "size": rng.normal(size=n)}})
items = el.Items(frame, "text", "made up")
card = dataclasses.replace(registry.row("text/minilm").card, dim=8, sha256="a" * 64)
def space(name, turn):
    turned = np.roll(vectors, turn, axis=0) if turn else vectors
    emb = el.Embeddings(turned.astype(np.float32), items, dataclasses.replace(card, name=name), card.layer,
                        card.pooling, True)
    return el.project(emb, "pca")
one = space("one", 0)
table = frame.assign(x=one.coords[:, 0], y=one.coords[:, 1]).drop(columns="id")
def note(*_):
    Path("told").write_text(str(time.time()))
"""

# What is shown, and what tells Python about a lasso.
TOOLS = {
    "embedlab": ("", "shown = el.explore(one)\nshown.observe(note, 'selected_ids')\nshown"),
    "embedlab, two maps": (
        "two = space('two', 1)",
        "shown = el.explore([one, two])\nshown.observe(note, 'selected_ids')\nshown",
    ),
    "jupyter-scatter": (
        "import jscatter",
        "shown = jscatter.Scatter(data=table, x='x', y='y', color_by='label', height=560)\n"
        "shown.tooltip(True, properties=['content'])\nshown.mouse(mode='lasso')\n"
        "shown.widget.observe(note, 'selection')\nshown.show()",
    ),
    "embedding-atlas": (
        "from embedding_atlas.widget import EmbeddingAtlasWidget",
        "shown = EmbeddingAtlasWidget(table, x='x', y='y', text='content')\nshown",
    ),
}
_UNABLE = "WebGPU is unavailable"  # what embedding-atlas says where it cannot draw
PACKAGE = {"jupyter-scatter": "jscatter", "embedding-atlas": "embedding_atlas"}

# Until the words of a point other than `before` can be seen; in milliseconds since the mouse came to rest.
_WORDS = """() => [...document.querySelectorAll(".jp-OutputArea *")].filter((node) =>
  [...node.childNodes].some((one) => one.nodeType === Node.TEXT_NODE && /^point \\d+/.test(one.data.trim()))
  && node.checkVisibility({ opacityProperty: true, visibilityProperty: true })
  && node.getBoundingClientRect().width > 0).map((node) => node.textContent).join("|")"""
_HOVERED = f"""async (before) => {{
  const words = {_WORDS};
  const start = window.moved;
  while (performance.now() - start < 10000) {{
    const seen = words();
    if (seen && seen !== before) break;
    await new Promise((next) => requestAnimationFrame(next));
  }}
  return performance.now() - start;
}}"""
_WATCH = """() => {
  window.addEventListener("mousemove", () => { window.moved = performance.now(); }, true);
  window.addEventListener("pointerup", () => {
    window.up = Date.now();
    window.upAt = performance.now();
  }, true);
}"""
# Until the page answers again: three frames in a row that come in time.
_CALM = """async () => {
  let calm = 0;
  let last = performance.now();
  while (calm < 3) {
    await new Promise((next) => requestAnimationFrame(next));
    const now = performance.now();
    calm = now - last < 50 ? calm + 1 : 0;
    last = now;
  }
  return last - window.upAt;
}"""


# From a click until the item is ringed (drawn by the page alone), and until its neighbours are (Python was
# asked for them): what a click would take if Python drew.
_RINGED = """() => {
  const drawn = (kind) => [...document.querySelectorAll(`.embedlab-${kind}`)];
  const rows = (kind) => drawn(kind).map((one) => one.dataset.row).join();
  const before = { chosen: rows("chosen"), near: rows("near") };
  window.upAt = null;
  const end = performance.now() + 10000;
  const until = async (kind) => {
    while (performance.now() < end && (!window.upAt || ["", before[kind]].includes(rows(kind)))) {
      await new Promise((next) => requestAnimationFrame(next));
    }
    return performance.now() - window.upAt;
  };
  window.ringed = Promise.all(["chosen", "near"].map(until));
}"""


def megabytes() -> float:
    """Memory of all browser processes of this run, in MB; what they share is counted once (PSS)."""
    total = 0
    for child in psutil.Process().children(recursive=True):
        try:
            if "chrom" in child.name():
                total += child.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 1e6


def colored(page: Any, box: dict[str, float]) -> float:
    """Share of a part of the page that is neither white nor grey."""
    import io

    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(page.screenshot(clip=box))) as opened:
        pixels = np.asarray(opened.convert("RGB"), np.int16)
    return float((pixels.max(axis=2) - pixels.min(axis=2) > 60).mean())


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
            page.evaluate(_WATCH)
            box = {"x": 130, "y": 250, "width": 700, "height": 550}
            empty = megabytes()
            start = time.monotonic()
            page.evaluate(_SHOW, show)
            while colored(page, box) < 0.02 or page.get_by_text(_UNABLE).count():
                if time.monotonic() - start > 30:
                    return None
            found = {"first paint, s": time.monotonic() - start}
            page.wait_for_timeout(3000)
            found["memory, MB"] = megabytes() - empty
            middle = _dense(page, box)
            hovers = []
            for turn in range(TURNS + 1):
                page.mouse.move(box["x"] - 60, box["y"] - 20)
                page.wait_for_timeout(400)
                seen = page.evaluate(_WORDS)
                page.mouse.move(middle[0] + 9 * turn, middle[1] + 5 * turn)
                hovers.append(page.evaluate(_HOVERED, seen))
            lassos, knows = [], []
            for turn in range(4):
                _lasso(page, middle, 30 + 5 * turn)
                lassos.append(page.evaluate(_CALM))
                knows.append(_told(lab.root / "told") - page.evaluate("() => window.up"))
                page.wait_for_timeout(1500)
            clicks: list[list[float]] = []
            if tool not in PACKAGE:
                for turn in range(TURNS):
                    page.evaluate(_RINGED)
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


_SHOW = """(code) => {
  const { commands, shell } = window.jupyterapp;
  const notebook = shell.currentWidget.content;
  notebook.activeCellIndex = notebook.widgets.length - 1;
  commands.execute("notebook:insert-cell-below").then(() => {
    notebook.activeCell.model.sharedModel.setSource(code);
    commands.execute("notebook:run-cell");
    notebook.activeCell.node.scrollIntoView({ block: "start" });
  });
}"""


def _dense(page: Any, box: dict[str, float]) -> tuple[float, float]:
    """A place among many points: the middle of the most coloured square of 40 pixels."""
    import io

    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(page.screenshot(clip=box))) as opened:
        pixels = np.asarray(opened.convert("RGB"), np.int16)
    lit = pixels.max(axis=2) - pixels.min(axis=2) > 60
    squares = lit[: lit.shape[0] // 40 * 40, : lit.shape[1] // 40 * 40]
    share = squares.reshape(lit.shape[0] // 40, 40, lit.shape[1] // 40, 40).mean(axis=(1, 3))
    row, column = np.unravel_index(share.argmax(), share.shape)
    return box["x"] + 40 * float(column) + 20, box["y"] + 40 * float(row) + 20


def _told(note: Path) -> float:
    """When Python heard of the selection, in milliseconds of the clock."""
    end = time.monotonic() + 30
    while not note.exists():
        if time.monotonic() > end:
            raise RuntimeError("Python never heard of the lasso.")
        time.sleep(0.02)
    time.sleep(0.1)
    told = 1000 * float(note.read_text())
    note.unlink()
    return told


def _lasso(page: Any, middle: tuple[float, float], radius: float) -> None:
    import math

    corners = [
        (middle[0] + radius * math.cos(angle / 4), middle[1] + radius * math.sin(angle / 4))
        for angle in range(25)
    ]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=2)
    page.mouse.up()


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


PHOTOS = range(5, 180, 25)
_POINT = """(row) => {
  const plot = document.querySelector(".embedlab-map .js-plotly-plot");
  const { data } = document.querySelector(".embedlab-explorer").embedlab;
  const { xaxis, yaxis } = plot._fullLayout;
  const frame = plot.getBoundingClientRect();
  return [frame.left + xaxis._offset + xaxis.c2p(data.panels[0].x[row]),
    frame.top + yaxis._offset + yaxis.c2p(data.panels[0].y[row])];
}"""
_PICTURED = """async () => {
  const image = () => document.querySelector(".embedlab-card img");
  while (performance.now() - window.moved < 10000 && !(image().dataset.picture && image().complete
    && image().naturalWidth)) await new Promise((next) => requestAnimationFrame(next));
  return performance.now() - window.moved;
}"""


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
            page.evaluate(_WATCH)
            page.locator(".embedlab-map").evaluate("map => map.scrollIntoView({block: 'center'})")
            waits = []
            for row in PHOTOS:
                x, y = page.evaluate(_POINT, row)
                page.mouse.move(x + 30, y - 30)
                page.wait_for_timeout(500)
                page.mouse.move(x, y)
                waits.append(page.evaluate(_PICTURED))
    return f"{statistics.median(waits):.0f}, {max(waits):.0f}"


if __name__ == "__main__":
    main()

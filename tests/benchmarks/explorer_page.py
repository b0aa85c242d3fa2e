"""Act on a page that shows an explorer, and measure it: its scripts, pixels, memory and lassos."""

from __future__ import annotations

import io
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

# Until the words of a point other than `before` can be seen; in milliseconds since the mouse came to rest.
WORDS = """() => [...document.querySelectorAll(".jp-OutputArea *")].filter((node) =>
  [...node.childNodes].some((one) => one.nodeType === Node.TEXT_NODE && /^point \\d+/.test(one.data.trim()))
  && node.checkVisibility({ opacityProperty: true, visibilityProperty: true })
  && node.getBoundingClientRect().width > 0).map((node) => node.textContent).join("|")"""
HOVERED = f"""async (before) => {{
  const words = {WORDS};
  const start = window.moved;
  while (performance.now() - start < 10000) {{
    const seen = words();
    if (seen && seen !== before) break;
    await new Promise((next) => requestAnimationFrame(next));
  }}
  return performance.now() - start;
}}"""
# Note when the mouse last moved and when its button was let go.
WATCH = """() => {
  window.addEventListener("mousemove", () => { window.moved = performance.now(); }, true);
  window.addEventListener("pointerup", () => {
    window.up = Date.now();
    window.upAt = performance.now();
  }, true);
}"""
# Until the page answers again: three frames in a row that come in time.
CALM = """async () => {
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
RINGED = """() => {
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
# Insert a cell below the last one and run it.
SHOW = """(code) => {
  const { commands, shell } = window.jupyterapp;
  const notebook = shell.currentWidget.content;
  notebook.activeCellIndex = notebook.widgets.length - 1;
  commands.execute("notebook:insert-cell-below").then(() => {
    notebook.activeCell.model.sharedModel.setSource(code);
    commands.execute("notebook:run-cell");
    notebook.activeCell.node.scrollIntoView({ block: "start" });
  });
}"""
# Where the point of a row lies on the page.
POINT = """(row) => {
  const plot = document.querySelector(".embedlab-map .js-plotly-plot");
  const { data } = document.querySelector(".embedlab-explorer").embedlab;
  const { xaxis, yaxis } = plot._fullLayout;
  const frame = plot.getBoundingClientRect();
  return [frame.left + xaxis._offset + xaxis.c2p(data.panels[0].x[row]),
    frame.top + yaxis._offset + yaxis.c2p(data.panels[0].y[row])];
}"""
# Until the picture of the point under the mouse is there.
PICTURED = """async () => {
  const image = () => document.querySelector(".embedlab-card img");
  while (performance.now() - window.moved < 10000 && !(image().dataset.picture && image().complete
    && image().naturalWidth)) await new Promise((next) => requestAnimationFrame(next));
  return performance.now() - window.moved;
}"""


def browser_megabytes() -> float:
    """Memory of all browser processes of this run, in MB; what they share is counted once (PSS)."""
    total = 0
    for child in psutil.Process().children(recursive=True):
        try:
            if "chrom" in child.name():
                total += child.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 1e6


def find_colored(page: Any, box: dict[str, float]) -> np.ndarray:
    """For each pixel of a part of the page, whether it is neither white nor grey."""
    with Image.open(io.BytesIO(page.screenshot(clip=box))) as opened:
        pixels = np.asarray(opened.convert("RGB"), np.int16)
    return pixels.max(axis=2) - pixels.min(axis=2) > 60


def colored_share(page: Any, box: dict[str, float]) -> float:
    """Share of a part of the page that is neither white nor grey."""
    return float(find_colored(page, box).mean())


def densest_place(page: Any, box: dict[str, float]) -> tuple[float, float]:
    """A place among many points: the middle of the most coloured square of 40 pixels."""
    lit = find_colored(page, box)
    squares = lit[: lit.shape[0] // 40 * 40, : lit.shape[1] // 40 * 40]
    share = squares.reshape(lit.shape[0] // 40, 40, lit.shape[1] // 40, 40).mean(axis=(1, 3))
    row, column = np.unravel_index(share.argmax(), share.shape)
    return box["x"] + 40 * float(column) + 20, box["y"] + 40 * float(row) + 20


def heard_at(note: Path) -> float:
    """When Python heard of the selection, in milliseconds of the clock."""
    end = time.monotonic() + 30
    while not note.exists():
        if time.monotonic() > end:
            raise RuntimeError("Python never heard of the lasso.")
        time.sleep(0.02)
    time.sleep(0.1)
    milliseconds = 1000 * float(note.read_text())
    note.unlink()
    return milliseconds


def draw_lasso(page: Any, middle: tuple[float, float], radius: float) -> None:
    """Draw a circle with the mouse."""
    corners = [
        (middle[0] + radius * math.cos(angle / 4), middle[1] + radius * math.sin(angle / 4))
        for angle in range(25)
    ]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=2)
    page.mouse.up()

"""The walk in the browser: a widget in JupyterLab, or a page of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets

from embedlab.analysis.projection import METHOD_NAMES
from embedlab.explorer.scripts import in_script
from embedlab.io.text import clean, clip, escape

if TYPE_CHECKING:
    from embedlab.store.hnsw_walk_result import HnswWalk

_FRONT = Path(__file__).parent / "front"
MOST_POINTS = 2000  # of those that the walk never meets; more would only make the map grey


def scene(walk: HnswWalk) -> dict[str, Any]:
    """All that is drawn: places from 0 to 1, layers with their links, and the steps."""
    met = {row for step in walk.trace for row in (step.row, *step.looked)} | {*walk.exact_rows.tolist()}
    drawn = sorted(met | {*_background(len(walk.embeddings))})
    coords = walk.projection.coords[:, :2].astype(float)
    low, span = coords.min(axis=0), np.ptp(coords, axis=0)
    places = np.where(span > 0, (coords - low) / np.where(span > 0, span, 1), 0.5)
    shown = {*drawn}
    layers = []
    for layer in range(walk.graph.n_layers - 1, -1, -1):
        stand = np.flatnonzero(walk.graph.levels > layer).tolist()
        links = [
            (row, int(other)) for row in stand for other in walk.graph.neighbors(row, layer)
        ] if layer and len(stand) <= MOST_POINTS else []  # fmt: skip
        once = sorted({(min(pair), max(pair)) for pair in links})
        layers.append(
            {
                "layer": layer,
                "n": len(stand),
                "rows": [row for row in stand if row in shown],
                "links": [pair for pair in once if shown.issuperset(pair)],
            }
        )
    items = walk.embeddings.items
    return {
        "query": clip(walk.query, 80),
        "things": clean(items.name),
        "n": len(walk.embeddings),
        "k": walk.k,
        "ef": walk.ef,
        "places": {row: [round(x, 4), round(1 - y, 4)] for row, (x, y) in enumerate(places) if row in shown},
        "names": {row: clip(items.title(walk.embeddings.ids[row], 70), 70) for row in sorted(met)},
        "layers": layers,
        "star": int(walk.exact_rows[0]),
        "exact": walk.exact_rows.tolist(),
        "steps": [
            {
                "kind": step.kind,
                "layer": step.layer,
                "row": step.row,
                "looked": step.looked,
                "best": step.best,
                "compared": step.compared,
                "words": clean(words),
            }
            for step, words in zip(walk.trace, walk.words, strict=True)
        ],
        "caution": caution(walk),
    }


def caution(walk: HnswWalk) -> str:
    """What the picture cannot show."""
    method = METHOD_NAMES[walk.projection.method]
    return (
        f"The walk runs in all {walk.embeddings.dim:,} numbers. The map ({method}) is a flattening of them, "
        "so a short step can look like a jump. The query has no place on it: the star stands at its nearest "
        "item."
    )


def _background(n: int) -> list[int]:
    if n <= MOST_POINTS:
        return list(range(n))
    chosen: list[int] = np.random.default_rng(0).choice(n, MOST_POINTS, replace=False).tolist()
    return chosen


def page(walk: HnswWalk) -> str:
    """The walk as one HTML file; nothing in it asks anyone for anything."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    title = escape(f"HNSW: {walk.query}")
    script = (_FRONT / "walk.js").read_text(encoding="utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>{title}</title><style>{_css()} body {{ margin: 16px auto; max-width: 932px; "
        f'padding: 0 16px }}</style></head><body><div id="walk"></div><script type="module">{script}\n'
        f'walkIn(document.getElementById("walk"), {in_script(scene(walk))});</script></body></html>\n'
    )


def _css() -> str:
    return (_FRONT / "walk.css").read_text(encoding="utf-8")


class WalkView(anywidget.AnyWidget):
    """The walk in JupyterLab: all steps are sent at once, so playing them needs no Python."""

    _css = _css()
    _esm = (_FRONT / "walk.js").read_text(encoding="utf-8") + (
        "\nexport default { render: ({ model, el }) => walkIn(el, JSON.parse(model.get('scene'))) };\n"
    )
    scene = traitlets.Unicode("{}").tag(sync=True)

    def __init__(self, walk: HnswWalk) -> None:
        super().__init__(scene=json.dumps(scene(walk)))

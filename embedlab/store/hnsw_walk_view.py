"""The walk in the browser: a widget in JupyterLab, or a page of its own."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets
from markupsafe import Markup

from embedlab.explorer.scripts import dump_for_script
from embedlab.io.html import render
from embedlab.store.hnsw_walk_scene import Scene

_FRONT = Path(__file__).parent / "front"


def _read(name: str) -> str:
    return (_FRONT / name).read_text(encoding="utf-8")


def render_page(scene: Scene) -> str:
    """Render the walk as one HTML file, which loads nothing from anywhere."""
    values = {
        "query": scene.query,
        "css": Markup(_read("walk.css")),
        "script": Markup(_read("walk.js")),
        "scene": Markup(dump_for_script(scene.to_dict())),
    }
    return render("embedlab.store", "walk.html", values)


class WalkView(anywidget.AnyWidget):
    """The walk in JupyterLab: all steps are sent at once, so playing them needs no Python."""

    _css = _read("walk.css")
    _esm = _read("walk.js") + (
        "\nexport default { render: ({ model, el }) => walkIn(el, JSON.parse(model.get('scene'))) };\n"
    )
    scene = traitlets.Unicode("{}").tag(sync=True)

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene=scene.to_json())

"""The two widgets that reach into the browser: the map and the detail panel."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets

_HERE = Path(__file__).parent


@lru_cache(maxsize=1)
def _map_script() -> str:
    """plotly.js, as it comes with the plotly package, followed by our own script.

    plotly.js looks for CommonJS first: a ``module`` of its own keeps it away from the page's globals.
    """
    from plotly.offline import get_plotlyjs

    head = (
        "const Plotly = (() => { const module = {exports: {}}, exports = module.exports, define = undefined;"
    )
    tail = "return module.exports; })();"
    return "\n".join([head, get_plotlyjs(), tail, (_HERE / "map.js").read_text(encoding="utf-8")])


class _Reporting(anywidget.AnyWidget):
    """A widget whose browser side reports what the user did as small messages."""

    def __init__(self, on_event: Callable[[dict[str, Any]], None], **traits: Any) -> None:
        super().__init__(**traits)
        self._on_event = on_event
        self.on_msg(lambda _widget, content, _buffers: self.receive(content))

    def receive(self, event: dict[str, Any]) -> None:
        """Handle one message from the browser, for example ``{"type": "click", "id": "n12"}``."""
        self._on_event(event)


class MapView(_Reporting):
    """Draws a plotly figure.

    plotly's own ``FigureWidget`` is not used: its events name points by trace and position, which a new
    colouring changes under an event on its way, and it replaces traces step by step. Here a view draws the
    whole current state at once (``Plotly.react``), and events carry the ids of items.

    Attributes
    ----------
    base : str
        The figure with all points, as plotly JSON; large, sent when the colouring changes.
    state : str
        What is highlighted on it, as JSON: ``overlay`` (traces), ``faded`` (true while hits are lit),
        ``selected`` (ids).
    """

    _esm = ""
    base = traitlets.Unicode("").tag(sync=True)
    state = traitlets.Unicode("{}").tag(sync=True)

    def __init__(self, on_event: Callable[[dict[str, Any]], None], **traits: Any) -> None:
        super().__init__(on_event, _esm=_map_script(), **traits)


class PanelView(_Reporting):
    """Shows HTML whose texts are already escaped; buttons with ``data-id`` report that id.

    Attributes
    ----------
    html : str
    """

    _esm = _HERE / "panel.js"
    _css = _HERE / "explorer.css"
    html = traitlets.Unicode("").tag(sync=True)

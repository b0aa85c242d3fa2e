"""The texts that the browser runs, joined to one: plotly.js, our own, and what they are to show."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

_FRONT = Path(__file__).parent / "front"
_PARTS = ("data.js", "overlay.js", "lasso.js", "chart.js", "player.js", "detail.js", "filter.js", "app.js")


@lru_cache(maxsize=1)
def _common() -> str:
    """plotly.js, as it comes with the plotly package, and all parts of the explorer.

    plotly.js looks for CommonJS first: a ``module`` of its own keeps it away from the page's globals.
    """
    from plotly.offline import get_plotlyjs

    head = (
        "const Plotly = (() => { const module = {exports: {}}, exports = module.exports, define = undefined;"
    )
    tail = "return module.exports; })();"
    own = [(_FRONT / part).read_text(encoding="utf-8") for part in _PARTS]
    return "\n".join([head, get_plotlyjs(), tail, *own])


def script(last: str, **constants: Any) -> str:
    """Everything, with ``last`` at the end, and constants in a form that no text can break out of."""
    given = [f"const {name} = {in_script(value)};" for name, value in constants.items()]
    text = "\n".join([_common(), *given, (_FRONT / last).read_text(encoding="utf-8")])
    return text.replace("</script", "<\\/script") if constants else text


def in_script(value: Any) -> str:
    """A value as JavaScript that can stand in a ``<script>``: no ``<`` is left that could end it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace(
        "<", "\\u003c"
    )


def css() -> str:
    """The style of the explorer."""
    return (_FRONT.parent / "explorer.css").read_text(encoding="utf-8")

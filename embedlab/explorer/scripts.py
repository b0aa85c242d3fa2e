"""Join the scripts that the browser runs: plotly.js, the parts of the explorer, and its data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

_FRONT = Path(__file__).parent / "front"
_PARTS = (
    "data.js", "overlay.js", "lasso.js", "chart.js", "player.js",
    "detail.js", "filter.js", "card.js", "app.js",
)  # fmt: skip


def join_scripts(main: str, constants: Mapping[str, object] | None = None) -> str:
    """Join all scripts into one module that ends with the script ``main``.

    Parameters
    ----------
    main : str
        File name: ``"live.js"`` in a notebook, ``"page.js"`` in an exported page.
    constants : mapping of str to object, optional
        JavaScript constants, by name, for a script inside an HTML page: nothing in the result can close its
        ``<script>`` element.
    """
    declarations = [f"const {name} = {dump_for_script(value)};" for name, value in (constants or {}).items()]
    text = "\n".join([_common_scripts(), *declarations, (_FRONT / main).read_text(encoding="utf-8")])
    return text.replace("</script", "<\\/script") if constants else text


def dump_for_script(value: object) -> str:
    """Write a value as JSON for a ``<script>`` element, with every ``<`` escaped so that none can end it."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def read_css() -> str:
    """Return the style sheet of the explorer."""
    return (_FRONT.parent / "explorer.css").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _common_scripts() -> str:
    """Join plotly.js, from the package plotly, and the parts of the explorer.

    plotly.js exports to CommonJS if it finds a ``module``; one of our own keeps it out of the page's globals.
    """
    from plotly.offline import get_plotlyjs

    head = (
        "const Plotly = (() => { const module = {exports: {}}, exports = module.exports, define = undefined;"
    )
    tail = "return module.exports; })();"
    parts = [(_FRONT / part).read_text(encoding="utf-8") for part in _PARTS]
    return "\n".join([head, get_plotlyjs(), tail, *parts])

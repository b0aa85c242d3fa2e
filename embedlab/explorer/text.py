"""Text from strangers, made safe to show: cleaned, cut, wrapped, escaped.

Plotly reads a small subset of HTML in every label, legend and hover text (``<b>``, ``<br>``, ``<a href>``),
so those are escaped like any other HTML.
"""

from __future__ import annotations

import html
import re
import textwrap

HOVER_CHARS = 300
HOVER_WIDTH = 60

# Control characters draw nothing or garbage; half a surrogate pair cannot be sent to a browser at all.
_UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def clean(value: object) -> str:
    """The value as text without control characters and broken surrogates."""
    return _UNSHOWABLE.sub("\ufffd", str(value))


def escape(value: object) -> str:
    """Cleaned text that any HTML, attribute values included, shows as it is."""
    return html.escape(clean(value), quote=True)


def clip(value: object, max_chars: int) -> str:
    """Cleaned text on one line, cut with an ellipsis; not escaped."""
    # Only the beginning is looked at: an item may be a whole book.
    line = " ".join(clean(str(value)[: 4 * max_chars + 200]).split())
    cut = len(line) > max_chars or len(str(value)) > 4 * max_chars + 200
    return line[: max_chars - 1].rstrip() + "…" if cut else line


def plotly_label(value: object, max_chars: int = 40) -> str:
    """One line for a plotly legend, title or tick, escaped.

    Quotes stay as they are: plotly knows few named entities, and the text never becomes an attribute.
    """
    return _for_plotly(clip(value, max_chars))


def hover(text: object, label: str | None = None) -> str:
    """Hover text for plotly, escaped: the label in bold, then the beginning of the text in short lines."""
    lines = textwrap.wrap(clip(text, HOVER_CHARS), HOVER_WIDTH) or ["(empty text)"]
    shown = [_for_plotly(line) for line in lines]
    if label is not None:
        shown.insert(0, f"<b>{plotly_label(label)}</b>")
    return "<br>".join(shown)


def _for_plotly(text: str) -> str:
    # "%{x}" in a name is a template that plotly fills in.
    return html.escape(text, quote=False).replace("%{", "%&#123;")


def natural_key(value: str) -> tuple[object, ...]:
    """Sort key under which ``item2`` comes before ``item10`` and case does not matter."""
    parts = re.split(r"(\d+)", value)
    # re.split with a group alternates text and digits, so like is always compared with like.
    return tuple(int(part) if i % 2 else part.casefold() for i, part in enumerate(parts)), value

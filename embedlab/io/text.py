"""Text of unknown origin, made safe to show: cleaned, cut, escaped."""

from __future__ import annotations

import html
import re

# A surrogate without its other half: it can be neither saved as UTF-8 nor sent to a browser.
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
# Control characters, which draw nothing or garbage, and lone surrogates.
_UNSHOWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def clean(value: object) -> str:
    """Return the value as text, with � for control characters and lone surrogates."""
    return _UNSHOWABLE.sub("\ufffd", str(value))


def replace_surrogates(text: str) -> str:
    """Replace each lone surrogate by �."""
    return text if text.isascii() else LONE_SURROGATE.sub("\ufffd", text)


def escape(value: object) -> str:
    """Return cleaned text that is shown as it is in HTML, attribute values included."""
    return html.escape(clean(value), quote=True)


def clip(value: object, max_chars: int) -> str:
    """Return cleaned text on one line, cut with an ellipsis; it is not escaped."""
    # An item may be a whole book: only its beginning is cleaned.
    text, limit = str(value), 4 * max_chars + 200
    line = " ".join(clean(text[:limit]).split())
    too_long = len(line) > max_chars or len(text) > limit
    return line[: max_chars - 1].rstrip() + "…" if too_long else line


def first_line(error: BaseException, max_chars: int = 200) -> str:
    """Return the first line of an error's message, or the name of its class if it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:max_chars]


def natural_key(value: str) -> tuple[object, ...]:
    """Return a sort key by which ``item2`` comes before ``item10``, whatever the case."""
    parts = re.split(r"(\d+)", value)
    # re.split with a group alternates text and digits, so numbers are only compared with numbers.
    return tuple(int(part) if i % 2 else part.casefold() for i, part in enumerate(parts)), value

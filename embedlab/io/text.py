"""Text from strangers, made safe to show: cleaned, cut, escaped."""

from __future__ import annotations

import html
import re

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


def natural_key(value: str) -> tuple[object, ...]:
    """Sort key under which ``item2`` comes before ``item10`` and case does not matter."""
    parts = re.split(r"(\d+)", value)
    # re.split with a group alternates text and digits, so like is always compared with like.
    return tuple(int(part) if i % 2 else part.casefold() for i, part in enumerate(parts)), value


def first_line(error: BaseException, max_chars: int = 200) -> str:
    """Return the first line of an error's message, or the name of its class if it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:max_chars]

"""Sizes, durations and lists as people read them."""

from __future__ import annotations

from collections.abc import Iterable


def format_bytes(number: float) -> str:
    """Write a number of bytes with a unit: ``1234567`` → ``"1.2 MB"`` (10^6 bytes)."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= size:
            amount = number / size
            return f"{amount:.1f} {unit}" if amount < 10 else f"{round(amount, 1):,.0f} {unit}"
    return f"{number:.0f} bytes"


def format_seconds(number: float) -> str:
    """Write a duration: ``95`` → ``"1 min 35 s"``.

    Below ten seconds it has one decimal; above an hour it has no seconds.
    """
    if number < 9.95:
        return f"{number:.1f} s"
    seconds = round(number)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        minutes, seconds = divmod(seconds, 60)
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    hours, minutes = divmod(round(number / 60), 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def listed(values: Iterable[object], max_shown: int = 5) -> str:
    """Write the first values in quotes, and how many more there are: ``'a', 'b' and 7 more``."""
    values = list(values)
    shown = ", ".join(repr(str(value)) for value in values[:max_shown])
    return shown + (f" and {len(values) - max_shown} more" if len(values) > max_shown else "")

"""Amounts in words that people read: bytes and seconds."""

from __future__ import annotations


def of_bytes(number: float) -> str:
    """``1234567`` → ``"1.2 MB"`` (10^6 bytes)."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= size:
            amount = number / size
            return f"{amount:.1f} {unit}" if amount < 10 else f"{round(amount, 1):,.0f} {unit}"
    return f"{number:.0f} bytes"


def of_seconds(number: float) -> str:
    """``95`` → ``"1 min 35 s"``; below ten seconds with a decimal, above an hour without seconds."""
    if number < 9.95:
        return f"{number:.1f} s"
    whole = round(number)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, seconds = divmod(whole, 60)
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    hours, minutes = divmod(round(number / 60), 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"

"""Small pieces of sentences about a comparison."""

from __future__ import annotations

from collections.abc import Sequence


def count_units(n: int, unit: str) -> str:
    """Write a number with its unit, given in the plural: ``1 query``, ``2 queries``."""
    single = unit.removesuffix("ies") + "y" if unit.endswith("ies") else unit.removesuffix("s")
    return f"{n:,} {single if n == 1 else unit}"


def join_words(words: Sequence[str]) -> str:
    """Join words to a list: ``A, B and C``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))

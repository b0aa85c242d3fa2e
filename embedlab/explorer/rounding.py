"""Round numbers for the browser, to save bytes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def round_values(values: ArrayLike, digits: int = 6) -> list[float | None]:
    """Round to as many decimals as give the largest value ``digits`` digits; None if not finite."""
    numbers = np.asarray(values, float)
    finite = np.isfinite(numbers)
    largest = float(np.abs(numbers[finite]).max(initial=0))
    decimals = digits - int(np.floor(np.log10(largest))) - 1 if largest else digits
    rounded: list[float | None] = np.round(numbers, decimals).tolist()
    if finite.all():
        return rounded
    return [value if ok else None for value, ok in zip(rounded, finite.tolist(), strict=True)]

"""An exercise for tests, ``99/double``."""

from __future__ import annotations

from embedlab.lessons import Verdict, exercise, hint, right
from embedlab.lessons import check as check


@exercise("99/double")
def double(answer: object) -> Verdict:
    """Check a number whose double is 8."""
    if answer * 2 == 8:  # type: ignore[operator]
        return right("Twice four is eight.")
    return hint("Half of eight.")

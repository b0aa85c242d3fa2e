"""Progress bars, the same for every part of the package."""

from __future__ import annotations

from typing import Literal, NoReturn, TypeAlias

from tqdm.auto import tqdm

from embedlab import settings

ProgressBar: TypeAlias = "tqdm[NoReturn]"
_DELAY = 1.0  # seconds


def progress_bar(
    description: str,
    total: float | None = None,
    *,
    unit: Literal["item", "file", "index", "model", "B"] = "item",
    progress: bool | None = None,
) -> ProgressBar:
    """Return a progress bar that disappears when it is done.

    Use it as a context manager and call its ``update(n)``.

    Parameters
    ----------
    description : str
        What is being done, for example ``"embedding with text/minilm"``.
    total : float, optional
        How many units there are.
    unit : {"item", "file", "index", "model", "B"}
        What is counted; bytes (``"B"``) are shown as kB, MB and GB of 10^3, 10^6 and 10^9 bytes.
    progress : bool, optional
        True shows the bar at once, False never. By default it appears after a second, in a notebook or a
        terminal. ``TQDM_DISABLE=1`` turns every bar off.
    """
    hidden = None if progress is None else not progress  # tqdm takes None for "only in a terminal"
    return tqdm(
        desc=description,
        total=total,
        unit=unit,
        unit_scale=unit == "B",
        unit_divisor=1000,
        delay=_DELAY if progress is None else 0.0,
        disable=settings.bars_disabled() or hidden,
        leave=False,
    )

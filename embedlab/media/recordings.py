"""Cut long recordings into items."""

from __future__ import annotations

from typing import Any

import pandas as pd

from embedlab.errors import Argument, BadItem
from embedlab.items import Items
from embedlab.media.audio import RATE, read_blocks, read_duration


def split_audio(items: Items, seconds_each: float = 30.0, hop: float | None = None) -> Items:
    """Cut recordings into windows: one item, and so one vector, for each.

    Parameters
    ----------
    items : Items
        Of audio.
    seconds_each : float
        Length of a window; the last one of a recording may be shorter.
    hop : float, optional
        Seconds from the beginning of one window to that of the next; by default windows do not overlap.

    Returns
    -------
    Items
        Id and path end in ``#t=30,60``, a part of a file as the web names it. Label and metadata are those of
        the recording; new columns are ``recording`` (its id), ``start`` and ``end`` (in seconds).

    Raises
    ------
    BadItem
        For items that are not audio, or a window or hop of no length.
    UnreadableMedia
        For a recording that cannot be read.
    """
    hop = seconds_each if hop is None else hop
    if items.modality != "audio":
        raise BadItem(f"split_audio cuts audio, but these items are {items.modality}.")
    if not (seconds_each > 0 and hop > 0):
        given = (Argument("seconds_each", seconds_each), " and ", Argument("hop", hop))
        raise BadItem(*given, ": a window and its hop must be longer than 0 s.")
    rows: list[dict[Any, Any]] = []
    for row in items.frame.to_dict("records"):
        duration = _measure_duration(row["path"])
        start = 0.0
        while True:
            end = min(start + seconds_each, duration)
            part = f"#t={start:g},{end:g}"
            window = {"id": f"{row['id']}{part}", "path": f"{row['path']}{part}"}
            rows.append({**row, **window, "recording": row["id"], "start": start, "end": end})
            start += hop
            if end >= duration:
                break
    return Items(pd.DataFrame(rows), "audio", items.name)


def _measure_duration(path: str) -> float:
    """Return the length in seconds, by decoding if the header does not tell."""
    declared = read_duration(path)
    return sum(map(len, read_blocks(path))) / RATE if declared is None else declared

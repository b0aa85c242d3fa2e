"""A part of a video, or all of it, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

import numpy as np

from embedlab.errors import Problem, ProblemCode
from embedlab.items.fragments import parse_fragment
from embedlab.media.containers import TRUNCATED, FileSource, opened_container
from embedlab.media.errors import UnreadableMedia
from embedlab.media.frame_times import Timeline, read_timeline
from embedlab.media.frames import open_track
from embedlab.media.truncation import is_truncated

T = TypeVar("T")

VideoSource = FileSource | np.ndarray

_NO_FRAMES = Problem(ProblemCode.DAMAGED, "it holds no frame that can be decoded")
_CUT_BEFORE_FIRST = Problem(ProblemCode.DAMAGED, "it ends before its first frame (it is truncated)")


@dataclass(frozen=True)
class Clip:
    """A part of a video, or all of it; in seconds on the clock of the file.

    Attributes
    ----------
    timeline : Timeline
        Of the whole file.
    start, end : Fraction
    is_truncated : bool
        Whether the file was cut off, after the end of this part.
    """

    timeline: Timeline
    start: Fraction
    end: Fraction
    is_truncated: bool

    @property
    def duration(self) -> Fraction:
        """Length in seconds."""
        return self.end - self.start

    def centres(self, n_parts: int) -> list[Fraction]:
        """Return the middle of each of ``n_parts`` equal parts."""
        return [self.start + self.duration * Fraction(2 * i + 1, 2 * n_parts) for i in range(n_parts)]


def read_clip(source: FileSource) -> Clip:
    """Read when the frames of a file, or of the part that is named, are shown; decode nothing.

    Raises
    ------
    UnreadableMedia
        If the file cannot be opened, was cut off within the part, or has nothing there.
    """
    path, start, end = parse_fragment(source)
    timeline = _read_timeline(path)
    truncated = is_truncated(path)
    if truncated and timeline is None:
        raise UnreadableMedia(path, "video", _CUT_BEFORE_FIRST)
    timeline = check_decoded(timeline, path)
    first = timeline.begins + Fraction(start).limit_denominator(1_000_000)
    last = timeline.ends if end is None else timeline.begins + Fraction(end).limit_denominator(1_000_000)
    if truncated and (end is None or last > timeline.ends):
        problem = Problem(ProblemCode.DAMAGED, f"{TRUNCATED}: {describe_length(timeline)}")
        raise UnreadableMedia(path, "video", problem)
    last = min(last, timeline.ends)
    if first >= last:
        where = f"from {start:g} s on" if first >= timeline.ends else f"between {start:g} and {end:g} s"
        problem = Problem(ProblemCode.EMPTY, f"it has no frames {where}: {describe_length(timeline)}")
        raise UnreadableMedia(path, "video", problem, "Choose another part")
    return Clip(timeline, first, last, truncated)


def check_decoded(found: T | None, source: FileSource | np.ndarray) -> T:
    """Return what was found in a video, or raise :class:`UnreadableMedia` for None."""
    if found is None:
        raise UnreadableMedia(source, "video", _NO_FRAMES)
    return found


def check_array(frames: np.ndarray) -> np.ndarray:
    """Return frames in memory, or raise :class:`UnreadableMedia` for another type or shape."""
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or 0 in frames.shape:
        reason = (
            "an array of frames holds uint8 of shape (n_frames, height, width, 3); "
            f"this one is {frames.dtype} of shape {frames.shape}"
        )
        raise UnreadableMedia(frames, "video", Problem(ProblemCode.WRONG_KIND, reason), "Convert it")
    return frames


def describe_length(timeline: Timeline) -> str:
    """Say how many seconds of frames a file has."""
    return f"{float(timeline.ends - timeline.begins):.2f} s of frames are there"


def _read_timeline(path: FileSource) -> Timeline | None:
    for seek in (True, False):
        with opened_container(path, "video") as container:
            timeline = read_timeline(container, open_track(container, path), seek=seek)
        if timeline is not None:
            return timeline
    return None

"""The frames of a film: when they are shown, which one is on screen at a moment, and its pixels.

:mod:`embedlab.media.video` is what others use. Times are exact here (fractions of a second, on the clock of
the file): with rounded ones, a moment at the edge of two frames would give now the one and now the other.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from embedlab.errors import BadItem
from embedlab.media.containers import CURE, MOST_PIXELS, name, picture_of

MOST_BYTES = 4_000_000_000  # of all frames together
_END = 1_000_000  # seconds: seeking to there leads to the last keyframe
_SPARED = Fraction(1, 2)  # seconds that a leap must skip: it empties the decoder, which has its cost


class Lost(Exception):
    """Seeking led to a place from which the wanted frame cannot be decoded."""


def track_of(container: Any, source: Any) -> Any:
    """The picture track, ready to be decoded; ``source`` is for the message.

    Raises
    ------
    BadItem
        When no decoder knows it, or it claims too many pixels.
    """
    track = picture_of(container)
    if track.codec_context is None:
        raise BadItem(f"{name(source, 'video')} is compressed in an unknown way. Save it as MP4, {CURE}.")
    pixels = track.width * track.height
    if not 0 < pixels <= MOST_PIXELS:
        # FFmpeg, told the limit, does not even say how large a first frame beyond it would be.
        claim = f"{pixels:,} pixels" if pixels else "no pixels, or far too many"
        raise BadItem(
            f"{name(source, 'video')} cannot be read: it says its frames have {claim}, "
            f"but 1 to {MOST_PIXELS:,} are read. Make it smaller, {CURE}."
        )
    track.codec_context.options = {"max_pixels": str(MOST_PIXELS)}  # frames may grow further in
    track.thread_type = "AUTO"
    track.codec_context.thread_count = min(4, os.cpu_count() or 1)  # each holds frames of its own
    return track


# -- times ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Picture:
    """When the picture of a film is shown, and its sound heard; in seconds, on the clock of the file."""

    begins: Fraction
    ends: Fraction
    last_key: Fraction  # its last keyframe
    rate: Fraction  # frames a second, on average
    one_frame: bool
    sound_begins: Fraction | None  # None without a sound track
    sound_ends: Fraction | None  # None, too, where the sound ends long before the picture


def measure(container: Any, stream: Any, leap: bool) -> Picture | None:
    """Read from the packets after the last keyframe, or else from all of them; nothing decoded.

    Headers are not asked: they tell the length of the longer track, or a wrong one, or none. None where no
    packet is found: the index of a file that was cut off leads beyond its end, and all of it must be read.
    """
    track = next(iter(container.streams.audio), None)
    rate = stream.average_rate or Fraction(25)
    if leap:
        with suppress(av.error.FFmpegError):
            container.seek(int(_END / stream.time_base), stream=stream)
    found = _extent(container, stream, track, rate)
    if found is None:
        return None
    key, last, ends, sound_ends = found
    begins = key if stream.start_time is None else stream.start_time * stream.time_base
    heard = None if track is None else (track.start_time or 0) * track.time_base
    return Picture(begins, ends, key, rate, last <= begins, heard, sound_ends)


def _extent(
    container: Any, stream: Any, track: Any, rate: Fraction
) -> tuple[Fraction, Fraction, Fraction, Fraction | None] | None:
    """From here on: the first frame, the last one, its end, and the end of the sound."""
    key = last = ends = heard = None
    for packet in container.demux([stream] if track is None else [stream, track]):
        stamp = _stamp(packet, container)
        if stamp is None or packet.is_discard or packet.is_corrupt:
            continue
        at = stamp * packet.time_base
        if packet.stream_index == stream.index:
            until = at + (packet.duration * packet.time_base if packet.duration else 1 / rate)
            key = at if key is None else min(at, key)
            if last is None or at > last:  # in MP4 the lengths of other packets are those of decoding
                last, ends = at, until
        else:
            until = at + (packet.duration or 0) * packet.time_base
            heard = until if heard is None else max(until, heard)
    return None if key is None or last is None or ends is None else (key, last, ends, heard)


def _stamp(packet: Any, container: Any) -> int | None:
    """When a packet is shown. AVI tells only when it is decoded: in order, these are the same times."""
    stamp: int | None = packet.dts if container.format.name == "avi" else packet.pts
    return stamp


def keyframes(container: Any, stream: Any, moments: Sequence[Fraction]) -> list[tuple[int, Fraction]] | None:
    """For each moment where to seek, and when the keyframe that lies there is shown: never after the moment.

    None for a file in which seeking does not work, or, as in AVI, does not tell what is shown when.
    """
    if container.format.name == "avi":
        return None
    keys = []
    for moment in moments:
        ask = math.floor(moment / stream.time_base)
        try:
            container.seek(ask, stream=stream)
        except av.error.FFmpegError:
            return None
        packet = next((p for p in container.demux(stream) if p.pts is not None), None)
        if packet is None or packet.pts > ask:
            return None
        keys.append((ask, packet.pts * stream.time_base))
    return keys


def shown_at(
    container: Any,
    stream: Any,
    moments: Sequence[Fraction],
    keys: Sequence[tuple[int, Fraction]] | None = None,
) -> Iterator[Any]:
    """The frame on screen at each moment: the last one whose time has come.

    Parameters
    ----------
    container, stream
        The stream is that of :func:`track_of`.
    moments : sequence of Fraction
        Ascending.
    keys : sequence, optional
        From :func:`keyframes`, one for each moment: decoding leaps there, unless that skips nothing.

    Yields
    ------
    av.VideoFrame
        None at all where nothing can be decoded.

    Raises
    ------
    Lost
        Decoding from a keyframe gave no frame in time; without ``keys`` it will.
    """
    decoded = _decoded(container, stream)
    now, ahead = None, next(decoded, None)
    for i, moment in enumerate(moments):
        if keys is not None and ahead is not None and keys[i][1] > ahead[0] + _SPARED:
            container.seek(keys[i][0], stream=stream)
            decoded = _decoded(container, stream)
            now, ahead = None, next(decoded, None)
            if ahead is None or ahead[0] > moment:
                raise Lost
        while ahead is not None and (now is None or ahead[0] <= moment):
            now, ahead = ahead, next(decoded, None)
        if now is None:
            return
        yield now[1]


def _decoded(container: Any, stream: Any) -> Iterator[tuple[Fraction, Any]]:
    """Each frame with the time from which it is shown, from where the container stands."""
    stamps: deque[int] = deque()
    for packet in container.demux(stream):
        if packet.size and packet.dts is not None:
            stamps.append(packet.dts)
        for frame in packet.decode():
            stamp = stamps.popleft() if container.format.name == "avi" and stamps else frame.pts
            if stamp is not None:
                yield stamp * stream.time_base, frame


# -- pixels --------------------------------------------------------------------------------------------------


def collect(
    shown: Iterable[Any], n_frames: int, shorter_side: int | None, source: Any, aspect: Fraction | None = None
) -> np.ndarray | None:
    """Frames one by one into an array, (n_frames, height, width, 3), uint8; None where there are none.

    Each is scaled before it becomes RGB, put on white where it is transparent, then turned and mirrored as
    the display matrix of the first one says.

    Parameters
    ----------
    shown : iterable of av.VideoFrame
    n_frames : int
    shorter_side : int, optional
        Pixels, at most; None for all of them.
    source
        For the message.
    aspect : Fraction, optional
        Width of a pixel whose height is 1.

    Raises
    ------
    BadItem
        When all of them would take more than ``MOST_BYTES``.
    """
    out, before, size, matrix, reformatter = None, None, (0, 0), None, VideoReformatter()
    for i, frame in enumerate(shown):
        if before is None:
            size = _size(frame.width * float(aspect or 1), frame.height, shorter_side)
            if n_frames * size[0] * size[1] * 3 > MOST_BYTES:
                raise BadItem(
                    f"{n_frames} frames of {name(source, 'video')}, {size[0]:,} × {size[1]:,} pixels each, "
                    "do not fit into memory. Ask for fewer, or for a smaller shorter_side."
                )
        if frame is not before:
            kind = "rgba" if any(part.is_alpha for part in frame.format.components) else "rgb24"
            small = reformatter.reformat(frame, *size, kind, interpolation="BICUBIC")
            if before is None:
                # Only of one small frame: its side data and it refer to each other, so it lives on a while.
                matrix = small.side_data.get("DISPLAYMATRIX")
            pixels = _turned(_on_white(small.to_ndarray()), matrix)
        if out is None:
            out = np.empty((n_frames, *pixels.shape), np.uint8)
        out[i], before = pixels, frame
    return out


def _size(width: float, height: int, shorter_side: int | None) -> tuple[int, int]:
    scale = 1.0 if shorter_side is None else min(1.0, shorter_side / min(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _on_white(pixels: np.ndarray) -> np.ndarray:
    """RGB from RGB or RGBA."""
    if pixels.shape[2] == 3:
        return pixels
    opaque = pixels[..., 3:].astype(np.uint16)
    return ((pixels[..., :3] * opaque + 255 * (255 - opaque) + 127) // 255).astype(np.uint8)


def _turned(pixels: np.ndarray, matrix: Any) -> np.ndarray:
    """By a display matrix with the columns (a, c) and (b, d): x, y is shown at x·a + y·c, x·b + y·d."""
    if matrix is None:
        return pixels
    a, b, _, c, d = (int(number) for number in np.frombuffer(bytes(matrix), "=i4")[:5])
    if abs(b) + abs(c) > abs(a) + abs(d):
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    return pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]

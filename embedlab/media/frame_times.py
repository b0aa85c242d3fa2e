"""When the frames of a video are shown: read from its packets, nothing decoded.

Times are exact (fractions of a second, on the clock of the file): with rounded ones, a time at the edge of
two frames would give now the one and now the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream

_END = 1_000_000  # seconds: seeking to there leads to the last keyframe
_DEFAULT_RATE = Fraction(25)  # frames per second, if the file does not say


@dataclass(frozen=True)
class Timeline:
    """When frames are shown and sound is heard, in seconds on the clock of the file.

    Attributes
    ----------
    begins, ends : Fraction
        Of the frames.
    last_keyframe : Fraction
    rate : Fraction
        Frames per second, on average.
    has_one_frame : bool
    sound_begins : Fraction or None
        None without a sound track.
    sound_ends : Fraction or None
        None also if the sound ends long before the frames.
    """

    begins: Fraction
    ends: Fraction
    last_keyframe: Fraction
    rate: Fraction
    has_one_frame: bool
    sound_begins: Fraction | None
    sound_ends: Fraction | None


def read_timeline(container: InputContainer, stream: VideoStream, *, seek: bool) -> Timeline | None:
    """Read the timeline from the packets after the last keyframe, or from all of them.

    Headers are not trusted: they tell the length of the longer track, or a wrong one, or none.

    Parameters
    ----------
    container, stream
        As opened; ``stream`` has the frames.
    seek : bool
        Whether to seek to the last keyframe first.

    Returns
    -------
    Timeline or None
        None if no packet is found: the index of a file that was cut off leads beyond its end, and all of it
        must be read, with ``seek=False``.
    """
    sound = next(iter(container.streams.audio), None)
    rate = stream.average_rate or _DEFAULT_RATE
    if seek:
        with suppress(av.error.FFmpegError):
            container.seek(int(_END / _time_base(stream)), stream=stream)
    extent = _read_extent(container, stream, sound, rate)
    if extent is None:
        return None
    begins = extent.first if stream.start_time is None else stream.start_time * _time_base(stream)
    sound_begins = None if sound is None else (sound.start_time or 0) * _time_base(sound)
    has_one_frame = extent.last <= begins
    return Timeline(begins, extent.ends, extent.first, rate, has_one_frame, sound_begins, extent.sound_ends)


def find_keyframes(
    container: InputContainer, stream: VideoStream, times: Sequence[Fraction]
) -> list[tuple[int, Fraction]] | None:
    """Find the keyframe before each time.

    Returns
    -------
    list of tuple of int and Fraction, or None
        Where to seek, in units of the stream, and when the keyframe there is shown: never after the time.
        None for a file in which seeking does not work, or, as in AVI, does not tell what is shown when.
    """
    if container.format.name == "avi":
        return None
    keyframes = []
    for time in times:
        offset = math.floor(time / _time_base(stream))
        try:
            container.seek(offset, stream=stream)
        except av.error.FFmpegError:
            return None
        shown = next((packet.pts for packet in container.demux(stream) if packet.pts is not None), None)
        if shown is None or shown > offset:
            return None
        keyframes.append((offset, shown * _time_base(stream)))
    return keyframes


@dataclass(frozen=True)
class _Extent:
    """First and last frame from where the container stands, and when frames and sound end."""

    first: Fraction
    last: Fraction
    ends: Fraction
    sound_ends: Fraction | None


def _read_extent(
    container: InputContainer, stream: VideoStream, sound: AudioStream | None, rate: Fraction
) -> _Extent | None:
    first = last = ends = sound_ends = None
    for packet in container.demux([stream] if sound is None else [stream, sound]):
        stamp = _timestamp(packet, container)
        if stamp is None or packet.is_discard or packet.is_corrupt:
            continue
        base = packet.time_base or Fraction(1)
        at = stamp * base
        if packet.stream_index == stream.index:
            until = at + (packet.duration * base if packet.duration else 1 / rate)
            first = at if first is None else min(at, first)
            if last is None or at > last:  # in MP4 the durations of other packets are those of decoding
                last, ends = at, until
        else:
            until = at + (packet.duration or 0) * base
            sound_ends = until if sound_ends is None else max(until, sound_ends)
    if first is None or last is None or ends is None:
        return None
    return _Extent(first, last, ends, sound_ends)


def _timestamp(packet: Packet[Any], container: InputContainer) -> int | None:
    """Return when a packet is shown.

    AVI tells only when it is decoded; in order, these are the same times.
    """
    return packet.dts if container.format.name == "avi" else packet.pts


def _time_base(stream: VideoStream | AudioStream) -> Fraction:
    return stream.time_base or Fraction(1)

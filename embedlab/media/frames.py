"""Decode the frames of a video that are on screen at given times."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from fractions import Fraction

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from embedlab.errors import Problem, ProblemCode
from embedlab.media.containers import MAX_PIXELS, UNKNOWN_CODEC, video_track
from embedlab.media.errors import SeekFailed, UnreadableMedia

_MIN_SKIP = Fraction(1, 2)  # seconds; seeking empties the decoder, which must be worth it
_MAX_THREADS = 4  # each holds frames of its own


def open_track(container: InputContainer, source: object) -> VideoStream:
    """Return the track of moving images, ready to be decoded.

    Parameters
    ----------
    container : av.container.InputContainer
        From :func:`~embedlab.media.containers.opened_container`.
    source : path or bytes
        For the message.

    Raises
    ------
    UnreadableMedia
        If no decoder knows its codec, or it claims more than ``MAX_PIXELS``.
    """
    track = video_track(container)
    if track is None or track.codec_context is None:
        raise UnreadableMedia(source, "video", UNKNOWN_CODEC, "Save it as MP4")
    pixels = track.width * track.height
    if not 0 < pixels <= MAX_PIXELS:
        # FFmpeg, told the limit, does not even say how large a first frame beyond it would be.
        claim = f"{pixels:,} pixels" if pixels else "no pixels, or far too many"
        reason = f"it claims that its frames have {claim}, but 1 to {MAX_PIXELS:,} are read"
        raise UnreadableMedia(source, "video", Problem(ProblemCode.TOO_LARGE, reason))
    track.codec_context.options = {"max_pixels": str(MAX_PIXELS)}  # frames may grow further in
    track.thread_type = "AUTO"
    track.codec_context.thread_count = min(_MAX_THREADS, os.cpu_count() or 1)
    return track


def frames_at(
    container: InputContainer,
    stream: VideoStream,
    times: Sequence[Fraction],
    keyframes: Sequence[tuple[int, Fraction]] | None = None,
) -> Iterator[VideoFrame]:
    """Decode the frame on screen at each time: the last one whose time has come.

    Parameters
    ----------
    container, stream
        ``stream`` is from :func:`open_track`.
    times : sequence of Fraction
        Seconds, ascending.
    keyframes : sequence, optional
        From :func:`~embedlab.media.frame_times.find_keyframes`, one for each time: decoding goes on from
        there, unless that would skip almost nothing.

    Yields
    ------
    av.VideoFrame
        None at all if nothing can be decoded.

    Raises
    ------
    SeekFailed
        If decoding from a keyframe gives no frame in time; without ``keyframes`` it will.
    """
    decoded = _decode(container, stream)
    current, upcoming = None, next(decoded, None)
    for i, time in enumerate(times):
        if keyframes is not None and upcoming is not None and keyframes[i][1] > upcoming[0] + _MIN_SKIP:
            container.seek(keyframes[i][0], stream=stream)
            decoded = _decode(container, stream)
            current, upcoming = None, next(decoded, None)
            if upcoming is None or upcoming[0] > time:
                raise SeekFailed(f"Seeking to {float(time):.3f} s gives no frame at that time.")
        while upcoming is not None and (current is None or upcoming[0] <= time):
            current, upcoming = upcoming, next(decoded, None)
        if current is None:
            return
        yield current[1]


def _decode(container: InputContainer, stream: VideoStream) -> Iterator[tuple[Fraction, VideoFrame]]:
    """Decode each frame from where the container stands, with the time from which it is shown."""
    stamps: deque[int] = deque()
    time_base = stream.time_base or Fraction(1)
    for packet in container.demux(stream):
        if packet.size and packet.dts is not None:
            stamps.append(packet.dts)
        for frame in packet.decode():
            stamp = stamps.popleft() if container.format.name == "avi" and stamps else frame.pts
            if stamp is not None and isinstance(frame, VideoFrame):
                yield stamp * time_base, frame

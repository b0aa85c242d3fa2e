"""Read videos from files that nobody has checked, with PyAV (FFmpeg).

Whatever a file holds (MP4, MOV, WebM, MKV, AVI, or an animated GIF), the results are upright RGB frames,
evenly spaced in time, and the sound that is heard while they are shown. A part of a file is named as on the
web: ``clip.mp4#t=2,4`` is the third and the fourth second (W3C Media Fragments).
"""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import av
import numpy as np

from embedlab.errors import Argument, BadItem, Problem
from embedlab.items.fragments import parse_fragment
from embedlab.media import audio
from embedlab.media.clip import (
    Clip,
    VideoSource,
    check_array,
    check_decoded,
    describe_length,
    read_clip,
)
from embedlab.media.containers import TRUNCATED, FileSource, opened_container
from embedlab.media.errors import SeekFailed, UnreadableMedia
from embedlab.media.frame_pixels import to_rgb_array
from embedlab.media.frame_times import find_keyframes
from embedlab.media.frames import frames_at, open_track

ARRAY_RATE = 25  # frames per second of an array, which cannot tell
_SEEK_FROM = 100  # frames: fewer are decoded as fast as their keyframes are found
_MAX_OVERHANG = 0.5  # seconds of sound after the last frame that are not worth a note


def read_frames(source: VideoSource, n_frames: int = 16, *, shorter_side: int | None = None) -> np.ndarray:
    """Decode frames evenly spaced in time.

    These are the ones on screen in the middle of ``n_frames`` equal parts. In a long video, only what lies
    between a wanted frame and the keyframe before it is decoded.

    Parameters
    ----------
    source : path, bytes, or ndarray
        A video (its content decides, not its name), perhaps with a part: ``"clip.mp4#t=2,4"``, in seconds.
        Or the bytes of one; or decoded frames, uint8 of shape (n, height, width, 3).
    n_frames : int
        How many. A video that has fewer shows some of them more than once.
    shorter_side : int, optional
        Most pixels of the shorter side; the aspect ratio is kept, and nothing is enlarged. Frames are
        scaled one by one as they are decoded, so that 4K takes no more memory than a few of its frames.

    Returns
    -------
    ndarray, shape (n_frames, height, width, 3), uint8
        RGB. Turned as the video says, pixels made square, transparent parts put on white.

    Raises
    ------
    UnreadableMedia
        If the file is missing, damaged, truncated or not a video. A part of a truncated file that is still
        there can be read.
    BadItem
        If ``n_frames`` or ``shorter_side`` is below 1.
    """
    _check_counts(n_frames, shorter_side)
    if isinstance(source, np.ndarray):
        return _sample_array(check_array(source), n_frames, shorter_side)
    path, clip = parse_fragment(source)[0], read_clip(source)
    times = clip.centres(n_frames)
    keyframes = None
    if _is_seeking_faster(clip, times[-1]):
        with opened_container(path, "video") as container:
            keyframes = find_keyframes(container, open_track(container, path), times)
    if keyframes is not None:
        # Some files cannot be entered in the middle; decoding all of it shows what is wrong.
        with suppress(SeekFailed, UnreadableMedia):
            return _decode_at(path, times, keyframes, shorter_side)
    return _decode_at(path, times, None, shorter_side)


def list_frame_times(source: VideoSource, n_frames: int = 16) -> np.ndarray:
    """List the times of the frames of :func:`read_frames`, in seconds.

    Returns
    -------
    ndarray, shape (n_frames,), float64
        From the first frame of the file, also for a part of it.

    Raises
    ------
    UnreadableMedia
        As :func:`read_duration`.
    """
    _check_counts(n_frames, None)
    if isinstance(source, np.ndarray):
        return (np.arange(n_frames) + 0.5) * read_duration(source) / n_frames
    clip = read_clip(source)
    return np.array([float(at - clip.timeline.begins) for at in clip.centres(n_frames)])


def read_duration(source: VideoSource) -> float:
    """Read how long the frames are shown, in seconds; decode nothing.

    The end is read from the last frames in the file. An array counts as 25 frames per second.

    Raises
    ------
    UnreadableMedia
        If it cannot be opened or was cut off.
    """
    if isinstance(source, np.ndarray):
        return len(check_array(source)) / ARRAY_RATE
    return float(read_clip(source).duration)


def find_problem(source: VideoSource) -> Problem | None:
    """Find out from its beginning and its end why a video cannot be read.

    Returns
    -------
    Problem or None
        None also for damage in between: only decoding finds that.
    """
    try:
        read_duration(source)
    except UnreadableMedia as error:
        return error.problem
    return None


def list_notes(source: VideoSource) -> tuple[str, ...]:
    """List what is worth knowing about a video before using it; empty for a plain one.

    Raises
    ------
    UnreadableMedia
        As :func:`read_duration`.
    """
    still = "one frame only: a still picture"
    if isinstance(source, np.ndarray):
        return (still,) if len(check_array(source)) == 1 else ()
    clip = read_clip(source)
    timeline, noted = clip.timeline, []
    if timeline.sound_begins is None:
        noted.append("no sound track")
    if timeline.has_one_frame:
        noted.append(still)
    overhang = float((timeline.sound_ends or timeline.ends) - timeline.ends)
    if overhang > _MAX_OVERHANG and clip.end == timeline.ends:
        noted.append(f"its sound goes on for {overhang:.1f} s after the picture: that is left out")
    if clip.is_truncated:
        noted.append(f"{TRUNCATED}: {describe_length(timeline)}")
    return tuple(noted)


def has_sound(source: VideoSource) -> bool:
    """Return whether there is a sound track, silent or not.

    Raises
    ------
    UnreadableMedia
        If the file cannot be opened.
    """
    if isinstance(source, np.ndarray):
        return False
    with opened_container(parse_fragment(source)[0], "video") as container:
        return bool(container.streams.audio)


def read_sound(source: VideoSource, rate: int = audio.RATE) -> np.ndarray | None:
    """Read the sound that is heard while the frames are shown.

    Parameters
    ----------
    source : path, bytes, or ndarray
        As for :func:`read_frames`.
    rate : int
        Samples per second of the result, in Hz.

    Returns
    -------
    ndarray, shape (round(duration · rate),), float32, or None
        The mean of all channels. Zeros before the sound begins and after it ends; sound before or after the
        frames is left out. A silent track is all zeros; None means that there is no track.

    Raises
    ------
    UnreadableMedia
        As :func:`read_duration`, or if the sound is damaged.
    """
    if isinstance(source, np.ndarray):
        check_array(source)
        return None
    clip = read_clip(source)
    if clip.timeline.sound_begins is None:
        return None
    offset = float(clip.start - clip.timeline.sound_begins)  # seconds of sound before the part
    path = parse_fragment(source)[0]
    out = np.zeros(round(float(clip.duration) * rate), np.float32)
    at = round(-offset * rate)
    if not isinstance(path, (bytes, bytearray, memoryview)):
        # A part with an end may go on after the sound has ended.
        path = f"{path}#t={max(0, offset):.6f},{max(0, offset) + float(clip.duration):.6f}"
        at = max(0, at)
    for block in audio.read_blocks(path, rate):
        heard = block[max(0, -at) : max(0, len(out) - at)]
        out[max(0, at) : max(0, at) + len(heard)] = heard
        at += len(block)
        if at >= len(out):
            break
    return out


def _sample_array(frames: np.ndarray, n_frames: int, shorter_side: int | None) -> np.ndarray:
    rows = ((np.arange(n_frames) + 0.5) * len(frames) / n_frames).astype(int)
    decoded = (av.VideoFrame.from_ndarray(np.ascontiguousarray(frames[row]), "rgb24") for row in rows)
    return check_decoded(to_rgb_array(decoded, n_frames, shorter_side, frames), frames)


def _decode_at(
    path: FileSource,
    times: list[Fraction],
    keyframes: list[tuple[int, Fraction]] | None,
    shorter_side: int | None,
) -> np.ndarray:
    with opened_container(path, "video") as container:
        track = open_track(container, path)
        decoded = frames_at(container, track, times, keyframes)
        aspect = track.sample_aspect_ratio
        return check_decoded(to_rgb_array(decoded, len(times), shorter_side, path, aspect), path)


def _is_seeking_faster(clip: Clip, last: Fraction) -> bool:
    """Return whether many frames precede the last wanted one, with keyframes to seek to."""
    timeline = clip.timeline
    has_keyframes = timeline.last_keyframe > timeline.begins
    return has_keyframes and (last - timeline.begins) * timeline.rate > _SEEK_FROM


def _check_counts(n_frames: int, shorter_side: int | None) -> None:
    if n_frames < 1:
        raise BadItem(Argument("n_frames", n_frames), " is too small. Ask for at least 1 frame.")
    if shorter_side is not None and shorter_side < 1:
        raise BadItem(Argument("shorter_side", shorter_side), " is too small. It is at least 1 pixel.")

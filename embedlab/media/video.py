"""Reading films that come from strangers, with PyAV (FFmpeg).

Whatever a file holds (MP4, MOV, WebM, MKV, AVI, or a moving GIF), what comes out are upright RGB frames,
evenly spaced in time, and the sound that is heard while they are seen. A part of a file is named as the web
does it: ``clip.mp4#t=2,4`` is the third and the fourth second of its picture (W3C Media Fragments).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

import av
import numpy as np

from embedlab.errors import BadItem, Problem, ProblemCode
from embedlab.items.fragments import fragment
from embedlab.media import audio
from embedlab.media.containers import CURE, is_cut, name, opened
from embedlab.media.frames import Lost, Picture, collect, keyframes, measure, shown_at, track_of

T = TypeVar("T")

_AGAIN = f"Copy it again, {CURE}."
_RATE = 25  # frames a second of an array, which cannot tell
_FEW = 100  # so many frames are decoded as fast as their keyframes are found


def read_frames(source: Any, n_frames: int = 16, *, shorter_side: int | None = None) -> np.ndarray:
    """Frames evenly spaced in time: those on screen in the middle of ``n_frames`` equal parts of the film.

    Of a long film, only what lies between a wanted frame and the keyframe before it is decoded.

    Parameters
    ----------
    source : path, bytes, or ndarray
        A film (its content decides, not its name), perhaps with a part: ``"clip.mp4#t=2,4"``, in seconds. Or
        the bytes of one; or frames already decoded, uint8 of shape (n, height, width, 3).
    n_frames : int
        How many. A film that has fewer shows some of them more than once.
    shorter_side : int, optional
        Pixels that the shorter side has at most; the aspect is kept, and nothing is made larger. Frames are
        scaled one by one as they are decoded, so that 4K takes no more memory than a few of its frames.

    Returns
    -------
    ndarray, shape (n_frames, height, width, 3), uint8
        RGB. Turned as the film says, pixels that are not square made so, transparent parts put on white.

    Raises
    ------
    BadItem
        Naming the file, what is wrong with it, and the cure. A file that was cut off is an error too, as with
        sound: the vector of a half must not pass for the whole. A part that is still there can be read.
    """
    _check_numbers(n_frames, shorter_side)
    if isinstance(source, np.ndarray):
        picked = ((np.arange(n_frames) + 0.5) * len(_checked(source)) / n_frames).astype(int)
        decoded = (av.VideoFrame.from_ndarray(np.ascontiguousarray(source[i]), "rgb24") for i in picked)
        return _found(collect(decoded, n_frames, shorter_side, source), source)
    path, clip = fragment(source)[0], _clip(source)
    times, keys = clip.times(n_frames), None
    if _leaping_pays(clip.picture, times[-1]):
        with opened(path, "video") as container:
            keys = keyframes(container, track_of(container, path), times)
    if keys is not None:
        # Some files cannot be entered in the middle; one pass from the beginning finds out what is wrong.
        with suppress(Lost, BadItem), opened(path, "video") as container:
            track = track_of(container, path)
            shown = shown_at(container, track, times, keys)
            frames = collect(shown, n_frames, shorter_side, path, track.sample_aspect_ratio)
            return _found(frames, path)
    with opened(path, "video") as container:
        track = track_of(container, path)
        shown = shown_at(container, track, times)
        frames = collect(shown, n_frames, shorter_side, path, track.sample_aspect_ratio)
        return _found(frames, path)


def moments(source: Any, n_frames: int = 16) -> np.ndarray:
    """The times of the frames of :func:`read_frames`, in seconds from the beginning of the film's picture.

    Returns
    -------
    ndarray, shape (n_frames,), float64
        Of a part, too, counted from the beginning of the whole.

    Raises
    ------
    BadItem
        As :func:`length`.
    """
    _check_numbers(n_frames, None)
    if isinstance(source, np.ndarray):
        return (np.arange(n_frames) + 0.5) * length(source) / n_frames
    clip = _clip(source)
    return np.array([float(at - clip.picture.begins) for at in clip.times(n_frames)])


def length(source: Any) -> float:
    """How long the picture is shown, in seconds: read from the last frames in the file, nothing decoded.

    Of an array, as if it had 25 frames a second.

    Raises
    ------
    BadItem
        When it cannot be opened, or was cut off.
    """
    if isinstance(source, np.ndarray):
        return len(_checked(source)) / _RATE
    clip = _clip(source)
    return float(clip.end - clip.start)


def problem(source: Any) -> Problem | None:
    """Why a film cannot be read, or None, from a look at its beginning and its end.

    What is damaged in between passes; only decoding finds that.
    """
    try:
        length(source)
    except BadItem as error:
        return Problem(ProblemCode.UNREADABLE, str(error).rstrip("."))
    return None


def notes(source: Any) -> tuple[str, ...]:
    """What is worth knowing about a film before it is trusted, in words; empty for a plain one.

    Raises
    ------
    BadItem
        As :func:`length`.
    """
    still = "one frame only: a still picture"
    if isinstance(source, np.ndarray):
        return (still,) if len(_checked(source)) == 1 else ()
    clip = _clip(source)
    picture, said = clip.picture, []
    if picture.sound_begins is None:
        said.append("no sound track")
    if picture.one_frame:
        said.append(still)
    over = float((picture.sound_ends or picture.ends) - picture.ends)
    if over > 0.5 and clip.end == picture.ends:
        said.append(f"its sound goes on for {over:.1f} s after the picture: that is left out")
    if clip.is_cut:
        said.append(f"the file ends too early (it is truncated): {_there(picture)}")
    return tuple(said)


def has_sound(source: Any) -> bool:
    """Whether there is a sound track, silent or not.

    Raises
    ------
    BadItem
        When it cannot be opened.
    """
    if isinstance(source, np.ndarray):
        return False
    with opened(fragment(source)[0], "video") as container:
        return bool(container.streams.audio)


def read_sound(source: Any, rate: int = audio.RATE) -> np.ndarray | None:
    """What is heard while the picture is shown.

    Parameters
    ----------
    source : path, bytes, or ndarray
        As for :func:`read_frames`.
    rate : int
        Samples a second that are wanted.

    Returns
    -------
    ndarray, shape (round(length · rate),), float32, or None
        The mean of all channels. Where the sound begins later or ends earlier than the picture there are
        zeros; what is heard before or after the picture is left out. A silent track is all zeros. None is for
        a film without a track.

    Raises
    ------
    BadItem
        As :func:`length`, or when the sound is damaged.
    """
    if isinstance(source, np.ndarray):
        _checked(source)
        return None
    clip = _clip(source)
    if clip.picture.sound_begins is None:
        return None
    ahead = float(clip.start - clip.picture.sound_begins)  # seconds of sound before what is wanted
    path = fragment(source)[0]
    out = np.zeros(round(float(clip.end - clip.start) * rate), np.float32)
    at = round(-ahead * rate)
    if not isinstance(path, (bytes, bytearray, memoryview)):
        # Of a part whose end is named it is no error that the sound ends before.
        path = f"{path}#t={max(0, ahead):.6f},{max(0, ahead) + float(clip.end - clip.start):.6f}"
        at = max(0, at)
    for piece in audio.blocks(path, rate):
        heard = piece[max(0, -at) : max(0, len(out) - at)]
        out[max(0, at) : max(0, at) + len(heard)] = heard
        at += len(piece)
        if at >= len(out):
            break
    return out


# -- what is asked for ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Clip:
    """A part of a film's picture, or all of it; in seconds on the clock of the file."""

    picture: Picture
    start: Fraction
    end: Fraction
    is_cut: bool

    def times(self, n_frames: int) -> list[Fraction]:
        """The middle of each of ``n_frames`` equal parts."""
        whole = self.end - self.start
        return [self.start + whole * Fraction(2 * i + 1, 2 * n_frames) for i in range(n_frames)]


def _clip(source: Any) -> _Clip:
    path, start, end = fragment(source)
    picture = None
    for leap in (True, False):
        if picture is None:
            with opened(path, "video") as container:
                picture = measure(container, track_of(container, path), leap)
    cut = is_cut(path)
    if cut and picture is None:
        raise BadItem(f"{name(path, 'video')} ends before its first frame (it is truncated). {_AGAIN}")
    picture = _found(picture, path)
    first = picture.begins + Fraction(start).limit_denominator(1_000_000)
    last = picture.ends if end is None else picture.begins + Fraction(end).limit_denominator(1_000_000)
    if cut and (end is None or last > picture.ends):
        raise BadItem(f"{name(path, 'video')} ends too early (it is truncated): {_there(picture)}. {_AGAIN}")
    last = min(last, picture.ends)
    if first >= last:
        where = f"from {start:g} s on" if first >= picture.ends else f"between {start:g} and {end:g} s"
        raise BadItem(
            f"{name(path, 'video')} has nothing {where}: {_there(picture)}. Choose another part, {CURE}."
        )
    return _Clip(picture, first, last, cut)


def _leaping_pays(picture: Picture, last: Fraction) -> bool:
    """Whether there are many frames to pass before the last wanted one, and keyframes to leap to."""
    return picture.last_key > picture.begins and (last - picture.begins) * picture.rate > _FEW


def _there(picture: Picture) -> str:
    return f"{float(picture.ends - picture.begins):.2f} s of picture are there"


def _found(thing: T | None, source: Any) -> T:
    if thing is None:
        raise BadItem(f"{name(source, 'video')} holds no picture that can be decoded. {_AGAIN}")
    return thing


def _check_numbers(n_frames: int, shorter_side: int | None) -> None:
    if n_frames < 1:
        raise BadItem(f"n_frames must be at least 1, not {n_frames}.")
    if shorter_side is not None and shorter_side < 1:
        raise BadItem(f"shorter_side must be at least 1 pixel, not {shorter_side}.")


def _checked(frames: np.ndarray) -> np.ndarray:
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or 0 in frames.shape:
        raise BadItem(
            "An array of a film holds uint8 of shape (n_frames, height, width, 3); "
            f"this one is {frames.dtype} of shape {frames.shape}."
        )
    return frames

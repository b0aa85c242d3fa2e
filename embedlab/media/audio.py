"""Reading sound that comes from strangers, with PyAV (FFmpeg) and soxr.

Whatever a file holds, what comes out is mono, float32, at one rate; a video gives its sound track. A part of
a file is named as the web does it: ``talk.mp3#t=30,60`` is the second half minute (W3C Media Fragments).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import soxr

from embedlab.errors import BadItem, Problem, ProblemCode
from embedlab.items.fragments import fragment
from embedlab.media.containers import CURE, is_cut, name, opened, picture_of

RATE = 16_000  # Hz; what speech models listen to
SILENT = 1e-5  # of full scale, −100 dB: below it there is nothing but rounding
_END = 65_536  # bytes


def read_audio(source: Any, rate: int = RATE) -> np.ndarray:
    """All of a sound, in memory: an hour at 16 kHz is 230 MB; :func:`blocks` reads piece by piece.

    Parameters
    ----------
    source : path, bytes, or (samples, rate)
        A sound file, or a video with a sound track (its content decides, not its name), perhaps with a part:
        ``"talk.mp3#t=30,60"``, in seconds. Or the bytes of one; or an array of floats from −1 to 1, of shape
        (n_samples,) or (n_samples, n_channels), with its rate in Hz.
    rate : int
        Samples a second that are wanted.

    Returns
    -------
    ndarray, shape (n_samples,), float32
        The mean of all channels, resampled. Integers are brought to −1 … 1; floats stay as they are.

    Raises
    ------
    BadItem
        Naming the file, what is wrong with it, and the cure. Silence is an error too: every silent clip would
        get the same vector.
    """
    pieces = list(blocks(source, rate))
    samples = np.concatenate(pieces) if pieces else np.empty(0, np.float32)
    if not len(samples):
        raise BadItem(_nothing(source))
    if np.abs(samples).max() < SILENT:
        raise BadItem(f"{name(source, 'audio')} is silent from beginning to end. Record it again, {CURE}.")
    return samples


def beginning(source: Any, most: float, rate: int = RATE) -> np.ndarray:
    """The first ``most`` seconds of a sound, shape (n_samples,), float32; nothing after them is decoded.

    Raises
    ------
    BadItem
        As :func:`read_audio`, but silence passes, and so does what is damaged further in.
    """
    wanted, pieces = int(most * rate), []
    for piece in blocks(source, rate):
        pieces.append(piece)
        if sum(map(len, pieces)) >= wanted:
            break
    samples = np.concatenate(pieces)[:wanted] if pieces else np.empty(0, np.float32)
    if not len(samples):
        raise BadItem(_nothing(source))
    return samples


def blocks(source: Any, rate: int = RATE) -> Iterator[np.ndarray]:
    """The same sound in pieces of a fraction of a second, so that memory stays flat; silence passes.

    Yields
    ------
    ndarray, shape (n,), float32

    Raises
    ------
    BadItem
        As :func:`read_audio`, when the trouble is reached.
    """
    pieces = _in_memory(source) if _is_array(source) else _decoded(source)
    resampler: soxr.ResampleStream | None = None
    for mono, own in pieces:
        if not np.isfinite(mono).all():
            raise BadItem(
                f"{name(source, 'audio')} holds NaN or infinity among its samples. Export it again, {CURE}."
            )
        if resampler is None:
            resampler = soxr.ResampleStream(own, rate, 1, dtype="float32")
        yield resampler.resample_chunk(mono)
    if resampler is not None:
        yield resampler.resample_chunk(np.empty(0, np.float32), last=True)


def seconds(source: Any) -> float | None:
    """How long a sound is by its header, in seconds; None where the header does not tell.

    Raises
    ------
    BadItem
        When it cannot be opened.
    """
    if _is_array(source):
        return float(len(source[0]) / source[1])
    path, start, end = fragment(source)
    with opened(path, "audio") as container:
        declared = _declared(container)
    if declared is None:
        return None if end is None else end - start
    return max(0.0, min(declared, end if end is not None else declared) - start)


def problem(source: Any) -> Problem | None:
    """Why a sound cannot be read, or None, from a look at its header.

    What is silent, or damaged further in, passes; only decoding finds that.
    """
    try:
        seconds(source)
    except BadItem as error:
        return Problem(ProblemCode.UNREADABLE, str(error).rstrip("."))
    return None


def notes(source: Any, rate: int = RATE) -> tuple[str, ...]:
    """What is worth knowing about a sound before it is trusted, in words; empty for a plain one.

    Raises
    ------
    BadItem
        As :func:`read_audio`.
    """
    said = []
    if not _is_array(source):
        with opened(fragment(source)[0], "audio") as container:
            track = container.streams.audio[0]
            if picture_of(container):
                said.append("a film: its sound track is used")
            if track.channels > 1:
                said.append(f"{track.channels} channels: their mean is used")
            if track.rate < rate:
                said.append(f"{track.rate} Hz: nothing above {track.rate // 2} Hz can be heard")
    loudest = np.abs(read_audio(source, rate))
    # Of a sound that hit the ceiling, many samples have the very highest value.
    if loudest.max() >= 0.99 and (loudest > 0.99 * loudest.max()).mean() > 0.005:
        said.append("clipped: too loud for its recorder")
    return tuple(said)


# -- decoding -----------------------------------------------------------------------------------------------


def _declared(container: Any) -> float | None:
    """Seconds, by the header."""
    track = container.streams.audio[0]
    if track.duration is not None and track.time_base is not None:
        return float(track.duration * track.time_base)
    return container.duration / av.time_base if container.duration else None


def _decoded(source: Any) -> Iterator[tuple[np.ndarray, int]]:
    """Pieces of sound, mono, each with its rate in Hz."""
    path, start, end = fragment(source)
    with opened(path, "audio") as container:
        track = container.streams.audio[0]
        track.thread_type = "AUTO"
        begins = float((track.start_time or 0) * track.time_base)  # mp3 and films need not begin at 0
        if start:
            container.seek(int((start + begins) * av.time_base))
        read = 0.0
        for frame in container.decode(track):
            mono, rate = _mono(frame), frame.sample_rate
            if start or end is not None:
                at = frame.time - begins if frame.time is not None else start + read
                first = max(0, round((start - at) * rate))
                last = None if end is None else max(0, round((end - at) * rate))
                mono = mono[first:last]
            read += frame.samples / rate
            if len(mono):
                yield mono, rate
            elif end is not None and at >= end:
                return
        if not start and end is None:
            _refuse_truncated(path, container, read)


def _refuse_truncated(source: Any, container: Any, read: float) -> None:
    """FFmpeg plays what is left of a file that was cut; the vector of a half must not pass for the whole."""
    declared = _declared(container)
    form = container.format.name
    head, tail = _ends(source)
    if form == "wav" and head[:4] == b"RIFF":
        size = struct.unpack("<I", head[4:8])[0]
        cut = 0 < size < 0xFFFFFFF0 and container.size < size + 8 - 1
    elif form == "ogg":
        cut = _last_page_is_cut(tail)
    elif form == "mp3" and not (b"Xing" in head or b"Info" in head):
        return  # its length is a guess
    elif form.startswith("matroska"):
        cut = is_cut(source)  # it tells the length of the film, and the sound may end sooner
    else:
        cut = declared is not None and read < 0.95 * declared - 0.5
    if cut:
        raise BadItem(
            f"{name(source, 'audio')} ends too early (it is truncated): {read:.1f} s of sound are there. "
            f"Copy it again, {CURE}."
        )


def _last_page_is_cut(tail: bytes) -> bool:
    """Ogg comes in pages of at most 65,307 bytes; each says in its head how long it is."""
    page = tail[max(0, tail.rfind(b"OggS")) :]
    n_segments = page[26] if len(page) > 26 else 0
    return len(page) < 27 + n_segments + sum(page[27 : 27 + n_segments])


def _ends(source: Any) -> tuple[bytes, bytes]:
    """The first and the last bytes of a file."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return bytes(source[:_END]), bytes(source[-_END:])
    with Path(source).open("rb") as file:
        head = file.read(_END)
        file.seek(-min(_END, Path(source).stat().st_size), os.SEEK_END)
        return head, file.read()


# -- samples -------------------------------------------------------------------------------------------------

_SCALE = {"u1": 128.0, "i2": 32_768.0, "i4": 2_147_483_648.0}


def _mono(frame: Any) -> np.ndarray:
    """A frame of any layout and format as the mean of its channels, float32."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    kind = values.dtype.str[1:]
    floats = values.astype(np.float32)
    if kind in _SCALE:
        floats = (floats - 128.0 if kind == "u1" else floats) / _SCALE[kind]
    return np.ascontiguousarray(floats.mean(axis=0), dtype=np.float32)


def _is_array(source: Any) -> bool:
    return isinstance(source, tuple) and len(source) == 2


def _in_memory(source: Any) -> Iterator[tuple[np.ndarray, int]]:
    samples, rate = np.asarray(source[0]), int(source[1])
    if samples.ndim not in (1, 2) or samples.dtype.kind != "f" or not 100 <= rate <= 1_000_000:
        raise BadItem(
            f"An array of sound holds floats from −1 to 1, of shape (n_samples,) or (n_samples, n_channels), "
            f"and comes with its rate in Hz; this one is {samples.dtype} of shape {samples.shape} at {rate}."
        )
    if len(samples):
        mono = samples.astype(np.float32) if samples.ndim == 1 else samples.mean(axis=1, dtype=np.float32)
        yield np.ascontiguousarray(mono, dtype=np.float32), rate


def _nothing(source: Any) -> str:
    return f"{name(source, 'audio')} holds no sound. Copy it again, {CURE}."

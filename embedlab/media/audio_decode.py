"""Decode sound into mono blocks at its own rate; notice files that were cut off."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer

from embedlab.errors import Problem, ProblemCode
from embedlab.items.fragments import parse_fragment
from embedlab.media.containers import UNKNOWN_CODEC, FileSource, opened_container
from embedlab.media.errors import UnreadableMedia
from embedlab.media.truncation import is_ogg_truncated, is_truncated, is_wav_truncated, read_ends

AudioSource = FileSource | tuple[np.ndarray, int]

_FULL_SCALE = {"u1": 128.0, "i2": 32_768.0, "i4": 2_147_483_648.0}  # of integer samples, by dtype


def decode(source: FileSource) -> Iterator[tuple[np.ndarray, int]]:
    """Decode a file, or a part of one, block by block.

    Yields
    ------
    tuple of ndarray and int
        Mono samples of shape (n,), float32, and their rate in Hz.

    Raises
    ------
    UnreadableMedia
        If it cannot be opened; when the damage is reached; at the end, if the file was cut off.
    """
    path, start, end = parse_fragment(source)
    with opened_container(path, "audio") as container:
        track = container.streams.audio[0]
        if track.codec_context is None:
            raise UnreadableMedia(path, "audio", UNKNOWN_CODEC, "Save it as WAV")
        track.codec_context.thread_type = "AUTO"
        time_base = track.time_base or 0
        begins = float((track.start_time or 0) * time_base)  # MP3 and videos need not begin at 0
        if start:
            container.seek(int((start + begins) * av.time_base))
        seconds = 0.0
        for frame in container.decode(track):
            mono, rate = _to_mono(frame), frame.sample_rate
            if start or end is not None:
                at = frame.time - begins if frame.time is not None else start + seconds
                first = max(0, round((start - at) * rate))
                last = None if end is None else max(0, round((end - at) * rate))
                mono = mono[first:last]
            seconds += frame.samples / rate
            if len(mono):
                yield mono, rate
            elif end is not None and at >= end:
                return
        if not start and end is None and _is_truncated(path, container, seconds):
            raise UnreadableMedia(path, "audio", _truncated_after(seconds))


def decode_array(source: tuple[np.ndarray, int]) -> Iterator[tuple[np.ndarray, int]]:
    """Yield samples in memory as one mono block, float32, with their rate in Hz.

    Raises
    ------
    UnreadableMedia
        If the array is not of floats of shape (n_samples,) or (n_samples, n_channels).
    """
    samples, rate = np.asarray(source[0]), int(source[1])
    if samples.ndim not in (1, 2) or samples.dtype.kind != "f" or not 100 <= rate <= 1_000_000:
        reason = (
            "an array of sound holds floats from −1 to 1, of shape (n_samples,) or (n_samples, n_channels), "
            f"and comes with its rate in Hz; this one is {samples.dtype} of shape {samples.shape} at {rate}"
        )
        raise UnreadableMedia(source, "audio", Problem(ProblemCode.WRONG_KIND, reason), "Convert it")
    if len(samples):
        mono = samples.astype(np.float32) if samples.ndim == 1 else samples.mean(axis=1, dtype=np.float32)
        yield np.ascontiguousarray(mono, dtype=np.float32), rate


def declared_duration(container: InputContainer) -> float | None:
    """Return the length that the header declares, in seconds, or None."""
    track = container.streams.audio[0]
    if track.duration is not None and track.time_base is not None:
        return float(track.duration * track.time_base)
    return container.duration / av.time_base if container.duration else None


def _is_truncated(source: FileSource, container: InputContainer, seconds: float) -> bool:
    """Return whether a file of which ``seconds`` could be decoded should have more of them."""
    declared = declared_duration(container)
    format_name = container.format.name
    head, tail = read_ends(source)
    if format_name == "wav" and head[:4] == b"RIFF":
        return is_wav_truncated(head, container.size)
    if format_name == "ogg":
        return is_ogg_truncated(tail)
    if format_name == "mp3" and not (b"Xing" in head or b"Info" in head):
        return False  # the length of such a file is a guess
    if format_name.startswith("matroska"):
        return is_truncated(source)  # it declares the length of the video, and the sound may end sooner
    return declared is not None and seconds < 0.95 * declared - 0.5


def _truncated_after(seconds: float) -> Problem:
    reason = f"it ends too early (it is truncated): only {seconds:.1f} s of sound are there"
    return Problem(ProblemCode.DAMAGED, reason)


def _to_mono(frame: AudioFrame) -> np.ndarray:
    """Return the mean of a frame's channels, float32, whatever its layout and format."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    dtype = values.dtype.str[1:]
    floats = values.astype(np.float32)
    if dtype in _FULL_SCALE:
        floats = (floats - 128.0 if dtype == "u1" else floats) / _FULL_SCALE[dtype]
    return np.ascontiguousarray(floats.mean(axis=0), dtype=np.float32)

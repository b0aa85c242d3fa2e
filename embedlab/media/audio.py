"""Read sound from files that nobody has checked, with PyAV (FFmpeg) and soxr.

Whatever a file holds, the result is mono, float32, at one rate; a video gives its sound track. A part of a
file is named as on the web: ``talk.mp3#t=30,60`` is the second half minute (W3C Media Fragments).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import soxr

from embedlab.errors import Problem, ProblemCode
from embedlab.items.fragments import parse_fragment
from embedlab.media.audio_decode import AudioSource, declared_duration, decode, decode_array
from embedlab.media.containers import opened_container, video_track
from embedlab.media.errors import UnreadableMedia

RATE = 16_000  # Hz; what speech models were trained on
SILENT = 1e-5  # of full scale, −100 dB: anything below is rounding
_CLIPPED_SHARE = 0.005  # of the samples at the highest level: the recorder could not go further

NO_SOUND = Problem(ProblemCode.EMPTY, "it holds no sound")
SILENCE = Problem(ProblemCode.SILENT, "it is silent from beginning to end")
_NOT_FINITE = Problem(ProblemCode.DAMAGED, "it holds NaN or infinity among its samples")


def read_audio(source: AudioSource, rate: int = RATE) -> np.ndarray:
    """Read all of a sound into memory: an hour at 16 kHz is 230 MB.

    Parameters
    ----------
    source : path, bytes, or (samples, rate)
        A sound file or a video with a sound track (its content decides, not its name), perhaps with a part:
        ``"talk.mp3#t=30,60"``, in seconds. Or the bytes of one; or an array of floats from −1 to 1, of shape
        (n_samples,) or (n_samples, n_channels), with its rate in Hz.
    rate : int
        Samples per second of the result, in Hz.

    Returns
    -------
    ndarray, shape (n_samples,), float32
        The mean of all channels, resampled. Integers are scaled to −1 … 1; floats stay as they are.

    Raises
    ------
    UnreadableMedia
        If the file is missing, damaged, truncated or has no sound; also if it is silent, since every silent
        clip would get the same vector.

    See Also
    --------
    read_blocks : The same piece by piece.
    """
    pieces = list(read_blocks(source, rate))
    samples = np.concatenate(pieces) if pieces else np.empty(0, np.float32)
    if not len(samples):
        raise UnreadableMedia(source, "audio", NO_SOUND)
    if np.abs(samples).max() < SILENT:
        raise UnreadableMedia(source, "audio", SILENCE)
    return samples


def read_start(source: AudioSource, seconds: float, rate: int = RATE) -> np.ndarray:
    """Read the first ``seconds`` of a sound and decode nothing after them.

    Returns
    -------
    ndarray, shape (n_samples,), float32

    Raises
    ------
    UnreadableMedia
        As :func:`read_audio`, but silence passes, and so does what is damaged further in.
    """
    wanted, pieces = int(seconds * rate), []
    for piece in read_blocks(source, rate):
        pieces.append(piece)
        if sum(map(len, pieces)) >= wanted:
            break
    samples = np.concatenate(pieces)[:wanted] if pieces else np.empty(0, np.float32)
    if not len(samples):
        raise UnreadableMedia(source, "audio", NO_SOUND)
    return samples


def read_blocks(source: AudioSource, rate: int = RATE) -> Iterator[np.ndarray]:
    """Read a sound in pieces of a fraction of a second, so that memory stays flat.

    Yields
    ------
    ndarray, shape (n,), float32

    Raises
    ------
    UnreadableMedia
        As :func:`read_audio`, when the damage is reached; silence passes.
    """
    pieces = decode_array(source) if isinstance(source, tuple) else decode(source)
    resampler: soxr.ResampleStream | None = None
    for mono, source_rate in pieces:
        if not np.isfinite(mono).all():
            raise UnreadableMedia(source, "audio", _NOT_FINITE, "Export it again")
        if resampler is None:
            resampler = soxr.ResampleStream(source_rate, rate, 1, dtype="float32")
        yield resampler.resample_chunk(mono)
    if resampler is not None:
        yield resampler.resample_chunk(np.empty(0, np.float32), last=True)


def read_duration(source: AudioSource) -> float | None:
    """Read the length of a sound in seconds from its header; None if the header does not tell.

    Raises
    ------
    UnreadableMedia
        If it cannot be opened.
    """
    if isinstance(source, tuple):
        return float(len(source[0]) / source[1])
    path, start, end = parse_fragment(source)
    with opened_container(path, "audio") as container:
        declared = declared_duration(container)
    if declared is None:
        return None if end is None else end - start
    return max(0.0, min(declared, end if end is not None else declared) - start)


def find_problem(source: AudioSource) -> Problem | None:
    """Find out from its header why a sound cannot be read.

    Returns
    -------
    Problem or None
        None also for silence and for damage further in: only decoding finds these.
    """
    try:
        read_duration(source)
    except UnreadableMedia as error:
        return error.problem
    return None


def list_notes(source: AudioSource, rate: int = RATE) -> tuple[str, ...]:
    """List what is worth knowing about a sound before using it; empty for a plain one.

    Raises
    ------
    UnreadableMedia
        As :func:`read_audio`.
    """
    noted = []
    if not isinstance(source, tuple):
        with opened_container(parse_fragment(source)[0], "audio") as container:
            track = container.streams.audio[0]
            if video_track(container):
                noted.append("a film: its sound track is used")
            if track.channels > 1:
                noted.append(f"{track.channels} channels: their mean is used")
            if track.rate < rate:
                noted.append(f"{track.rate} Hz: nothing above {track.rate // 2} Hz can be heard")
    levels = np.abs(read_audio(source, rate))
    if levels.max() >= 0.99 and (levels > 0.99 * levels.max()).mean() > _CLIPPED_SHARE:
        noted.append("clipped: too loud for its recorder")
    return tuple(noted)

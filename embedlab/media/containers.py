"""Open sound and video files that nobody has checked, with PyAV (FFmpeg)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Literal

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from embedlab.errors import Problem, ProblemCode
from embedlab.media.errors import UnreadableMedia, os_problem
from embedlab.media.truncation import is_truncated

FileSource = str | os.PathLike[str] | bytes | bytearray | memoryview
TrackKind = Literal["audio", "video"]

# Only formats that hold sound and images themselves: a playlist could name any other file, or an address.
FORMATS = "wav,w64,flac,ogg,mp3,aac,mov,matroska,avi,aiff,caf,au,amr,asf,gif,webm"
# The largest frame that any standard knows (AV1, level 7). A small file may claim far more: a bomb.
MAX_PIXELS = 16_384 * 8_704
TRUNCATED = "it ends too early (it is truncated)"
UNKNOWN_CODEC = Problem(ProblemCode.WRONG_KIND, "it is compressed with an unknown codec")
_EXPECTED: dict[TrackKind, str] = {
    "audio": "expected a path, bytes, or (samples, rate) with the rate in Hz",
    "video": "expected a path, bytes, or an array of uint8 of shape (n_frames, height, width, 3)",
}


@contextmanager
def opened_container(source: FileSource, kind: TrackKind) -> Iterator[InputContainer]:
    """Open a container that has a track of this kind.

    Parameters
    ----------
    source : path or bytes
    kind : {"audio", "video"}

    Raises
    ------
    UnreadableMedia
        If it cannot be opened or has no such track; also for what FFmpeg reports while it is open.
    """
    file = _checked(source, kind)
    try:
        with av.open(
            file,
            "r",
            metadata_errors="replace",
            options={"max_pixels": str(MAX_PIXELS)},  # while FFmpeg probes the beginning
            container_options={"format_whitelist": FORMATS},
        ) as container:
            if not (container.streams.audio if kind == "audio" else video_track(container)):
                raise UnreadableMedia(source, kind, _missing_track(container, kind))
            yield container
    except UnreadableMedia:
        raise
    except (av.error.FFmpegError, OSError, ValueError, MemoryError) as error:
        raise UnreadableMedia(source, kind, ffmpeg_problem(error, source, kind)) from error


def video_track(container: InputContainer) -> VideoStream | None:
    """Return the track of moving images, or None; the cover of a song does not count."""
    track = container.streams.best("video")
    if not isinstance(track, VideoStream) or track.disposition & av.stream.Disposition.attached_pic:
        return None
    return track


def ffmpeg_problem(error: Exception, source: FileSource, kind: TrackKind) -> Problem:
    """Translate what PyAV raised, by its type, into a problem.

    FFmpeg reports a file that was cut off as invalid data, too: the file itself must be asked.
    """
    if isinstance(error, MemoryError):
        return Problem(ProblemCode.TOO_LARGE, "it does not fit into memory")
    is_invalid = isinstance(error, av.error.InvalidDataError)
    if isinstance(error, EOFError) or (is_invalid and is_truncated(source)):
        return Problem(ProblemCode.DAMAGED, TRUNCATED)
    if is_invalid:
        word = "a sound" if kind == "audio" else "a video"
        return Problem(ProblemCode.DAMAGED, f"it is not {word} file, or its data are damaged")
    if isinstance(error, OSError) and isinstance(source, (str, os.PathLike)):
        return os_problem(error, source)
    # The text of an FFmpeg error ends with the path, but pages that are passed on must not show folders.
    text = error.strerror if isinstance(error, av.error.FFmpegError) else str(error)
    return Problem(ProblemCode.UNREADABLE, ((text or "").splitlines() or [type(error).__name__])[0][:160])


def _checked(source: object, kind: TrackKind) -> str | BinaryIO:
    """Return what PyAV can open, unless it is empty or of another type."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return BytesIO(bytes(source))
    if not isinstance(source, (str, os.PathLike)):
        reason = f"{_EXPECTED[kind]}, not {type(source).__name__}"
        raise UnreadableMedia(source, kind, Problem(ProblemCode.WRONG_KIND, reason), "Convert it")
    if Path(source).is_file() and Path(source).stat().st_size == 0:
        raise UnreadableMedia(source, kind, Problem(ProblemCode.EMPTY, "the file is empty (0 bytes)"))
    return os.path.abspath(source)  # noqa: PTH100 - a name such as "http:x" must stay a file name


def _missing_track(container: InputContainer, kind: TrackKind) -> Problem:
    if kind == "audio":
        found = "is a video without a sound track" if container.streams.video else "has no sound track"
    else:
        found = "is a sound without a picture" if container.streams.audio else "has no picture"
    return Problem(ProblemCode.WRONG_KIND, f"it {found}")

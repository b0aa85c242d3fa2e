"""Turn decoded frames into arrays of RGB pixels: scaled, on white, upright."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from embedlab.errors import Problem, ProblemCode
from embedlab.media.errors import UnreadableMedia

MAX_BYTES = 4_000_000_000  # of all frames together


def to_rgb_array(
    frames: Iterable[VideoFrame],
    n_frames: int,
    shorter_side: int | None,
    source: object,
    aspect: Fraction | None = None,
) -> np.ndarray | None:
    """Collect frames, one by one, into an array.

    Each is scaled before it becomes RGB, put on white if it is transparent, then turned and mirrored as the
    display matrix of the first one says.

    Parameters
    ----------
    frames : iterable of av.VideoFrame
    n_frames : int
        How many there will be.
    shorter_side : int, optional
        Most pixels of the shorter side; None keeps the size.
    source : path, bytes or ndarray
        For the message.
    aspect : Fraction, optional
        Width of a pixel whose height is 1.

    Returns
    -------
    ndarray, shape (n_frames, height, width, 3), uint8, or None
        None if there are no frames.

    Raises
    ------
    UnreadableMedia
        If all frames together would take more than ``MAX_BYTES``.
    """
    out, previous, size, matrix, reformatter = None, None, (0, 0), None, VideoReformatter()
    for i, frame in enumerate(frames):
        if previous is None:
            size = _scaled_size(frame.width * float(aspect or 1), frame.height, shorter_side)
            _check_memory(n_frames, size, source)
        if frame is not previous:
            pixel_format = "rgba" if any(part.is_alpha for part in frame.format.components) else "rgb24"
            small = reformatter.reformat(frame, *size, pixel_format, interpolation="BICUBIC")
            if previous is None:
                # Only of one small frame: its side data and it refer to each other, so it lives on a while.
                matrix = small.side_data.get("DISPLAYMATRIX")
            pixels = _turn(_put_on_white(small.to_ndarray()), matrix)
        if out is None:
            out = np.empty((n_frames, *pixels.shape), np.uint8)
        out[i], previous = pixels, frame
    return out


def _scaled_size(width: float, height: int, shorter_side: int | None) -> tuple[int, int]:
    scale = 1.0 if shorter_side is None else min(1.0, shorter_side / min(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _check_memory(n_frames: int, size: tuple[int, int], source: object) -> None:
    if n_frames * size[0] * size[1] * 3 > MAX_BYTES:
        reason = f"{n_frames} frames of {size[0]:,} × {size[1]:,} pixels do not fit into memory"
        problem = Problem(ProblemCode.TOO_LARGE, reason)
        raise UnreadableMedia(source, "video", problem, "Ask for fewer frames or a smaller shorter_side")


def _put_on_white(pixels: np.ndarray) -> np.ndarray:
    """Convert RGB or RGBA to RGB."""
    if pixels.shape[2] == 3:
        return pixels
    opaque = pixels[..., 3:].astype(np.uint16)
    return ((pixels[..., :3] * opaque + 255 * (255 - opaque) + 127) // 255).astype(np.uint8)


def _turn(pixels: np.ndarray, matrix: object) -> np.ndarray:
    """Turn by a display matrix with the columns (a, c) and (b, d).

    The pixel at x, y is shown at x·a + y·c, x·b + y·d.
    """
    if not isinstance(matrix, SideData):
        return pixels
    a, b, _, c, d = (int(number) for number in np.frombuffer(bytes(matrix), "=i4")[:5])
    if abs(b) + abs(c) > abs(a) + abs(d):
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    return pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]

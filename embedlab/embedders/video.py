"""Cut videos into the short windows that a video model takes, frames and sound in step."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from embedlab.embedders.preprocess import Preprocess
from embedlab.items.fragments import parse_fragment
from embedlab.media import video
from embedlab.media.clip import VideoSource


@dataclass(frozen=True)
class WindowSize:
    """The input of a video model.

    Attributes
    ----------
    n_frames : int
    fps : float
        Frames per second: how far apart the frames of a window are in time.
    side : int
        Pixels of a frame, which is the square in the middle of the image.
    rate : int
        Samples per second of the sound, in Hz.
    pixel_mean, pixel_std, sound_std : float
        Pixels from 0 to 1 are shifted by the mean and divided by ``pixel_std``, samples from −1 to 1 divided
        by ``sound_std``.
    """

    n_frames: int
    fps: float
    side: int
    rate: int
    pixel_mean: float = 0.0
    pixel_std: float = 1.0
    sound_std: float = 1.0

    @property
    def seconds(self) -> float:
        """Length of a window."""
        return self.n_frames / self.fps

    @property
    def n_samples(self) -> int:
        """Samples of sound in a window."""
        return round(self.seconds * self.rate)

    @property
    def preprocess(self) -> Preprocess:
        """Cropping and normalisation of a frame."""
        mean, std = self.pixel_mean, self.pixel_std
        return Preprocess(
            self.side, self.side, resample="bilinear", mean=(mean, mean, mean), std=(std, std, std)
        )


@dataclass(frozen=True)
class Windows:
    """Pieces of one video, in order.

    Attributes
    ----------
    frames : ndarray, shape (n_windows, n_frames, side, side, 3), uint8
    samples : ndarray, shape (n_windows, n_samples), float32
        From −1 to 1; zeros without sound.
    """

    frames: np.ndarray
    samples: np.ndarray

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self.frames)


def window_starts(seconds: float, window: float, max_windows: int) -> list[float]:
    """Compute when the windows of a video begin, in seconds.

    As many as fit, but at most ``max_windows``; each lies in the middle of an equal part of the video. A
    video shorter than a window has one window, from its beginning.
    """
    n = min(max_windows, max(1, int(seconds / window + 1e-6)))
    return [max(0.0, (i + 0.5) * seconds / n - window / 2) for i in range(n)]


def read_windows(source: VideoSource, size: WindowSize, max_windows: int) -> Windows:
    """Read windows spread over a video.

    A video shorter than a window is continued with its last frame and silence. Frames in memory count as 25
    per second.

    Parameters
    ----------
    source : path, bytes, or ndarray
        As for :func:`embedlab.media.video.read_frames`.
    size : WindowSize
    max_windows : int

    Raises
    ------
    UnreadableMedia
        If the video cannot be read.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):  # only a part of a file has a name
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "video"
            path.write_bytes(source)
            return read_windows(path, size, max_windows)
    seconds = video.read_duration(source)
    duration = min(seconds, size.seconds)
    starts = window_starts(seconds, size.seconds, max_windows)
    parts = [_select_part(source, start, start + duration) for start in starts]
    return Windows(
        np.stack([_read_frames(part, duration, size) for part in parts]),
        np.stack([_read_samples(part, size) for part in parts]),
    )


def _select_part(source: VideoSource, start: float, end: float) -> VideoSource:
    if isinstance(source, np.ndarray):
        per_second = len(source) / video.read_duration(source)
        return source[round(start * per_second) : max(1, round(end * per_second))]
    path, offset, _ = parse_fragment(str(source))
    return f"{path}#t={offset + start:.6f},{offset + end:.6f}"


def _read_frames(part: VideoSource, seconds: float, size: WindowSize) -> np.ndarray:
    n_frames = min(size.n_frames, max(1, round(seconds * size.fps)))
    # Twice the size that is needed: the last step is then the same filter whatever the size of the video.
    frames = video.read_frames(part, n_frames, shorter_side=2 * size.side)
    pixels = [size.preprocess.pixels(Image.fromarray(frame)) for frame in frames]
    return np.stack(pixels + pixels[-1:] * (size.n_frames - n_frames))


def _read_samples(part: VideoSource, size: WindowSize) -> np.ndarray:
    samples = np.zeros(size.n_samples, np.float32)
    sound = video.read_sound(part, size.rate)
    if sound is not None:
        sound = sound[: size.n_samples]
        samples[: len(sound)] = sound
    return samples

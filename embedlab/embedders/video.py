"""Cutting a film into the short windows that a video model was trained on, frames and sound in step."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from embedlab.embedders.preprocess import Preprocess
from embedlab.items.fragments import parse_fragment
from embedlab.media import video


@dataclass(frozen=True)
class WindowSize:
    """What a video model takes at once.

    Attributes
    ----------
    n_frames : int
    fps : float
        Frames a second: how far apart the frames of a window are in time.
    side : int
        Pixels of a frame, which is square: the middle of the picture.
    rate : int
        Samples a second of the sound.
    pixel_mean, pixel_std, sound_std : float
        What pixels from 0 to 1 are shifted and divided by, and samples from −1 to 1 divided by.
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
        """How long a window is."""
        return self.n_frames / self.fps

    @property
    def n_samples(self) -> int:
        """How many samples of sound go with its frames."""
        return round(self.seconds * self.rate)

    @property
    def preprocess(self) -> Preprocess:
        """The middle square of a picture, and how its pixels become the numbers that the network takes."""
        mean, std = self.pixel_mean, self.pixel_std
        return Preprocess(
            self.side, self.side, resample="bilinear", mean=(mean, mean, mean), std=(std, std, std)
        )


@dataclass(frozen=True)
class Windows:
    """Pieces of one film, in order.

    Attributes
    ----------
    frames : ndarray, shape (n_windows, n_frames, side, side, 3), uint8
    samples : ndarray, shape (n_windows, n_samples), float32
        From −1 to 1; zeros where there is no sound.
    """

    frames: np.ndarray
    samples: np.ndarray

    def __len__(self) -> int:
        return len(self.frames)


def starts(seconds: float, window: float, most: int) -> list[float]:
    """When the windows of a film begin, in seconds.

    As many as fit, but at most ``most``; each lies in the middle of an equal part of the film. A film that is
    shorter than a window has one that begins with it.
    """
    n = min(most, max(1, int(seconds / window + 1e-6)))
    return [max(0.0, (i + 0.5) * seconds / n - window / 2) for i in range(n)]


def read_windows(source: Any, size: WindowSize, most: int) -> Windows:
    """The windows of a film, at most ``most`` of them, spread over it.

    A film that is shorter than a window goes on with its last frame, and silence. Frames in memory count as
    25 a second.

    Parameters
    ----------
    source : path, bytes, or ndarray
        As for :func:`embedlab.media.video.read_frames`.
    size : WindowSize
    most : int

    Raises
    ------
    BadItem
        When the film cannot be read.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):  # a part of a film is named after its file
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "film"
            path.write_bytes(source)
            return read_windows(path, size, most)
    seconds = video.read_duration(source)
    begins = starts(seconds, size.seconds, most)
    lasts = min(seconds, size.seconds)
    parts = [_part(source, begin, begin + lasts) for begin in begins]
    return Windows(
        np.stack([_frames(part, lasts, size) for part in parts]),
        np.stack([_samples(part, size) for part in parts]),
    )


def _part(source: Any, start: float, end: float) -> Any:
    if isinstance(source, np.ndarray):
        per_second = len(source) / video.read_duration(source)
        return source[round(start * per_second) : max(1, round(end * per_second))]
    path, begins, _ = parse_fragment(source)
    return f"{path}#t={begins + start:.6f},{begins + end:.6f}"


def _frames(part: Any, seconds: float, size: WindowSize) -> np.ndarray:
    there = min(size.n_frames, max(1, round(seconds * size.fps)))
    # Twice the size that is needed: the last step is then the same filter whatever the film's own size.
    found = video.read_frames(part, there, shorter_side=2 * size.side)
    pixels = [size.preprocess.pixels(Image.fromarray(frame)) for frame in found]
    return np.stack(pixels + pixels[-1:] * (size.n_frames - there))


def _samples(part: Any, size: WindowSize) -> np.ndarray:
    samples = np.zeros(size.n_samples, np.float32)
    heard = video.read_sound(part, size.rate)
    if heard is not None:
        heard = heard[: size.n_samples]
        samples[: len(heard)] = heard
    return samples

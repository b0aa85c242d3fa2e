"""Small films for tests: what a frame shows tells which one it is."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

CODECS = {
    ".mp4": ("libx264", "yuv420p"),
    ".mov": ("libx264", "yuv420p"),
    ".mkv": ("libx264", "yuv420p"),
    ".webm": ("libvpx", "yuv420p"),
    ".avi": ("mpeg4", "yuv420p"),
    ".gif": ("gif", "rgb8"),
}


def film(
    path: Path,
    n: int = 20,
    *,
    times: Sequence[float] | None = None,
    fps: int = 10,
    size: tuple[int, int] = (64, 48),
    sound: float | None = None,
    options: dict[str, str] | None = None,
    rotation: int = 0,
    begins: float = 0.0,
) -> Path:
    """A film of ``n`` frames; frame i is grey, of brightness ``shade(i, n)``, its upper left quarter black.

    ``times`` gives when each frame begins, in seconds, and when the last one ends. ``sound`` adds so many
    seconds of a tone.
    """
    codec, pix_fmt = CODECS[path.suffix]
    when = [i / fps for i in range(n + 1)] if times is None else list(times)
    with av.open(str(path), "w") as out:
        track: Any = out.add_stream(codec, rate=fps)
        track.width, track.height, track.pix_fmt = *size, pix_fmt
        track.options = {"crf": "10", "g": "12"} | (options or {}) if codec != "gif" else {}
        unit = Fraction(1, 1000)
        track.time_base = track.codec_context.time_base = unit
        if rotation:
            track.set_display_rotation(rotation)
        heard: Any = (
            out.add_stream("aac" if path.suffix != ".webm" else "libopus", rate=48_000) if sound else None
        )
        for i in range(n):
            frame = av.VideoFrame.from_ndarray(picture(i, n, size), "rgb24")
            frame.pts, frame.time_base = round((begins + when[i]) / unit), unit
            frame.duration = round((when[i + 1] - when[i]) / unit)
            out.mux(track.encode(frame))
        out.mux(track.encode())
        if heard is not None and sound:
            wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(round(sound * 48_000)) / 48_000)
            samples = av.AudioFrame.from_ndarray(np.stack([wave, wave]).astype(np.float32), "fltp", "stereo")
            samples.sample_rate = 48_000
            resampler = av.AudioResampler(heard.format, heard.layout, heard.rate, heard.frame_size or 960)
            for part in [*resampler.resample(samples), *resampler.resample(None)]:
                out.mux(heard.encode(part))
            out.mux(heard.encode())
    return path


def picture(i: int, n: int, size: tuple[int, int]) -> np.ndarray:
    width, height = size
    pixels = np.full((height, width, 3), shade(i, n), np.uint8)
    pixels[: height // 2, : width // 2] = 0
    return pixels


def shade(i: int, n: int) -> int:
    return 40 + round(200 * i / max(n - 1, 1))


def which(frames: np.ndarray, n: int) -> list[int]:
    """Which frames of the film these are, by their lower right corner."""
    height, width = frames.shape[1:3]
    grey = frames[:, -height // 3 :, -width // 3 :].mean(axis=(1, 2, 3))
    return [round((g - 40) / 200 * (n - 1)) for g in grey]

"""Sound files for tests: tones, written in every format that PyAV can encode."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np


def tone(seconds: float = 1.0, rate: int = 16_000, hertz: float = 440.0, level: float = 0.3) -> np.ndarray:
    """A sine, shape (n_samples,), float32."""
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


def write(
    path: Path,
    samples: np.ndarray,
    rate: int = 16_000,
    codec: str = "pcm_s16le",
    picture: bool = False,
    kind: str | None = None,
) -> Path:
    """Write samples of shape (n,) or (channels, n); ``picture`` adds a moving picture, as in a film."""
    planes = np.atleast_2d(samples)
    with av.open(str(path), "w", format=kind) as container:
        stream = container.add_stream(codec, rate=rate, layout=LAYOUTS[len(planes)])
        film = container.add_stream("mpeg4", rate=10) if picture else None
        wanted = stream.codec_context.format
        if film:
            film.width, film.height, film.pix_fmt = 64, 48, "yuv420p"
            for i in range(10):
                frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 * i, np.uint8), format="rgb24")
                container.mux(film.encode(frame))
            container.mux(film.encode(None))
        resampler = av.AudioResampler(format=wanted, layout=stream.layout, rate=rate)
        packed = np.ascontiguousarray(planes.T, np.float32).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=LAYOUTS[len(planes)])
        frame.sample_rate = rate
        fifo = av.AudioFifo()
        for ready in resampler.resample(frame):
            fifo.write(ready)
        size = stream.codec_context.frame_size or 1024
        while (part := fifo.read(size)) or (part := fifo.read(0, partial=True)):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


def pitch(samples: np.ndarray, rate: int = 16_000) -> float:
    """The strongest frequency, in Hz."""
    strength = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(strength) * rate / len(samples))

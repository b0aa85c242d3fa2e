"""A small film for the tests of models."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np


def film(path: Path, *, moves: bool, hertz: float | None) -> Path:
    """Two seconds of a red square on white, which moves to the right or stays; with a tone, or mute."""
    with av.open(str(path), "w") as out:
        seen = out.add_stream("libx264", rate=10)
        seen.width, seen.height, seen.pix_fmt = 128, 128, "yuv420p"
        heard = out.add_stream("aac", rate=16_000, layout="mono") if hertz else None
        for i in range(20):
            pixels = np.full((128, 128, 3), 230, np.uint8)
            left = 5 * i if moves else 40
            pixels[40:70, left : left + 30] = (200, 30, 30)
            out.mux(seen.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        out.mux(seen.encode())
        if heard is not None and hertz is not None:
            tone = (0.3 * np.sin(2 * np.pi * hertz * np.arange(32_000) / 16_000)).astype(np.float32)
            for start in range(0, 32_000, 1024):
                part = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], "fltp", "mono")
                part.sample_rate, part.pts = 16_000, start
                out.mux(heard.encode(part))
            out.mux(heard.encode())
    return path

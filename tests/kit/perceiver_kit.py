"""Films that move and sound, for the Perceiver."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import av
import numpy as np
from paths import ROOT
from pictures import picture
from sounds import tone

from embedlab.catalog import registry

ROW = registry.row("video/perceiver")


def film(
    path: Path, seed: int = 0, seconds: float = 0.64, hertz: float | None = 440.0, fps: int = 25
) -> Path:
    """A picture that moves to the right, grey level by grey level, and a tone."""
    wide = np.asarray(picture(seed, 400, 120))
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=fps)  # loses nothing: frames can be told apart
        stream.width, stream.height, stream.pix_fmt = 160, 120, "bgr0"
        heard = container.add_stream("pcm_s16le", rate=48_000, layout="mono") if hertz else None
        samples = (tone(seconds, 48_000, hertz or 440.0) * 2**15).astype(np.int16)
        for i in range(round(seconds * fps)):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(wide[:, 4 * i : 4 * i + 160]), "rgb24")
            container.mux(stream.encode(frame))
            if heard:  # frame by frame, as in a film
                part = samples[None, 48_000 * i // fps : 48_000 * (i + 1) // fps]
                sound = av.AudioFrame.from_ndarray(np.ascontiguousarray(part), format="s16", layout="mono")
                sound.sample_rate = 48_000
                container.mux(heard.encode(sound))
        for ended in filter(None, (stream, heard)):
            container.mux(ended.encode(None))
    return path


def _script(name: str) -> Any:
    path = ROOT / "data" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

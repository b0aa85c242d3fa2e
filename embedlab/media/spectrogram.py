"""Draw waveforms and mel spectrograms: time to the right, pitch upwards, loud is bright."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from embedlab.media.audio import RATE
from embedlab.palette import CATEGORIES, SEQUENTIAL

MAX_SECONDS = 30.0  # shown and played: one window of Whisper
_MIN_SECONDS = 0.1  # a shorter clip is drawn with silence after it
N_MELS = 80
_DECADES = 8.0  # of power, from the loudest place of a clip down to where nothing is drawn: 80 dB


def shown_seconds(samples: np.ndarray) -> float:
    """Return how many seconds the drawing of these samples covers."""
    return min(MAX_SECONDS, max(_MIN_SECONDS, len(samples) / RATE))


def draw_mel(samples: np.ndarray, width: int, height: int) -> Image.Image:
    """Draw the log-mel spectrogram that Whisper reads.

    Parameters
    ----------
    samples : ndarray, shape (n_samples,)
        At 16 kHz; the first 30 s are drawn.
    width, height : int
        Pixels. Time goes to the right over the whole width; the mel scale goes up from 0 to 8,000 Hz.
    """
    import matplotlib
    import torch

    from embedlab.media.mel import log_mel

    mel = log_mel(torch.from_numpy(_fit(samples)), N_MELS).numpy() * 4  # in decades of power
    level = 1 + (mel - mel.max()) / _DECADES
    colors = matplotlib.colormaps[SEQUENTIAL.lower()](level[::-1], bytes=True)
    return Image.fromarray(colors[..., :3]).resize((width, height), Image.Resampling.LANCZOS)


def draw_waveform(samples: np.ndarray, width: int, height: int) -> Image.Image:
    """Draw, for each column of pixels, a line from the lowest to the highest sample in it.

    Scaled to the loudest sample. See :func:`draw_mel` for the parameters.
    """
    shown = _fit(samples)
    peak = float(np.abs(shown).max()) or 1.0
    scale = 2  # drawn twice as large, then halved: smooth edges
    image = Image.new("RGB", (width * scale, height * scale), "white")
    pen, middle = ImageDraw.Draw(image), height * scale / 2
    for x, part in enumerate(np.array_split(shown, width * scale)):
        low, high = (float(end) / peak * (middle - 1) for end in (part.min(initial=0), part.max(initial=0)))
        pen.line((x, middle - high, x, middle - low), fill=CATEGORIES[0])
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _fit(samples: np.ndarray) -> np.ndarray:
    """Cut samples to the longest time that is drawn, or pad them to the shortest."""
    first = samples[: int(MAX_SECONDS * RATE)].astype(np.float32)
    return np.pad(first, (0, max(0, int(_MIN_SECONDS * RATE) - len(first))))

"""Pictures of sound: the mel spectrogram, time to the right, pitch upwards, bright where it is loud."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from embedlab.media.audio import RATE
from embedlab.palette import CATEGORIES, SEQUENTIAL

MOST = 30.0  # seconds that are shown, and played; what one window of Whisper hears
_LEAST = 0.1  # seconds; a shorter clip is drawn with silence after it
N_MELS = 80
_DECADES = 8.0  # of power, from the loudest place of a clip down to where nothing is drawn: 80 dB


def shown_seconds(samples: np.ndarray) -> float:
    """How many seconds a picture of these samples is wide."""
    return min(MOST, max(_LEAST, len(samples) / RATE))


def mel_picture(samples: np.ndarray, width: int, height: int) -> Image.Image:
    """The log-mel spectrogram that Whisper reads, as a picture.

    Parameters
    ----------
    samples : ndarray, shape (n_samples,)
        At 16 kHz; the first 30 s are drawn.
    width, height : int
        Pixels. Time goes to the right over the whole width, from 0 to 8,000 Hz on the mel scale upwards.
    """
    import matplotlib
    import torch

    from embedlab.media.mel import log_mel

    mel = log_mel(torch.from_numpy(_shown(samples)), N_MELS).numpy() * 4  # in decades of power
    level = 1 + (mel - mel.max()) / _DECADES
    colors = matplotlib.colormaps[SEQUENTIAL.lower()](level[::-1], bytes=True)
    picture = Image.fromarray(colors[..., :3])
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def wave_picture(samples: np.ndarray, width: int, height: int) -> Image.Image:
    """The waveform: for each column of pixels, from the lowest to the highest sample in it.

    Scaled to the loudest sample. See :func:`mel_picture` for the parameters.
    """
    shown = _shown(samples)
    peak = float(np.abs(shown).max()) or 1.0
    scale = 2  # drawn twice as large, then halved: smooth edges
    picture = Image.new("RGB", (width * scale, height * scale), "white")
    pen, middle = ImageDraw.Draw(picture), height * scale / 2
    for x, part in enumerate(np.array_split(shown, width * scale)):
        low, high = (float(end) / peak * (middle - 1) for end in (part.min(initial=0), part.max(initial=0)))
        pen.line((x, middle - high, x, middle - low), fill=CATEGORIES[0])
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _shown(samples: np.ndarray) -> np.ndarray:
    first = samples[: int(MOST * RATE)].astype(np.float32)
    return np.pad(first, (0, max(0, int(_LEAST * RATE) - len(first))))

"""Compute mel spectrograms, the input of speech networks, from waveforms.

A spectrogram says how much of each frequency there is at each moment. On the mel scale low frequencies, which
ears tell apart better, get more of the bands.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from embedlab.media.audio import RATE

WINDOW, HOP = 400, 160  # samples: 25 ms every 10 ms, at 16 kHz


def spectrogram(samples: Tensor, pad_mode: str = "reflect") -> Tensor:
    """Compute the power at each frequency and moment.

    Parameters
    ----------
    samples : Tensor, shape (..., n_samples)
        At 16 kHz.
    pad_mode : {"reflect", "constant"}
        What is assumed before the first sample and after the last.

    Returns
    -------
    Tensor, shape (..., 201, 1 + n_samples // 160)
        From 0 to 8,000 Hz in steps of 40 Hz.
    """
    window = torch.hann_window(WINDOW)
    waves = torch.stft(samples, WINDOW, HOP, window=window, pad_mode=pad_mode, return_complex=True)
    return waves.abs() ** 2


@cache
def mel_filters(n_mels: int) -> Tensor:
    """Return how much each frequency counts in each band, shape (n_mels, 201).

    Slaney's mel scale and area normalisation, as in librosa.
    """
    from transformers.audio_utils import mel_filter_bank

    filters = mel_filter_bank(1 + WINDOW // 2, n_mels, 0.0, RATE / 2, RATE, norm="slaney", mel_scale="slaney")
    return torch.from_numpy(filters.T).float()


def log_mel(samples: Tensor, n_mels: int = 80) -> Tensor:
    """Compute the input of Whisper: the logarithm of the power in 80 mel bands.

    Parameters
    ----------
    samples : Tensor, shape (..., n_samples)
        At 16 kHz.

    Returns
    -------
    Tensor, shape (..., n_mels, n_samples // 160)
        Clipped at 80 dB below the loudest place of the clip, then scaled to about −1 … 1
        (Radford et al. 2023, https://arxiv.org/abs/2212.04356).
    """
    mel = mel_filters(n_mels) @ spectrogram(samples)[..., :-1]
    log = mel.clamp(min=1e-10).log10()
    log = torch.maximum(log, log.amax(dim=(-2, -1), keepdim=True) - 8)
    return (log + 4) / 4

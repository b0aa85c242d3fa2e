"""A network that tells voices apart (GE2E): an LSTM over 1.6 s of a mel spectrogram."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from embedlab.catalog.cards import ModelCard
from embedlab.embedders.audio import AudioEmbedder
from embedlab.embedders.layers import NoSuchLayer
from embedlab.embedders.pooling import l2_normalize
from embedlab.embeddings import unit_rows
from embedlab.media.audio import RATE
from embedlab.media.mel import HOP, mel_filters, spectrogram
from embedlab.weights import LocalWeights

N_MELS, WIDTH = 40, 256
PARTIAL = 160  # frames of 10 ms: the network was trained on partial utterances of 1.6 s
STEP = round(RATE / 1.3 / HOP)  # frames from one partial utterance to the next: 1.3 a second
COVERAGE = 0.75  # share of the last one that must be sound; otherwise it is left out
QUIET = 10 ** (-30 / 20)  # of full scale: clips below −30 dB are amplified
_BATCH = 64  # partial utterances


class VoiceEncoder(nn.Module):
    """The whole network: an LSTM, a linear layer on its last state, ReLU, length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(N_MELS, WIDTH, num_layers=3, batch_first=True)
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, mels: Tensor) -> Tensor:
        """Embed mel spectrograms: (n, 160, 40) → (n, 256), of length 1 and not negative."""
        _, (states, _) = self.lstm(mels)
        return l2_normalize(torch.relu(self.linear(states[-1])))


class SpeakerEmbedder(AudioEmbedder):
    """The voice encoder behind the :class:`~embedlab.embedders.protocol.Embedder` protocol.

    Attributes
    ----------
    network : VoiceEncoder
    path : Path
        The folder the weights were loaded from.

    Notes
    -----
    A clip is cut into partial utterances of 1.6 s that overlap by half; the mean of their vectors, at
    length 1, is the embedding (Wan et al. 2018, https://arxiv.org/abs/1710.10467). Weights and recipe are
    those of Resemblyzer, except that silence inside a clip is not cut out.
    """

    layers = ("lstm.0", "lstm.1", "lstm.2", "linear")

    def __init__(self, card: ModelCard, found: LocalWeights, network: VoiceEncoder) -> None:
        self.card = dataclasses.replace(card, source=found.source, sha256=found.sha256)
        self.dim = card.dim
        self.path: Path = found.path
        self.network = network.eval()

    def embed_clips(
        self, clips: list[np.ndarray], layers: Sequence[str]
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Average each clip over its partial utterances; see :meth:`AudioEmbedder.embed_clips`."""
        for name in layers:
            if name not in self.layers:
                raise NoSuchLayer(f"{self.card.name} has no layer {name!r}; it has {', '.join(self.layers)}.")
        parts = [split_utterances(clip) for clip in clips]
        counts = [len(part) for part in parts]
        mels = torch.cat(parts)
        seen: dict[str, list[Tensor]] = {name: [] for name in self.layers}
        with torch.inference_mode():
            for start in range(0, len(mels), _BATCH):
                _, (states, _) = self.network.lstm(mels[start : start + _BATCH])
                for i in range(3):
                    seen[f"lstm.{i}"].append(states[i])
                seen["linear"].append(l2_normalize(torch.relu(self.network.linear(states[-1]))))
        vectors = {}
        for name in layers:
            each = torch.split(torch.cat(seen[name]), counts)
            vectors[name] = torch.stack([part.mean(0) for part in each]).numpy()
        return vectors, np.asarray(counts, float)

    def finish(self, layer: str, vectors: np.ndarray) -> np.ndarray:
        """Scale the embedding to length 1: the mean of unit vectors is shorter."""
        return unit_rows(vectors) if layer == "linear" else vectors

    def layer_pooling(self, layer: str) -> str:
        """Name the pooling: at every depth the last state of each partial utterance."""
        return self.card.pooling


def split_utterances(clip: np.ndarray) -> Tensor:
    """Cut a clip into mel spectrograms of 1.6 s each; a short clip is padded with silence.

    Returns
    -------
    Tensor, shape (n, 160, 40)
    """
    loudness = float(np.sqrt(np.mean(clip.astype(np.float64) ** 2)))
    samples = torch.from_numpy(clip * max(1.0, QUIET / max(loudness, 1e-12))).float()
    n_frames = math.ceil((len(clip) + 1) / HOP)
    starts = list(range(0, max(1, n_frames - PARTIAL + STEP + 1), STEP))
    covered = (len(clip) - starts[-1] * HOP) / (PARTIAL * HOP)
    if covered < COVERAGE and len(starts) > 1:
        starts.pop()
    padding = max(0, (starts[-1] + PARTIAL) * HOP - len(clip))
    mel = power_mel(nn.functional.pad(samples, (0, padding)))
    return torch.stack([mel[start : start + PARTIAL] for start in starts])


def power_mel(samples: Tensor) -> Tensor:
    """Compute the power in mel bands, without logarithm: shape (1 + n_samples // 160, 40)."""
    return (mel_filters(N_MELS) @ spectrogram(samples, pad_mode="constant")).T


def load(card: ModelCard, found: LocalWeights) -> SpeakerEmbedder:
    """Load the voice encoder from a folder of weights."""
    saved: dict[str, Any] = torch.load(found.path / "pretrained.pt", "cpu", weights_only=True)
    network = VoiceEncoder()
    # The file also holds two numbers that only training needed.
    network.load_state_dict({k: v for k, v in saved["model_state"].items() if k in network.state_dict()})
    return SpeakerEmbedder(card, found, network)

"""A network that tells voices apart (GE2E): three recurrent layers over 1.6 s of a mel spectrogram."""

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
COVERAGE = 0.75  # the last one is left out when less of it than this is sound
QUIET = 10 ** (-30 / 20)  # of full scale: clips below −30 dB are made louder
_AT_ONCE = 64  # partial utterances that go through the network together


class VoiceEncoder(nn.Module):
    """The whole network: LSTM over time, its last state through one layer, ReLU, length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(N_MELS, WIDTH, num_layers=3, batch_first=True)
        self.linear = nn.Linear(WIDTH, WIDTH)

    def forward(self, mels: Tensor) -> Tensor:
        """Mel spectrograms (n, 160, 40) → (n, 256), each of length 1 and without negative numbers."""
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
    those of Resemblyzer, but for one step: silence inside a clip is not cut out.
    """

    layers = ("lstm.0", "lstm.1", "lstm.2", "linear")

    def __init__(self, card: ModelCard, found: LocalWeights, network: VoiceEncoder) -> None:
        self.card = dataclasses.replace(card, source=found.source, sha256=found.sha256)
        self.dim = card.dim
        self.path: Path = found.path
        self.network = network.eval()

    def read_clips(
        self, clips: list[np.ndarray], layers: Sequence[str]
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        for name in layers:
            if name not in self.layers:
                raise NoSuchLayer(f"{self.card.name} has no layer {name!r}; it has {', '.join(self.layers)}.")
        parts = [partial_utterances(clip) for clip in clips]
        counts = [len(part) for part in parts]
        mels = torch.cat(parts)
        seen: dict[str, list[Tensor]] = {name: [] for name in self.layers}
        with torch.inference_mode():
            for start in range(0, len(mels), _AT_ONCE):
                _, (states, _) = self.network.lstm(mels[start : start + _AT_ONCE])
                for i in range(3):
                    seen[f"lstm.{i}"].append(states[i])
                seen["linear"].append(l2_normalize(torch.relu(self.network.linear(states[-1]))))
        vectors = {}
        for name in layers:
            each = torch.split(torch.cat(seen[name]), counts)
            vectors[name] = torch.stack([part.mean(0) for part in each]).numpy()
        return vectors, np.asarray(counts, float)

    def finish(self, layer: str, vectors: np.ndarray) -> np.ndarray:
        """The mean of several vectors of length 1 is shorter than 1."""
        return unit_rows(vectors) if layer == "linear" else vectors

    def layer_pooling(self, layer: str) -> str:
        """At every depth the last state of each partial utterance counts."""
        return self.card.pooling


def partial_utterances(clip: np.ndarray) -> Tensor:
    """A clip as mel spectrograms of 1.6 s each, (n, 160, 40); a short clip is filled up with silence."""
    loudness = float(np.sqrt(np.mean(clip.astype(np.float64) ** 2)))
    samples = torch.from_numpy(clip * max(1.0, QUIET / max(loudness, 1e-12))).float()
    n_frames = math.ceil((len(clip) + 1) / HOP)
    starts = list(range(0, max(1, n_frames - PARTIAL + STEP + 1), STEP))
    covered = (len(clip) - starts[-1] * HOP) / (PARTIAL * HOP)
    if covered < COVERAGE and len(starts) > 1:
        starts.pop()
    missing = (starts[-1] + PARTIAL) * HOP - len(clip)
    mel = speaker_mel(nn.functional.pad(samples, (0, max(0, missing))))
    return torch.stack([mel[start : start + PARTIAL] for start in starts])


def speaker_mel(samples: Tensor) -> Tensor:
    """What the voice encoder reads, (1 + n_samples // 160, 40): power in mel bands, no logarithm."""
    return (mel_filters(N_MELS) @ spectrogram(samples, pad_mode="constant")).T


def load(card: ModelCard, found: LocalWeights) -> SpeakerEmbedder:
    """The voice encoder from a folder of weights."""
    saved: dict[str, Any] = torch.load(found.path / "pretrained.pt", "cpu", weights_only=True)
    network = VoiceEncoder()
    # Beside the network, the file holds two numbers that only its training needed.
    network.load_state_dict({k: v for k, v in saved["model_state"].items() if k in network.state_dict()})
    return SpeakerEmbedder(card, found, network)

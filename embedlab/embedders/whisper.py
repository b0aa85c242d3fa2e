"""Whisper's encoder turns 30 seconds of sound into 1,500 vectors, one for every 20 ms.

The mean of those that are not padding is the embedding.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from embedlab.catalog.cards import ModelCard
from embedlab.embedders import ctranslate2
from embedlab.embedders.audio import AudioEmbedder
from embedlab.embedders.layers import NoSuchLayer
from embedlab.embedders.quiet import quiet_loading
from embedlab.media import audio
from embedlab.media.audio import RATE
from embedlab.media.mel import HOP, log_mel
from embedlab.weights import LocalWeights

SAMPLES_PER_FRAME = 2 * HOP  # the second convolution has a stride of 2: one vector for every 20 ms
N_FRAMES = 30 * RATE // SAMPLES_PER_FRAME  # 1,500
Context = Literal["short", "full"]

# Of the silence that pads a clip to 30 seconds, the first two seconds are computed; a sample of 96 frames
# represents the rest, denser near the clip (tests/benchmarks/README.md has the measurements).
_NEAR, _N_SAMPLED, _STEP = 100, 96, 25
_BATCH = 4  # clips; more is slower on a processor


class WhisperEmbedder(AudioEmbedder):
    """Whisper behind the :class:`~embedlab.embedders.protocol.Embedder` protocol.

    Attributes
    ----------
    network : transformers.WhisperForConditionalGeneration
        Encoder and decoder; the embedding needs only ``network.model.encoder``.
    context : {"short", "full"}
        Whisper was trained on 30 seconds, and a shorter clip is padded with silence. ``"full"`` computes
        all of that silence. ``"short"``, the default, computes a sample of its frames, each weighted by the
        number of frames it represents: about ten times as fast for clips of a second, with a cosine of 0.99
        to the full vectors and the same neighbours. :meth:`with_context` switches.
    path : Path
        The folder the weights were loaded from.
    """

    def __init__(
        self, card: ModelCard, found: LocalWeights, network: Any, context: Context = "short"
    ) -> None:
        self.card = dataclasses.replace(card, source=found.source, sha256=found.sha256)
        self.dim = card.dim
        self.path: Path = found.path
        self.network = network.eval()
        self.context: Context = context
        self._found = found
        depth = self.network.config.encoder_layers
        self.layers = tuple(f"hidden_states.{i}" for i in range(depth + 1))

    def with_context(self, context: Context) -> WhisperEmbedder:
        """Return the same network with another ``context``.

        Raises
        ------
        ValueError
            For another value than ``"short"`` or ``"full"``.
        """
        if context not in ("short", "full"):
            raise ValueError(f"context must be 'short' or 'full', not {context!r}.")
        return WhisperEmbedder(self.card, self._found, self.network, context)

    def _preprocessing(self) -> dict[str, Any]:
        return {"context": self.context}

    def layer_pooling(self, layer: str) -> str:
        """Name the pooling: at every depth the padding is left out."""
        return "mean over the real frames"

    def embed_clips(
        self, clips: list[np.ndarray], layers: Sequence[str]
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Average each clip over its frames; see :meth:`AudioEmbedder.embed_clips`."""
        wanted = [self._depth(name) for name in layers]
        frames = [count_frames(len(clip)) for clip in clips]
        computed = [self._count_computed(n) for n in frames]
        means: list[list[np.ndarray]] = [[] for _ in clips]
        order = sorted(range(len(clips)), key=lambda i: computed[i])
        # Only clips with the same number of computed frames share a batch: no vector depends on its batch.
        for size, group in groupby(order, key=lambda i: computed[i]):
            rows = list(group)
            for start in range(0, len(rows), _BATCH):
                part = rows[start : start + _BATCH]
                states = self._hidden_states([clips[i] for i in part], size)
                for i, row in enumerate(part):
                    means[row] = [states[depth][i, : frames[row]].mean(0).numpy() for depth in wanted]
        by_layer = {name: np.stack([vectors[j] for vectors in means]) for j, name in enumerate(layers)}
        return by_layer, np.asarray(frames, float)

    def _depth(self, layer: str) -> int:
        names = (*self.layers[:-1], "last_hidden_state")
        if layer == self.layers[-1]:
            layer = "last_hidden_state"
        if layer not in names:
            raise NoSuchLayer(f"{self.card.name} has no layer {layer!r}; it has {', '.join(self.layers)}.")
        return names.index(layer)

    def _count_computed(self, frames: int) -> int:
        """Count the frames that are computed one by one: the clip, and two seconds after it."""
        computed = math.ceil((frames + _NEAR) / _STEP) * _STEP
        return N_FRAMES if self.context == "full" or computed + _N_SAMPLED >= N_FRAMES else computed

    @torch.inference_mode()
    def _hidden_states(self, clips: list[np.ndarray], computed: int) -> list[Tensor]:
        """Return the ``hidden_states`` of the encoder, each (n, computed + sampled, dim)."""
        encoder = self.network.model.encoder
        # Two frames more: the convolutions would see an end after the last one, and there is none.
        n_padded = min(N_FRAMES, computed + 2)
        samples = torch.zeros(len(clips), n_padded * SAMPLES_PER_FRAME)
        for row, clip in enumerate(clips):
            samples[row, : len(clip)] = torch.from_numpy(clip)
        waves = nn.functional.gelu(encoder.conv1(log_mel(samples, encoder.config.num_mel_bins)))
        frames = nn.functional.gelu(encoder.conv2(waves)).transpose(1, 2)[:, :computed]
        positions, mask = encoder.embed_positions.weight, None
        if computed < N_FRAMES:
            sampled, counts = sample_silence(computed)
            silence = frames[:, -1:].expand(-1, len(sampled), -1)  # silence differs only in its position
            frames = torch.cat([frames, silence], dim=1)
            positions = positions[torch.cat([torch.arange(computed), sampled])]
            # exp(score + log c) = c · exp(score): the softmax sees each sampled frame c times.
            mask = torch.cat([torch.zeros(computed), counts.log()]).expand(len(clips), 1, frames.shape[1], -1)
        states = [frames + positions]
        for layer in encoder.layers:
            out = layer(states[-1], mask)
            states.append(out[0] if isinstance(out, tuple) else out)
        return [*states[:-1], encoder.layer_norm(states[-1])]

    def transcribe(self, content: Any, language: str = "en") -> str:
        """Transcribe the first 30 seconds with all of Whisper, encoder and decoder.

        Parameters
        ----------
        content : path, bytes, or (samples, rate)
        language : str
            Two letters, ``"en"``, ``"de"`` …

        Raises
        ------
        UnreadableMedia
            If the sound cannot be read.
        """
        from tokenizers import Tokenizer

        samples = torch.zeros(1, N_FRAMES * SAMPLES_PER_FRAME)
        clip = audio.read_audio(content)[: samples.shape[1]]
        samples[0, : len(clip)] = torch.from_numpy(clip)
        tokenizer = Tokenizer.from_file(str(self.path / "tokenizer.json"))
        start = ["<|startoftranscript|>", f"<|{language}|>", "<|transcribe|>", "<|notimestamps|>"]
        tokens = [int(tokenizer.token_to_id(token) or 0) for token in start]
        end = int(tokenizer.token_to_id("<|endoftext|>") or 0)
        limit = self.network.config.max_target_positions
        with torch.inference_mode():
            encoded = self.network.model.encoder(log_mel(samples, self.network.config.num_mel_bins))
            new, state = tokens, None
            while len(tokens) < limit and tokens[-1] != end:
                ids = torch.tensor([new])
                out = self.network(encoder_outputs=encoded, decoder_input_ids=ids, cache=state)
                state, scores = out.cache, out.logits[0, -1]
                new = [int(scores[: end + 1].argmax())]  # ids of words come before that of the end
                tokens += new
        return str(tokenizer.decode(tokens, skip_special_tokens=True)).strip()


def count_frames(n_samples: int) -> int:
    """Count the frames of the encoder that a clip fills: one for every 20 ms that began."""
    return min(N_FRAMES, math.ceil(n_samples / SAMPLES_PER_FRAME))


def sample_silence(start: int) -> tuple[Tensor, Tensor]:
    """Choose which of the frames from ``start`` on are computed.

    The gaps grow by a constant factor, beginning with one frame: silence near the clip matters more.

    Returns
    -------
    tuple of Tensor, each of shape (96,)
        The numbers of the frames, and how many frames each of them represents.
    """
    span = N_FRAMES - start
    low, high = 1.0, 2.0
    for _ in range(50):  # bisection for the factor with which the gaps add up to the span
        factor = (low + high) / 2
        low, high = (factor, high) if sum(factor**i for i in range(_N_SAMPLED)) < span else (low, factor)
    edges = torch.cat([torch.zeros(1), (factor ** torch.arange(_N_SAMPLED)).cumsum(0)])
    edges *= span / edges[-1]
    middle = ((edges[1:] + edges[:-1]) / 2).long().clamp(max=span - 1)
    return start + middle, edges.diff()


def load(card: ModelCard, found: LocalWeights) -> WhisperEmbedder:
    """Load Whisper from a folder of weights, in the layout of transformers or CTranslate2."""
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    if (found.path / "model.safetensors").is_file():
        with quiet_loading():
            network = WhisperForConditionalGeneration.from_pretrained(
                str(found.path), local_files_only=True, use_safetensors=True
            )
        return WhisperEmbedder(card, found, network)
    weights = ctranslate2.whisper_state_dict(ctranslate2.read(found.path / "model.bin"))
    sizes: dict[str, Any] = ctranslate2.whisper_sizes(weights)
    network = WhisperForConditionalGeneration(WhisperConfig(**sizes))
    network.load_state_dict(weights)
    return WhisperEmbedder(card, found, network)

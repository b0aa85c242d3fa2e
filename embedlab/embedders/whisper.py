"""Whisper's encoder: 30 seconds of sound become 1,500 vectors; the mean of the real ones is the embedding."""

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

SAMPLES_PER_FRAME = 2 * HOP  # the second convolution takes every other step: a vector for every 20 ms
N_FRAMES = 30 * RATE // SAMPLES_PER_FRAME  # 1,500
Context = Literal["short", "full"]

# Of the silence that fills 30 seconds, the first two seconds are kept; the rest is stood for by this many
# frames, nearer ones closer together (tests/benchmarks/README.md has the measurements).
_NEAR, _STAND_INS, _STEP = 100, 96, 25
_AT_ONCE = 4  # clips that go through the network together; more is slower on a processor


class WhisperEmbedder(AudioEmbedder):
    """Whisper behind the :class:`~embedlab.embedders.protocol.Embedder` protocol.

    Attributes
    ----------
    network : transformers.WhisperForConditionalGeneration
        Encoder and decoder, for opening the box; the embedding needs only ``network.model.encoder``.
    context : {"short", "full"}
        Whisper was trained on 30 seconds, and a shorter clip is filled up with silence. ``"full"`` computes
        all of that silence. ``"short"``, the default, lets some frames of it stand for many, each counted
        as often as the frames that it stands for: about ten times as fast for clips of a second, with a
        cosine of 0.99 to the full vectors and the same neighbours. :meth:`with_context` gives the other.
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
        """The same network with another ``context``."""
        if context not in ("short", "full"):
            raise ValueError(f"context must be 'short' or 'full', not {context!r}.")
        return WhisperEmbedder(self.card, self._found, self.network, context)

    def _preprocessing(self) -> dict[str, Any]:
        return {"context": self.context}

    def layer_pooling(self, layer: str) -> str:
        """Whatever the depth, the silence that fills up the clip is left out."""
        return "mean over the real frames"

    def read_clips(
        self, clips: list[np.ndarray], layers: Sequence[str]
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        wanted = [self._depth(name) for name in layers]
        frames = [n_frames(len(clip)) for clip in clips]
        kept = [self._kept(n) for n in frames]
        found: list[list[np.ndarray]] = [[] for _ in clips]
        order = sorted(range(len(clips)), key=lambda i: kept[i])
        # Only clips with the same number of kept frames go together: so a vector never depends on its batch.
        for size, group in groupby(order, key=lambda i: kept[i]):
            rows = list(group)
            for start in range(0, len(rows), _AT_ONCE):
                part = rows[start : start + _AT_ONCE]
                states = self._hidden_states([clips[i] for i in part], size)
                for place, row in enumerate(part):
                    found[row] = [states[d][place, : frames[row]].mean(0).numpy() for d in wanted]
        by_layer = {name: np.stack([vectors[j] for vectors in found]) for j, name in enumerate(layers)}
        return by_layer, np.asarray(frames, float)

    def _depth(self, layer: str) -> int:
        names = (*self.layers[:-1], "last_hidden_state")
        if layer == self.layers[-1]:
            layer = "last_hidden_state"
        if layer not in names:
            raise NoSuchLayer(f"{self.card.name} has no layer {layer!r}; it has {', '.join(self.layers)}.")
        return names.index(layer)

    def _kept(self, frames: int) -> int:
        """How many frames are computed one by one: the clip, and two seconds after it."""
        kept = math.ceil((frames + _NEAR) / _STEP) * _STEP
        return N_FRAMES if self.context == "full" or kept + _STAND_INS >= N_FRAMES else kept

    @torch.inference_mode()
    def _hidden_states(self, clips: list[np.ndarray], kept: int) -> list[Tensor]:
        """What transformers calls ``hidden_states`` of the encoder, each (n, kept + stand-ins, dim)."""
        encoder = self.network.model.encoder
        # Two frames more: the convolutions see an end after the last one, and there is none.
        computed = min(N_FRAMES, kept + 2)
        samples = torch.zeros(len(clips), computed * SAMPLES_PER_FRAME)
        for row, clip in enumerate(clips):
            samples[row, : len(clip)] = torch.from_numpy(clip)
        waves = nn.functional.gelu(encoder.conv1(log_mel(samples, encoder.config.num_mel_bins)))
        frames = nn.functional.gelu(encoder.conv2(waves)).transpose(1, 2)[:, :kept]
        positions, mask = encoder.embed_positions.weight, None
        if kept < N_FRAMES:
            far, counts = stand_ins(kept)
            silence = frames[:, -1:].expand(-1, len(far), -1)  # all silence is alike but for its place
            frames = torch.cat([frames, silence], dim=1)
            positions = positions[torch.cat([torch.arange(kept), far])]
            # exp(score + log c) = c · exp(score): the softmax sees each stand-in c times.
            mask = torch.cat([torch.zeros(kept), counts.log()]).expand(len(clips), 1, frames.shape[1], -1)
        states = [frames + positions]
        for layer in encoder.layers:
            out = layer(states[-1], mask)
            states.append(out[0] if isinstance(out, tuple) else out)
        return [*states[:-1], encoder.layer_norm(states[-1])]

    def transcribe(self, content: Any, language: str = "en") -> str:
        """What the whole of Whisper writes down for the first 30 seconds: encoder and decoder.

        Parameters
        ----------
        content : path, bytes, or (samples, rate)
        language : str
            Two letters, ``"en"``, ``"de"`` …

        Raises
        ------
        BadItem
            When the sound cannot be read.
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
            heard = self.network.model.encoder(log_mel(samples, self.network.config.num_mel_bins))
            new, state = tokens, None
            while len(tokens) < limit and tokens[-1] != end:
                ids = torch.tensor([new])
                out = self.network(encoder_outputs=heard, decoder_input_ids=ids, cache=state)
                state, scores = out.cache, out.logits[0, -1]
                new = [int(scores[: end + 1].argmax())]  # words come before the end, signs of control after
                tokens += new
        return str(tokenizer.decode(tokens, skip_special_tokens=True)).strip()


def n_frames(n_samples: int) -> int:
    """How many of the encoder's frames a clip really fills: one for every 20 ms that began."""
    return min(N_FRAMES, math.ceil(n_samples / SAMPLES_PER_FRAME))


def stand_ins(kept: int) -> tuple[Tensor, Tensor]:
    """Which of the frames from ``kept`` on are computed, and how many each of them stands for.

    The gaps grow by a constant factor, from one frame on: silence near the clip matters more.
    """
    span = N_FRAMES - kept
    low, high = 1.0, 2.0
    for _ in range(50):  # the factor with which the gaps add up to the whole span
        factor = (low + high) / 2
        low, high = (factor, high) if sum(factor**i for i in range(_STAND_INS)) < span else (low, factor)
    edges = torch.cat([torch.zeros(1), (factor ** torch.arange(_STAND_INS)).cumsum(0)])
    edges *= span / edges[-1]
    middle = ((edges[1:] + edges[:-1]) / 2).long().clamp(max=span - 1)
    return kept + middle, edges.diff()


def load(card: ModelCard, found: LocalWeights) -> WhisperEmbedder:
    """Whisper from a folder of weights: transformers' own layout, or CTranslate2's."""
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

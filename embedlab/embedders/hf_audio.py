"""Encoders of sound from transformers: Whisper of any size, and networks that read the wave itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from embedlab.catalog.refs import EncoderRef
from embedlab.embedders import whisper
from embedlab.embedders.audio import AudioEmbedder
from embedlab.embedders.hf import card_of, layer_of, read_network, refuse
from embedlab.embedders.layers import NoSuchLayer
from embedlab.media.audio import RATE
from embedlab.weights import LocalWeights, untrusted


class WaveEmbedder(AudioEmbedder):
    """wav2vec 2.0, HuBERT, WavLM and their relatives behind the Embedder protocol.

    Each clip goes through the network by itself, so that there is no padding to leave out, and the mean is
    over all frames of the clip (one for every 20 ms).

    Attributes
    ----------
    network : transformers model
    layers : tuple of str
        ``hidden_states.0`` to the last.
    """

    def __init__(self, asked: EncoderRef, found: LocalWeights, network: Any, scales: bool) -> None:
        self.network, self.path = network, found.path
        self._scales = scales
        config = network.config
        depth = int(config.num_hidden_layers)
        self.layers = tuple(f"hidden_states.{i}" for i in range(depth + 1))
        # The convolutions need so many samples for one frame.
        self._least = 1
        for kernel, stride in reversed(list(zip(config.conv_kernel, config.conv_stride, strict=True))):
            self._least = (self._least - 1) * stride + kernel
        self.dim = int(config.hidden_size)
        layer = layer_of(asked, depth)
        self.card = card_of(
            asked, found, network, modality="audio", dim=self.dim, layer=layer, pooling="mean over all frames"
        )

    def _preprocessing(self) -> dict[str, Any]:
        return {"zero mean, unit variance": self._scales}

    @torch.inference_mode()
    def read_clips(
        self, clips: list[np.ndarray], layers: Sequence[str]
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        names = (*self.layers[:-1], "last_hidden_state")
        wanted = {}
        for name in layers:
            own = "last_hidden_state" if name == self.layers[-1] else name
            if own not in names:
                raise NoSuchLayer(f"{self.card.name} has no layer {name!r}; it has {', '.join(self.layers)}.")
            wanted[name] = names.index(own)
        found: dict[str, list[np.ndarray]] = {name: [] for name in layers}
        frames = []
        for clip in clips:
            wave = np.pad(clip, (0, max(0, self._least - len(clip))))
            if self._scales:
                wave = (wave - wave.mean()) / np.sqrt(wave.var() + 1e-7)
            out = self.network(torch.from_numpy(wave.astype(np.float32))[None], output_hidden_states=True)
            states = [*out.hidden_states[:-1], out.last_hidden_state]
            frames.append(float(states[-1].shape[1]))
            for name, number in wanted.items():
                found[name].append(states[number][0].mean(0).numpy())
        return {name: np.stack(vectors) for name, vectors in found.items()}, np.asarray(frames)


def _only_mean(asked: EncoderRef) -> None:
    if asked.options.pooling not in (None, "mean"):
        raise refuse(
            asked, f"sound is pooled by 'mean', over its real frames, not by {asked.options.pooling!r}."
        )


def load_wave(asked: EncoderRef, found: LocalWeights, config: Any) -> WaveEmbedder:
    """wav2vec 2.0 or a relative from its folder."""
    from transformers import AutoModel

    _only_mean(asked)
    says = untrusted.read_json(found.path / "preprocessor_config.json")
    if int(says.get("sampling_rate", RATE)) != RATE:
        raise untrusted.NotAModel(
            f"{asked} hears {says['sampling_rate']} samples a second; only {RATE} are read here."
        )
    # Masked frames belong to its training.
    network, _ = read_network(AutoModel, found, str(asked), lambda key: key.endswith("masked_spec_embed"))
    return WaveEmbedder(asked, found, network, bool(says.get("do_normalize", True)))


def load_whisper(asked: EncoderRef, found: LocalWeights, config: Any) -> whisper.WhisperEmbedder:
    """Whisper of any size from its folder, with everything that :class:`WhisperEmbedder` can do."""
    from transformers import WhisperForConditionalGeneration

    _only_mean(asked)
    network, _ = read_network(
        WhisperForConditionalGeneration, found, str(asked), lambda key: key == "proj_out.weight"
    )
    depth = int(config.encoder_layers)
    card = card_of(
        asked,
        found,
        network,
        modality="audio",
        dim=int(config.d_model),
        layer=layer_of(asked, depth),
        pooling="mean over the real frames",
        summary="Whisper of transformers: the mean of its encoder's frames.",
    )
    return whisper.WhisperEmbedder(card, found, network)

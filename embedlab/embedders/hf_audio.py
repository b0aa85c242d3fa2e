"""Encoders of sound from transformers: Whisper of any size, and networks that read the waveform."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from embedlab.catalog.refs import EncoderRef
from embedlab.embedders import whisper
from embedlab.embedders.audio import AudioEmbedder
from embedlab.embedders.hf import chosen_layer, describe, read_network, unfit_option
from embedlab.embedders.layers import no_such_layer
from embedlab.media.audio import RATE
from embedlab.weights import LocalWeights, untrusted


class WaveEmbedder(AudioEmbedder):
    """wav2vec 2.0, HuBERT, WavLM and their relatives behind the Embedder protocol.

    Each clip goes through the network by itself, without padding, and the mean is over all frames of the clip
    (one for every 20 ms).

    Attributes
    ----------
    network : transformers model
    layers : tuple of str
        ``hidden_states.0`` to the last.
    """

    def __init__(self, ref: EncoderRef, found: LocalWeights, network: Any, normalizes: bool) -> None:
        self.network, self.path = network, found.path
        self._normalizes = normalizes
        config = network.config
        depth = int(config.num_hidden_layers)
        self.layers = tuple(f"hidden_states.{i}" for i in range(depth + 1))
        # The fewest samples from which the convolutions make one frame.
        self._min_samples = 1
        for kernel, stride in reversed(list(zip(config.conv_kernel, config.conv_stride, strict=True))):
            self._min_samples = (self._min_samples - 1) * stride + kernel
        self.dim = int(config.hidden_size)
        layer = chosen_layer(ref, depth)
        self.card = describe(
            ref, found, network, modality="audio", dim=self.dim, layer=layer, pooling="mean over all frames"
        )

    def _preprocessing(self) -> dict[str, Any]:
        return {"zero mean, unit variance": self._normalizes}

    @torch.inference_mode()
    def embed_clips(
        self, clips: list[np.ndarray], layers: Sequence[str]
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Read layers of each clip, averaged over its frames; see :meth:`AudioEmbedder.embed_clips`."""
        names = (*self.layers[:-1], "last_hidden_state")
        depths = {}
        for name in layers:
            state = "last_hidden_state" if name == self.layers[-1] else name
            if state not in names:
                raise no_such_layer(self.card.name, name, self.layers)
            depths[name] = names.index(state)
        vectors_of: dict[str, list[np.ndarray]] = {name: [] for name in layers}
        frames = []
        for clip in clips:
            wave = np.pad(clip, (0, max(0, self._min_samples - len(clip))))
            if self._normalizes:
                wave = (wave - wave.mean()) / np.sqrt(wave.var() + 1e-7)
            out = self.network(torch.from_numpy(wave.astype(np.float32))[None], output_hidden_states=True)
            states = [*out.hidden_states[:-1], out.last_hidden_state]
            frames.append(float(states[-1].shape[1]))
            for name, depth in depths.items():
                vectors_of[name].append(states[depth][0].mean(0).numpy())
        return {name: np.stack(vectors) for name, vectors in vectors_of.items()}, np.asarray(frames)


def _check_pooling(ref: EncoderRef) -> None:
    if ref.options.pooling not in (None, "mean"):
        raise unfit_option(ref, f"pooling of sound must be 'mean', not {ref.options.pooling!r}.")


def load_wave(ref: EncoderRef, found: LocalWeights, config: Any) -> WaveEmbedder:
    """Load wav2vec 2.0 or a relative from its folder."""
    from transformers import AutoModel

    _check_pooling(ref)
    settings = untrusted.read_json(found.path / "preprocessor_config.json")
    if int(settings.get("sampling_rate", RATE)) != RATE:
        raise untrusted.NotAModel(
            f"{ref} needs sound at {settings['sampling_rate']} Hz, but embedlab reads sound at {RATE} Hz. "
            "Choose another model.",
            model=str(ref),
        )
    # Only training masks frames.
    network, _ = read_network(AutoModel, found, str(ref), lambda key: key.endswith("masked_spec_embed"))
    return WaveEmbedder(ref, found, network, bool(settings.get("do_normalize", True)))


def load_whisper(ref: EncoderRef, found: LocalWeights, config: Any) -> whisper.WhisperEmbedder:
    """Load Whisper of any size from its folder, with everything that :class:`WhisperEmbedder` can do."""
    from transformers import WhisperForConditionalGeneration

    _check_pooling(ref)
    network, _ = read_network(
        WhisperForConditionalGeneration, found, str(ref), lambda key: key == "proj_out.weight"
    )
    depth = int(config.encoder_layers)
    card = describe(
        ref,
        found,
        network,
        modality="audio",
        dim=int(config.d_model),
        layer=chosen_layer(ref, depth),
        pooling="mean over the real frames",
        summary="Whisper of transformers: the mean of its encoder's frames.",
    )
    return whisper.WhisperEmbedder(card, found, network)

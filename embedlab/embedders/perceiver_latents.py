"""Compute the latents of a Perceiver, in two ways, and decode them.

Both ways give the same numbers. :func:`latents_by_tutorial` runs the whole autoencoder and keeps a
by-product; :func:`latents_by_encoder` stops once the latents are computed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

_CHUNKS = 128  # parts in which the tutorial decodes a window, as its 802,816 pixels fill the memory


@torch.inference_mode()
def latents_by_encoder(network: Any, inputs: dict[str, Tensor]) -> Tensor:
    """Compute the latents, shape (784, 512), with the encoder alone."""
    return hidden_states(network, inputs)[-1][0]


@torch.inference_mode()
def hidden_states(network: Any, inputs: dict[str, Tensor]) -> tuple[Tensor, ...]:
    """Compute the latents after the cross-attention and after each self-attention.

    Parameters
    ----------
    network : transformers.PerceiverForMultimodalAutoencoding
    inputs : dict of str to Tensor
        Of one window, from :meth:`PerceiverEmbedder.inputs`.

    Returns
    -------
    tuple of Tensor, each of shape (1, 784, 512)
    """
    tokens, _, _ = network.perceiver.input_preprocessor(inputs)
    start = network.perceiver.embeddings(batch_size=len(tokens))
    states: tuple[Tensor, ...] = network.perceiver.encoder(
        start, inputs=tokens, output_hidden_states=True
    ).hidden_states
    return states


@torch.inference_mode()
def latents_by_tutorial(network: Any, inputs: dict[str, Tensor]) -> Tensor:
    """Compute the latents, shape (784, 512), as a well-known tutorial does.

    The whole network runs, decoder included, and the last of the hidden states is squeezed. The tutorial runs
    it 128 times, once for each part of the image and the sound, and gets the same latents each time; this
    runs it for the first part only.

    Notes
    -----
    Tang (2023). How to Get the Right Vector Embeddings.
    https://milvus.io/blog/how-to-get-the-right-vector-embeddings.md
    """
    n_pixels = math.prod(network.config.output_shape[1:])
    part = {
        "image": torch.arange(n_pixels // _CHUNKS),
        "audio": torch.arange(_count_patches(network) // _CHUNKS),
        "label": None,
    }
    outputs = network(inputs=inputs, subsampled_output_points=part, output_hidden_states=True)
    squeezed: Tensor = outputs[1][-1].squeeze()
    return squeezed


@torch.inference_mode()
def reconstruct(network: Any, inputs: dict[str, Tensor], chunk: int = 8_192) -> dict[str, np.ndarray]:
    """Decode the latents of one window: all pixels, all samples and the classes.

    Parameters
    ----------
    network, inputs
        As for :func:`hidden_states`.
    chunk : int
        Pixels per run of the whole network: one run for the small Perceiver, 98 for the large one.

    Returns
    -------
    dict of str to ndarray
        ``image`` (n_frames, side, side, 3), ``audio`` (n_samples,) and ``label`` (n_labels,), scaled like the
        inputs.
    """
    shape = network.config.output_shape[1:]
    n_patches = _count_patches(network)
    parts = [
        network(
            inputs=inputs,
            subsampled_output_points={"image": pixels, "audio": torch.arange(n_patches), "label": None},
        ).logits
        for pixels in torch.split(torch.arange(math.prod(shape)), chunk)
    ]
    image = torch.cat([part["image"] for part in parts], dim=1)
    return {
        "image": image.reshape(*shape, 3).numpy(),
        "audio": parts[0]["audio"].flatten().numpy(),
        "label": parts[0]["label"][0].numpy(),
    }


def _count_patches(network: Any) -> int:
    config = network.config
    return int(config.num_frames * config.audio_samples_per_frame // config.samples_per_patch)

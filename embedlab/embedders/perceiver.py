"""Perceiver IO: 784 vectors look at all pixels and samples of a film at once; their mean is the embedding.

The latents can be had in two ways that give the same numbers: :func:`latents_by_tutorial` runs the whole
autoencoder and keeps a by-product, :func:`latents_by_encoder` stops where they are ready.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from embedlab.catalog.cards import ModelCard
from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.batching import Batch
from embedlab.embedders.layers import NoSuchLayer
from embedlab.embedders.quiet import quiet_loading
from embedlab.embedders.video import Windows, WindowSize, read_windows
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, EmbedlabError, Problem
from embedlab.media import video
from embedlab.weights import LocalWeights

Pooling = Literal["mean", "flatten"]
POOLINGS: tuple[str, ...] = ("mean", "flatten")
# As in DeepMind's notebook: 25 frames a second, and the sound at 48 kHz, so that a window is 0.64 s and has
# 30,720 samples (deepmind-research/perceiver/colabs/video_autoencoding.ipynb).
SIZE = WindowSize(n_frames=16, fps=25, side=224, rate=48_000)
# Pixels and samples are scaled to about 0 ± 1: else much of the training goes into finding the paper's white.
MINI = WindowSize(n_frames=8, fps=4, side=32, rate=2_048, pixel_mean=0.9, pixel_std=0.13, sound_std=0.3)
WINDOWS = 4
_CHUNKS = 128  # parts in which the notebooks decode a window, as its 802,816 pixels fill the memory
_AT_ONCE = 2  # films that are prepared ahead: one takes 10 MB, and seconds to compute


class PerceiverEmbedder(CachedEmbedder):
    """The multimodal Perceiver behind the :class:`~embedlab.embedders.protocol.Embedder` protocol.

    It was trained on 16 frames that follow each other at 25 a second. Frames further apart would show it a
    world that moves too fast, beside sound that does not; so a film is read in windows of that length, one
    after the other, or spread over the film where it is long, and the vector is the mean over the windows.

    Attributes
    ----------
    network : transformers.PerceiverForMultimodalAutoencoding
        Encoder and decoder, for opening the box; the embedding needs only the encoder.
    size : WindowSize
        Frames, pixels and samples of a window.
    pooling : {"mean", "flatten"}
        How the latents become one vector. ``"mean"``: their mean, 512 numbers. ``"flatten"``: one after the
        other, 401,408 numbers, which keeps what each of them says; :func:`flat_pca` makes them fewer.
    windows : int
        Most windows that are looked at. Two seconds hold three; 1 is the middle of the film.
    path : Path
        The folder the weights were loaded from.
    """

    accepts = ("video",)
    prepares_in_threads = True

    def __init__(
        self,
        card: ModelCard,
        found: LocalWeights,
        network: Any,
        size: WindowSize = SIZE,
        pooling: Pooling = "mean",
        windows: int = WINDOWS,
    ) -> None:
        if pooling not in POOLINGS:
            raise ValueError(f"pooling must be 'mean' or 'flatten', not {pooling!r}.")
        if windows < 1:
            raise ValueError(f"windows must be at least 1, not {windows}.")
        self.network = network.eval()
        self.size, self.pooling, self.windows = size, pooling, windows
        self.path: Path = found.path
        self._found = found
        config = network.config
        self.dim = config.d_latents * (config.num_latents if pooling == "flatten" else 1)
        words = {"mean": "mean over the latents", "flatten": "flatten"}[pooling]
        self.card = dataclasses.replace(
            card, dim=self.dim, pooling=words, source=found.source, sha256=found.sha256
        )
        depth = config.num_blocks * config.num_self_attends_per_block
        self.layers = tuple(f"hidden_states.{i}" for i in range(depth + 1))

    def with_pooling(self, pooling: Pooling) -> PerceiverEmbedder:
        """The same network with another ``pooling``."""
        return type(self)(self.card, self._found, self.network, self.size, pooling, self.windows)

    def with_windows(self, windows: int) -> PerceiverEmbedder:
        """The same network that looks at no more than so many windows of a film."""
        return type(self)(self.card, self._found, self.network, self.size, self.pooling, windows)

    def prepare(self, film: Any) -> Windows:
        """A film as the network sees it: path, bytes, or frames of shape (n, height, width, 3), uint8."""
        return read_windows(film, self.size, self.windows)

    def inputs(self, film: Windows) -> Iterator[dict[str, Tensor]]:
        """What the network takes, window by window.

        ``image`` (1, n_frames, 3, side, side) and ``audio`` (1, n_samples, 1), scaled as ``size`` says; and
        ``label`` (1, n_labels), zeros: the network puts a mask that it has learnt in its place.
        """
        for frames, samples in zip(film.frames, film.samples, strict=True):
            yield {
                "image": self.size.preprocess.tensor(frames).contiguous()[None],
                "audio": torch.from_numpy(samples)[None, :, None] / self.size.sound_std,
                "label": torch.zeros(1, self.network.config.num_labels),
            }

    def latents(self, film: Windows) -> np.ndarray:
        """The latents of a prepared film, mean over its windows: shape (784, 512), float32."""
        total: Any = sum(latents_by_encoder(self.network, given) for given in self.inputs(film))
        latents: np.ndarray = (total / len(film)).numpy()
        return latents

    def _compute(self, prepared: list[Any], batch_size: int) -> np.ndarray:
        latents = [self.latents(film) for film in prepared]
        return np.stack([x.mean(axis=0) if self.pooling == "mean" else x.ravel() for x in latents])

    def compute_layers(
        self, prepared: list[Any], layers: Sequence[str], batch_size: int
    ) -> dict[str, np.ndarray]:
        names = {**{name: i for i, name in enumerate(self.layers)}, self.card.layer: len(self.layers) - 1}
        unknown = [name for name in layers if name not in names]
        if unknown:
            raise NoSuchLayer(
                f"{self.card.name} has no layer {unknown[0]!r}; it has {', '.join(self.layers)}."
            )
        films = []
        for film in prepared:
            states = [hidden_states(self.network, given) for given in self.inputs(film)]
            films.append([torch.cat(same).mean(dim=(0, 1)).numpy() for same in zip(*states, strict=True)])
        return {name: np.stack([film[names[name]] for film in films]) for name in layers}

    def layer_pooling(self, layer: str) -> str:
        """Of every layer the mean is taken: flattened, nine layers would take 14 MB a film."""
        return "mean over the latents"

    def batches(
        self, content_of: dict[bytes, Any], order: list[bytes], size: int, progress: bool | None
    ) -> Iterator[Batch]:
        return super().batches(content_of, order, min(size, _AT_ONCE), progress)

    def _prepare(self, content: Any) -> Windows:
        return self.prepare(content)

    def _problem(self, content: Any) -> Problem | None:
        return video.find_problem(content)

    def _preprocessing(self) -> dict[str, Any]:
        return {"windows": self.windows, **dataclasses.asdict(self.size)}


# -- both ways to the latents --------------------------------------------------------------------------------


@torch.inference_mode()
def latents_by_encoder(network: Any, inputs: dict[str, Tensor]) -> Tensor:
    """What the encoder ends with, shape (784, 512): pixels and samples become tokens, latents read them."""
    return hidden_states(network, inputs)[-1][0]


@torch.inference_mode()
def hidden_states(network: Any, inputs: dict[str, Tensor]) -> tuple[Tensor, ...]:
    """The latents after the cross-attention and after each layer of self-attention, (1, 784, 512) each."""
    tokens, _, _ = network.perceiver.input_preprocessor(inputs)
    start = network.perceiver.embeddings(batch_size=len(tokens))
    states: tuple[Tensor, ...] = network.perceiver.encoder(
        start, inputs=tokens, output_hidden_states=True
    ).hidden_states
    return states


@torch.inference_mode()
def latents_by_tutorial(network: Any, inputs: dict[str, Tensor]) -> Tensor:
    """The same as a well-known tutorial gets them, shape (784, 512): the last of the hidden states, squeezed.

    The whole network runs, decoder and all. The tutorial runs it 128 times, for as many parts of the picture
    and sound, and gets the same latents each time; this runs it for the first part only.

    Notes
    -----
    Tang (2023). How to Get the Right Vector Embeddings.
    https://milvus.io/blog/how-to-get-the-right-vector-embeddings.md
    """
    config = network.config
    n_pixels = math.prod(config.output_shape[1:])
    n_patches = config.num_frames * config.audio_samples_per_frame // config.samples_per_patch
    part = {
        "image": torch.arange(n_pixels // _CHUNKS),
        "audio": torch.arange(n_patches // _CHUNKS),
        "label": None,
    }
    outputs = network(inputs=inputs, subsampled_output_points=part, output_hidden_states=True)
    squeezed: Tensor = outputs[1][-1].squeeze()
    return squeezed


@torch.inference_mode()
def give_back(network: Any, inputs: dict[str, Tensor], at_once: int = 8_192) -> dict[str, np.ndarray]:
    """What the decoder makes of the latents: all pixels, all samples and the classes of one window.

    The whole network runs for every ``at_once`` pixels: once for the small Perceiver, 98 times for the large.

    Returns
    -------
    dict
        ``image`` (n_frames, side, side, 3), ``audio`` (n_samples,) and ``label`` (n_labels,), scaled like the
        inputs.
    """
    config = network.config
    shape = config.output_shape[1:]
    n_patches = config.num_frames * config.audio_samples_per_frame // config.samples_per_patch
    parts = [
        network(
            inputs=inputs,
            subsampled_output_points={"image": pixels, "audio": torch.arange(n_patches), "label": None},
        ).logits
        for pixels in torch.split(torch.arange(math.prod(shape)), at_once)
    ]
    picture = torch.cat([part["image"] for part in parts], dim=1)
    return {
        "image": picture.reshape(*shape, 3).numpy(),
        "audio": parts[0]["audio"].flatten().numpy(),
        "label": parts[0]["label"][0].numpy(),
    }


def flat_pca(emb: Embeddings, n_components: int = 64) -> Embeddings:
    """Flattened latents made fewer: the scores of the items on their own first principal components.

    The axes are those of these items, so the vectors of two calls cannot be compared.

    Parameters
    ----------
    emb : Embeddings
        Of a model ``with_pooling("flatten")``, or any other.
    n_components : int
        Fewer than there are items.

    Returns
    -------
    Embeddings, n_items x n_components
        Axes by falling variance; the sign of each is such that its largest value is positive.

    Raises
    ------
    BadItem
        When there are not enough items.

    Notes
    -----
    With far fewer items than numbers in each, the n x n matrix of scalar products holds all there is to know:
    its eigenvectors, times the roots of its eigenvalues, are the scores (classical scaling, Torgerson 1952).
    """
    n = len(emb)
    if not 1 <= n_components < n:
        raise BadItem(f"{n_components} components need more than {n_components} items, and there are {n}.")
    centred = emb.vectors - emb.vectors.mean(axis=0)
    values, axes = np.linalg.eigh((centred @ centred.T).astype(np.float64))
    values, axes = values[::-1].clip(min=0), axes[:, ::-1]
    scores = axes[:, :n_components] * np.sqrt(values[:n_components])
    largest = np.abs(scores).argmax(axis=0)
    scores *= np.where(scores[largest, np.arange(n_components)] < 0, -1, 1)
    kept = values[:n_components].sum() / max(values.sum(), np.finfo(float).tiny)
    pooling = f"{emb.pooling} + PCA ({kept:.0%} of the variance)"
    card = dataclasses.replace(emb.model, dim=n_components, pooling=pooling, normalized=False)
    return Embeddings(scores, emb.items, card, emb.layer, pooling, False, emb.report)


def load(card: ModelCard, found: LocalWeights) -> PerceiverEmbedder:
    """The multimodal Perceiver from a folder of weights; errors as :func:`network_from`."""
    return PerceiverEmbedder(card, found, network_from(found.path, safetensors=False))


def load_mini(card: ModelCard, found: LocalWeights) -> PerceiverEmbedder:
    """The small Perceiver that comes with embedlab (``data/perceiver_mini.py`` trains it)."""
    return PerceiverEmbedder(card, found, network_from(found.path, safetensors=True), MINI)


def network_from(folder: Path, *, safetensors: bool) -> Any:
    """transformers' ``PerceiverForMultimodalAutoencoding`` from a folder.

    Raises
    ------
    EmbedlabError
        When numbers are missing in the file: transformers would go on with random ones.
    """
    from transformers import PerceiverForMultimodalAutoencoding

    kind: Any = PerceiverForMultimodalAutoencoding
    with quiet_loading():
        network, said = kind.from_pretrained(
            str(folder),
            local_files_only=True,
            use_safetensors=safetensors,
            weights_only=True,
            output_loading_info=True,
        )
    if said["missing_keys"]:
        some = ", ".join(sorted(said["missing_keys"])[:3])
        raise EmbedlabError(f"The weights in {folder} lack {some} … Fetch them again.")
    return network

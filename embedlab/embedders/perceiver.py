"""Perceiver IO: the mean of 784 latents, which read all pixels and samples of a video."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from embedlab.catalog.cards import ModelCard
from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.batching import Batch
from embedlab.embedders.layers import NoSuchLayer
from embedlab.embedders.perceiver_latents import hidden_states, latents_by_encoder
from embedlab.embedders.quiet import quiet_loading
from embedlab.embedders.video import Windows, WindowSize, read_windows
from embedlab.errors import EmbedlabError, Problem
from embedlab.media.clip import VideoSource
from embedlab.media.video import find_problem
from embedlab.weights import LocalWeights

Pooling = Literal["mean", "flatten"]
# As in DeepMind's notebook: 25 frames per second, and sound at 48 kHz, so that a window is 0.64 s and has
# 30,720 samples (deepmind-research/perceiver/colabs/video_autoencoding.ipynb).
SIZE = WindowSize(n_frames=16, fps=25, side=224, rate=48_000)
# Pixels and samples are scaled to about 0 ± 1: otherwise much of the training learns that paper is white.
MINI = WindowSize(n_frames=8, fps=4, side=32, rate=2_048, pixel_mean=0.9, pixel_std=0.13, sound_std=0.3)
WINDOWS = 4
_MAX_PREPARED = 2  # videos; each takes 10 MB, and seconds to compute


class PerceiverEmbedder(CachedEmbedder):
    """The multimodal Perceiver as an :class:`~embedlab.embedders.protocol.Embedder`.

    It was trained on 16 consecutive frames at 25 per second. Frames further apart would show it a world that
    moves too fast, beside sound that does not. So a video is read in windows of that length, one after the
    other, or spread over a long video; the vector is the mean over the windows.

    Attributes
    ----------
    network : transformers.PerceiverForMultimodalAutoencoding
        Encoder and decoder; the embedding needs only the encoder.
    size : WindowSize
        Frames, pixels and samples of a window.
    pooling : {"mean", "flatten"}
        How the latents become one vector. ``"mean"``: their mean, 512 numbers. ``"flatten"``: one after the
        other, 401,408 numbers, which keeps what each of them says;
        :func:`~embedlab.embeddings.pca.flat_pca` makes them fewer.
    windows : int
        Most windows per video. Two seconds hold three; 1 is the middle of the video.
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
        if pooling not in get_args(Pooling):
            raise ValueError(f"pooling must be 'mean' or 'flatten', not {pooling!r}.")
        if windows < 1:
            raise ValueError(f"windows must be at least 1, not {windows}.")
        self.network = network.eval()
        self.size, self.pooling, self.windows = size, pooling, windows
        self.path: Path = found.path
        self._found = found
        config = network.config
        self.dim = config.d_latents * (config.num_latents if pooling == "flatten" else 1)
        described = {"mean": "mean over the latents", "flatten": "flatten"}[pooling]
        self.card = dataclasses.replace(
            card, dim=self.dim, pooling=described, source=found.source, sha256=found.sha256
        )
        depth = config.num_blocks * config.num_self_attends_per_block
        self.layers = tuple(f"hidden_states.{i}" for i in range(depth + 1))

    def with_pooling(self, pooling: Pooling) -> PerceiverEmbedder:
        """Return the same network with another ``pooling``."""
        return type(self)(self.card, self._found, self.network, self.size, pooling, self.windows)

    def with_windows(self, windows: int) -> PerceiverEmbedder:
        """Return the same network with another number of ``windows`` per video."""
        return type(self)(self.card, self._found, self.network, self.size, self.pooling, windows)

    def prepare(self, film: VideoSource) -> Windows:
        """Read a video as the network takes it.

        Parameters
        ----------
        film : path, bytes, or ndarray of shape (n, height, width, 3), uint8
        """
        return read_windows(film, self.size, self.windows)

    def inputs(self, film: Windows) -> Iterator[dict[str, Tensor]]:
        """Yield the inputs of the network, window by window.

        Yields
        ------
        dict of str to Tensor
            ``image`` (1, n_frames, 3, side, side) and ``audio`` (1, n_samples, 1), scaled as ``size`` says;
            and ``label`` (1, n_labels), zeros: the network replaces it by a mask that it has learnt.
        """
        for frames, samples in zip(film.frames, film.samples, strict=True):
            yield {
                "image": self.size.preprocess.tensor(frames).contiguous()[None],
                "audio": torch.from_numpy(samples)[None, :, None] / self.size.sound_std,
                "label": torch.zeros(1, self.network.config.num_labels),
            }

    def latents(self, film: Windows) -> np.ndarray:
        """Compute the latents of a prepared video, averaged over its windows.

        Returns
        -------
        ndarray, shape (784, 512), float32
        """
        total: Any = sum(latents_by_encoder(self.network, given) for given in self.inputs(film))
        latents: np.ndarray = (total / len(film)).numpy()
        return latents

    def compute_layers(
        self, prepared: list[Any], layers: Sequence[str], batch_size: int
    ) -> dict[str, np.ndarray]:
        """Read several layers in one forward pass; see :meth:`CachedEmbedder.compute_layers`."""
        depths = {**{name: i for i, name in enumerate(self.layers)}, self.card.layer: len(self.layers) - 1}
        unknown = [name for name in layers if name not in depths]
        if unknown:
            raise NoSuchLayer(
                f"{self.card.name} has no layer {unknown[0]!r}; it has {', '.join(self.layers)}."
            )
        videos = []
        for film in prepared:
            states = [hidden_states(self.network, given) for given in self.inputs(film)]
            videos.append([torch.cat(same).mean(dim=(0, 1)).numpy() for same in zip(*states, strict=True)])
        return {name: np.stack([video[depths[name]] for video in videos]) for name in layers}

    def layer_pooling(self, layer: str) -> str:
        """Name the pooling: the mean, as nine flattened layers would take 14 MB per video."""
        return "mean over the latents"

    def batches(
        self, content_of: dict[bytes, Any], order: list[bytes], size: int, progress: bool | None
    ) -> Iterator[Batch]:
        """Prepare contents in small batches; see :meth:`CachedEmbedder.batches`."""
        return super().batches(content_of, order, min(size, _MAX_PREPARED), progress)

    def _prepare(self, content: Any) -> Windows:
        return self.prepare(content)

    def _problem(self, content: Any) -> Problem | None:
        return find_problem(content)

    def _preprocessing(self) -> dict[str, Any]:
        return {"windows": self.windows, **dataclasses.asdict(self.size)}

    def _compute(self, prepared: list[Any], batch_size: int) -> np.ndarray:
        latents = [self.latents(film) for film in prepared]
        return np.stack([x.mean(axis=0) if self.pooling == "mean" else x.ravel() for x in latents])


def load(card: ModelCard, found: LocalWeights) -> PerceiverEmbedder:
    """Load the multimodal Perceiver from a folder of weights."""
    return PerceiverEmbedder(card, found, load_network(found.path, safetensors=False))


def load_mini(card: ModelCard, found: LocalWeights) -> PerceiverEmbedder:
    """Load the small Perceiver of embedlab, which ``data/perceiver_mini.py`` trains."""
    return PerceiverEmbedder(card, found, load_network(found.path, safetensors=True), MINI)


def load_network(folder: Path, *, safetensors: bool) -> Any:
    """Load a ``PerceiverForMultimodalAutoencoding`` of transformers from a folder.

    Raises
    ------
    EmbedlabError
        If weights are missing in the file: transformers would go on with random ones.
    """
    from transformers import PerceiverForMultimodalAutoencoding

    network_class: Any = PerceiverForMultimodalAutoencoding
    with quiet_loading():
        network, report = network_class.from_pretrained(
            str(folder),
            local_files_only=True,
            use_safetensors=safetensors,
            weights_only=True,
            output_loading_info=True,
        )
    missing = sorted(report["missing_keys"])
    if missing:
        raise EmbedlabError(
            f"{len(missing)} weights are missing in {folder} ({', '.join(missing[:3])} …). Fetch them again.",
            path=folder,
        )
    return network

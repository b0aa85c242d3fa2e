"""Image classifiers as embedders: the vector is the input of the layer that predicts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from embedlab.catalog.cards import ModelCard
from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.batching import split_for_cpu
from embedlab.embedders.layers import Penultimate, penultimate, read_layers
from embedlab.embedders.pooling import spatial_mean
from embedlab.embedders.preprocess import Preprocess
from embedlab.errors import EmbedlabError, Problem
from embedlab.media.image import find_problem, read_image
from embedlab.weights import LocalWeights


class ImageEmbedder(CachedEmbedder):
    """An image classifier behind the :class:`~embedlab.embedders.protocol.Embedder` protocol.

    Parameters
    ----------
    card : ModelCard
    found : LocalWeights
        The folder with the weights.
    network : torch.nn.Module
        The whole classifier.
    preprocess : Preprocess
    layers : sequence of str
        Layers that are read by default.
    class_names : list of str, optional
        What the predictions are called, in order.
    first_token : bool
        Whether a layer is read at its first token, as in a ViT, instead of averaged over the image.
    faster : torch.nn.Module, optional
        The same function with fewer steps, for embedding.
    read : callable, optional
        From a batch of pixels to vectors; by default the input of the layer that predicts. For a backbone,
        which has no such layer.

    Attributes
    ----------
    network : torch.nn.Module
        The whole classifier, head included.
    preprocess : Preprocess
        From an image to a tensor.
    class_names : list of str or None
    path : Path
        The folder the weights were loaded from.
    """

    prepares_in_threads = True

    def __init__(
        self,
        card: ModelCard,
        found: LocalWeights,
        network: nn.Module,
        preprocess: Preprocess,
        *,
        layers: Sequence[str],
        class_names: list[str] | None = None,
        first_token: bool = False,
        faster: nn.Module | None = None,
        read: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        self.card = dataclasses.replace(card, source=found.source, sha256=found.sha256)
        self.path: Path = found.path
        self.dim = card.dim
        self.network = _set_up(network)
        self.preprocess = preprocess
        self.class_names = class_names
        self.layers = tuple(layers)
        self._embedding = read or penultimate(_set_up(faster) if faster else self.network)
        self._first_token = first_token

    def compute_layers(
        self, prepared: list[Any], layers: Sequence[str], batch_size: int
    ) -> dict[str, np.ndarray]:
        """Read several layers in one forward pass; see :meth:`CachedEmbedder.compute_layers`."""
        pool = _first_token if self._first_token else spatial_mean
        batches = (self.preprocess.tensor(part) for part in split_for_cpu(prepared, batch_size))
        with torch.inference_mode():
            by_layer = read_layers(self.network, batches, layers, pool)
        return {name: vectors.numpy() for name, vectors in by_layer.items()}

    def layer_pooling(self, layer: str) -> str:
        """Name how the activations of a layer become one vector."""
        return "first token" if self._first_token else "mean over the picture"

    def classify(self, picture: Any, k: int = 5) -> pd.DataFrame:
        """Predict the class of one image with the head that an embedding leaves out.

        Parameters
        ----------
        picture : path, bytes, PIL image or array
        k : int

        Returns
        -------
        DataFrame
            The ``k`` likeliest classes: ``class`` and ``probability``.

        Raises
        ------
        UnreadableMedia
            If the image cannot be read.
        EmbedlabError
            If the names of the classes are missing.
        """
        if self.class_names is None:
            raise EmbedlabError(
                f"The names of the classes of {self.card.name} are not in {self.path}. For the scores alone, "
                "call model.network.",
                model=self.card.name,
                path=self.path,
            )
        head = self._embedding if isinstance(self._embedding, Penultimate) else penultimate(self.network)
        with torch.inference_mode():
            head(self.preprocess.tensor([self._prepare(picture)]))
        scores = head.scores
        assert scores is not None
        likeliest = torch.topk(scores[0].softmax(0), min(k, scores.shape[1]))
        names = [self.class_names[i] for i in likeliest.indices.tolist()]
        return pd.DataFrame({"class": names, "probability": likeliest.values.numpy()})

    def _prepare(self, content: Any) -> np.ndarray:
        # Twice the size that is needed: large photos are decoded at a fraction, and the result is the same.
        image = read_image(content, at_least=2 * self.preprocess.shorter_side)
        return self.preprocess.pixels(image)

    def _problem(self, content: Any) -> Problem | None:
        return find_problem(content)

    def _preprocessing(self) -> dict[str, Any]:
        return dataclasses.asdict(self.preprocess)

    def _compute(self, prepared: list[Any], batch_size: int) -> np.ndarray:
        with torch.inference_mode():
            batches = split_for_cpu(prepared, batch_size)
            return torch.cat([self._embedding(self.preprocess.tensor(batch)) for batch in batches]).numpy()


def _set_up(network: nn.Module) -> nn.Module:
    """Switch to evaluation and to channels last, the faster order for convolutions on a CPU."""
    ready: nn.Module = network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return ready


def _first_token(tokens: Tensor) -> Tensor:
    """Take the token that a ViT predicts from: (n, tokens, width) → (n, width)."""
    return tokens[:, 0].clone()

"""Make an embedder of any classifier in memory: ``from_module(network, preprocess)``."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from embedlab.catalog.cards import ModelCard
from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.batching import split_for_cpu
from embedlab.embedders.layers import capture, evaluating, penultimate, read_layers
from embedlab.embedders.pooling import spatial_mean
from embedlab.errors import Argument, EmbedlabError, Problem
from embedlab.media import image as media


class ModuleEmbedder(CachedEmbedder):
    """A live ``torch.nn.Module`` behind the Embedder protocol; made by :func:`from_module`.

    Attributes
    ----------
    network : torch.nn.Module
        The module that was passed, unchanged.
    """

    prepares_in_threads = True

    def __init__(
        self,
        card: ModelCard,
        network: nn.Module,
        preprocess: Callable[[Any], Tensor],
        read: Callable[[Tensor], Tensor],
        caches_vectors: bool,
    ) -> None:
        self.card, self.dim = card, card.dim
        self.network = network
        self.caches_vectors = caches_vectors
        self.layers = tuple(name for name, _ in network.named_children())
        self._preprocess = preprocess
        self._read = read

    def _prepare(self, content: Any) -> Tensor:
        return self._preprocess(media.read_image(content) if self.card.modality == "image" else content)

    def _problem(self, content: Any) -> Problem | None:
        return media.find_problem(content) if self.card.modality == "image" else None

    def _compute(self, prepared: list[Any], batch_size: int) -> np.ndarray:
        with evaluating(self.network):
            parts = [self._read(torch.stack(part)) for part in split_for_cpu(prepared, batch_size)]
            return torch.cat(parts).float().numpy()

    def compute_layers(
        self, prepared: list[Any], layers: Sequence[str], batch_size: int
    ) -> dict[str, np.ndarray]:
        """Read any layers of the module, by name; see :meth:`CachedEmbedder.compute_layers`."""
        batches = (torch.stack(part) for part in split_for_cpu(prepared, batch_size))
        with evaluating(self.network):
            vectors_of = read_layers(self.network, batches, layers, spatial_mean)
        return {name: vectors.float().numpy() for name, vectors in vectors_of.items()}

    def layer_pooling(self, layer: str) -> str:
        """Name the pooling: all positions are averaged, channels are kept."""
        return "mean over all places"


def from_module(
    module: nn.Module,
    preprocess: Callable[[Any], Tensor],
    layer: str | None = None,
    *,
    name: str | None = None,
    modality: str = "image",
    example: Any = None,
    keep: str | None = None,
) -> ModuleEmbedder:
    """Make an embedder of any classifier.

    Parameters
    ----------
    module : torch.nn.Module
        Called with a batch of what ``preprocess`` returns. It runs in evaluation mode and without gradients;
        afterwards it is back in the mode it was in.
    preprocess : callable
        One item → Tensor, without the batch dimension. For images it gets an upright RGB ``PIL.Image``,
        otherwise the item's content. It is called from several threads.
    layer : str, optional
        Name of the layer to read, as in ``module.named_modules()``; its output is averaged over all
        positions. By default the input of the layer that makes the prediction.
    name : str, optional
        Name of the model; by default ``modality/class name``.
    modality : str
        Of the items, for example ``"image"``.
    example : object, optional
        An item to try the module on at once; by default a grey picture. Required for other modalities.
    keep : str, optional
        Describe your preprocessing, for example ``"resize 256, crop 224"``, and vectors are cached on disk.
        embedlab cannot tell one function from another, so change the words whenever you change what it does.
        By default nothing is cached.

    Returns
    -------
    ModuleEmbedder

    Raises
    ------
    NoSuchLayer
        When no layer makes the prediction, or none has that name.
    EmbedlabError
        When ``preprocess`` does not return a tensor, or the layer does not give one row per item.
    """
    prepared = _prepare_example(preprocess, modality, example)
    head = penultimate(module) if layer is None else None
    read = head or partial(_layer_mean, module, str(layer))
    with evaluating(module):
        vectors = read(prepared[None])
    if vectors.ndim != 2:
        raise EmbedlabError(
            f"Layer {layer!r} has outputs of shape {tuple(vectors.shape)}; expected one row per item. "
            "Name another layer."
        )
    card = ModelCard(
        name=name or f"{modality}/{type(module).__name__.lower()}",
        modality=modality,
        dim=vectors.shape[1],
        params=sum(p.numel() for p in module.parameters()),
        licence="unknown",
        summary=f"A {type(module).__name__} in memory" + (f"; {keep}." if keep else "."),
        layer=f"into {head.name}" if head else str(layer),
        pooling="none" if layer is None else "mean over all places",
        normalized=False,
        sha256=fingerprint(module, keep or ""),
        source="memory",
    )
    return ModuleEmbedder(card, module, preprocess, read, caches_vectors=keep is not None)


def _prepare_example(preprocess: Callable[[Any], Tensor], modality: str, example: Any) -> Tensor:
    """Preprocess the example, or a grey picture, to try the module on."""
    if example is None:
        if modality != "image":
            raise EmbedlabError(
                f"The vector's length is unknown for {modality}. Pass one item as ", Argument("example"), "."
            )
        example = Image.new("RGB", (320, 240), (128, 128, 128))
    prepared = preprocess(example)
    if not isinstance(prepared, Tensor):
        raise EmbedlabError(
            f"preprocess must return a torch.Tensor for one item, not {type(prepared).__name__}."
        )
    return prepared


def _layer_mean(module: nn.Module, layer: str, inputs: Tensor) -> Tensor:
    """Average the output of a layer over all positions, to one vector per item."""
    with capture(module, layer, spatial_mean) as outputs:
        module(inputs)
    return outputs[layer]


def fingerprint(module: nn.Module, preprocessing: str = "") -> str:
    """Hash a module's weights (names, shapes, bytes) and a description of its preprocessing with sha256."""
    digest = hashlib.sha256(preprocessing.encode())
    for name, value in module.state_dict().items():
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()

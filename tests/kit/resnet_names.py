"""Seeded full-size ResNet-50 weights, under the names of transformers and under those of torchvision."""

from __future__ import annotations

import re
from typing import Any

import torch
from paths import KIT
from torch import Tensor, nn

HUB_REPO = KIT / "hub_repo"  # what torch.hub.load runs instead of pytorch/vision
_PARTS = {"convolution": "conv", "normalization": "bn"}


def seeded(network: nn.Module, seed: int = 0) -> nn.Module:
    """Weights and running statistics at random, scaled so that a signal neither dies nor explodes."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in network.state_dict().items():
            if name.endswith("running_var"):
                value.uniform_(0.5, 1.5, generator=generator)
            elif value.ndim >= 2:
                value.normal_(0, (2 / value[0].numel()) ** 0.5, generator=generator)
            elif value.is_floating_point():
                value.normal_(1.0 if name.endswith("weight") else 0.0, 0.1, generator=generator)
    return network.eval()


def to_torchvision(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """A state dict of transformers' ResNet under torchvision's names."""
    return {torchvision_name(name): value for name, value in weights.items()}


def torchvision_name(name: str) -> str:
    """``resnet.encoder.stages.0.layers.1.layer.2.convolution.weight`` → ``layer1.1.conv3.weight``."""
    name = name.replace("classifier.1.", "fc.")
    if stem := re.fullmatch(r"resnet\.embedder\.embedder\.(\w+)\.(\w+)", name):
        return f"{_PARTS[stem[1]]}1.{stem[2]}"
    block = re.fullmatch(r"resnet\.encoder\.stages\.(\d)\.layers\.(\d)\.(.+)\.(\w+)\.(\w+)", name)
    if not block:
        return name
    stage, number, place, part, value = block.groups()
    if place == "shortcut":
        inner = f"downsample.{0 if part == 'convolution' else 1}"
    else:
        inner = f"{_PARTS[part]}{int(place.removeprefix('layer.')) + 1}"
    return f"layer{int(stage) + 1}.{number}.{inner}.{value}"


def hf_resnet() -> Any:
    """The full-size network as transformers builds it, with random weights."""
    from transformers import ResNetConfig, ResNetForImageClassification

    config = ResNetConfig()
    config.num_labels = 1000
    return ResNetForImageClassification(config)

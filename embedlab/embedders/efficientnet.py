"""EfficientNet-Lite in plain torch: the whole network in one file.

Lite0 and Lite2 are EfficientNets (Tan and Le 2019, https://arxiv.org/abs/1905.11946) made for small devices:
no squeeze-and-excitation, ReLU6 in place of swish, and a stem and head that keep their width when the network
grows. Module names are those of the published weights.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import deepcopy

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

# repeats, kernel, stride, expansion, channels in, channels out
_STAGES = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)
_CHANNELS_PER_STEP = 8


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow does: an odd pixel goes right and below."""

    def forward(self, x: Tensor) -> Tensor:
        """Convolve: (n, in, h, w) → (n, out, ceil(h / stride), ceil(w / stride))."""
        down, right = (
            max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
            for size, stride, kernel in zip(x.shape[-2:], self.stride, self.kernel_size, strict=True)
        )
        if down % 2 == 0 and right % 2 == 0:  # the same on both sides: the convolution pads by itself, faster
            padding = (down // 2, right // 2)
            return F.conv2d(x, self.weight, self.bias, self.stride, padding, groups=self.groups)
        x = F.pad(x, (right // 2, right - right // 2, down // 2, down - down // 2))
        return F.conv2d(x, self.weight, self.bias, self.stride, groups=self.groups)


def _conv(inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1) -> SameConv:
    return SameConv(inside, outside, kernel, stride, groups=groups, bias=False)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    """Inverted bottleneck: widen (1×1), filter each channel (depthwise), narrow (1×1).

    Parameters
    ----------
    inside, outside : int
        Channels of the input and of the output.
    kernel, stride : int
        Of the depthwise convolution.
    expansion : int
        How many times wider the block is inside.
    """

    normed = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inside * expansion
        if expansion > 1:
            self._expand_conv, self._bn0 = _conv(inside, wide, 1), _norm(wide)
        self._depthwise_conv, self._bn1 = _conv(wide, wide, kernel, stride, groups=wide), _norm(wide)
        self._project_conv, self._bn2 = _conv(wide, outside, 1), _norm(outside)
        self._widens = expansion > 1
        self._adds = stride == 1 and inside == outside

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block: (n, inside, h, w) → (n, outside, h / stride, w / stride)."""
        wide = F.relu6(self._bn0(self._expand_conv(x))) if self._widens else x
        wide = F.relu6(self._bn1(self._depthwise_conv(wide)))
        y: Tensor = self._bn2(self._project_conv(wide))
        return x + y if self._adds else y


class EfficientNetLite(nn.Module):
    """An EfficientNet-Lite classifier of the 1,000 ImageNet classes.

    Parameters
    ----------
    width, depth : float
        How much wider and deeper than Lite0: 1.0 and 1.0 for Lite0, 1.1 and 1.2 for Lite2.
    classes : int
        Length of a prediction.
    """

    normed = (("_conv_stem", "_bn0"), ("_conv_head", "_bn1"))

    def __init__(self, width: float = 1.0, depth: float = 1.0, classes: int = 1000) -> None:
        super().__init__()
        self._conv_stem, self._bn0 = _conv(3, 32, 3, stride=2), _norm(32)
        self._blocks = nn.ModuleList()
        self.stage_ends: list[int] = []  # number of the last block of each stage
        for number, (repeats, kernel, stride, expansion, inside, outside) in enumerate(_STAGES):
            # Lite networks neither widen the stem nor deepen the first and the last stage.
            inside = inside if number == 0 else _scale_channels(inside, width)
            outside = _scale_channels(outside, width)
            if number not in (0, len(_STAGES) - 1):
                repeats = math.ceil(repeats * depth)
            for repeat in range(repeats):
                first = repeat == 0
                self._blocks.append(
                    Block(inside if first else outside, outside, kernel, stride if first else 1, expansion)
                )
            self.stage_ends.append(len(self._blocks) - 1)
        self._conv_head, self._bn1 = _conv(outside, 1280, 1), _norm(1280)
        self._avg_pooling = nn.AdaptiveAvgPool2d(1)
        self._fc = nn.Linear(1280, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        """Predict scores before the softmax: pixels (n, 3, h, w) → (n, classes)."""
        x = F.relu6(self._bn0(self._conv_stem(pixels)))
        for block in self._blocks:
            x = block(x)
        x = F.relu6(self._bn1(self._conv_head(x)))
        embedding = self._avg_pooling(x).flatten(1)
        scores: Tensor = self._fc(embedding)
        return scores


def fold(network: EfficientNetLite) -> EfficientNetLite:
    """Fold each batch normalisation into the convolution before it: fewer steps.

    After training, a normalisation multiplies and adds fixed numbers, and so does a convolution.
    """
    copy = deepcopy(network)
    for part in (copy, *copy._blocks):
        for conv, norm in part.normed:
            if hasattr(part, conv):
                setattr(part, conv, fuse_conv_bn_eval(getattr(part, conv), getattr(part, norm)))
                setattr(part, norm, nn.Identity())
    return copy


def _scale_channels(channels: int, width: float) -> int:
    """Return channels × width, as the nearest multiple of 8 that is at most a tenth below."""
    wanted = channels * width
    rounded = max(
        _CHANNELS_PER_STEP, int(wanted + _CHANNELS_PER_STEP / 2) // _CHANNELS_PER_STEP * _CHANNELS_PER_STEP
    )
    return rounded + _CHANNELS_PER_STEP if rounded < 0.9 * wanted else rounded


def from_state_dict(weights: Mapping[str, Tensor], width: float, depth: float) -> EfficientNetLite:
    """Build a network with published weights, ready to predict."""
    network = EfficientNetLite(width, depth, classes=len(weights["_fc.bias"]))
    network.load_state_dict(dict(weights))
    return network.eval()

"""Resize, crop and normalise images for a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocess:
    """The preprocessing that a published image network was trained with.

    Attributes
    ----------
    resize : int or tuple of int
        Length of the shorter side in pixels, the other follows; or (height, width) exactly.
    crop : int or None
        Side in pixels of the square that is cut out of the middle.
    resample : {"bilinear", "bicubic"}
    mean, std : tuple of float
        Of each channel, for values from 0 to 1: the network takes (value − mean) / std.
    """

    resize: int | tuple[int, int]
    crop: int | None
    resample: Literal["bilinear", "bicubic"] = "bicubic"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    @property
    def shorter_side(self) -> int:
        """Length in pixels to which the shorter side of an image is reduced."""
        return self.resize if isinstance(self.resize, int) else min(self.resize)

    def pixels(self, image: Image.Image) -> np.ndarray:
        """Resize and crop an RGB image; returns shape (height, width, 3), uint8."""
        method = Image.Resampling[self.resample.upper()]
        width, height = image.size
        if isinstance(self.resize, int):
            scale = self.resize / min(width, height)
            # Truncated, not rounded, as in torchvision and transformers.
            size = (max(int(width * scale), self.resize), max(int(height * scale), self.resize))
        else:
            size = self.resize[::-1]
        resized = image.resize(size, method)
        if self.crop:
            left, top = (resized.width - self.crop) // 2, (resized.height - self.crop) // 2
            resized = resized.crop((left, top, left + self.crop, top + self.crop))
        return np.asarray(resized)

    def tensor(self, pixels: Sequence[np.ndarray]) -> Tensor:
        """Normalise images of one size, from :meth:`pixels`.

        Returns
        -------
        Tensor, shape (n, 3, height, width), float32
            In memory "channels last", (n, height, width, 3): the order of the images, and the fastest one
            for convolutions on a CPU.
        """
        stack = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float()
        mean = 255 * torch.tensor(self.mean).view(3, 1, 1)
        std = 255 * torch.tensor(self.std).view(3, 1, 1)
        return stack.sub_(mean).div_(std)

    def __call__(self, image: Image.Image) -> Tensor:
        """Preprocess one RGB image; returns a tensor of shape (3, height, width)."""
        return self.tensor([self.pixels(image)])[0]

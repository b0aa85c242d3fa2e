"""From a picture to the numbers an image network expects: resize, crop, normalise."""

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
    """What a published image network was trained to see.

    Attributes
    ----------
    resize : int or tuple of int
        Length of the shorter side in pixels, the other follows; or (height, width) exactly.
    crop : int or None
        Side of the square that is cut out of the middle.
    resample : {"bilinear", "bicubic"}
    mean, std : tuple of float
        Of each channel, for values from 0 to 1: (value − mean) / std is what goes in.
    """

    resize: int | tuple[int, int]
    crop: int | None
    resample: Literal["bilinear", "bicubic"] = "bicubic"
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    @property
    def shorter_side(self) -> int:
        """To this the shorter side of a picture is reduced, in pixels."""
        return self.resize if isinstance(self.resize, int) else min(self.resize)

    def pixels(self, picture: Image.Image) -> np.ndarray:
        """An RGB picture resized and cropped, shape (height, width, 3), uint8."""
        method = Image.Resampling[self.resample.upper()]
        width, height = picture.size
        if isinstance(self.resize, int):
            scale = self.resize / min(width, height)
            # Cut, not rounded, like torchvision and transformers.
            size = (max(int(width * scale), self.resize), max(int(height * scale), self.resize))
        else:
            size = self.resize[::-1]
        resized = picture.resize(size, method)
        if self.crop:
            left, top = (resized.width - self.crop) // 2, (resized.height - self.crop) // 2
            resized = resized.crop((left, top, left + self.crop, top + self.crop))
        return np.asarray(resized)

    def tensor(self, pixels: Sequence[np.ndarray]) -> Tensor:
        """Pictures of one size, from :meth:`pixels`, as one float tensor of shape (n, 3, height, width).

        Its memory is in the order (n, height, width, 3), "channels last": how pictures come, and what
        convolutions on a CPU are fastest with.
        """
        stack = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float()
        mean = 255 * torch.tensor(self.mean).view(3, 1, 1)
        std = 255 * torch.tensor(self.std).view(3, 1, 1)
        return stack.sub_(mean).div_(std)

    def __call__(self, picture: Image.Image) -> Tensor:
        """One RGB picture as a tensor of shape (3, height, width)."""
        return self.tensor([self.pixels(picture)])[0]

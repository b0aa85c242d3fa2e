"""Sixteen views of one photograph: which changes does an embedding ignore?

Each is a small function from a picture to a picture. They are deterministic: the same photograph gives the
same pixels on every machine with the same Pillow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

LONGER_SIDE = 320  # pixels

View = Callable[[Image.Image], Image.Image]


def small(photo: Image.Image) -> Image.Image:
    """A photograph in RGB, its longer side at most 320 pixels."""
    shown = photo.convert("RGB")
    shown.thumbnail((LONGER_SIDE, LONGER_SIDE), Image.Resampling.LANCZOS)
    return shown


def _part(left: float, top: float, share: float) -> View:
    """A cut-out of ``share`` of each side, brought back to full size."""

    def cut(photo: Image.Image) -> Image.Image:
        width, height = photo.size
        box = (left * width, top * height, (left + share) * width, (top + share) * height)
        return photo.resize(photo.size, Image.Resampling.BICUBIC, box=box)

    return cut


def _tilted(photo: Image.Image) -> Image.Image:
    angle, ratio = math.radians(15), max(photo.size) / min(photo.size)
    # The largest upright part of the same shape that has none of the black corners that turning leaves.
    share = 0.98 / (math.cos(angle) + ratio * math.sin(angle))
    turned = photo.rotate(15, Image.Resampling.BICUBIC)
    return _part((1 - share) / 2, (1 - share) / 2, share)(turned)


def _light(factor: float) -> View:
    return lambda photo: ImageEnhance.Brightness(photo).enhance(factor)


def _warm(photo: Image.Image) -> Image.Image:
    red, green, blue = photo.split()
    return Image.merge("RGB", (red.point(lambda v: min(255, v * 1.25)), green, blue.point(lambda v: v * 0.6)))


def _noisy(photo: Image.Image) -> Image.Image:
    pixels = np.asarray(photo, dtype=np.float64)
    # numpy promises the numbers of RandomState for ever, those of default_rng only within a version.
    noise = np.random.RandomState(0).normal(0, 35, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).round().astype(np.uint8))


def _strong_jpeg(photo: Image.Image) -> Image.Image:
    file = BytesIO()
    photo.save(file, "JPEG", quality=6)
    return Image.open(file).convert("RGB")


def _few_pixels(photo: Image.Image) -> Image.Image:
    few = photo.resize((photo.width // 8, photo.height // 8), Image.Resampling.BOX)
    return few.resize(photo.size, Image.Resampling.NEAREST)


# view -> (what kind of change it is, how it is made)
VIEWS: dict[str, tuple[str, View]] = {
    "as it is": ("original", lambda photo: photo),
    "mirrored": ("geometry", ImageOps.mirror),
    "upside down": ("geometry", lambda photo: photo.transpose(Image.Transpose.ROTATE_180)),
    "turned 90°": ("geometry", lambda photo: photo.transpose(Image.Transpose.ROTATE_90)),
    "turned 15°": ("geometry", _tilted),
    "centre only": ("geometry", _part(0.2, 0.2, 0.6)),
    "corner only": ("geometry", _part(0.0, 0.0, 0.5)),
    "darker": ("light", _light(0.4)),
    "brighter": ("light", _light(1.7)),
    "warm": ("light", _warm),
    "grey": ("light", lambda photo: ImageOps.grayscale(photo).convert("RGB")),
    "negative": ("light", ImageOps.invert),
    "blurred": ("quality", lambda photo: photo.filter(ImageFilter.GaussianBlur(3))),
    "noisy": ("quality", _noisy),
    "strong JPEG": ("quality", _strong_jpeg),
    "few pixels": ("quality", _few_pixels),
}

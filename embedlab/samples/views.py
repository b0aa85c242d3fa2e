"""Sixteen views of one photograph, to find out which changes an embedding ignores.

Each view is a deterministic function from an image to an image: the same photograph gives the same pixels on
every machine with the same version of Pillow.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from io import BytesIO

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

LONGER_SIDE = 320  # pixels

View = Callable[[Image.Image], Image.Image]


def shrink(photo: Image.Image) -> Image.Image:
    """Convert a photograph to RGB, with a longer side of at most 320 pixels."""
    image = photo.convert("RGB")
    image.thumbnail((LONGER_SIDE, LONGER_SIDE), Image.Resampling.LANCZOS)
    return image


def _crop(left: float, top: float, share: float) -> View:
    """Return a view: the crop with ``share`` of each side, resized to full size."""

    def crop(photo: Image.Image) -> Image.Image:
        width, height = photo.size
        box = (left * width, top * height, (left + share) * width, (top + share) * height)
        return photo.resize(photo.size, Image.Resampling.BICUBIC, box=box)

    return crop


def _tilt(photo: Image.Image) -> Image.Image:
    angle, ratio = math.radians(15), max(photo.size) / min(photo.size)
    # The largest upright crop of the same shape without the black corners of the rotation.
    share = 0.98 / (math.cos(angle) + ratio * math.sin(angle))
    rotated = photo.rotate(15, Image.Resampling.BICUBIC)
    return _crop((1 - share) / 2, (1 - share) / 2, share)(rotated)


def _brighten(factor: float) -> View:
    return lambda photo: ImageEnhance.Brightness(photo).enhance(factor)


def _warm_up(photo: Image.Image) -> Image.Image:
    red, green, blue = photo.split()
    return Image.merge("RGB", (red.point(lambda v: min(255, v * 1.25)), green, blue.point(lambda v: v * 0.6)))


def _add_noise(photo: Image.Image) -> Image.Image:
    pixels = np.asarray(photo, dtype=np.float64)
    # numpy guarantees the numbers of RandomState across versions, those of default_rng only within one.
    noise = np.random.RandomState(0).normal(0, 35, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).round().astype(np.uint8))


def _compress(photo: Image.Image) -> Image.Image:
    file = BytesIO()
    photo.save(file, "JPEG", quality=6)
    return Image.open(file).convert("RGB")


def _pixelate(photo: Image.Image) -> Image.Image:
    small = photo.resize((photo.width // 8, photo.height // 8), Image.Resampling.BOX)
    return small.resize(photo.size, Image.Resampling.NEAREST)


# name of the view -> (kind of change, function)
VIEWS: dict[str, tuple[str, View]] = {
    "as it is": ("original", lambda photo: photo),
    "mirrored": ("geometry", ImageOps.mirror),
    "upside down": ("geometry", lambda photo: photo.transpose(Image.Transpose.ROTATE_180)),
    "turned 90°": ("geometry", lambda photo: photo.transpose(Image.Transpose.ROTATE_90)),
    "turned 15°": ("geometry", _tilt),
    "centre only": ("geometry", _crop(0.2, 0.2, 0.6)),
    "corner only": ("geometry", _crop(0.0, 0.0, 0.5)),
    "darker": ("light", _brighten(0.4)),
    "brighter": ("light", _brighten(1.7)),
    "warm": ("light", _warm_up),
    "grey": ("light", lambda photo: ImageOps.grayscale(photo).convert("RGB")),
    "negative": ("light", ImageOps.invert),
    "blurred": ("quality", lambda photo: photo.filter(ImageFilter.GaussianBlur(3))),
    "noisy": ("quality", _add_noise),
    "strong JPEG": ("quality", _compress),
    "few pixels": ("quality", _pixelate),
}

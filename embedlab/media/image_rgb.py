"""Convert images of every mode to upright RGB."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert a decoded image to a new one of mode RGB that keeps its EXIF."""
    if image.mode == "RGB" and not is_transparent(image):
        return image.copy()
    if is_deep(image):
        return _to_eight_bits(image).convert("RGB")
    if is_transparent(image):
        layer = image.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return _copy_exif(image, Image.alpha_composite(ground, layer).convert("RGB"))
    return _copy_exif(image, image.convert("RGB"))


def turn_upright(image: Image.Image) -> Image.Image:
    """Turn and mirror an image as its EXIF says."""
    try:
        return ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, ZeroDivisionError, EOFError, IndexError):
        return image  # broken metadata turn nothing; the pixels are good


def is_deep(image: Image.Image) -> bool:
    """Return whether an image has more than 8 bits per pixel and channel."""
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def is_transparent(image: Image.Image) -> bool:
    """Return whether an image has an alpha channel or a transparent colour."""
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Scale greyscale by the range it is meant to fill, or else by the one it does fill."""
    values = np.asarray(image, dtype=np.float64)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if image.mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    elif low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    scaled = (values - low) / ((high - low) or 1.0) * 255
    return _copy_exif(image, Image.fromarray(scaled.round().astype(np.uint8)))


def _copy_exif(image: Image.Image, converted: Image.Image) -> Image.Image:
    exif = image.getexif()
    if exif:
        converted.info["exif"] = exif.tobytes()
    return converted

"""Read how images are prepared from ``preprocessor_config.json``, as transformers reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from embedlab.embedders.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from embedlab.weights import untrusted

_KNOWN_STEPS = {"do_resize", "do_center_crop", "do_rescale", "do_normalize", "do_convert_rgb"}
_OWN_PREPROCESSING = "Load the network yourself and pass your own: el.from_module(network, preprocess)."


def read_preprocess(folder: Path, name: str) -> Preprocess:
    """Read the preprocessing of a model's images.

    Raises
    ------
    NotAModel
        When the file is missing, or contains a step that :class:`Preprocess` does not have.
    """
    settings = _read_settings(folder, name)
    other = sorted(
        key for key, on in settings.items() if key.startswith("do_") and on and key not in _KNOWN_STEPS
    )
    scale = settings.get("rescale_factor", 1 / 255)
    scales = settings.get("do_rescale", True) and not settings.get("rescale_offset")
    if other or abs(scale * 255 - 1) > 1e-3 or not scales:
        raise untrusted.NotAModel(
            f"{name} prepares images in a way that embedlab does not know "
            f"({', '.join(other) or 'do_rescale'}). {_OWN_PREPROCESSING}",
            model=name,
        )
    resize, crop = _read_sizes(settings, name)
    method = Image.Resampling(int(settings.get("resample", 2) or 0)).name.lower()
    if method not in ("bilinear", "bicubic"):
        raise untrusted.NotAModel(
            f"{name} resizes images by {method!r}, but embedlab knows 'bilinear' and 'bicubic'. "
            f"{_OWN_PREPROCESSING}",
            model=name,
        )
    normalizes = settings.get("do_normalize", True)
    mean = settings.get("image_mean") or IMAGENET_MEAN
    std = settings.get("image_std") or IMAGENET_STD
    return Preprocess(
        resize=resize,
        crop=crop,
        resample=method,  # type: ignore[arg-type]
        mean=tuple(mean) if normalizes else (0.0, 0.0, 0.0),
        std=tuple(std) if normalizes else (1.0, 1.0, 1.0),
    )


def _read_settings(folder: Path, name: str) -> dict[str, Any]:
    from transformers import AutoImageProcessor

    try:  # settings that the file leaves out are the processor's own defaults
        processor = AutoImageProcessor.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False, backend="pil"
        )
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise untrusted.NotAModel(
            f"{name} has no preprocessor_config.json that transformers can read, so the preprocessing of its "
            f"images is unknown. {_OWN_PREPROCESSING}",
            model=name,
        ) from error
    settings: dict[str, Any] = processor.to_dict()
    return settings


def _read_sizes(settings: dict[str, Any], name: str) -> tuple[int | tuple[int, int], int | None]:
    """Return the size to resize to, the shorter side or (height, width), and the side of the centre crop."""
    size = settings.get("size", settings.get("crop_size"))
    crop = settings.get("crop_size", settings.get("size"))
    crops = settings.get("do_center_crop")
    if isinstance(size, int):  # an old spelling: without a crop it meant a square
        size = {"shortest_edge": size} if crops else {"height": size, "width": size}
    edge = size.get("shortest_edge") if isinstance(size, dict) else None
    side = None
    if crops:
        side = (
            crop if isinstance(crop, int) else (crop or {}).get("height", (crop or {}).get("shortest_edge"))
        )
    if "crop_pct" in settings and edge:  # ConvNeXT: enlarge, then crop; from 384 pixels on, squeeze
        enlarged = int(edge / (settings["crop_pct"] or 224 / 256))
        return ((edge, edge), None) if edge >= 384 else (enlarged, edge)
    if edge and side:
        return int(edge), int(side)
    if isinstance(size, dict) and "height" in size and "width" in size:
        return (int(size["height"]), int(size["width"])), int(side) if side else None
    raise untrusted.NotAModel(
        f"{name} resizes images to a size that is not fixed ({size!r}). {_OWN_PREPROCESSING}", model=name
    )

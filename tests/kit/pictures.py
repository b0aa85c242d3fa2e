"""Pictures made for the tests: seeded, each its own, cheap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from embedlab.items import Items


def picture(seed: int, width: int = 200, height: int = 150) -> Image.Image:
    """Smooth coloured blobs, different for each seed."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    return small.resize((width, height), Image.Resampling.BICUBIC)


def folder(path: Path, n: int = 6, **size: int) -> Items:
    """``n`` pictures in a folder, as items."""
    path.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        picture(i, **size).save(path / f"{i:03}.png")
    return Items.from_folder(path, modality="image")


def mixture(path: Path, n: int = 3) -> Items:
    """``n`` pictures, then a sentence about each."""
    photos = folder(path / "pictures", n).contents
    frame = pd.DataFrame({"photo": photos, "words": [f"a drawing with number {i}" for i in range(n)]})
    return Items.from_frame(frame, modality="image+text", content="photo", caption="words")

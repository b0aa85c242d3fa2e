"""The figures of ``photos`` in data/README.md: ``python data/photos/measure.py``.

For each view and model: the mean cosine of a view with the photograph as it is, and how often the nearest of
the 15 unchanged photographs is the right one. Raw pixels (32 x 32, in grey) are the floor.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

import embedlab as el

MODELS = ("image/efficientnet-lite0", "image/efficientnet-lite2")


def raw_pixels(items: el.Items) -> np.ndarray:
    """Small grey pictures as vectors, each with mean 0: shape (n_items, 1024)."""
    small = [
        np.asarray(Image.open(path).convert("L").resize((32, 32)), float).ravel() for path in items.contents
    ]
    return np.stack(small) - np.mean(small, axis=1, keepdims=True)


def main() -> None:
    items = el.load_dataset("photos")
    views, labels = items.frame["view"].to_numpy(), items.frame["label"].to_numpy()
    vectors = {name: el.embed(items, name).vectors for name in MODELS} | {"raw pixels": raw_pixels(items)}
    unit = {name: v / np.linalg.norm(v, axis=1, keepdims=True) for name, v in vectors.items()}
    print("| view | " + " | ".join(f"{name}: cosine, found" for name in unit) + " |")
    print("| --- |" + " --- |" * len(unit))
    for view in dict.fromkeys(views):
        cells = []
        for v in unit.values():
            cosine = v[views == view] @ v[views == "as it is"].T
            cells.append(
                f"{np.diag(cosine).mean():.2f}, {np.mean(cosine.argmax(1) == np.arange(len(cosine))):.2f}"
            )
        print(f"| {view} | " + " | ".join(cells) + " |")
    for name, v in unit.items():
        cosine = v @ v.T
        np.fill_diagonal(cosine, -2)
        right = labels[cosine.argmax(1)] == labels
        draws = np.random.default_rng(0).choice(right, (2000, len(right))).mean(axis=1)
        low, high = np.percentile(draws, [2.5, 97.5])
        print(
            f"{name}: nearest of all others shows the same photo {right.mean():.3f} [{low:.2f}, {high:.2f}]"
        )


if __name__ == "__main__":
    main()

"""The figures of ``photos`` in data/README.md: ``python data/photos/measure.py``.

For each view and model: the mean cosine of a view with the photograph as it is, and how often the nearest of
the unchanged photographs is the right one. Raw pixels (32 x 32, in grey) are the floor. The intervals are
95 % percentile bootstrap intervals that draw whole photographs (2,000 times, fixed seed), since the views of
one photograph are not independent.
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


def interval(of_photo: np.ndarray) -> str:
    """The mean over photographs, with its interval; one value a photograph."""
    draws = np.random.RandomState(0).choice(of_photo, (2000, len(of_photo))).mean(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    return f"{of_photo.mean():.2f} [{low:.2f}, {high:.2f}]"


def by_view(changed: np.ndarray, plain: np.ndarray, right: np.ndarray) -> str:
    """Cosine with the unchanged photograph, whose row in ``plain`` is ``right``, and whether it is found."""
    cosine = changed @ plain.T
    found = cosine.argmax(axis=1) == right
    return f"{interval(cosine[np.arange(len(right)), right])}, {found.sum()} of {len(found)}"


def nearest(unit: np.ndarray, photo: np.ndarray) -> str:
    """Whether the nearest of all other pictures shows the same photograph, averaged in each photograph."""
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -2)
    right = photo[cosine.argmax(axis=1)] == photo
    return interval(np.array([right[photo == name].mean() for name in dict.fromkeys(photo)]))


def main() -> None:
    items = el.load_dataset("photos")
    views, labels = items.frame["view"].to_numpy(), items.frame["label"].to_numpy()
    vectors = {name: el.embed(items, name).vectors for name in MODELS} | {"raw pixels": raw_pixels(items)}
    unit = {name: v / np.linalg.norm(v, axis=1, keepdims=True) for name, v in vectors.items()}
    plain = views == "as it is"
    digests = np.array(items.content_hashes())
    # A photograph without colours is the same picture in grey: it would find itself.
    twice = np.array([d in set(digests[:i]) for i, d in enumerate(digests)])
    print("| view | " + " | ".join(unit) + " |\n| --- |" + " --- |" * len(unit))
    for view in dict.fromkeys(views[~plain]):
        rows = (views == view) & ~twice
        right = np.array([list(labels[plain]).index(label) for label in labels[rows]])
        print(f"| {view} | " + " | ".join(by_view(v[rows], v[plain], right) for v in unit.values()) + " |")
    for name, v in unit.items():
        print(f"{name}: nearest of all others shows the same photo {nearest(v[~twice], labels[~twice])}")


if __name__ == "__main__":
    main()

"""A text model and an image classifier, aligned by the names of a thousand classes.

The last layer of a classifier holds one vector for each class, in the space of images; each class has a name,
in the space of texts. Ridge regression from the embeddings of the names to those vectors maps any sentence
into the space of images. No photo and no image-text pair is used.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from embedlab import settings
from embedlab.catalog.cards import ModelCard
from embedlab.embedders.dual import TEMPLATES, DualEmbedder
from embedlab.embedders.image import ImageEmbedder
from embedlab.embedders.text import TextEmbedder
from embedlab.embeddings import unit_rows
from embedlab.errors import EmbedlabError
from embedlab.io.folders import build_once
from embedlab.weights import LocalWeights

RIDGE = 1.0
_TEXT_BATCH = 32
_DISK_SPACE = 4_000_000  # bytes


class AlignedEmbedder(DualEmbedder):
    """A text model whose sentences land in the space of an image classifier.

    Attributes
    ----------
    text, image : TextEmbedder, ImageEmbedder
        The two models.
    bridge : ndarray, shape (dim of the text model, dim of the image model), float32
        From the vector of a sentence to the space of images.
    """

    def __init__(
        self, card: ModelCard, found: LocalWeights, text: TextEmbedder, image: ImageEmbedder
    ) -> None:
        self.card = dataclasses.replace(card, source=found.source, sha256=found.sha256)
        self.text, self.image = text, image
        self.dim = image.dim
        self.preprocess = image.preprocess
        self.bridge = _load_bridge(text, image)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts as unit vectors, shape (n, dim), float32."""
        return unit_rows(self.text._compute(list(texts), _TEXT_BATCH) @ self.bridge)

    def embed_pixels(self, pixels: list[np.ndarray]) -> np.ndarray:
        """Embed a few prepared images as unit vectors, shape (n, dim), float32."""
        return unit_rows(self.image._compute(pixels, len(pixels)))

    def _preprocessing(self) -> dict[str, Any]:
        return {"bridge": hashlib.sha256(_recipe(self.text, self.image).encode()).hexdigest()}

    def _truncated(self, contents: list[Any]) -> list[bool]:
        texts = [content if isinstance(content, str) else "" for content in contents]
        return self.text._truncated(texts)


def fit_bridge(names: np.ndarray, classes: np.ndarray, strength: float = RIDGE) -> np.ndarray:
    """Fit a ridge regression in closed form (Hoerl and Kennard 1970).

    Parameters
    ----------
    names : ndarray, shape (n_classes, dim_text)
        Embeddings of the names of the classes.
    classes : ndarray, shape (n_classes, dim_image)
        The rows of the classifier's last layer, each at length 1.
    strength : float
        λ: how strongly large entries are penalised.

    Returns
    -------
    ndarray, shape (dim_text, dim_image), float32
        The matrix W with the smallest ‖names W − classes‖² + λ ‖W‖².
    """
    normal = names.T @ names + strength * np.eye(names.shape[1])
    solved: np.ndarray = np.linalg.solve(normal, names.T @ classes)
    return solved.astype(np.float32)


def everyday_names(class_names: Sequence[str]) -> list[str]:
    """Return the first of several names: ``"tench"`` from ``"tench, Tinca tinca"``."""
    return [name.split(",")[0] for name in class_names]


def load(card: ModelCard, found: LocalWeights, text: TextEmbedder, image: ImageEmbedder) -> AlignedEmbedder:
    """Load the aligned pair from its two models.

    Raises
    ------
    EmbedlabError
        If the names of the classes are missing.
    """
    if image.class_names is None:
        raise EmbedlabError(
            f"{card.name} needs the names of the classes, which are not in {image.path}. "
            f"Fetch {image.card.name} again.",
            model=image.card.name,
            path=image.path,
        )
    return AlignedEmbedder(card, found, text, image)


def _recipe(text: TextEmbedder, image: ImageEmbedder) -> str:
    """Write down everything that the bridge depends on: the key of its cache."""
    names = "|".join(everyday_names(image.class_names or []))
    return f"{text.card.sha256} {image.card.sha256} {TEMPLATES} {RIDGE} {names}"


def _load_bridge(text: TextEmbedder, image: ImageEmbedder) -> np.ndarray:
    """Load the bridge from the cache; fit it at first use, which embeds a few thousand texts."""

    def build(folder: Path) -> None:
        names = everyday_names(image.class_names or [])
        texts = [template.format(name) for name in names for template in TEMPLATES]
        vectors = text._compute(texts, _TEXT_BATCH).reshape(len(names), len(TEMPLATES), -1).mean(axis=1)
        classes = image.network.get_parameter("_fc.weight").detach().numpy()
        np.save(folder / "bridge.npy", fit_bridge(unit_rows(vectors), unit_rows(classes)))

    key = hashlib.sha256(_recipe(text, image).encode()).hexdigest()[:16]
    folder = build_once(settings.cache_root() / "aligned" / key, build, needed_bytes=_DISK_SPACE)
    cached: np.ndarray = np.load(folder / "bridge.npy", allow_pickle=False)
    return cached

"""Not CLIP: a text model and an image classifier that share nothing but the names of a thousand classes.

A classifier's last layer holds one vector for each class, in the space of pictures; each class has a name, in
the space of texts. Ridge regression from the names' embeddings to those vectors takes any sentence into the
space of pictures. No photograph and no pair is used.
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


class AlignedEmbedder(DualEmbedder):
    """A text model whose sentences land in the space of an image classifier.

    Attributes
    ----------
    text, image : TextEmbedder, ImageEmbedder
        The two models.
    bridge : ndarray, shape (dim of the text model, dim of the image model), float32
        From a sentence's vector to the space of pictures.
    """

    def __init__(
        self, card: ModelCard, found: LocalWeights, text: TextEmbedder, image: ImageEmbedder
    ) -> None:
        self.card = dataclasses.replace(card, source=found.source, sha256=found.sha256)
        self.text, self.image = text, image
        self.dim = image.dim
        self.preprocess = image.preprocess
        self.bridge = _kept_bridge(text, image)

    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        return unit_rows(self.text._compute(list(texts), 32) @ self.bridge)

    def embed_pixels(self, pixels: list[np.ndarray]) -> np.ndarray:
        return unit_rows(self.image._compute(pixels, len(pixels)))

    def _preprocessing(self) -> dict[str, Any]:
        return {"bridge": hashlib.sha256(_recipe(self.text, self.image).encode()).hexdigest()}

    def _truncated(self, contents: list[Any]) -> list[bool]:
        texts = [content if isinstance(content, str) else "" for content in contents]
        return self.text._truncated(texts)


def bridge(names: np.ndarray, classes: np.ndarray, strength: float = RIDGE) -> np.ndarray:
    """Ridge regression in closed form (Hoerl and Kennard 1970).

    Parameters
    ----------
    names : ndarray, shape (n_classes, dim_text)
        Embeddings of the classes' names.
    classes : ndarray, shape (n_classes, dim_image)
        The rows of the classifier's last layer, each at length 1.
    strength : float
        λ: how much large entries are held back.

    Returns
    -------
    ndarray, shape (dim_text, dim_image), float32
        The matrix W with the smallest ‖names W − classes‖² + λ ‖W‖².
    """
    normal = names.T @ names + strength * np.eye(names.shape[1])
    solved: np.ndarray = np.linalg.solve(normal, names.T @ classes)
    return solved.astype(np.float32)


def first_names(class_names: Sequence[str]) -> list[str]:
    """Of ``"tench, Tinca tinca"`` the first: the everyday word."""
    return [name.split(",")[0] for name in class_names]


def load(card: ModelCard, found: LocalWeights, text: TextEmbedder, image: ImageEmbedder) -> AlignedEmbedder:
    """The aligned pair from its two models."""
    if image.class_names is None:
        raise EmbedlabError(
            f"{card.name} needs the names of the classes, which are not in {image.path}. "
            f"Fetch {image.card.name} again."
        )
    return AlignedEmbedder(card, found, text, image)


def _recipe(text: TextEmbedder, image: ImageEmbedder) -> str:
    """Everything that the bridge depends on."""
    names = "|".join(first_names(image.class_names or []))
    return f"{text.card.sha256} {image.card.sha256} {TEMPLATES} {RIDGE} {names}"


def _kept_bridge(text: TextEmbedder, image: ImageEmbedder) -> np.ndarray:
    """The bridge from the cache; made on first use, which takes a few thousand short texts."""

    def make(folder: Path) -> None:
        names = first_names(image.class_names or [])
        texts = [template.format(name) for name in names for template in TEMPLATES]
        vectors = text._compute(texts, 32).reshape(len(names), len(TEMPLATES), -1).mean(axis=1)
        rows = image.network.get_parameter("_fc.weight").detach().numpy()
        np.save(folder / "bridge.npy", bridge(unit_rows(vectors), unit_rows(rows)))

    key = hashlib.sha256(_recipe(text, image).encode()).hexdigest()[:16]
    folder = build_once(settings.cache_root() / "aligned" / key, make, needed_bytes=4_000_000)
    kept: np.ndarray = np.load(folder / "bridge.npy", allow_pickle=False)
    return kept

"""Base of the models with two towers, which embed images and texts in one space."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from embedlab.embedders.base import CachedEmbedder
from embedlab.embedders.batching import split_for_cpu
from embedlab.embedders.preprocess import Preprocess
from embedlab.embeddings import Embeddings, unit_rows
from embedlab.errors import Argument, BadItem, OnError, Problem, ProblemCode
from embedlab.items import Items
from embedlab.media.image import find_problem, read_image

# A class is searched with the mean of several sentences: the words around its name matter less then
# (Radford et al. 2021, section 3.1.4).
TEMPLATES = (
    "a photo of a {}",
    "{}",
    "a picture of a {}",
    "a close-up photo of a {}",
    "a {} in a scene",
)


class DualEmbedder(CachedEmbedder):
    """Base of the models for images and texts: a subclass writes one method for each tower.

    Items may be images, texts or pairs of both; the column ``tower`` of the embeddings' items says which
    tower made a row. In a query, a string is a text; an image is a :class:`pathlib.Path`, a PIL image, an
    array or the bytes of a file.

    Attributes
    ----------
    preprocess : Preprocess
        From an image to the pixels that the image tower takes.
    """

    accepts = ("image", "text", "image+text")
    prepares_in_threads = True
    preprocess: Preprocess

    @abstractmethod
    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Embed texts as unit vectors, shape (n, dim), float32."""

    @abstractmethod
    def embed_pixels(self, pixels: list[np.ndarray]) -> np.ndarray:
        """Embed a few prepared images as unit vectors, shape (n, dim), float32."""

    def embed(
        self,
        items: Items,
        *,
        batch_size: int = 32,
        progress: bool | None = None,
        on_error: OnError = "raise",
    ) -> Embeddings:
        """Embed all items and add the column ``tower``, ``"image"`` or ``"text"``.

        See :meth:`CachedEmbedder.embed` for parameters and errors.
        """
        emb = super().embed(items, batch_size=batch_size, progress=progress, on_error=on_error)
        frame = emb.items.frame.assign(tower=emb.items.kinds)
        return dataclasses.replace(emb, items=Items(frame, emb.items.modality, emb.items.name))

    def contents_of(self, items: Items) -> list[Any]:
        """Return what is embedded of each item: images as paths, so that strings are texts."""
        contents = items.contents
        return [Path(path) for path in contents] if items.modality == "image" else contents

    def class_vectors(self, names: Sequence[str], templates: Sequence[str] = TEMPLATES) -> np.ndarray:
        """Compute one vector for each class: the mean over sentences that name it.

        Parameters
        ----------
        names : sequence of str
        templates : sequence of str
            Each with ``{}`` for the name.

        Returns
        -------
        ndarray, shape (n_names, dim), float32, unit length

        Raises
        ------
        BadItem
            If there are no names or no templates, or a template has no ``{}``.
        """
        if not names:
            raise BadItem(Argument("names", list(names)), " is empty. Name at least one class.")
        wrong = [template for template in templates if "{}" not in template]
        if wrong or not templates:
            given = Argument("templates", wrong or list(templates))
            raise BadItem(given, ": at least one is needed, each with {} for the name of the class.")
        texts = [template.format(name) for name in names for template in templates]
        vectors = self.embed_texts(texts).reshape(len(names), len(templates), -1).mean(axis=1)
        return unit_rows(vectors)

    def zero_shot(self, picture: Any, names: Sequence[str], k: int = 5) -> pd.DataFrame:
        """Find the names that fit an image best, among classes that nobody trained the model on.

        Returns
        -------
        DataFrame
            The ``k`` nearest of ``names``: ``class`` and ``cosine``.
        """
        query = Path(picture) if isinstance(picture, str) else picture
        cosines = self.class_vectors(names) @ self.embed_query(query)
        best = np.argsort(-cosines, kind="stable")[:k]
        return pd.DataFrame({"class": [names[i] for i in best], "cosine": cosines[best]})

    def _prepare(self, content: Any) -> Any:
        if isinstance(content, str):
            return content
        return self.preprocess.pixels(read_image(content, at_least=2 * self.preprocess.shorter_side))

    def _problem(self, content: Any) -> Problem | None:
        if not isinstance(content, str):
            return find_problem(content)
        return None if content.strip() else Problem(ProblemCode.EMPTY, "empty text")

    def _compute(self, prepared: list[Any], batch_size: int) -> np.ndarray:
        vectors = np.empty((len(prepared), self.dim), np.float32)
        texts = [row for row, content in enumerate(prepared) if isinstance(content, str)]
        images = [row for row, content in enumerate(prepared) if not isinstance(content, str)]
        if texts:
            vectors[texts] = self.embed_texts([prepared[row] for row in texts])
        for rows in split_for_cpu(images, batch_size):
            vectors[rows] = self.embed_pixels([prepared[row] for row in rows])
        return vectors

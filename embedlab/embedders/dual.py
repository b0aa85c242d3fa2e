"""What models with two towers share: pictures and texts go in, vectors of one space come out."""

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
from embedlab.errors import BadItem, OnError, Problem, ProblemCode
from embedlab.items import Items
from embedlab.media import image as media

# A class is asked for by the mean of several sentences: which words stand around a name matters less then
# (Radford et al. 2021, section 3.1.4).
TEMPLATES = (
    "a photo of a {}",
    "{}",
    "a picture of a {}",
    "a close-up photo of a {}",
    "a {} in a scene",
)


class DualEmbedder(CachedEmbedder):
    """Base of the models for pictures and texts: a subclass writes one method for each tower.

    Items may be pictures, texts or a mixture; which tower made a row stands in the column ``tower`` of the
    embeddings' items. Of a query, a string is a text; a picture is a :class:`pathlib.Path`, a PIL image, an
    array or the bytes of a file.

    Attributes
    ----------
    preprocess : Preprocess
        Picture → pixels, as the image tower wants them.
    """

    accepts = ("image", "text", "image+text")
    prepares_in_threads = True
    preprocess: Preprocess

    @abstractmethod
    def embed_texts(self, texts: Sequence[str]) -> np.ndarray:
        """Texts → unit vectors, shape (n, dim), float32."""

    @abstractmethod
    def embed_pixels(self, pixels: list[np.ndarray]) -> np.ndarray:
        """A few prepared pictures → unit vectors, shape (n, dim), float32."""

    def embed(
        self,
        items: Items,
        *,
        batch_size: int = 32,
        progress: bool | None = None,
        on_error: OnError = "raise",
    ) -> Embeddings:
        """See :meth:`CachedEmbedder.embed`; the items get a column ``tower``: ``"image"`` or ``"text"``."""
        emb = super().embed(items, batch_size=batch_size, progress=progress, on_error=on_error)
        frame = emb.items.frame.assign(tower=emb.items.kinds)
        return dataclasses.replace(emb, items=Items(frame, emb.items.modality, emb.items.name))

    def contents_of(self, items: Items) -> list[Any]:
        contents = items.contents
        return [Path(path) for path in contents] if items.modality == "image" else contents

    def class_vectors(self, names: Sequence[str], templates: Sequence[str] = TEMPLATES) -> np.ndarray:
        """One vector for each class: the mean over sentences that name it.

        Parameters
        ----------
        names : sequence of str
        templates : sequence of str
            Each with ``{}`` where the name goes.

        Returns
        -------
        ndarray, shape (n_names, dim), float32, unit length
        """
        wrong = [template for template in templates if "{}" not in template]
        if wrong or not templates or not names:
            raise BadItem(f"Names are needed, and templates with {{}} in them; not {wrong or 'none'}.")
        texts = [template.format(name) for name in names for template in templates]
        vectors = self.embed_texts(texts).reshape(len(names), len(templates), -1).mean(axis=1)
        return unit_rows(vectors)

    def zero_shot(self, picture: Any, names: Sequence[str], k: int = 5) -> pd.DataFrame:
        """Which of some names fits a picture best: a classifier for classes that nobody trained it on.

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
        return self.preprocess.pixels(media.read_image(content, at_least=2 * self.preprocess.shorter_side))

    def _problem(self, content: Any) -> Problem | None:
        if not isinstance(content, str):
            return media.find_problem(content)
        return None if content.strip() else Problem(ProblemCode.EMPTY, "empty text")

    def _compute(self, prepared: list[Any], batch_size: int) -> np.ndarray:
        vectors = np.empty((len(prepared), self.dim), np.float32)
        texts = [row for row, content in enumerate(prepared) if isinstance(content, str)]
        pictures = [row for row, content in enumerate(prepared) if not isinstance(content, str)]
        if texts:
            vectors[texts] = self.embed_texts([prepared[row] for row in texts])
        for rows in split_for_cpu(pictures, batch_size):
            vectors[rows] = self.embed_pixels([prepared[row] for row in rows])
        return vectors

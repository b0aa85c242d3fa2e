"""What every embedder promises, and the part they share: checking, caching, going on after an interrupt."""

from __future__ import annotations

import dataclasses
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, NoReturn, Protocol, runtime_checkable

import numpy as np

from embedlab.catalog.cards import ModelCard
from embedlab.embedders.batching import Batch, Keeper, OnError, check_call, in_batches, without
from embedlab.embedders.vector_cache import VectorCache
from embedlab.embeddings import Embeddings, EmbedReport
from embedlab.errors import BadItem, EmbedlabError
from embedlab.items import Items


@runtime_checkable
class Embedder(Protocol):
    """Anything that turns items into vectors.

    Attributes
    ----------
    card : ModelCard
        The model, with the sha256 and source of the weights that really run.
    dim : int
        Length of a vector.
    """

    card: ModelCard
    dim: int

    def embed(self, items: Items, *, batch_size: int = 32, progress: bool | None = None) -> Embeddings:
        """Vectors of all items, shape (n_items, dim)."""
        ...

    def embed_query(self, x: Any) -> np.ndarray:
        """Vector of one query, shape (dim,), float32."""
        ...


class CachedEmbedder(ABC):
    """Base of the embedders in the catalogue: a subclass computes, this class does the rest.

    A subclass sets ``card`` and ``dim`` and writes :meth:`_compute`; it may refine :meth:`_prepare`,
    :meth:`_problem`, :meth:`_length`, :meth:`_truncated` and :meth:`_preprocessing`, and write
    :meth:`compute_layers`.

    Attributes
    ----------
    layers : tuple of str
        What :func:`embed_layers` reads unless told otherwise, from the first layer to the last.
    """

    card: ModelCard
    dim: int
    layers: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()  # modalities of items, where these are more than the card's own
    batches_at_once: int = 1  # more where the library has work to do at each call
    prepares: bool = False  # whether _prepare has work to do, worth a thread
    keeps_vectors: bool = True  # False where the cache could not tell one preprocessing from another

    @abstractmethod
    def _compute(self, prepared: list[Any], batch_size: int) -> np.ndarray:
        """Vectors of at most ``batches_at_once`` batches, shape (n, dim)."""

    def compute_layers(
        self, prepared: list[Any], layers: Sequence[str], batch_size: int
    ) -> dict[str, np.ndarray]:
        """Vectors of one batch from one forward pass: layer → shape (n, width of that layer)."""
        raise EmbedlabError(f"{self.card.name} cannot be read layer by layer.")

    def layer_pooling(self, layer: str) -> str:
        """How the activations of a layer become one vector, in a word."""
        return self.card.pooling

    def _prepare(self, content: Any) -> Any:
        """What :meth:`_compute` wants of a content; with ``prepares``, called in threads ahead of the model.

        Raises
        ------
        BadItem
            When the content turns out to be unreadable.
        """
        return content

    def _problem(self, content: Any) -> str | None:
        """Why this content cannot be embedded, or None: a quick look before anything is computed."""
        return None

    def _length(self, content: Any) -> float:
        """How much work an item is; batches are made of items of like length."""
        return 0.0

    def _truncated(self, contents: list[Any]) -> list[bool]:
        """Whether the model reads only the beginning of each content."""
        return [False] * len(contents)

    def _preprocessing(self) -> dict[str, Any]:
        """Settings that change the vectors, beside those on the card."""
        return {}

    def embed(
        self,
        items: Items,
        *,
        batch_size: int = 32,
        progress: bool | None = None,
        on_error: OnError = "raise",
    ) -> Embeddings:
        """Embed all items; what is known already comes from the cache.

        Parameters
        ----------
        items : Items
            Of this model's modality.
        batch_size : int
            Items that are prepared and kept together. At most so many go through the network together; of
            pictures, never more than four, which is fastest on a processor.
        progress : bool, optional
            Show a progress bar; by default only when the call takes longer than a second.
        on_error : {"raise", "skip"}
            What to do with items that cannot be embedded (empty text, unreadable file): raise an error that
            names them, or leave them out and list them in ``report.skipped``. A file that turns out to be
            damaged only when it is decoded is reported at the end; the vectors of all others are kept.

        Returns
        -------
        Embeddings, n_items x dim

        Raises
        ------
        BadItem
            For items of another modality, and for bad items when ``on_error="raise"``.
        """
        started = time.perf_counter()
        check_call(items, self.card.name, self.accepts or (self.card.modality,), batch_size, on_error)
        skipped = self.problems(items)
        items = without(items, skipped, on_error)
        digests = items.digests()
        known, computed, failed = self._vectors(items, digests, batch_size, progress)
        unreadable = {id: failed[d] for id, d in zip(items.ids, digests, strict=True) if d in failed}
        items = without(items, unreadable, on_error, self._consolation())
        digests = [d for d in digests if d not in failed]
        matrix = np.empty((len(items), self.dim), np.float32)
        for row, digest in enumerate(digests):
            matrix[row] = known[digest][0]
        report = EmbedReport(
            n_computed=sum(d in computed for d in digests),
            n_cached=sum(d not in computed for d in digests),
            truncated=tuple(id for id, d in zip(items.ids, digests, strict=True) if known[d][1]),
            skipped=skipped | unreadable,
            seconds=time.perf_counter() - started,
        )
        card = self.card
        return Embeddings(matrix, items, card, card.layer, card.pooling, card.normalized, report)

    def embed_query(self, x: Any) -> np.ndarray:
        """Vector of one query, shape (dim,), float32; never cached.

        Raises
        ------
        BadItem
            When the query is empty or cannot be read.
        """
        problem = self._problem(x)
        if problem:
            raise BadItem(f"The query cannot be embedded: {problem.rstrip('.')}.")
        return np.asarray(self._compute([self._prepare(x)], 1)[0], np.float32)

    def embed_queries(
        self, items: Items, *, batch_size: int = 32, progress: bool | None = None, on_error: OnError = "raise"
    ) -> Embeddings:
        """As :meth:`embed`, for items that are asked with: some models put other words before a query."""
        return self.embed(items, batch_size=batch_size, progress=progress, on_error=on_error)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.card.name}: {self.dim} numbers per {self.card.modality})"

    def problems(self, items: Items) -> dict[str, str]:
        """Items that a quick look shows to be unusable: id → why."""
        contents = zip(items.ids, self.contents_of(items), strict=True)
        return {id: p for id, x in contents if (p := self._problem(x))}

    def todo(self, items: Items) -> list[int]:
        """Rows that :meth:`embed` would compute, one for each content, in the order it would take them."""
        digests, contents = items.digests(), self.contents_of(items)
        first: dict[bytes, int] = {}
        for row, digest in enumerate(digests):
            first.setdefault(digest, row)
        with VectorCache(self._provenance(), self.dim) if self.keeps_vectors else nullcontext() as cache:
            known = cache.get(list(first)) if cache else {}
        rows = [row for digest, row in first.items() if digest not in known]
        return sorted(rows, key=lambda row: -self._length(contents[row]))

    def truncated(self, items: Items) -> list[bool]:
        """Of each item, whether the model reads only its beginning."""
        return self._truncated(self.contents_of(items))

    def contents_of(self, items: Items) -> list[Any]:
        """What is embedded of each item."""
        return items.contents

    def _consolation(self) -> str:
        return "The vectors of the others are kept. " if self.keeps_vectors else ""

    def _vectors(
        self, items: Items, digests: list[bytes], batch_size: int, progress: bool | None
    ) -> tuple[dict[bytes, tuple[np.ndarray, bool]], set[bytes], dict[bytes, str]]:
        """Digest → (vector, truncated?); the digests that were computed; those that failed, and why."""
        content_of: dict[bytes, Any] = dict(zip(digests, self.contents_of(items), strict=True))
        failed: dict[bytes, str] = {}
        with VectorCache(self._provenance(), self.dim) if self.keeps_vectors else nullcontext() as cache:
            known = cache.get(list(content_of)) if cache else {}
            missing = sorted(
                (d for d in content_of if d not in known), key=lambda d: -self._length(content_of[d])
            )
            with Keeper(cache) as keeper:
                for batch in self.batches(content_of, missing, batch_size * self.batches_at_once, progress):
                    failed |= batch.failed
                    if batch.digests:
                        keeper.add(self._computed(batch, batch_size, items.ids, digests))
        return known | keeper.everything, set(missing), failed

    def batches(
        self, content_of: dict[bytes, Any], order: list[bytes], size: int, progress: bool | None
    ) -> Iterator[Batch]:
        """Contents, by digest, prepared and in batches of ``size``."""
        prepare = self._prepare if self.prepares else None
        return in_batches(content_of, order, prepare, size, progress, f"embedding with {self.card.name}")

    def _computed(
        self, batch: Batch, batch_size: int, ids: list[str], digests: list[bytes]
    ) -> dict[bytes, tuple[np.ndarray, bool]]:
        vectors = np.asarray(self._compute(batch.prepared, batch_size), np.float32)
        if vectors.shape != (len(batch.digests), self.dim) or not np.isfinite(vectors).all():
            self._refuse(vectors, [ids[digests.index(d)] for d in batch.digests])
        found = zip(vectors, self._truncated(batch.contents), strict=True)
        return dict(zip(batch.digests, found, strict=True))

    def _refuse(self, vectors: np.ndarray, ids: list[str]) -> NoReturn:
        raise EmbedlabError(
            f"{self.card.name} gave vectors of shape {vectors.shape} or with NaN for {len(ids)} items "
            f"(among them {ids[:5]}); expected {(len(ids), self.dim)} finite numbers."
        )

    def _provenance(self) -> dict[str, Any]:
        card = dataclasses.asdict(self.card)
        depends = ("revision", "sha256", "layer", "pooling", "normalized", "max_tokens")
        return {
            "model": self.card.name,
            **{name: card[name] for name in depends},
            "preprocessing": self._preprocessing(),
            "dtype": "float32",
        }


def text_problem(content: Any) -> str | None:
    """Why this cannot be embedded as a text, or None."""
    if not isinstance(content, str):
        return f"a text was expected, not {type(content).__name__}"
    try:
        content.encode("utf-8")
    except UnicodeEncodeError:
        return "the text holds half a character (a lone surrogate)"
    return None if content.strip() else "empty text"


@contextmanager
def quiet_loading() -> Iterator[None]:
    """No progress bars from transformers while a local folder is read: it takes a moment, and they stay."""
    from transformers.utils import logging

    was_on = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_on:
            logging.enable_progress_bar()

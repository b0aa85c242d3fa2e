"""The base class that adds checks, caching and resuming to a model."""

from __future__ import annotations

import dataclasses
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from embedlab.catalog.cards import ModelCard
from embedlab.embedders.batching import Batch, CacheWriter, Outcome, prepare_batches
from embedlab.embedders.checks import check_arguments, drop_unusable
from embedlab.embedders.vector_cache import CachedVector, VectorCache
from embedlab.embeddings import Embeddings, EmbedReport
from embedlab.errors import BadItem, EmbedlabError, OnError, Problem
from embedlab.items import Items


class CachedEmbedder(ABC):
    """Base of the embedders in the catalogue: a subclass computes, this class does the rest.

    A subclass sets ``card`` and ``dim`` and writes :meth:`_compute`; it may refine :meth:`_prepare`,
    :meth:`_problem`, :meth:`_length`, :meth:`_truncated` and :meth:`_preprocessing`, and write
    :meth:`compute_layers`.

    Attributes
    ----------
    layers : tuple of str
        The layers that :func:`embed_layers` reads by default, from the first to the last.
    accepts : tuple of str
        Modalities of items, if these are more than the card's own.
    batches_per_call : int
        How many batches :meth:`_compute` gets at once; more if the library has work to do at each call.
    prepares_in_threads : bool
        Whether :meth:`_prepare` does enough work to be worth a thread.
    caches_vectors : bool
        False if the cache could not tell one preprocessing from another.
    """

    card: ModelCard
    dim: int
    layers: tuple[str, ...] = ()
    accepts: tuple[str, ...] = ()
    batches_per_call: int = 1
    prepares_in_threads: bool = False
    caches_vectors: bool = True

    # -- what a subclass writes or refines ---------------------------------------------------------------

    @abstractmethod
    def _compute(self, prepared: list[Any], batch_size: int) -> np.ndarray:
        """Compute the vectors of at most ``batches_per_call`` batches, shape (n, dim)."""

    def compute_layers(
        self, prepared: list[Any], layers: Sequence[str], batch_size: int
    ) -> dict[str, np.ndarray]:
        """Read several layers in one forward pass of a batch.

        Returns
        -------
        dict of str to ndarray
            Layer → vectors, shape (n, width of that layer).

        Raises
        ------
        EmbedlabError
            When the model cannot be read layer by layer.
        """
        raise EmbedlabError(f"{self.card.name} cannot be read layer by layer.", model=self.card.name)

    def layer_pooling(self, layer: str) -> str:
        """Name how the activations of a layer become one vector."""
        return self.card.pooling

    def _prepare(self, content: Any) -> Any:
        """Turn a content into what :meth:`_compute` takes.

        Raises
        ------
        BadItem
            When the content turns out to be unreadable.
        """
        return content

    def _problem(self, content: Any) -> Problem | None:
        """Return why a content cannot be embedded, or None, from a quick look before anything is computed."""
        return None

    def _length(self, content: Any) -> float:
        """Return how much work an item is; a batch holds items of similar length."""
        return 0.0

    def _truncated(self, contents: list[Any]) -> list[bool]:
        """Return whether the model reads only the beginning of each content."""
        return [False] * len(contents)

    def _preprocessing(self) -> dict[str, Any]:
        """Return the settings that change the vectors, besides those on the card."""
        return {}

    # -- embedding ---------------------------------------------------------------------------------------

    def embed(
        self,
        items: Items,
        *,
        batch_size: int = 32,
        progress: bool | None = None,
        on_error: OnError = "raise",
    ) -> Embeddings:
        """Embed all items; vectors that are cached are not computed again.

        Parameters
        ----------
        items : Items
            Of this model's modality.
        batch_size : int
            Items that are prepared and cached together, and the most that go through the network together. A
            network for pictures takes at most four at a time, which is fastest on a processor.
        progress : bool, optional
            Show a progress bar; by default only when the call takes longer than a second.
        on_error : {"raise", "skip"}
            What to do with items that cannot be embedded (empty text, unreadable file): raise an error that
            names them, or leave them out and list them in ``report.skipped``. A file whose damage shows only
            when it is decoded is reported at the end; the vectors of all others are cached.

        Returns
        -------
        Embeddings, n_items x dim

        Raises
        ------
        BadItem
            For items of another modality; for items that cannot be embedded, with ``problems`` by id, if
            ``on_error="raise"``.
        """
        started = time.perf_counter()
        check_arguments(items, self.card.name, self.accepts or (self.card.modality,), batch_size, on_error)
        skipped = self.problems(items)
        items = drop_unusable(items, skipped, on_error)
        hashes = items.content_hashes()
        outcome = self._embed_contents(items, hashes, batch_size, progress)
        unreadable = {
            item: outcome.failed[content_hash]
            for item, content_hash in zip(items.ids, hashes, strict=True)
            if content_hash in outcome.failed
        }
        items = drop_unusable(items, unreadable, on_error, cached=self.caches_vectors)
        hashes = [content_hash for content_hash in hashes if content_hash not in outcome.failed]
        matrix = np.empty((len(items), self.dim), np.float32)
        for row, content_hash in enumerate(hashes):
            matrix[row] = outcome.vectors[content_hash].vector
        n_computed = sum(content_hash in outcome.computed for content_hash in hashes)
        report = EmbedReport(
            n_computed=n_computed,
            n_cached=len(hashes) - n_computed,
            truncated=tuple(
                item
                for item, content_hash in zip(items.ids, hashes, strict=True)
                if outcome.vectors[content_hash].truncated
            ),
            skipped=skipped | unreadable,
            seconds=time.perf_counter() - started,
        )
        card = self.card
        return Embeddings(matrix, items, card, card.layer, card.pooling, card.normalized, report)

    def embed_query(self, x: Any) -> np.ndarray:
        """Embed one query; the vector, shape (dim,), float32, is never cached.

        Raises
        ------
        BadItem
            When the query is empty or cannot be read.
        """
        problem = self._problem(x)
        if problem:
            is_path = isinstance(x, Path) or (isinstance(x, str) and "text" not in self.card.modality)
            name = f"The query {x}" if is_path else "The query"
            raise BadItem(f"{name} cannot be embedded: {problem}.", problems={name: problem})
        return np.asarray(self._compute([self._prepare(x)], 1)[0], np.float32)

    def embed_queries(
        self, items: Items, *, batch_size: int = 32, progress: bool | None = None, on_error: OnError = "raise"
    ) -> Embeddings:
        """Embed items that are queries: like :meth:`embed`, but with the model's prompt for queries."""
        return self.embed(items, batch_size=batch_size, progress=progress, on_error=on_error)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.card.name}: {self.dim} numbers per {self.card.modality})"

    # -- looking before embedding ------------------------------------------------------------------------

    def problems(self, items: Items) -> dict[str, Problem]:
        """Return the problems of the items that a quick look shows to be unusable, by id."""
        contents = zip(items.ids, self.contents_of(items), strict=True)
        return {item: problem for item, content in contents if (problem := self._problem(content))}

    def rows_to_compute(self, items: Items) -> list[int]:
        """Return the rows that :meth:`embed` would compute, one per distinct content, in its order."""
        hashes, contents = items.content_hashes(), self.contents_of(items)
        first: dict[bytes, int] = {}
        for row, content_hash in enumerate(hashes):
            first.setdefault(content_hash, row)
        with self._cache() as cache:
            cached = cache.get(list(first)) if cache else {}
        rows = [row for content_hash, row in first.items() if content_hash not in cached]
        return sorted(rows, key=lambda row: -self._length(contents[row]))

    def truncated(self, items: Items) -> list[bool]:
        """Return for each item whether the model reads only its beginning."""
        return self._truncated(self.contents_of(items))

    def contents_of(self, items: Items) -> list[Any]:
        """Return the part of each item that is embedded."""
        return items.contents

    # -- running the model -------------------------------------------------------------------------------

    def _embed_contents(
        self, items: Items, hashes: list[bytes], batch_size: int, progress: bool | None
    ) -> Outcome:
        """Embed each distinct content once, the longest first, unless its vector is cached."""
        content_of: dict[bytes, Any] = dict(zip(hashes, self.contents_of(items), strict=True))
        failed: dict[bytes, Problem] = {}
        with self._cache() as cache:
            cached = cache.get(list(content_of)) if cache else {}
            order = sorted(
                (content_hash for content_hash in content_of if content_hash not in cached),
                key=lambda content_hash: -self._length(content_of[content_hash]),
            )
            with CacheWriter(cache) as writer:
                for batch in self.batches(content_of, order, batch_size * self.batches_per_call, progress):
                    failed |= batch.failed
                    if batch.hashes:
                        writer.add(self._compute_batch(batch, batch_size, items.ids, hashes))
        return Outcome(cached | writer.vectors, set(order), failed)

    def batches(
        self, content_of: dict[bytes, Any], order: list[bytes], size: int, progress: bool | None
    ) -> Iterator[Batch]:
        """Yield prepared contents, given by hash, in batches of ``size``."""
        prepare = self._prepare if self.prepares_in_threads else None
        return prepare_batches(content_of, order, prepare, size, progress, f"embedding with {self.card.name}")

    def _compute_batch(
        self, batch: Batch, batch_size: int, ids: list[str], hashes: list[bytes]
    ) -> dict[bytes, CachedVector]:
        vectors = np.asarray(self._compute(batch.prepared, batch_size), np.float32)
        if vectors.shape != (len(batch.hashes), self.dim) or not np.isfinite(vectors).all():
            self._refuse_vectors(vectors, [ids[hashes.index(h)] for h in batch.hashes])
        truncated = self._truncated(batch.contents)
        rows = zip(batch.hashes, vectors, truncated, strict=True)
        return {h: CachedVector(vector, cut) for h, vector, cut in rows}

    def _refuse_vectors(self, vectors: np.ndarray, ids: list[str]) -> NoReturn:
        raise EmbedlabError(
            f"{self.card.name} returned vectors of shape {vectors.shape} or with NaN for {len(ids)} items "
            f"(among them {ids[:5]}); expected {(len(ids), self.dim)} finite numbers.",
            model=self.card.name,
        )

    def _cache(self) -> AbstractContextManager[VectorCache | None]:
        return VectorCache(self._provenance(), self.dim) if self.caches_vectors else nullcontext()

    def _provenance(self) -> dict[str, Any]:
        card = dataclasses.asdict(self.card)
        relevant = ("revision", "sha256", "layer", "pooling", "normalized", "max_tokens")
        return {
            "model": self.card.name,
            **{name: card[name] for name in relevant},
            "preprocessing": self._preprocessing(),
            "dtype": "float32",
        }

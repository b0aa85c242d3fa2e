"""What every embedder promises, and the part they share: checking, caching, going on after an interrupt."""

from __future__ import annotations

import dataclasses
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NoReturn, Protocol, runtime_checkable

import numpy as np
from tqdm.auto import tqdm

from embedlab import settings
from embedlab.cache import VectorCache
from embedlab.catalog import ModelCard
from embedlab.embeddings import Embeddings, EmbedReport
from embedlab.errors import BadItem, EmbedlabError
from embedlab.items import Items

OnError = Literal["raise", "skip"]
_KEEP_EVERY = 1.0  # seconds


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

    A subclass sets ``card`` and ``dim`` and writes :meth:`_compute`; it may refine :meth:`_problem`,
    :meth:`_length`, :meth:`_truncated` and :meth:`_preprocessing`.
    """

    card: ModelCard
    dim: int
    batches_at_once: int = 1  # more where the library has work to do at each call

    @abstractmethod
    def _compute(self, contents: list[Any], batch_size: int) -> np.ndarray:
        """Vectors of at most ``batches_at_once`` batches, shape (n, dim)."""

    def _problem(self, content: Any) -> str | None:
        """Why this content cannot be embedded, or None."""
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
            Items that go through the network together.
        progress : bool, optional
            Show a progress bar; by default only when the call takes longer than a second.
        on_error : {"raise", "skip"}
            What to do with items that cannot be embedded (empty text, unreadable file): raise an error that
            names them, or leave them out and list them in ``report.skipped``.

        Returns
        -------
        Embeddings, n_items x dim

        Raises
        ------
        BadItem
            For items of another modality, and for bad items when ``on_error="raise"``.
        """
        started = time.perf_counter()
        if items.modality != self.card.modality:
            raise BadItem(
                f"{self.card.name} embeds {self.card.modality}, but these items are {items.modality}."
            )
        if batch_size < 1:
            raise BadItem(f"batch_size must be at least 1, not {batch_size}.")
        if on_error not in ("raise", "skip"):
            raise BadItem(f"on_error must be 'raise' or 'skip', not {on_error!r}.")
        items, skipped = self._without_bad(items, on_error)
        vectors, truncated, n_computed = self._vectors(items, batch_size, progress)
        report = EmbedReport(
            n_computed=n_computed,
            n_cached=len(items) - n_computed,
            truncated=tuple(id for id, cut in zip(items.ids, truncated, strict=True) if cut),
            skipped=skipped,
            seconds=time.perf_counter() - started,
        )
        card = self.card
        return Embeddings(vectors, items, card, card.layer, card.pooling, card.normalized, report)

    def embed_query(self, x: Any) -> np.ndarray:
        """Vector of one query, shape (dim,), float32; never cached.

        Raises
        ------
        BadItem
            When the query is empty or cannot be read.
        """
        problem = self._problem(x)
        if problem:
            raise BadItem(f"The query cannot be embedded: {problem}.")
        return np.asarray(self._compute([x], 1)[0], np.float32)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.card.name}: {self.dim} numbers per {self.card.modality})"

    def _without_bad(self, items: Items, on_error: OnError) -> tuple[Items, dict[str, str]]:
        problems = {id: p for id, x in zip(items.ids, items.contents, strict=True) if (p := self._problem(x))}
        if problems and on_error == "raise":
            some = "; ".join(f"{id!r}: {why}" for id, why in list(problems.items())[:5])
            more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
            raise BadItem(
                f"{len(problems)} of {len(items)} items cannot be embedded ({some}{more}). "
                "Mend them, or pass on_error='skip' to leave them out."
            )
        keep = np.array([id not in problems for id in items.ids], dtype=bool)
        return (items.select(keep) if problems else items), problems

    def _vectors(
        self, items: Items, batch_size: int, progress: bool | None
    ) -> tuple[np.ndarray, list[bool], int]:
        """Vectors in item order, whether each was truncated, and how many items had to be computed."""
        digests = items.digests()
        content_of: dict[bytes, Any] = dict(zip(digests, items.contents, strict=True))
        with VectorCache(self._provenance(), self.dim) as cache:
            known = cache.get(list(content_of))
            missing = sorted(
                content_of.keys() - known.keys(), key=lambda d: (-self._length(content_of[d]), d)
            )
            with _Keeper(cache) as keeper:
                stride = batch_size * self.batches_at_once
                for batch in _batches(missing, stride, progress, f"embedding with {self.card.name}"):
                    contents = [content_of[d] for d in batch]
                    vectors = np.asarray(self._compute(contents, batch_size), np.float32)
                    if vectors.shape != (len(batch), self.dim) or not np.isfinite(vectors).all():
                        self._refuse(vectors, [items.ids[digests.index(d)] for d in batch])
                    found = zip(vectors, self._truncated(contents), strict=True)
                    keeper.add(dict(zip(batch, found, strict=True)))
            known |= keeper.everything
        computed = set(missing)
        matrix = np.empty((len(items), self.dim), np.float32)
        for row, digest in enumerate(digests):
            matrix[row] = known[digest][0]
        return matrix, [known[d][1] for d in digests], sum(d in computed for d in digests)

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


class _Keeper:
    """Hands new vectors to the cache about once a second, and on the way out, whatever ended the run.

    A commit for each small batch would cost a fast model several percent; a crash loses a second of work.
    """

    def __init__(self, cache: VectorCache) -> None:
        self.everything: dict[bytes, tuple[np.ndarray, bool]] = {}
        self._cache = cache
        self._waiting: dict[bytes, tuple[np.ndarray, bool]] = {}
        self._last = time.monotonic()

    def add(self, found: dict[bytes, tuple[np.ndarray, bool]]) -> None:
        """Take one batch: digest → (vector, truncated?)."""
        self.everything |= found
        self._waiting |= found
        if time.monotonic() - self._last >= _KEEP_EVERY:
            self._keep()

    def _keep(self) -> None:
        if self._waiting:
            vectors, truncated = zip(*self._waiting.values(), strict=True)
            self._cache.put(list(self._waiting), np.stack(vectors), truncated)
        self._waiting = {}
        self._last = time.monotonic()

    def __enter__(self) -> _Keeper:
        return self

    def __exit__(self, *error: object) -> None:
        self._keep()


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


def _batches(
    digests: Sequence[bytes], size: int, progress: bool | None, what: str
) -> Iterator[Sequence[bytes]]:
    """Consecutive slices of ``digests`` behind a progress bar that counts items."""
    bar = tqdm(
        total=len(digests),
        desc=what,
        unit="item",
        disable=settings.no_bars() or (None if progress is None else not progress),
        delay=1.0 if progress is None else 0.0,
        leave=False,
    )
    with bar:
        for start in range(0, len(digests), size):
            batch = digests[start : start + size]
            yield batch
            bar.update(len(batch))

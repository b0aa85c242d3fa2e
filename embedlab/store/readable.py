"""Read a store: its collections, their records and stored items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd
from markupsafe import Markup

from embedlab.io.html import render
from embedlab.store import reading
from embedlab.store.filters import check_filter, quote
from embedlab.store.index_spec import check_count
from embedlab.store.opening import OpenStore
from embedlab.store.provenance import CollectionRecord, Origin

if TYPE_CHECKING:
    from embedlab.embedders.protocol import Embedder


class ReadableStore(OpenStore):
    """A store to read."""

    quote = staticmethod(quote)

    @cached_property
    def _models(self) -> dict[tuple[str, str | None], Embedder]:
        """Models that were loaded, by name and revision."""
        return {}

    def get(self, name: str, ids: str | Iterable[str], *, vectors: bool = False) -> pd.DataFrame:
        """Return the stored items with these ids, in that order.

        With ``vectors=True`` there is also a column ``vector``; if the collection has several models, the
        others' columns are named ``vector_`` and the model.

        Raises
        ------
        StoreError
            With the ids that are not in the collection.
        """
        record = self.record(name)
        wanted = [ids] if isinstance(ids, str) else list(ids)
        return reading.fetch(self._connection, name, record, wanted, vectors)

    def count(self, name: str, filter: str | None = None) -> int:
        """Count the items of a collection, or those that match a filter."""
        record, expression = self._prepare(name, filter)
        return reading.count(self._connection, name, record, expression)

    def pages(
        self, name: str, *, filter: str | None = None, page_size: int = 1000, vectors: bool = False
    ) -> Iterator[pd.DataFrame]:
        """Read everything in a collection, page by page.

        Parameters
        ----------
        name : str
            Name of the collection.
        filter : str, optional
            Only items that match it.
        page_size : int
            Most rows of a page.
        vectors : bool
            As in :meth:`get`.

        Returns
        -------
        iterator of DataFrame
            Columns as from :meth:`get`.
        """
        check_count("page_size", page_size, 1)
        record, expression = self._prepare(name, filter)
        return reading.pages(self._connection, name, record, expression, int(page_size), vectors)

    def collections(self) -> pd.DataFrame:
        """List the collections: name, items, dim, model, index, metric, modality.

        A collection that another program made has None where only embedlab would know.
        """
        return reading.overview(self._connection)

    def record(self, name: str) -> CollectionRecord:
        """Return what a collection remembers of itself: its models, index, metric and columns.

        Raises
        ------
        StoreError
            If it does not exist, or another program made it.
        """
        return reading.require_record(self._connection, name)

    def model(self, name: str) -> Embedder:
        """Load the model of a collection's (first) vectors, at the commit that made them.

        Raises
        ------
        StoreError
            As :meth:`record`; also what :func:`embedlab.load_model` raises.
        """
        return self._load_model(self.record(name).origin)

    def _prepare(self, name: str, filter: str | None) -> tuple[CollectionRecord, str]:
        """Return the record of a collection and the checked filter."""
        record = self.record(name)
        return record, check_filter(filter, record, name, self.backend)

    def _load_model(self, origin: Origin) -> Embedder:
        """Load the model of some vectors, at the commit that made them, once."""
        key = (origin.model, origin.revision)
        if key not in self._models:
            from embedlab.embedders.loading import load_again

            self._models[key] = load_again(origin)
        return self._models[key]

    def _repr_html_(self) -> str:
        table = "" if self._closed else self.collections().to_html(index=False, escape=True)
        return render("embedlab.store", "store.html", {"title": repr(self), "collections": Markup(table)})

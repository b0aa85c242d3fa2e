"""Search a store: by vector, by text, or in several ways at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from embedlab.store import reading, search
from embedlab.store.backend import Feature
from embedlab.store.errors import StoreError, StoreErrorCode
from embedlab.store.index_spec import check_count, check_search_params
from embedlab.store.provenance import BM25, CollectionRecord
from embedlab.store.query import query_vector
from embedlab.store.readable import ReadableStore
from embedlab.store.schema import field_name
from embedlab.store.search import VectorQuery

if TYPE_CHECKING:
    from embedlab.embedders.protocol import Embedder
    from embedlab.store.query import Query

_WORDS = "bm25"  # the way of hybrid_search that searches by words


class SearchableStore(ReadableStore):
    """A store to read and to search."""

    def search(
        self,
        name: str,
        query: Query | None = None,
        *,
        item: str | None = None,
        k: int = 5,
        filter: str | None = None,
        model: Embedder | str | None = None,
        params: Mapping[str, int] | None = None,
        radius: float | None = None,
        range_filter: float | None = None,
        group_by: str | None = None,
        offset: int = 0,
    ) -> pd.DataFrame:
        """Find the ``k`` nearest items.

        Parameters
        ----------
        name : str
            Name of the collection.
        query : str, Path, picture, ndarray of shape (dim,), or Embeddings of one row
            A text, or the picture, sound or clip at a path, is embedded with the collection's own model.
        item : str, optional
            Instead of ``query``: the id of a stored item, which is left out of the hits.
        k : int
            How many hits, at least 1; fewer come back if fewer items match.
        filter : str, optional
            Only items for which this holds, for example ``label == "sea" and year > 1990``. Put a value from
            elsewhere in with ``VectorStore.quote``. Write a column whose name Milvus cannot parse as
            ``$meta["its name"]``.
        model : Embedder or str, optional
            Which model's vectors to search, if the collection has several. An embedder also embeds the query,
            instead of loading one. It must be the same model.
        params : mapping of str to int, optional
            How hard to look: ``ef`` for HNSW, ``nprobe`` for IVF. Without it a filtered search in Milvus Lite
            looks farther and farther until there are ``k`` hits, because its approximate indexes overlook
            matches under a filter.
        radius : float, optional
            Only hits nearer than this: a score above it for ``"COSINE"`` and ``"IP"``, below it for ``"L2"``.
        range_filter : float, optional
            Only hits no nearer than this; together with ``radius`` a ring.
        group_by : str, optional
            A column of texts, whole numbers or booleans: of each value only the nearest item.
        offset : int
            How many of the nearest to leave out, for the next page.

        Returns
        -------
        DataFrame
            Columns ``rank`` (from 1 + offset), ``id``, ``score``, then the stored columns. The score is the
            cosine or the inner product (higher is nearer), or for ``"L2"`` the squared distance (lower is
            nearer). A stored column named ``rank`` or ``score`` appears as ``item_rank`` or ``item_score``.
            ``attrs`` names the model. No hits give a table without rows.

        Raises
        ------
        WrongModel
            If the query's model is not the one in the collection.
        StoreError
            For an unknown collection, id or column, an impossible ``k`` or filter, or a feature that this
            backend lacks.
        """
        check_count("k", k, 1)
        check_count("offset", offset, 0)
        record, expression = self._prepare(name, filter)
        check_search_params(params or {}, record.index)
        if group_by is not None:
            reading.check_group(self._connection, name, record, group_by)
        start = self._choose_start(name, query, item, model)
        field, vector = query_vector(start, record, name, model, self._load_model)
        # A stored item is its own nearest and is left out, so that its pages are cut here.
        limit, skip = (int(k), offset) if item is None else (int(k) + offset + 1, 0)
        request = VectorQuery(field, vector, limit, expression, params, radius, range_filter, group_by, skip)
        hits = search.nearest(self._connection, name, record, request)
        if item is not None:
            hits = [hit for hit in hits if hit["id"] != item][offset : offset + int(k)]
        table = search.hits_table(hits, record, offset)
        table.attrs = {
            "collection": name,
            "model": str(record.vectors[field]),
            "metric": record.metric,
            "filter": expression,
            "backend": self.backend.name,
        }
        return table

    def hybrid_search(
        self,
        name: str,
        query: str,
        *,
        k: int = 5,
        filter: str | None = None,
        ways: Sequence[str] | None = None,
        candidates: int = 50,
        rrf_k: int = 60,
    ) -> pd.DataFrame:
        """Search in several ways, and join the hits by reciprocal-rank fusion.

        An item gets 1 / (rrf_k + its rank) from each way that finds it. Ranks can be added up, while scores
        of different models cannot [1]_.

        Parameters
        ----------
        name : str
            Name of the collection.
        query : str
            A text.
        k, filter
            As in :meth:`search`.
        ways : list of str, optional
            Names of the collection's models, and ``"bm25"`` for its words; by default all that it has.
        candidates : int
            How many hits of each way are joined, at least ``k``.
        rrf_k : int
            A small number gives the first ranks more weight.

        Returns
        -------
        DataFrame
            As from :meth:`search`; the score is the sum, or the way's own score if there is only one.

        Raises
        ------
        StoreError
            For a way that the collection does not have, or a backend that lacks hybrid search.

        References
        ----------
        .. [1] Cormack, Clarke and Buettcher 2009, "Reciprocal rank fusion outperforms Condorcet and
           individual rank learning methods", SIGIR.
        """
        check_count("k", k, 1)
        if not isinstance(query, str) or not query.strip():
            raise StoreError(
                "hybrid_search needs a text that is not empty. Use search for other queries.",
                code=StoreErrorCode.BAD_QUERY,
                collection=name,
                argument="query",
            )
        record, expression = self._prepare(name, filter)
        chosen = _choose_ways(name, record, ways)
        queries = [
            VectorQuery(*self._start_of_way(name, record, query, way), max(int(k), candidates), expression)
            for way in chosen
        ]
        if len(queries) == 1:
            hits = search.nearest(self._connection, name, record, replace(queries[0], k=int(k)))
        else:
            self.backend.require(Feature.HYBRID_SEARCH)
            hits = search.fuse(self._connection, name, record, queries, int(k), rrf_k)
        table = search.hits_table(hits, record)
        table.attrs = {
            "collection": name,
            "ways": chosen,
            "filter": expression,
            "backend": self.backend.name,
        }
        return table

    def _start_of_way(
        self, name: str, record: CollectionRecord, query: str, way: str
    ) -> tuple[str, np.ndarray | str]:
        """Return the field to search and what to search for."""
        if way == _WORDS:
            return BM25, query
        return query_vector(query, record, name, way, self._load_model)

    def _choose_start(
        self, name: str, query: Query | None, item: str | None, model: Embedder | str | None
    ) -> Query:
        """Return the query, or the vector of a stored item."""
        if query is not None and item is None:
            return query
        if query is None and item is not None:
            return self._stored_vector(name, item, model)
        raise StoreError(
            "A search needs exactly one of query (a text, a vector or embeddings) and item (a stored id).",
            code=StoreErrorCode.BAD_ARGUMENT,
            collection=name,
            argument="query",
        )

    def _stored_vector(self, name: str, item: str, model: Embedder | str | None) -> np.ndarray:
        row = self.get(name, item, vectors=True)
        wanted = model if model is None or isinstance(model, str) else model.card.name
        column = field_name(wanted) if wanted is not None and field_name(wanted) in row else "vector"
        vector: np.ndarray = row[column].iloc[0]
        return vector


def _choose_ways(name: str, record: CollectionRecord, ways: Sequence[str] | None) -> list[str]:
    """Return the ways to search a collection, all of which it has."""
    possible = [*record.models, *([_WORDS] if record.full_text else [])]
    chosen = possible if ways is None else list(ways)
    unknown = [way for way in chosen if way not in possible]
    if unknown:
        advice = " bm25 needs a collection made with full_text=." if unknown[0] == _WORDS else ""
        raise StoreError(
            f"{name!r} cannot be searched by {unknown[0]!r}.{advice} Use one of: {', '.join(possible)}.",
            code=StoreErrorCode.NO_VECTORS,
            collection=name,
            argument="ways",
        )
    if not chosen:
        raise StoreError(
            f"ways is empty. Use at least one of: {', '.join(possible)}.",
            code=StoreErrorCode.BAD_ARGUMENT,
            collection=name,
            argument="ways",
        )
    return chosen

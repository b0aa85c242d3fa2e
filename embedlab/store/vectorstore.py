"""VectorStore: add embeddings to a Milvus collection and search them."""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pandas as pd

from embedlab.embeddings import Embeddings
from embedlab.store import columns as cols
from embedlab.store import connection as con
from embedlab.store import engine, reading
from embedlab.store.connection import Connection, StoreError
from embedlab.store.indexes import check_search_params, settle, typed_fields
from embedlab.store.query import check_filter, query_vector, quote
from embedlab.store.record import PROPERTY

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")


class VectorStore:
    """Embeddings kept in Milvus, each collection with the model its vectors came from.

    Parameters
    ----------
    where : str or Path
        A path ending in ``.db``: Milvus Lite, which runs inside this process and keeps a folder there. Its
        parent folder must exist. Or the ``http(s)://`` address of a Milvus server.
    token : str
        For a server that asks for one: ``"user:password"`` or an API key.

    Raises
    ------
    StoreError
        When the path cannot be used, or another process has it open.

    Notes
    -----
    Milvus Lite keeps the folder to one process. Within a process any number of stores may be opened on it (a
    notebook cell may be run twice); they share the engine. ``close()`` stops it, which frees the folder for
    other processes; another store of this process that was not closed starts it again when next used.

    Examples
    --------
    >>> with el.VectorStore("lab.db") as store:
    ...     store.add("notes", emb)
    ...     store.search("notes", "a walk by the water", k=5, filter='label == "sea"')
    """

    quote = staticmethod(quote)

    def __init__(self, where: str | Path, *, token: str = "") -> None:
        self._closed = False
        self._models: dict[str, Any] = {}
        self._server: Connection | None = None
        if con.is_address(where):
            self.where: str | Path = where
            self._server = con.open_server(str(where), token)
        else:
            self.where = con.local_path(where)
            con.open_lite(self.where)

    # -- opening and closing -----------------------------------------------------------------------------

    def close(self) -> None:
        """Write everything down and let go of the folder. Closing twice is allowed."""
        if self._closed:
            return
        self._closed = True
        if self._server is not None:
            self._server.client.close()
        elif isinstance(self.where, Path):
            con.close_lite(self.where)

    def __enter__(self) -> VectorStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _connection(self) -> Connection:
        if self._closed:
            raise StoreError(f'This store is closed. Open it again: store = el.VectorStore("{self.where}").')
        return self._server if self._server is not None else con.open_lite(Path(self.where))

    # -- adding ------------------------------------------------------------------------------------------

    def add(
        self,
        name: str,
        embeddings: Embeddings,
        *,
        index: str | None = None,
        metric: str | None = None,
        params: Mapping[str, int] | None = None,
        progress: bool | None = None,
    ) -> int:
        """Add embeddings to a collection, which is made if it is not there. An id already there is replaced.

        When ``add`` returns, everything is on disk. The index of a new collection is built before that; rows
        added to a collection in use are indexed in the background and compared one by one until then.

        Parameters
        ----------
        name : str
            Name of the collection: letters, digits and underscores.
        embeddings : Embeddings
            Vectors with their items. Label, content (or path) and metadata columns are stored beside them:
            dates as ISO 8601 text, lists and dicts as JSON, missing values as missing.
        index : str, optional
            ``"AUTOINDEX"`` (the default; HNSW in Milvus Lite), ``"FLAT"``, ``"HNSW"``, ``"HNSW_SQ"``,
            ``"IVF_FLAT"`` or ``"IVF_SQ8"``. Fixed when the collection is made, as are
            ``metric`` and ``params``.
        metric : str, optional
            ``"COSINE"`` (the default), ``"IP"`` (inner product) or ``"L2"``.
        params : mapping of str to int, optional
            Settings of the index: ``M`` and ``efConstruction`` for HNSW, ``nlist`` (cells) for IVF.
        progress : bool, optional
            Show a progress bar; by default only when the call takes longer than a second.

        Returns
        -------
        int
            How many items were added or replaced.

        Raises
        ------
        WrongModel
            When the vectors come from another model, revision, layer or pooling than those in the collection.
        BadItem
            When an item cannot be stored as it is; the message names it.
        StoreError
            When the name, index, metric or a setting is not possible.
        """
        if not _NAME.fullmatch(name):
            better = re.sub(r"\W|^(?=\d)", "_", name, flags=re.ASCII)[:255] or "notes"
            raise StoreError(
                f"{name!r} cannot name a collection: use letters, digits and underscores, as in {better!r}."
            )
        engine.check_addable(embeddings)
        here = self._connection
        old = reading.find(here, name)
        record = settle(name, embeddings, old, index, metric, params)
        if record.metric == "COSINE":
            engine.check_directions(embeddings)
        table = cols.encode(embeddings.items, record.columns if old else {}, name)
        fields = old.fields if old else typed_fields(table.kinds)
        record = dataclasses.replace(record, columns=table.kinds, fields=fields)
        with con.speaking(f"add to {name!r}"):
            if old is None:
                engine.create(here, name, record)
            elif old != record:
                here.client.alter_collection_properties(name, {PROPERTY: record.to_json()})
            engine.write(here, name, embeddings, table, progress)
            here.client.flush(name)
            engine.load(here, name, record)
        return len(embeddings)

    # -- searching ---------------------------------------------------------------------------------------

    def search(
        self,
        name: str,
        query: str | np.ndarray | Embeddings | None = None,
        *,
        item: str | None = None,
        k: int = 5,
        filter: str | None = None,
        model: Any = None,
        params: Mapping[str, int] | None = None,
    ) -> pd.DataFrame:
        """The ``k`` nearest items.

        Parameters
        ----------
        name : str
            Name of the collection.
        query : str, ndarray of shape (dim,), or Embeddings of one row
            A text is embedded with the collection's own model.
        item : str, optional
            Instead of ``query``: the id of a stored item, which is left out of the hits.
        k : int
            How many hits, at least 1; fewer come back when fewer items match.
        filter : str, optional
            Only items for which this holds, for example ``label == "sea" and year > 1990``. A text from
            elsewhere is put in with ``VectorStore.quote``. A column whose name Milvus cannot parse is written
            ``$meta["its name"]``.
        model : Embedder, optional
            Embeds a text query, instead of loading the collection's model. It must be the same model.
        params : mapping of str to int, optional
            How hard to look: ``ef`` for HNSW, ``nprobe`` for IVF. Without it a filtered search compares every
            vector, because the approximate indexes of Milvus Lite overlook matches under a filter.

        Returns
        -------
        DataFrame
            Columns ``rank`` (from 1), ``id``, ``score``, then the stored columns. The score is the cosine or
            the inner product (higher is nearer), or for ``"L2"`` the squared distance (lower is nearer). A
            stored column named ``rank`` or ``score`` appears as ``item_rank`` or ``item_score``. ``attrs``
            tells the model.

        Raises
        ------
        WrongModel
            When the query's model is not the one in the collection.
        StoreError
            For an unknown collection, id or column, or an impossible ``k`` or filter.
        """
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
            raise StoreError(f"k must be a whole number from 1 upwards, not {k!r}.")
        if (query is None) == (item is None):
            raise StoreError("Give either a query (text, vector or embeddings) or item= with a stored id.")
        here = self._connection
        record = reading.record_of(here, name)
        check_search_params(params or {}, record.index)
        expression = check_filter(filter, record, name)
        if item is not None:
            vector = self.get(name, item, vectors=True)["vector"].iloc[0]
        else:
            vector = query_vector(query, record, name, model, self._load_model)
        found = engine.nearest(here, name, record, vector, int(k) + (item is not None), expression, params)
        hits = engine.hits([hit for hit in found if hit["id"] != item][: int(k)], record)
        hits.attrs = {
            "collection": name,
            "model": str(record.origin),
            "metric": record.metric,
            "filter": expression,
        }
        return hits

    def _load_model(self, name: str) -> Any:
        if name not in self._models:
            from embedlab.embedders import load_model

            self._models[name] = load_model(name)
        return self._models[name]

    # -- looking around ----------------------------------------------------------------------------------

    def get(self, name: str, ids: str | Iterable[str], *, vectors: bool = False) -> pd.DataFrame:
        """The stored items with these ids, in that order; with ``vectors=True`` also a column ``vector``."""
        here = self._connection
        record = reading.record_of(here, name)
        return reading.fetch(here, name, record, [ids] if isinstance(ids, str) else list(ids), vectors)

    def count(self, name: str) -> int:
        """How many items the collection holds."""
        here = self._connection
        reading.record_of(here, name)
        with con.speaking(f"count {name!r}"):
            return int(here.client.get_collection_stats(name)["row_count"])

    def collections(self) -> pd.DataFrame:
        """One row per collection: name, items, dim, model, index, metric, modality.

        A collection that another program made has None where only embedlab would know.
        """
        return reading.overview(self._connection)

    def drop(self, name: str) -> None:
        """Delete a collection with everything in it."""
        here = self._connection
        reading.check_there(here, name)
        with con.speaking(f"drop {name!r}"):
            here.ready.discard(name)
            here.client.drop_collection(name)

    def __repr__(self) -> str:
        return f"VectorStore({str(self.where)!r}{', closed' if self._closed else ''})"

    def _repr_html_(self) -> str:
        title = f"<p><b>{html.escape(repr(self))}</b></p>"
        return title if self._closed else title + self.collections().to_html(index=False, escape=True)

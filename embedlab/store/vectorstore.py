"""VectorStore: add embeddings to a Milvus collection and search them."""

from __future__ import annotations

import dataclasses
import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn

import numpy as np
import pandas as pd

from embedlab.embeddings import Embeddings
from embedlab.store import columns as cols
from embedlab.store import connection as con
from embedlab.store import engine, reading, transfer
from embedlab.store.backend import Place
from embedlab.store.connection import Connection
from embedlab.store.errors import StoreError
from embedlab.store.indexes import check_count, check_search_params, field_name, settle, typed_fields
from embedlab.store.provenance import BM25, Origin, Record
from embedlab.store.query import check_filter, query_vector, quote

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")


class VectorStore:
    """Embeddings kept in Milvus, each collection with the model its vectors came from.

    Parameters
    ----------
    where : str or Path, optional
        A path ending in ``.db``: Milvus Lite, which runs inside this process and keeps a folder there. Its
        parent folder must exist. Or the ``http(s)://`` address of a Milvus server or of a Zilliz Cloud
        cluster; by default that in the environment variable ``MILVUS_URI``.
    token : str, optional
        For a server that asks for one: ``"user:password"`` or an API key. By default that in the environment
        variable ``MILVUS_TOKEN``, which belongs to the server in ``MILVUS_URI`` and is sent to no other. It
        is never shown nor stored.

    Raises
    ------
    StoreError
        When the path cannot be used, or another process has it open; when the server does not answer, or
        does not accept the token.

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

    def __init__(self, where: str | Path | None = None, *, token: str | None = None) -> None:
        self._closed = False
        self._models: dict[tuple[str, str | None], Any] = {}
        self._server: Connection | None = None
        token = con.Token.of(token)
        self.where: str | Path = ""
        if con.carries_password(where):
            where = ""  # a traceback may show variables
            raise StoreError(con.PASSWORD)
        if where is None or con.is_address(where):
            self.where, token = con.server_of(None if where is None else str(where), token)
            self._server = con.open_server(self.where, token)
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

    @property
    def place(self) -> Place:
        """What answers: Milvus Lite, a server or Zilliz Cloud, with its version, and what it can do."""
        return self._connection.place

    # -- adding ------------------------------------------------------------------------------------------

    def add(
        self,
        name: str,
        embeddings: Embeddings | Sequence[Embeddings],
        *,
        index: str | None = None,
        metric: str | None = None,
        params: Mapping[str, int] | None = None,
        full_text: str | None = None,
        progress: bool | None = None,
    ) -> int:
        """Add embeddings to a collection, which is made if it is not there. An id already there is replaced.

        When ``add`` returns, everything is kept, even if the process or the server is killed then. In Milvus
        Lite the index of a new collection is built before that; rows added to a collection in use are indexed
        in the background and compared one by one until then. So are those of a server, which indexes them
        at once where 10,000 or more are added.

        Parameters
        ----------
        name : str
            Name of the collection: letters, digits and underscores.
        embeddings : Embeddings, or a list of them
            Vectors with their items; several models' vectors of the same items, in any order, become as many
            vector fields, and the first model is searched unless told otherwise. Label, content (or path)
            and metadata columns are stored beside them: dates as ISO 8601 text, lists and dicts as JSON,
            missing values as missing.
        index : str, optional
            ``"AUTOINDEX"`` (the default; HNSW in Milvus Lite), ``"FLAT"``, ``"HNSW"``, ``"HNSW_SQ"``,
            ``"IVF_FLAT"`` or ``"IVF_SQ8"``. Fixed when the collection is made, as are
            ``metric`` and ``params``.
        metric : str, optional
            ``"COSINE"`` (the default), ``"IP"`` (inner product) or ``"L2"``.
        params : mapping of str to int, optional
            Settings of the index: ``M`` and ``efConstruction`` for HNSW, ``nlist`` (cells) for IVF.
        full_text : str, optional
            A column of texts, such as ``"content"``, which :meth:`hybrid_search` then also searches by words
            (BM25). Every item must have one.
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
        return self._store(
            name,
            embeddings,
            index=index,
            metric=metric,
            params=params,
            full_text=full_text,
            progress=progress,
        )

    def _store(
        self,
        name: str,
        embeddings: Embeddings | Sequence[Embeddings],
        *,
        index: str | None = None,
        metric: str | None = None,
        params: Mapping[str, int] | None = None,
        full_text: str | None = None,
        progress: bool | None = None,
        load: bool = True,
        n_items: int | None = None,
    ) -> int:
        """:meth:`add`, for a part of ``n_items`` if need be, after which the index need not be built yet."""
        if not _NAME.fullmatch(name):
            better = re.sub(r"\W|^(?=\d)", "_", name, flags=re.ASCII)[:255] or "notes"
            raise StoreError(
                f"{name!r} cannot name a collection: use letters, digits and underscores, as in {better!r}."
            )
        several = engine.addable(embeddings)
        here = self._connection
        old = reading.find(here, name)
        record = settle(
            name,
            several,
            old,
            here.place,
            index=index,
            metric=metric,
            params=params,
            full_text=full_text,
            n_items=n_items or len(several[0]),
        )
        if record.metric == "COSINE":
            for emb in several:
                engine.check_directions(emb)
        items = several[0].items
        table = cols.encode(items, record.columns if old else {}, name, [*record.vectors][1:])
        if record.full_text:
            engine.check_texts(items.ids, table, record.full_text)
        fields = old.fields if old else typed_fields(table.kinds, here.place, record.full_text)
        record = dataclasses.replace(record, columns=table.kinds, fields=fields)
        vectors = {field: emb.vectors for field, emb in zip(record.vectors, several, strict=True)}
        engine.put(here, name, record, old, items.ids, vectors, table, progress, load)
        return len(items)

    def add_parquet(
        self, name: str, path: str | Path, *, progress: bool | None = None, **settings: Any
    ) -> int:
        """Add what :meth:`Embeddings.save` wrote, piece by piece: the file need not fit into memory.

        (Milvus Lite itself keeps the rows of a collection in memory; a server has a memory of its own.)

        After an interruption the same call goes on where it was last sure (at most 100 MB of vectors are
        read again), and nothing is there twice. A file that is in whole is not read again: what was deleted
        since comes back with :meth:`add`.

        Parameters
        ----------
        name : str
            Name of the collection.
        path : str or Path
            A parquet file.
        progress : bool, optional
            As in :meth:`add`, whose other settings (``index``, ``metric``, ``params``, ``full_text``) apply
            too.

        Returns
        -------
        int
            How many items this call added or replaced: fewer than the file has when it went on.
        """
        return transfer.add_parquet(self, name, Path(path), progress, settings)

    def delete(self, name: str, ids: str | Iterable[str] | None = None, *, filter: str | None = None) -> int:
        """Delete items by id or by a filter.

        Returns
        -------
        int
            How many there were. An id that is not there is none; a filter that matches nothing deletes
            nothing.

        Raises
        ------
        StoreError
            Unless there is either ``ids`` or a ``filter``: all of it is deleted with :meth:`drop`.
        """
        if (ids is None) == (filter is None) or (filter is not None and not filter.strip()):
            raise StoreError("Give either ids or a filter; store.drop(name) deletes a whole collection.")
        here = self._connection
        record = self.record(name)
        if filter is not None:
            wanted = [check_filter(filter, record, name, here.place)]
        else:
            wanted = list(reading.by_thousands([ids] if isinstance(ids, str) else ids or []))
        return sum(reading.delete(here, name, record, expression) for expression in wanted)

    # -- searching ---------------------------------------------------------------------------------------

    def search(
        self,
        name: str,
        query: Any = None,
        *,
        item: str | None = None,
        k: int = 5,
        filter: str | None = None,
        model: Any = None,
        params: Mapping[str, int] | None = None,
        radius: float | None = None,
        range_filter: float | None = None,
        group_by: str | None = None,
        offset: int = 0,
    ) -> pd.DataFrame:
        """The ``k`` nearest items.

        Parameters
        ----------
        name : str
            Name of the collection.
        query : str, Path, picture, ndarray of shape (dim,), or Embeddings of one row
            A text, or what a path or a picture shows or sounds like, is embedded with the collection's own
            model.
        item : str, optional
            Instead of ``query``: the id of a stored item, which is left out of the hits.
        k : int
            How many hits, at least 1; fewer come back when fewer items match.
        filter : str, optional
            Only items for which this holds, for example ``label == "sea" and year > 1990``. A value from
            elsewhere is put in with ``VectorStore.quote``. A column whose name Milvus cannot parse is written
            ``$meta["its name"]``.
        model : Embedder or str, optional
            Which model's vectors to search, where the collection has several. An embedder also embeds the
            query, instead of one that is loaded. It must be the same model.
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
            Leave out so many of the nearest, for the next page.

        Returns
        -------
        DataFrame
            Columns ``rank`` (from 1 + offset), ``id``, ``score``, then the stored columns. The score is the
            cosine or the inner product (higher is nearer), or for ``"L2"`` the squared distance (lower is
            nearer). A stored column named ``rank`` or ``score`` appears as ``item_rank`` or ``item_score``.
            ``attrs`` tells the model. Nothing found is a table without rows.

        Raises
        ------
        WrongModel
            When the query's model is not the one in the collection.
        StoreError
            For an unknown collection, id or column, an impossible ``k`` or filter, or what this place lacks.
        """
        check_count("k", k, 1)
        check_count("offset", offset, 0)
        if (query is None) == (item is None):
            raise StoreError("Give either a query (text, vector or embeddings) or item= with a stored id.")
        here = self._connection
        record = self.record(name)
        check_search_params(params or {}, record.index)
        expression = check_filter(filter, record, name, here.place)
        if group_by is not None:
            reading.check_group(here, name, record, group_by)
        if item is not None:
            query = self._stored_vector(name, item, model)
        field, vector = query_vector(query, record, name, model, self._load_model)
        # A stored item is its own nearest and is left out, so that its pages are cut here.
        most, skip = (int(k), offset) if item is None else (int(k) + offset + 1, 0)
        question = engine.Question(
            field, vector, most, expression, params, radius, range_filter, group_by, skip
        )
        found = engine.nearest(here, name, record, question)
        if item is not None:
            found = [hit for hit in found if hit["id"] != item][offset : offset + int(k)]
        hits = engine.hits(found, record, offset)
        hits.attrs = {
            "collection": name,
            "model": str(record.vectors[field]),
            "metric": record.metric,
            "filter": expression,
            "place": here.place.name,
        }
        return hits

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
        """Ask in several ways, and join the answers by reciprocal-rank fusion.

        An item gets 1 / (rrf_k + its rank) from each way that finds it. Ranks can be added up where scores of
        different models cannot [1]_.

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
            How many of each way's best are joined, at least ``k``.
        rrf_k : int
            A small number lets the first ranks count for more.

        Returns
        -------
        DataFrame
            As from :meth:`search`; the score is the sum, or BM25's own where that is the only way.

        Raises
        ------
        StoreError
            For a way that the collection does not have, or a place that lacks hybrid search.

        References
        ----------
        .. [1] Cormack, Clarke and Buettcher 2009, "Reciprocal rank fusion outperforms Condorcet and
        individual
           rank learning methods", SIGIR.
        """
        check_count("k", k, 1)
        if not isinstance(query, str) or not query.strip():
            raise StoreError("hybrid_search asks with a text that is not empty.")
        here = self._connection
        record = self.record(name)
        expression = check_filter(filter, record, name, here.place)
        has = [origin.model for origin in record.vectors.values()] + (["bm25"] if record.full_text else [])
        ways = has if ways is None else list(ways)
        for way in ways:
            if way not in has:
                extra = " (make it with full_text=)" if way == "bm25" else ""
                raise StoreError(
                    f"{name!r} cannot be searched by {way!r}{extra}; there is: {', '.join(has)}."
                )
        if not ways:
            raise StoreError(f"Give at least one way; there is: {', '.join(has)}.")
        questions = []
        for way in ways:
            field: str = BM25
            asked: str | np.ndarray = query
            if way != "bm25":
                field, asked = query_vector(query, record, name, way, self._load_model)
            questions.append(engine.Question(field, asked, max(int(k), candidates), expression))
        if len(ways) == 1:
            found = engine.nearest(here, name, record, dataclasses.replace(questions[0], k=int(k)))
        else:
            here.place.require("hybrid search")
            found = engine.fused(here, name, record, questions, int(k), rrf_k)
        hits = engine.hits(found, record)
        hits.attrs = {"collection": name, "ways": ways, "filter": expression, "place": here.place.name}
        return hits

    def _stored_vector(self, name: str, item: str, model: Any) -> np.ndarray:
        row = self.get(name, item, vectors=True)
        column = "vector"
        if model is not None:
            wanted = model if isinstance(model, str) else model.card.name
            column = field_name(wanted) if field_name(wanted) in row else "vector"
        vector: np.ndarray = row[column].iloc[0]
        return vector

    def _load_model(self, origin: Origin) -> Any:
        """The model of some vectors, at the commit that made them."""
        made = (origin.model, origin.revision)
        if made not in self._models:
            from embedlab.embedders.loading import load_again

            self._models[made] = load_again(origin)
        return self._models[made]

    # -- looking around ----------------------------------------------------------------------------------

    def get(self, name: str, ids: str | Iterable[str], *, vectors: bool = False) -> pd.DataFrame:
        """The stored items with these ids, in that order; with ``vectors=True`` also a column ``vector``.

        Where the collection has several models, the others' columns are named ``vector_`` and the model.
        """
        here = self._connection
        record = self.record(name)
        return reading.fetch(here, name, record, [ids] if isinstance(ids, str) else list(ids), vectors)

    def count(self, name: str, filter: str | None = None) -> int:
        """How many items the collection holds, or how many of them a filter lets through."""
        here = self._connection
        record = self.record(name)
        return reading.count(here, name, record, check_filter(filter, record, name, here.place))

    def pages(
        self, name: str, *, filter: str | None = None, page_size: int = 1000, vectors: bool = False
    ) -> Iterator[pd.DataFrame]:
        """Everything in a collection, page by page.

        Parameters
        ----------
        name : str
            Name of the collection.
        filter : str, optional
            Only what this lets through.
        page_size : int
            Most rows of a page.
        vectors : bool
            As in :meth:`get`.

        Yields
        ------
        DataFrame
            Columns as from :meth:`get`.
        """
        check_count("page_size", page_size, 1)
        here = self._connection
        record = self.record(name)
        expression = check_filter(filter, record, name, here.place)
        return reading.pages(here, name, record, expression, int(page_size), vectors)

    def copy_to(
        self,
        where: str | Path | VectorStore,
        names: Iterable[str] | None = None,
        *,
        token: str | None = None,
        progress: bool | None = None,
    ) -> pd.DataFrame:
        """Copy collections to another place: from a laptop to a server, or back.

        Parameters
        ----------
        where : str, Path or VectorStore
            As for :class:`VectorStore`.
        names : iterable of str, optional
            Which collections; by default all that embedlab made.
        token : str, optional
            Of the other place.
        progress : bool, optional
            As in :meth:`add`.

        Returns
        -------
        DataFrame
            One row per collection: ``name`` and ``items``, counted at the other place.

        Raises
        ------
        StoreError
            When a collection of that name with another model, index or metric is there, or the place lacks
            something that a collection uses. A collection of the same make is added to.
        """
        token = con.Token.of(token)
        other = where if isinstance(where, VectorStore) else VectorStore(where, token=token)
        try:
            chosen = list(names) if names is not None else None
            return transfer.copy(self._connection, other._connection, chosen, progress)
        finally:
            if other is not where:
                other.close()

    def collections(self) -> pd.DataFrame:
        """One row per collection: name, items, dim, model, index, metric, modality.

        A collection that another program made has None where only embedlab would know.
        """
        return reading.overview(self._connection)

    def record(self, name: str) -> Record:
        """What a collection remembers of itself: its models, index, metric and columns.

        Raises
        ------
        StoreError
            When it is not there, or another program made it.
        """
        return reading.record_of(self._connection, name)

    def model(self, name: str) -> Any:
        """The model of a collection's (first) vectors, loaded at the commit that made them.

        Raises
        ------
        StoreError
            As :meth:`record`; and what :func:`embedlab.load_model` raises.
        """
        return self._load_model(self.record(name).origin)

    def drop(self, name: str) -> None:
        """Delete a collection with everything in it."""
        here = self._connection
        reading.check_there(here, name)
        with con.speaking(f"drop {name!r}"):
            here.ready.discard(name)
            here.client.drop_collection(name)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "A store is neither pickled nor copied, as an open connection is not: open it again where it is "
            f"used, with el.VectorStore({str(self.where)!r})."
        )

    def __repr__(self) -> str:
        return f"VectorStore({str(self.where)!r}{', closed' if self._closed else ''})"

    def _repr_html_(self) -> str:
        title = f"<p><b>{html.escape(repr(self))}</b></p>"
        return title if self._closed else title + self.collections().to_html(index=False, escape=True)

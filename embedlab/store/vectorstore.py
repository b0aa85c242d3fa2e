"""VectorStore: keep embeddings in Milvus collections, search them, and move them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from embedlab.embeddings import Embeddings
from embedlab.store import reading, transfer
from embedlab.store.addresses import Token
from embedlab.store.collection import add_embeddings
from embedlab.store.errors import StoreError, StoreErrorCode
from embedlab.store.filters import check_filter, id_filters
from embedlab.store.index_spec import IndexSpec, IndexType, Metric
from embedlab.store.searchable import SearchableStore


class VectorStore(SearchableStore):
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
        If the path cannot be used, or another process has it open; if the server does not answer, or does not
        accept the token.

    Notes
    -----
    Milvus Lite keeps the folder to one process. Within a process any number of stores may be opened on it (a
    notebook cell may be run twice); they share the engine. ``close()`` stops it, which releases the folder
    for other processes; another store of this process that was not closed starts it again when next used.

    Examples
    --------
    >>> with el.VectorStore("lab.db") as store:
    ...     store.add("notes", emb)
    ...     store.search("notes", "a walk by the water", k=5, filter='label == "sea"')
    """

    def add(
        self,
        name: str,
        embeddings: Embeddings | Sequence[Embeddings],
        *,
        index: IndexType | IndexSpec | None = None,
        metric: Metric | None = None,
        params: Mapping[str, int] | None = None,
        full_text: str | None = None,
        progress: bool | None = None,
    ) -> int:
        """Add embeddings to a collection, which is created if it is not there.

        An id that is already there is replaced. When ``add`` returns, everything is kept, even if the process
        or the server is killed then. In Milvus Lite the index of a new collection is built before that; rows
        added to a collection in use are indexed in the background and compared one by one until then. So are
        those of a server, which indexes them at once if 10,000 or more are added.

        Parameters
        ----------
        name : str
            Name of the collection: letters, digits and underscores.
        embeddings : Embeddings, or a list of them
            Vectors with their items. Several models' vectors of the same items, in any order, become as many
            vector fields; searches use the first model unless they name another. Label, content (or path)
            and metadata columns are stored beside them: dates as ISO 8601 text, lists and dicts as JSON,
            missing values as missing.
        index : str or IndexSpec, optional
            ``"AUTOINDEX"`` (the default; HNSW in Milvus Lite), ``"FLAT"``, ``"HNSW"``, ``"HNSW_SQ"``,
            ``"IVF_FLAT"`` or ``"IVF_SQ8"``; or an :class:`~embedlab.store.IndexSpec`, which holds this and
            the next three arguments. They are fixed when the collection is created.
        metric : str, optional
            ``"COSINE"`` (the default), ``"IP"`` (inner product) or ``"L2"``.
        params : mapping of str to int, optional
            Settings of the index: ``M`` and ``efConstruction`` for HNSW, ``nlist`` (cells) for IVF.
        full_text : str, optional
            A column of texts, such as ``"content"``, which :meth:`hybrid_search` then also searches by words
            (BM25). Every item must have one.
        progress : bool, optional
            Show a progress bar; by default only if the call takes longer than a second.

        Returns
        -------
        int
            How many items were added or replaced.

        Raises
        ------
        WrongModel
            If the vectors come from another model, revision, layer or pooling than those in the collection.
        BadItem
            If an item cannot be stored as it is; ``problems`` names the items.
        StoreError
            If the name, index, metric or a setting is not possible; an :class:`AddInterrupted` if Milvus
            stopped between two batches.
        """
        spec = IndexSpec.from_arguments(index, metric, params, full_text)
        return add_embeddings(self._connection, name, embeddings, spec, progress=progress)

    def add_parquet(
        self,
        name: str,
        path: str | Path,
        *,
        index: IndexType | IndexSpec | None = None,
        metric: Metric | None = None,
        params: Mapping[str, int] | None = None,
        full_text: str | None = None,
        progress: bool | None = None,
    ) -> int:
        """Add what :meth:`Embeddings.save` wrote, piece by piece: the file need not fit into memory.

        (Milvus Lite itself keeps the rows of a collection in memory; a server has a memory of its own.)

        After an interruption the same call resumes at the last mark (at most 100 MB of vectors are read
        again), and nothing is stored twice. A file that was read to its end is not read again: to restore
        items that were deleted since, use :meth:`add`.

        Parameters
        ----------
        name : str
            Name of the collection.
        path : str or Path
            A parquet file.
        index, metric, params, full_text, progress
            As in :meth:`add`.

        Returns
        -------
        int
            How many items this call added or replaced: fewer than the file has if it resumed.
        """
        spec = IndexSpec.from_arguments(index, metric, params, full_text)
        return transfer.add_parquet(self._connection, name, Path(path), spec, progress)

    def delete(self, name: str, ids: str | Iterable[str] | None = None, *, filter: str | None = None) -> int:
        """Delete items by id or by a filter.

        Returns
        -------
        int
            How many items were deleted: ids that are not stored do not count, and a filter that matches
            nothing deletes nothing.

        Raises
        ------
        StoreError
            Unless there is exactly one of ``ids`` and ``filter``. Use :meth:`drop` to delete everything.
        """
        if (ids is None) == (filter is None) or (filter is not None and not filter.strip()):
            raise StoreError(
                "delete needs exactly one of ids and filter. Use store.drop(name) to delete a whole "
                "collection.",
                code=StoreErrorCode.BAD_ARGUMENT,
                collection=name,
                argument="ids",
            )
        record = self.record(name)
        if filter is not None:
            expressions = [check_filter(filter, record, name, self.backend)]
        else:
            expressions = list(id_filters([ids] if isinstance(ids, str) else ids or []))
        return sum(reading.delete(self._connection, name, record, text) for text in expressions)

    def drop(self, name: str) -> None:
        """Delete a collection with everything in it."""
        reading.check_exists(self._connection, name)
        with self._connection.request(f"drop {name!r}", collection=name):
            self._connection.loaded.discard(name)
            self._connection.client.drop_collection(name)

    def copy_to(
        self,
        where: str | Path | VectorStore,
        names: Iterable[str] | None = None,
        *,
        token: str | None = None,
        progress: bool | None = None,
    ) -> pd.DataFrame:
        """Copy collections to another store: from a laptop to a server, or back.

        Parameters
        ----------
        where : str, Path or VectorStore
            As for :class:`VectorStore`.
        names : iterable of str, optional
            Which collections; by default all that embedlab made.
        token : str, optional
            For the other store.
        progress : bool, optional
            As in :meth:`add`.

        Returns
        -------
        DataFrame
            One row per collection: ``name`` and ``items``, counted in the other store.

        Raises
        ------
        StoreError
            If the other store has a collection of that name with another model, index or metric, or lacks a
            feature that a collection uses. Items are added to a collection that fits.
        """
        token = Token.wrap(token)
        other = where if isinstance(where, VectorStore) else VectorStore(where, token=token)
        try:
            return transfer.copy(self._connection, other._connection, names, progress)
        finally:
            if other is not where:
                other.close()

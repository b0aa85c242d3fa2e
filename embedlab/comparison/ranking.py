"""Where the documents that a query should find stand among all others, by cosine, exactly.

Documents that are equally near have no order: a ranking says how many are nearer, and how many as near.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from embedlab.comparison.scores import group_codes
from embedlab.embeddings import Embeddings, unit_rows
from embedlab.errors import BadItem, WrongModel
from embedlab.io.formats import listed
from embedlab.items import Items

# Cosines count as equal when they round to the same step (about 1e-6): float32 vectors carry no more. A
# power of two, because cosines that often repeat (0, 1, 1/3, 5/8, …) then never lie between two steps.
_STEPS = 2**20
_BLOCK_VALUES = 2_000_000  # cosines held at once (16 MB)


@dataclass(frozen=True, eq=False)
class Ranking:
    """Where the relevant documents of each query stand; sorted by query, then by place.

    Attributes
    ----------
    query : ndarray, shape (n_relevant,), int64
        Row number of the query. Every query occurs.
    grade : ndarray, shape (n_relevant,), float64
        How relevant the document is, above 0.
    before, tied : ndarray, shape (n_relevant,), int64
        Documents that are nearer, and documents that are as near (itself among them).
    n_documents : int
    groups : ndarray, shape (n_queries,), optional
        Queries that depend on each other; see :func:`bootstrap`.
    """

    query: np.ndarray
    grade: np.ndarray
    before: np.ndarray
    tied: np.ndarray
    n_documents: int
    groups: np.ndarray | None = None


def rank(
    queries: Embeddings | np.ndarray,
    documents: Embeddings | np.ndarray,
    relevant: Iterable[Any] | Mapping[Any, Any],
    *,
    groups: Any = None,
) -> Ranking:
    """Compare every query with every document by cosine, exactly.

    Parameters
    ----------
    queries, documents : Embeddings or ndarray, shapes (n_queries, dim) and (n_documents, dim)
        A document that is the query itself (same id and content, or the same array given twice) is left out.
    relevant : list or dict
        One entry per query, in order or by query id: an id (str) or row number (int) of a document, a
        collection of them, or a dict of them to grades (0 is not relevant; without grades all count 1).
        The rows of an array have the ids ``"0"``, ``"1"``, …
    groups : array-like, shape (n_queries,), optional
        Queries that depend on each other, for the intervals; see :func:`bootstrap`.

    Returns
    -------
    Ranking
        On the way it holds the documents as float64 and blocks of about 30 MB.

    Raises
    ------
    BadItem
        Naming the queries or documents with unusable vectors, nothing relevant, or unknown ids.
    WrongModel
        When queries and documents differ in ``dim``.
    """
    asked, query_ids = _checked("query", queries)
    stored, document_ids = _checked("document", documents)
    if asked.shape[1] != stored.shape[1]:
        raise WrongModel(f"Queries of {asked.shape[1]} numbers, but documents of {stored.shape[1]}.")
    codes = None if groups is None else group_codes(groups, len(asked))
    if isinstance(queries, Embeddings) and isinstance(documents, Embeddings):
        itself = _itself(queries.items, documents.items)
    else:
        itself = np.arange(len(asked)) if queries is documents else np.full(len(asked), -1)
    query, row, grade = _judgements(relevant, query_ids, document_ids)
    if own := {query_ids[q]: None for q in query[row == itself[query]]}:
        raise BadItem(f"A query is no document to be found by itself; leave it out for {listed(own)}.")
    before, tied = _places(asked, unit_rows(stored.astype(np.float64), dtype=np.float64), query, row, itself)
    order = np.lexsort((before, query))
    return Ranking(query[order], grade[order], before[order], tied[order], len(stored), codes)


def relevant_by(queries: Items, documents: Items, column: str) -> list[list[str]]:
    """For each query, the ids of the documents with the same value in a column, as :func:`rank` takes them.

    The query itself (same id and content) is left out; a missing value matches nothing. A column that is not
    there raises :class:`BadItem`.
    """
    for what, items in (("queries", queries), ("documents", documents)):
        if column not in items.frame.columns:
            raise BadItem(f"The {what} have no column {column!r}; they have {list(items.frame.columns)}.")
    same: dict[Any, list[str]] = {}
    there = documents.frame[documents.frame[column].notna()]
    for value, id in zip(there[column], there["id"], strict=True):
        same.setdefault(value, []).append(id)
    ids = documents.ids
    own = [ids[row] if row >= 0 else None for row in _itself(queries, documents)]
    return [
        [id for id in same.get(value, ()) if id != mine]
        for value, mine in zip(queries.frame[column], own, strict=True)
    ]


def _checked(what: str, given: Embeddings | np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Vectors that have a cosine, shape (n, dim) float32, and their ids."""
    vectors = np.asarray(given.vectors if isinstance(given, Embeddings) else given, dtype=np.float32)
    if vectors.ndim != 2 or not vectors.size:
        raise BadItem(f"The {what} vectors have the shape {vectors.shape}: rows and columns are needed.")
    ids = given.ids if isinstance(given, Embeddings) else [str(row) for row in range(len(vectors))]
    broken, empty = ~np.isfinite(vectors).all(axis=1), ~vectors.any(axis=1)
    for wrong, why in ((broken, "not finite"), (empty, "all zeros")):
        if wrong.any():
            raise BadItem(f"The vector of {what} {listed(ids[i] for i in np.flatnonzero(wrong))} is {why}.")
    return vectors, ids


def _itself(queries: Items, documents: Items) -> np.ndarray:
    """Row of the document that is the query, shape (n_queries,); -1 where there is none.

    An id alone would not do: captions and photos may both be numbered from 0.
    """
    ours, theirs = (zip(items.ids, map(str, items.contents), strict=True) for items in (queries, documents))
    rows = {key: row for row, key in enumerate(theirs)}
    return np.array([rows.get(key, -1) for key in ours], np.int64)


def _judgements(
    relevant: Iterable[Any] | Mapping[Any, Any], query_ids: list[str], document_ids: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row of the query, row of the document and grade of everything relevant, sorted by query."""
    n = len(query_ids)
    if isinstance(relevant, Mapping):
        asked, entries = _rows(list(relevant), _numbered(query_ids), "query"), list(relevant.values())
    else:
        asked, entries = np.arange(n), list(relevant)
    if len(entries) != len(asked):
        raise BadItem(f"{len(entries)} lists of relevant documents but {n} queries.")
    numbered = _numbered(document_ids)
    found: list[tuple[np.ndarray, np.ndarray]] = [(np.empty(0, np.int64), np.empty(0))] * n
    for q, entry in zip(asked, entries, strict=True):
        keys = [entry] if isinstance(entry, (str, int, np.integer)) else list(entry)
        rows, first = np.unique(_rows(keys, numbered, "document"), return_index=True)
        given = entry.values() if isinstance(entry, Mapping) else np.ones(len(keys))
        grades = np.array(list(given), np.float64)[first]
        if not (np.isfinite(grades) & (grades >= 0)).all():
            raise BadItem(f"The grades of query {query_ids[q]!r} must be numbers of at least 0.")
        found[q] = rows[grades > 0], grades[grades > 0]
    counts = np.array([len(rows) for rows, _ in found])
    if not counts.all():
        none = [query_ids[q] for q in np.flatnonzero(counts == 0)]
        raise BadItem(f"No document is relevant to query {listed(none)}: leave such queries out.")
    rows, grades = (np.concatenate(column) for column in zip(*found, strict=True))
    return np.repeat(np.arange(n), counts), rows, grades


def _numbered(ids: list[str]) -> dict[str | int, int]:
    return {id: row for row, id in enumerate(ids)} | {row: row for row in range(len(ids))}


def _rows(keys: list[Any], numbered: dict[str | int, int], what: str) -> np.ndarray:
    # True would pass for row 1: a mask is not a list of rows.
    rows = [-1 if isinstance(key, (bool, np.bool_)) else numbered.get(key, -1) for key in keys]
    if -1 in rows:
        unknown = [key for key, row in zip(keys, rows, strict=True) if row < 0]
        raise BadItem(f"No {what} with the id or row number {listed(unknown)}, which relevant names.")
    return np.array(rows, np.int64)


def _places(
    asked: np.ndarray, unit: np.ndarray, query: np.ndarray, row: np.ndarray, itself: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How many documents are nearer than each relevant one, and how many as near; by blocks of queries."""
    before, tied = np.empty(len(query), np.int64), np.empty(len(query), np.int64)
    ends = np.searchsorted(query, np.arange(len(asked) + 1))
    block = max(1, _BLOCK_VALUES // len(unit))
    for start in range(0, len(asked), block):
        # In float64 the noise of the product is far below a step, so that copies do get equal cosines.
        query_rows = asked[start : start + block].astype(np.float64)
        cosines = unit_rows(query_rows, dtype=np.float64) @ unit.T
        steps = np.rint(np.multiply(cosines, _STEPS, out=cosines), out=cosines).astype(np.int32)
        left_out = np.flatnonzero(itself[start : start + block] >= 0)
        steps[left_out, itself[start + left_out]] = -2 * _STEPS  # below any cosine: in nobody's way
        part = slice(ends[start], ends[min(start + block, len(asked))])
        wanted = steps[query[part] - start, row[part]]
        steps.sort(axis=1)
        for i, line in enumerate(steps, start):
            mine = slice(ends[i], ends[i + 1])
            values = wanted[ends[i] - part.start : ends[i + 1] - part.start]
            as_near = np.searchsorted(line, values, "right")
            before[mine] = len(line) - as_near
            tied[mine] = as_near - np.searchsorted(line, values, "left")
    return before, tied

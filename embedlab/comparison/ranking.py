"""Rank documents for queries by cosine, exactly, and record the rank of every relevant one.

Documents that are equally near have no order: a ranking counts how many are nearer, and how many as near.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from embedlab.comparison.scores import GroupLabels, encode_groups
from embedlab.embeddings import Embeddings, unit_rows
from embedlab.errors import BadItem, Problem, ProblemCode, WrongModel
from embedlab.io.formats import listed
from embedlab.items import Items

DocumentKey = str | int  # an id or a row number
RelevantEntry = DocumentKey | Iterable[DocumentKey] | Mapping[str, float] | Mapping[int, float]
Relevant = Iterable[RelevantEntry] | Mapping[str, RelevantEntry] | Mapping[int, RelevantEntry]

# Cosines count as equal if they round to the same step (about 1e-6): float32 vectors carry no more. A power
# of two, so that frequent cosines (0, 1, 1/3, 5/8, …) never lie between two steps.
_STEPS = 2**20
_BLOCK_VALUES = 2_000_000  # cosines held at once (16 MB)


@dataclass(frozen=True, eq=False)
class Ranking:
    """The ranks of the relevant documents of each query, sorted by query and rank.

    Attributes
    ----------
    query : ndarray, shape (n_relevant,), int64
        Row number of the query. Every query occurs.
    grade : ndarray, shape (n_relevant,), float64
        How relevant the document is, above 0.
    before, tied : ndarray, shape (n_relevant,), int64
        Number of documents that are nearer, and of documents that are as near, the document included.
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
    relevant: Relevant,
    *,
    groups: GroupLabels | None = None,
) -> Ranking:
    """Rank all documents for every query by cosine, exactly.

    Parameters
    ----------
    queries, documents : Embeddings or ndarray, shapes (n_queries, dim) and (n_documents, dim)
        A document that is the query itself (same id and content, or the same array given twice) is left out.
    relevant : list or dict
        One entry per query, in order or by query id: an id (str) or row number (int) of a document, a
        collection of them, or a dict from them to grades (0 is not relevant; without grades all count 1).
        The rows of an array have the ids ``"0"``, ``"1"``, …
    groups : array-like, shape (n_queries,), optional
        Queries that depend on each other, for the intervals; see :func:`bootstrap`.

    Returns
    -------
    Ranking

    Raises
    ------
    BadItem
        If vectors are unusable, nothing is relevant to a query, or ids are unknown; the message names them.
    WrongModel
        If queries and documents differ in ``dim``.

    Notes
    -----
    Memory: the documents as float64, and blocks of about 30 MB.
    """
    query_vectors, query_ids = _check_vectors("query", queries)
    document_vectors, document_ids = _check_vectors("document", documents)
    if query_vectors.shape[1] != document_vectors.shape[1]:
        raise WrongModel(
            f"The queries have {query_vectors.shape[1]} dimensions, but the documents "
            f"{document_vectors.shape[1]}. Embed both with the same model."
        )
    n_queries = len(query_vectors)
    codes = None if groups is None else encode_groups(groups, n_queries)
    if isinstance(queries, Embeddings) and isinstance(documents, Embeddings):
        itself = _find_itself(queries.items, documents.items)
    else:
        itself = np.arange(n_queries) if queries is documents else np.full(n_queries, -1)
    query, row, grade = _read_judgements(relevant, query_ids, document_ids)
    if circular := {query_ids[q]: None for q in query[row == itself[query]]}:
        raise BadItem(
            f"Queries cannot be relevant to themselves. Remove {listed(circular)} from their own documents.",
            problems=dict.fromkeys(circular, Problem(ProblemCode.REFUSED, "relevant to itself")),
        )
    unit = unit_rows(document_vectors.astype(np.float64), dtype=np.float64)
    before, tied = _count_nearer(query_vectors, unit, query, row, itself)
    order = np.lexsort((before, query))
    return Ranking(query[order], grade[order], before[order], tied[order], len(unit), codes)


def match_column(queries: Items, documents: Items, column: str) -> list[list[str]]:
    """List for each query the ids of the documents with the same value in a column.

    The result is what :func:`rank` takes as ``relevant``. The query itself (same id and content) is left out;
    a missing value matches nothing.

    Raises
    ------
    BadItem
        If queries or documents lack the column.
    """
    for what, items in (("queries", queries), ("documents", documents)):
        if column not in items.frame.columns:
            raise BadItem(f"The {what} have no column {column!r}; they have {list(items.frame.columns)}.")
    ids_by_value: dict[object, list[str]] = {}
    known = documents.frame[documents.frame[column].notna()]
    for value, id in zip(known[column], known["id"], strict=True):
        ids_by_value.setdefault(value, []).append(id)
    ids = documents.ids
    itself = [ids[row] if row >= 0 else None for row in _find_itself(queries, documents)]
    return [
        [id for id in ids_by_value.get(value, ()) if id != excluded]
        for value, excluded in zip(queries.frame[column], itself, strict=True)
    ]


def _check_vectors(what: str, given: Embeddings | np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return vectors that have a cosine, shape (n, dim) float32, and their ids."""
    vectors = np.asarray(given.vectors if isinstance(given, Embeddings) else given, dtype=np.float32)
    if vectors.ndim != 2 or not vectors.size:
        raise BadItem(f"The {what} vectors have the shape {vectors.shape}, but must have rows and columns.")
    ids = given.ids if isinstance(given, Embeddings) else [str(row) for row in range(len(vectors))]
    not_finite = Problem(ProblemCode.DAMAGED, "not finite")
    all_zeros = Problem(ProblemCode.EMPTY, "all zeros")
    for mask, problem in (
        (~np.isfinite(vectors).all(axis=1), not_finite), (~vectors.any(axis=1), all_zeros)
    ):  # fmt: skip
        if mask.any():
            unusable = [ids[row] for row in np.flatnonzero(mask)]
            raise BadItem(
                f"The vector of {what} {listed(unusable)} is {problem}. Drop it, or embed it again.",
                problems=dict.fromkeys(unusable, problem),
            )
    return vectors, ids


def _find_itself(queries: Items, documents: Items) -> np.ndarray:
    """Return the row of the document that is the query itself, shape (n_queries,); -1 if there is none.

    The id alone is not enough: captions and photos may both be numbered from 0.
    """
    query_keys, document_keys = (
        zip(items.ids, map(str, items.contents), strict=True) for items in (queries, documents)
    )
    rows = {key: row for row, key in enumerate(document_keys)}
    return np.array([rows.get(key, -1) for key in query_keys], np.int64)


def _read_judgements(
    relevant: Relevant, query_ids: list[str], document_ids: list[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the row of the query, the row of the document and the grade of each judgement, by query."""
    n = len(query_ids)
    if isinstance(relevant, Mapping):
        query_rows: Iterable[int] = _to_rows(list(relevant), _index(query_ids), "query")
        entries: list[RelevantEntry] = list(relevant.values())
    else:
        query_rows, entries = range(n), list(relevant)
        if len(entries) != n:
            raise BadItem(f"{len(entries)} lists of relevant documents but {n} queries. Pass one per query.")
    index = _index(document_ids)
    judgements: list[tuple[np.ndarray, np.ndarray]] = [(np.empty(0, np.int64), np.empty(0))] * n
    for q, entry in zip(query_rows, entries, strict=True):
        keys, weights = _split_entry(entry)
        rows, first = np.unique(_to_rows(keys, index, "document"), return_index=True)
        grades = np.array(weights, np.float64)[first]
        if not (np.isfinite(grades) & (grades >= 0)).all():
            raise BadItem(
                f"The grades of query {query_ids[q]!r} must be numbers of at least 0.",
                problems={query_ids[q]: Problem(ProblemCode.MALFORMED, "a grade below 0, or not finite")},
            )
        judgements[q] = rows[grades > 0], grades[grades > 0]
    counts = np.array([len(rows) for rows, _ in judgements])
    if not counts.all():
        without = [query_ids[q] for q in np.flatnonzero(counts == 0)]
        raise BadItem(
            f"No document is relevant to query {listed(without)}. Leave such queries out.",
            problems=dict.fromkeys(without, Problem(ProblemCode.MISSING, "nothing is relevant to it")),
        )
    rows, grades = (np.concatenate(column) for column in zip(*judgements, strict=True))
    return np.repeat(np.arange(n), counts), rows, grades


def _split_entry(entry: RelevantEntry) -> tuple[list[DocumentKey], list[float]]:
    """Return the documents that one query should find, and their grades."""
    if isinstance(entry, (str, int, np.integer)):
        return [entry], [1.0]
    keys: list[DocumentKey] = list(entry)
    return keys, list(entry.values()) if isinstance(entry, Mapping) else [1.0] * len(keys)


def _index(ids: list[str]) -> dict[DocumentKey, int]:
    return {id: row for row, id in enumerate(ids)} | {row: row for row in range(len(ids))}


def _to_rows(keys: Sequence[DocumentKey], index: dict[DocumentKey, int], what: str) -> np.ndarray:
    # True equals 1, but a mask is not a list of rows.
    rows = [-1 if isinstance(key, (bool, np.bool_)) else index.get(key, -1) for key in keys]
    if -1 in rows:
        unknown = [key for key, row in zip(keys, rows, strict=True) if row < 0]
        raise BadItem(
            f"relevant names {what} {listed(unknown)}, which is neither an id nor a row number.",
            problems=dict.fromkeys(map(str, unknown), Problem(ProblemCode.MISSING, f"no such {what}")),
        )
    return np.array(rows, np.int64)


def _count_nearer(
    query_vectors: np.ndarray, unit: np.ndarray, query: np.ndarray, row: np.ndarray, itself: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Count the documents that are nearer than each relevant one, and those as near."""
    before, tied = np.empty(len(query), np.int64), np.empty(len(query), np.int64)
    ends = np.searchsorted(query, np.arange(len(query_vectors) + 1))
    for start, steps in _cosine_steps(query_vectors, unit, itself):
        stop = start + len(steps)
        first = ends[start]
        relevant_steps = steps[query[first : ends[stop]] - start, row[first : ends[stop]]]
        steps.sort(axis=1)
        for q, sorted_steps in enumerate(steps, start):
            values = relevant_steps[ends[q] - first : ends[q + 1] - first]
            as_near = np.searchsorted(sorted_steps, values, "right")
            judgements = slice(ends[q], ends[q + 1])
            before[judgements] = len(sorted_steps) - as_near
            tied[judgements] = as_near - np.searchsorted(sorted_steps, values, "left")
    return before, tied


def _cosine_steps(
    query_vectors: np.ndarray, unit: np.ndarray, itself: np.ndarray
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the rounded cosines of blocks of queries with all documents, with the first row of the block."""
    size = max(1, _BLOCK_VALUES // len(unit))
    for start in range(0, len(query_vectors), size):
        # In float64 the rounding errors of the product are far below a step, so copies get equal cosines.
        block = query_vectors[start : start + size].astype(np.float64)
        cosines = unit_rows(block, dtype=np.float64) @ unit.T
        steps = np.rint(np.multiply(cosines, _STEPS, out=cosines), out=cosines).astype(np.int32)
        excluded = np.flatnonzero(itself[start : start + size] >= 0)
        steps[excluded, itself[start + excluded]] = -2 * _STEPS  # below any cosine: ranked after all others
        yield start, steps

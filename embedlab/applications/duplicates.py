"""Find near-duplicates: pairs above a threshold, groups of them, and the choice of the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, Problem, ProblemCode
from embedlab.io.html import render
from embedlab.store import StoreError, StoreErrorCode, VectorStore

_BLOCK_VALUES = 4_000_000  # cosines in memory at once (16 MB)
MAX_HITS = 1000  # of one stored item
SAFE_PRECISION = 0.99  # of a threshold that is used for deleting
_MAX_PAIRS_PER_ITEM = 50
_SHOWN_ROWS = 12  # in a notebook
_ROUNDING = 1e-6  # identical vectors may have a cosine this much below 1


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Pairs of items at or above a threshold, and the groups they form.

    Attributes
    ----------
    threshold : float
        Cosine.
    pairs : DataFrame
        ``id``, ``other``, ``cosine``; the nearest first.
    groups : DataFrame
        One row per item that has a duplicate: ``group`` (0 is the largest), ``id``, ``title``, and
        ``weakest``: the lowest cosine between two items of its group.
    warnings : tuple of str
        One per chained group: A resembles B and B resembles C, but A does not resemble C.
    """

    threshold: float
    pairs: pd.DataFrame
    groups: pd.DataFrame
    warnings: tuple[str, ...]

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return int(self.groups["group"].nunique())

    @property
    def extra(self) -> list[str]:
        """Ids that could be removed: all of a group but its first, in the order of the items."""
        return [str(id) for id in self.groups.loc[self.groups.duplicated("group"), "id"]]

    def __repr__(self) -> str:
        return (
            f"Duplicates({len(self.pairs)} pairs at {self.threshold:.2f} or nearer, {len(self.groups)} items "
            f"in {self.n_groups} groups)"
        )

    def _repr_html_(self) -> str:
        groups = self.groups.head(_SHOWN_ROWS).round({"weakest": 2})
        table = Markup(groups.to_html(index=False, escape=True, justify="left"))
        lines = [repr(self), *self.warnings]
        return render("embedlab.applications", "duplicates.html", {"lines": lines, "table": table})


def find_duplicates(embeddings: Embeddings, threshold: float) -> Duplicates:
    """Find every pair whose cosine is at least the threshold; the search is exact.

    Parameters
    ----------
    embeddings : Embeddings
    threshold : float
        Cosine. Choose it with :func:`choose_threshold`, on known copies.

    Returns
    -------
    Duplicates
        Its groups are the connected components of the graph of pairs.

    Raises
    ------
    BadItem
        If the threshold is outside -1 to 1, or so low that there are more than 50 pairs per item.
    """
    rows, others, cosines = find_pairs(embeddings.normalize().vectors, threshold)
    return _group_pairs(embeddings, threshold, rows, others, cosines)


def find_pairs(vectors: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find the pairs at or above a threshold, block by block.

    Parameters
    ----------
    vectors : ndarray, shape (n, dim), unit length
    threshold : float

    Returns
    -------
    rows, others : ndarray, shape (n_pairs,), int64
        Row numbers; ``rows`` is smaller than ``others``.
    cosines : ndarray, shape (n_pairs,), float32

    Raises
    ------
    BadItem
        As :func:`find_duplicates`.
    """
    if not -1 <= threshold <= 1:
        raise BadItem(f"The threshold is {threshold}. Pass a cosine, from -1 to 1.")
    n, max_pairs = len(vectors), _MAX_PAIRS_PER_ITEM * max(len(vectors), 20)
    step, found, count = max(1, _BLOCK_VALUES // max(n, 1)), [], 0
    for start in range(0, n, step):
        block = vectors[start : start + step] @ vectors[start:].T
        row, other = np.nonzero(block >= threshold - _ROUNDING)
        later = other > row
        row, other = row[later], other[later]
        found.append((row + start, other + start, block[row, other]))
        count += len(row)
        if count > max_pairs:
            raise BadItem(
                f"At a threshold of {threshold} there are more than {max_pairs:,} pairs of {n:,} items. "
                "Pass a higher threshold."
            )
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    rows, others, cosines = (np.concatenate(part) for part in zip(*found, strict=True))
    return rows, others, cosines


def find_stored_duplicates(store: VectorStore, name: str, threshold: float, *, k: int = 50) -> pd.DataFrame:
    """Find the pairs in a collection that does not fit into memory, with one range search per item.

    Parameters
    ----------
    store : VectorStore
    name : str
        A collection whose metric is the cosine.
    threshold : float
        Cosine.
    k : int
        Most pairs per item, from 1 to 1,000.

    Returns
    -------
    DataFrame
        ``id``, ``other``, ``cosine``; the nearest first. An approximate index may miss a few pairs,
        ``index="FLAT"`` finds all.

    Raises
    ------
    StoreError
        If the collection has another metric, or an item has ``k`` duplicates or more.
    """
    if (metric := store.record(name).metric) != "COSINE":
        raise StoreError(
            f"The metric of {name!r} is {metric}, so a threshold on the cosine has no meaning. Add the "
            'embeddings to a collection with metric="COSINE".',
            code=StoreErrorCode.EXISTS,
            collection=name,
            argument="metric",
        )
    if not 1 <= k <= MAX_HITS:
        raise StoreError(
            f"k is {k}, but must be from 1 to {MAX_HITS}.", code=StoreErrorCode.BAD_ARGUMENT, argument="k"
        )
    found: dict[tuple[str, str], float] = {}
    for page in store.pages(name, vectors=True):
        for id, vector in zip(page["id"], page["vector"], strict=True):
            # One more, as the item itself is among the hits.
            hits = store.search(name, vector, k=k + 1, radius=threshold - _ROUNDING)
            if len(hits) > k:
                raise StoreError(
                    f"{id!r} has {k} duplicates or more. Pass a higher threshold or a larger k.",
                    code=StoreErrorCode.BAD_ARGUMENT,
                    collection=name,
                    argument="k",
                    problems={id: Problem(ProblemCode.TOO_LARGE, f"{k} duplicates or more")},
                )
            for other, cosine in zip(hits["id"], hits["score"], strict=True):
                if other != id:
                    found[min(id, other), max(id, other)] = float(cosine)
    rows = [(a, b, cosine) for (a, b), cosine in found.items()]
    table = pd.DataFrame(rows, columns=["id", "other", "cosine"])
    return table.sort_values(["cosine", "id", "other"], ascending=[False, True, True], ignore_index=True)


def _group_pairs(
    embeddings: Embeddings, threshold: float, rows: np.ndarray, others: np.ndarray, cosines: np.ndarray
) -> Duplicates:
    """Group pairs into connected components, and warn of the chained ones."""
    n, ids = len(embeddings), np.array(embeddings.ids, dtype=object)
    pairs = pd.DataFrame({"id": ids[rows], "other": ids[others], "cosine": np.minimum(cosines, 1)})
    pairs = pairs.sort_values("cosine", ascending=False, kind="stable", ignore_index=True)
    links = coo_array((np.ones(len(rows)), (rows, others)), shape=(n, n))
    component = connected_components(links, directed=False)[1]
    members = [np.flatnonzero(component == c) for c in np.flatnonzero(np.bincount(component) > 1)]
    members.sort(key=lambda group: (-len(group), group[0]))
    unit, table, warnings = embeddings.normalize().vectors, [], []
    for number, group in enumerate(members):
        weakest = min(float((unit[group] @ unit[row]).min()) for row in group)
        table += [(number, ids[row], embeddings.items.title(ids[row], 60), weakest) for row in group]
        if weakest < threshold - _ROUNDING:
            warnings.append(
                f"Group {number} ({len(group)} items, with {ids[group[0]]!r}) is a chain: two of them have "
                f"the cosine {weakest:.2f}, below {threshold:.2f}. Look before you delete."
            )
    groups = pd.DataFrame(table, columns=["group", "id", "title", "weakest"])
    return Duplicates(float(threshold), pairs, groups, tuple(warnings))


def choose_threshold(embeddings: Embeddings, copies: Sequence[object]) -> pd.DataFrame:
    """Compute precision and recall at every threshold, on items whose copies are known.

    Parameters
    ----------
    embeddings : Embeddings
    copies : sequence, shape (n_items,)
        Items with the same value are copies of each other; None marks an item without copies.

    Returns
    -------
    DataFrame
        ``threshold``, ``precision`` (share of the found pairs that are copies), ``recall`` (share of the
        pairs of copies that are found), ``f1``; one row for each cosine between two copies, the highest
        first. ``attrs["best"]`` is the threshold with the largest f1, ``attrs["safe"]`` the lowest one with
        a precision of at least 0.99 (None if there is none). Use the safe one before you delete.

    Raises
    ------
    BadItem
        If the lengths differ, or no two items are copies.
    """
    if len(copies) != len(embeddings):
        raise BadItem(f"{len(copies)} values but {len(embeddings)} items.")
    codes = pd.factorize(pd.Series(list(copies), dtype=object))[0]
    row, other = np.triu_indices(len(codes), 1)
    unit = embeddings.normalize().vectors
    cosines = (unit @ unit.T)[row, other].astype(np.float64).round(6)
    true = (codes[row] == codes[other]) & (codes[row] >= 0)
    if not true.any():
        raise BadItem("No two items share a value in copies, so there is nothing to find. Pass known copies.")
    order = np.argsort(-cosines, kind="stable")
    cosines, true = cosines[order], true[order]
    hits, found = np.cumsum(true), np.arange(1, len(true) + 1)
    # Pairs with equal cosines pass the threshold together, so only the last of them counts.
    last = np.flatnonzero(np.append(np.diff(cosines) != 0, True))
    table = pd.DataFrame(
        {"threshold": cosines[last], "precision": hits[last] / found[last], "recall": hits[last] / hits[-1]}
    )
    table["f1"] = (
        2 * table["precision"] * table["recall"] / (table["precision"] + table["recall"]).clip(1e-12)
    )
    table = table[np.diff(table["recall"], prepend=0) > 0].reset_index(drop=True)
    table.attrs["best"] = float(table["threshold"].iloc[int(table["f1"].argmax())])
    safe = table["precision"].to_numpy() >= SAFE_PRECISION
    table.attrs["safe"] = float(table["threshold"].to_numpy()[safe][-1]) if safe.any() else None
    return table

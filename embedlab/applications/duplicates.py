"""Near-duplicates: pairs above a threshold, groups of them, and where the threshold should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem
from embedlab.store import VectorStore
from embedlab.store.errors import StoreError

_BLOCK_VALUES = 4_000_000  # cosines held at once (16 MB)
MOST_HITS = 1000  # of one stored item


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Pairs that lie nearer than a threshold, and the groups that they make.

    Attributes
    ----------
    threshold : float
        Cosine.
    pairs : DataFrame
        ``id``, ``other``, ``cosine``, the nearest first.
    groups : DataFrame
        One row an item that has a duplicate: ``group`` (from 0, the largest), ``id``, ``title``, and
        ``weakest``: the lowest cosine of two items of its group.
    warnings : tuple of str
        Groups that are chained: A is like B and B like C, but A is not like C.
    """

    threshold: float
    pairs: pd.DataFrame
    groups: pd.DataFrame
    warnings: tuple[str, ...]

    @property
    def n_groups(self) -> int:
        """How many groups there are."""
        return int(self.groups["group"].nunique())

    @property
    def extra(self) -> list[str]:
        """What could go: of each group all but the first in the order of the items."""
        return [str(id) for id in self.groups.loc[self.groups.duplicated("group"), "id"]]

    def __repr__(self) -> str:
        return (
            f"Duplicates({len(self.pairs)} pairs at {self.threshold:.2f} or nearer, {len(self.groups)} items "
            f"in {self.n_groups} groups)"
        )

    def _repr_html_(self) -> str:
        told = "".join(f"<p>{escape(w)}</p>" for w in (repr(self), *self.warnings))
        shown = self.groups.head(12).round({"weakest": 2})
        return told + shown.to_html(index=False, escape=True, justify="left")


def find_duplicates(embeddings: Embeddings, threshold: float) -> Duplicates:
    """Every pair whose cosine is at least the threshold, compared exactly.

    Parameters
    ----------
    embeddings : Embeddings
    threshold : float
        Cosine. Choose it by :func:`choose_threshold`, on copies that you know.

    Returns
    -------
    Duplicates
        Its groups are connected components: everything that is linked by pairs.

    Raises
    ------
    BadItem
        For a threshold outside -1 to 1, or one so low that more pairs than 50 for each item come out.
    """
    rows, others, cosines = pairs_above(embeddings.normalize().vectors, threshold)
    return _grouped(embeddings, threshold, rows, others, cosines)


def pairs_above(vectors: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row numbers i < j and cosines of the pairs at or above a threshold, by blocks.

    Parameters
    ----------
    vectors : ndarray, shape (n, dim), unit length
    threshold : float

    Returns
    -------
    rows, others : ndarray, shape (n_pairs,), int64
    cosines : ndarray, shape (n_pairs,), float32
    """
    if not -1 <= threshold <= 1:
        raise BadItem(f"A threshold is a cosine, from -1 to 1, not {threshold}.")
    n, most = len(vectors), 50 * max(len(vectors), 20)
    step, found, count = max(1, _BLOCK_VALUES // max(n, 1)), [], 0
    for start in range(0, n, step):
        block = vectors[start : start + step] @ vectors[start:].T
        row, other = np.nonzero(block >= threshold - 1e-6)  # what rounding takes from copies
        later = other > row
        row, other = row[later], other[later]
        found.append((row + start, other + start, block[row, other]))
        count += len(row)
        if count > most:
            raise BadItem(f"At {threshold} there are more than {most:,} pairs of {n:,} items: raise it.")
    if not found:
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    rows, others, cosines = (np.concatenate(part) for part in zip(*found, strict=True))
    return rows, others, cosines


def stored_duplicates(store: VectorStore, name: str, threshold: float, *, k: int = 50) -> pd.DataFrame:
    """The same pairs from a collection, by a range search for each item: for more than fit into memory.

    Parameters
    ----------
    store, name
        A collection that compares by cosine.
    threshold : float
    k : int
        Pairs of one item, at most.

    Returns
    -------
    DataFrame
        ``id``, ``other``, ``cosine``, the nearest first. The index may overlook a few; with
        ``index="FLAT"`` none.

    Raises
    ------
    StoreError
        When the collection compares otherwise, or an item has ``k`` duplicates or more.
    """
    if store.record(name).metric != "COSINE":
        raise StoreError(f"{name!r} does not compare by cosine, so a threshold on the cosine has no meaning.")
    if not 1 <= k <= MOST_HITS:
        raise StoreError(f"k is {k}, but must be from 1 to {MOST_HITS}.")
    seen: dict[tuple[str, str], float] = {}
    for page in store.pages(name, vectors=True):
        for id, vector in zip(page["id"], page["vector"], strict=True):
            # The item itself is among them.
            hits = store.search(name, vector, k=k + 1, radius=threshold - 1e-6)
            if len(hits) > k:
                raise StoreError(f"{id!r} has {k} duplicates or more: raise the threshold, or k.")
            for other, cosine in zip(hits["id"], hits["score"], strict=True):
                if other != id:
                    seen[min(id, other), max(id, other)] = float(cosine)
    rows = [(a, b, cosine) for (a, b), cosine in seen.items()]
    table = pd.DataFrame(rows, columns=["id", "other", "cosine"])
    return table.sort_values(["cosine", "id", "other"], ascending=[False, True, True], ignore_index=True)


def _grouped(
    embeddings: Embeddings, threshold: float, rows: np.ndarray, others: np.ndarray, cosines: np.ndarray
) -> Duplicates:
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
        if weakest < threshold - 1e-6:
            warnings.append(
                f"Group {number} ({len(group)} items, with {ids[group[0]]!r}) is a chain: two of them have "
                f"the cosine {weakest:.2f}, below {threshold:.2f}. Look before you delete."
            )
    groups = pd.DataFrame(table, columns=["group", "id", "title", "weakest"])
    return Duplicates(float(threshold), pairs, groups, tuple(warnings))


def choose_threshold(embeddings: Embeddings, copies: Sequence[object]) -> pd.DataFrame:
    """Precision and recall at every threshold, on items whose copies are known.

    Parameters
    ----------
    embeddings : Embeddings
    copies : sequence, shape (n_items,)
        Items with the same value are copies of one another; a missing value (None) is a copy of nothing.

    Returns
    -------
    DataFrame
        ``threshold``, ``precision`` (share of the pairs found that are copies), ``recall`` (share of the
        pairs of copies that are found), ``f1``; one row for each cosine of two copies, the highest first.
        ``attrs["best"]`` is the threshold with the largest f1; ``attrs["safe"]`` the lowest at
        which 99 of 100 pairs are copies (None when there is none). To delete, take the safe one.

    Raises
    ------
    BadItem
        When the numbers differ, or there is no pair of copies.
    """
    if len(copies) != len(embeddings):
        raise BadItem(f"{len(copies)} values but {len(embeddings)} items.")
    codes = pd.factorize(pd.Series(list(copies), dtype=object))[0]
    row, other = np.triu_indices(len(codes), 1)
    unit = embeddings.normalize().vectors
    cosines = (unit @ unit.T)[row, other].astype(np.float64).round(6)
    true = (codes[row] == codes[other]) & (codes[row] >= 0)
    if not true.any():
        raise BadItem("No two items are copies of one another, so there is nothing to be found.")
    order = np.argsort(-cosines, kind="stable")
    cosines, true = cosines[order], true[order]
    hits, found = np.cumsum(true), np.arange(1, len(true) + 1)
    # Pairs that are equally near come in together: only the last of them is a threshold.
    last = np.flatnonzero(np.append(np.diff(cosines) != 0, True))
    table = pd.DataFrame(
        {"threshold": cosines[last], "precision": hits[last] / found[last], "recall": hits[last] / hits[-1]}
    )
    table["f1"] = (
        2 * table["precision"] * table["recall"] / (table["precision"] + table["recall"]).clip(1e-12)
    )
    table = table[np.diff(table["recall"], prepend=0) > 0].reset_index(drop=True)
    table.attrs["best"] = float(table["threshold"].iloc[int(table["f1"].argmax())])
    safe = table["precision"].to_numpy() >= 0.99
    table.attrs["safe"] = float(table["threshold"].to_numpy()[safe][-1]) if safe.any() else None
    return table

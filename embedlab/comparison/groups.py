"""Groups of dependent items: copies, views of one photograph, windows of one recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from embedlab.comparison.copies import Copies
from embedlab.comparison.scores import encode_groups
from embedlab.errors import BadItem
from embedlab.items import Items


@dataclass(frozen=True, eq=False)
class Groups:
    """Which items depend on each other, and how scores and tests take that into account.

    Attributes
    ----------
    exclusion : ndarray, shape (n_items,), int64
        Items with the same number never answer for each other.
    resampling : ndarray, shape (n_items,), int64
        Items with the same number are resampled together by intervals and tests.
    given : ndarray, shape (n_items,), int64, or None
        The groups that the user passed, without copies; None if there are none.
    name : str or None
        What the groups are called.
    labels_nested : bool
        Each label occurs in one group only. Then items of a group must answer for each other, because no
        other item could, and ``exclusion`` holds copies alone.
    """

    exclusion: np.ndarray
    resampling: np.ndarray
    given: np.ndarray | None = None
    name: str | None = None
    labels_nested: bool = False

    @property
    def n_given(self) -> int | None:
        """Number of groups that the user passed."""
        return None if self.given is None else int(self.given.max()) + 1


def find_groups(items: Items, groups: str | Sequence[object] | None, copies: Copies) -> Groups:
    """Merge copies with the groups that the user passed.

    Parameters
    ----------
    items : Items
    groups : str or sequence, optional
        A column of the items, or one value per item.
    copies : Copies

    Raises
    ------
    BadItem
        If the column does not exist, the number of values is wrong, or all items are in one group.
    """
    if groups is None:
        return Groups(copies.groups, copies.groups)
    if isinstance(groups, str):
        if groups not in items.frame.columns:
            raise BadItem(f"The items have no column {groups!r}; they have {list(items.frame.columns)}.")
        values, name = items.frame[groups].tolist(), groups
    else:
        values, name = list(groups), "groups"
        if len(values) != len(items):
            raise BadItem(f"{len(values)} groups but {len(items)} items. Pass one group per item.")
    given = encode_groups(values, len(items))
    if given.max() == 0:
        raise BadItem(
            f"All {len(items)} items are in one group of {name!r}, so none could answer for another. Pass "
            "groups that divide the items."
        )
    labels = pd.Series(items.labels or [None] * len(items), dtype=object)
    groups_per_label = pd.Series(given).groupby(labels).nunique()
    labels_nested = len(groups_per_label) > 0 and bool((groups_per_label == 1).all())
    merged = _merge(given, copies.groups)
    return Groups(copies.groups if labels_nested else merged, merged, given, name, labels_nested)


def _merge(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Merge two groupings: items that share a group of ``a`` or of ``b`` stay together."""
    n, shift = len(a), a.max() + 1
    links = coo_array((np.ones(n), (a, shift + b)), shape=(shift + b.max() + 1,) * 2)
    components = np.asarray(connected_components(links, directed=False)[1], np.int64)
    return np.asarray(components[a])

"""Items that belong together: copies of one another, views of one photograph, windows of one recording."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from embedlab.comparison.copies import Copies
from embedlab.comparison.scores import group_codes
from embedlab.errors import BadItem
from embedlab.items import Items


@dataclass(frozen=True, eq=False)
class Groups:
    """Which items depend on each other, and how they are kept from flattering a model.

    Attributes
    ----------
    apart : ndarray, shape (n_items,), int64
        Items with the same number do not answer for one another.
    drawn : ndarray, shape (n_items,), int64
        Items with the same number are drawn together, by intervals and by tests.
    given : ndarray, shape (n_items,), int64, or None
        The groups that were asked for, without what copies add; None where there are none.
    name : str or None
        What the groups are called.
    inside : bool
        Each label lies in one group. Then items of a group must answer for one another, since nobody else
        could, and ``apart`` holds copies alone.
    """

    apart: np.ndarray
    drawn: np.ndarray
    given: np.ndarray | None = None
    name: str | None = None
    inside: bool = False

    @property
    def n_given(self) -> int | None:
        """Groups that were asked for."""
        return None if self.given is None else int(self.given.max()) + 1


def find_groups(items: Items, groups: str | Sequence[Any] | None, copies: Copies) -> Groups:
    """Copies and the groups asked for, joined: a column of the items, or one value for each.

    Raises
    ------
    BadItem
        When there is no such column, the number of values is another, or all items are in one group.
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
            raise BadItem(f"{len(values)} groups but {len(items)} items.")
    given = group_codes(values, len(items))
    if given.max() == 0:
        raise BadItem(f"All {len(items)} items are in one group of {name!r}: nothing is left to compare.")
    labels = pd.Series(items.labels or [None] * len(items), dtype=object)
    spread = pd.Series(given).groupby(labels).nunique()
    inside = len(spread) > 0 and bool((spread == 1).all())
    both = _joined(given, copies.groups)
    return Groups(copies.groups if inside else both, both, given, name, inside)


def _joined(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Groups in which whoever shares either of two is together."""
    n, shift = len(one), one.max() + 1
    links = coo_array((np.ones(n), (one, shift + other)), shape=(shift + other.max() + 1,) * 2)
    parts = np.asarray(connected_components(links, directed=False)[1], np.int64)
    return np.asarray(parts[one])

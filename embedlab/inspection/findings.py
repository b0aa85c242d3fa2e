"""What the checks of items found, as data."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from embedlab.errors import Problem
from embedlab.inspection.checks import Note, group_by_key
from embedlab.items import Items

if TYPE_CHECKING:
    from embedlab.inspection.forecast import Forecast


@dataclass(frozen=True, eq=False, repr=False)
class Findings:
    """What the checks of items found.

    Attributes
    ----------
    items : Items
    sizes : ndarray, shape (n_items,), float64
        Characters of a text, pixels on the shorter side of a picture, seconds of a sound or video; NaN if it
        is not known.
    n_bytes : int
        Of all items; a file that several items share counts once for each.
    problems : dict of str to Problem
        Items that cannot be embedded, by id.
    notes : dict of str to Note
        Items that can be embedded but are odd, by id.
    copies : tuple of tuple of str
        Groups of ids with the same content.
    near_copies : tuple of tuple of str
        Groups that are not copies but nearly: texts that differ in case, spaces or punctuation, pictures
        whose difference hash agrees (only with ``full=True``).
    full : bool
        Whether every file was decoded.
    forecast : Forecast or None
        What a model will take.
    """

    items: Items
    sizes: np.ndarray
    n_bytes: int
    problems: dict[str, Problem]
    notes: dict[str, Note]
    copies: tuple[tuple[str, ...], ...]
    near_copies: tuple[tuple[str, ...], ...]
    full: bool
    forecast: Forecast | None = None

    @cached_property
    def usable(self) -> np.ndarray:
        """Boolean mask, shape (n_items,): can be embedded, and is not a copy of an earlier item."""
        repeated = {id for group in self.copies for id in group[1:]}
        return np.array([id not in self.problems and id not in repeated for id in self.items.ids], bool)

    @cached_property
    def label_conflicts(self) -> tuple[tuple[str, ...], ...]:
        """Groups of copies with different labels: at least one of the labels must be wrong."""
        if self.items.labels is None:
            return ()
        label = dict(zip(self.items.ids, self.items.labels, strict=True))
        return tuple(group for group in self.copies if len({label[id] for id in group}) > 1)

    @cached_property
    def labels(self) -> pd.Series:
        """How many items have each label, the most frequent first."""
        counts = pd.Series(self.items.labels or [], dtype=object).dropna().value_counts()
        return counts.rename("n_items")

    @cached_property
    def similar_labels(self) -> tuple[tuple[str, ...], ...]:
        """Labels that differ only in case, spaces or punctuation: probably one label."""
        names = [str(name) for name in self.labels.index]
        keys = ("".join(c for c in name.casefold() if c.isalnum()) for name in names)
        return group_by_key(names, keys)

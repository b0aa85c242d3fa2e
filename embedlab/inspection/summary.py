"""Summarise items before anything is embedded: how many, how large, what is wrong with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from embedlab.errors import Problem, Speaker
from embedlab.inspection import report
from embedlab.inspection.checks import Check, Note, check_items, group_by_key, hash_possible_copies
from embedlab.items import Items

if TYPE_CHECKING:
    from embedlab.embedders import Embedder
    from embedlab.inspection.forecast import Forecast


@dataclass(frozen=True, eq=False, repr=False)
class Summary:
    """What was found; a notebook shows it as a table, ``print`` as lines.

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

    def lines(self, speaker: Speaker = str) -> list[tuple[str, str]]:
        """Return the summary as pairs of a heading and its text.

        Parameters
        ----------
        speaker : callable
            How to write an :class:`~embedlab.errors.Argument`; by default as Python does.
        """
        return report.lines(self, speaker)

    def text(self, speaker: Speaker = str) -> str:
        """Return the summary as one string; see :meth:`lines`."""
        return report.text(self, speaker)

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        return report.html(self)


def summarize(items: Items, model: str | Embedder | None = None, *, full: bool = False) -> Summary:
    """Summarise items; see :meth:`embedlab.items.Items.summary`."""
    checks = check_items(items, full=full)
    checked = list(zip(items.ids, checks, strict=True))
    copies = group_by_key(items.ids, hash_possible_copies(items, checks))
    summary = Summary(
        items=items,
        sizes=np.array([check.size for check in checks], float),
        n_bytes=sum(check.n_bytes for check in checks),
        problems={id: check.problem for id, check in checked if check.problem},
        notes={id: check.note for id, check in checked if check.note},
        copies=copies,
        near_copies=_group_near_copies(items.ids, checks, copies),
        full=full,
    )
    if model is None:
        return summary
    from embedlab.inspection.forecast import forecast

    readable = items.select(np.array([id not in summary.problems for id in items.ids], bool))
    return dataclasses.replace(summary, forecast=forecast(readable, model))


def _group_near_copies(
    ids: list[str], checks: Sequence[Check], copies: tuple[tuple[str, ...], ...]
) -> tuple[tuple[str, ...], ...]:
    """Group items that are nearly the same; of each group of copies only the first takes part."""
    repeated = {id for group in copies for id in group[1:]}
    keys = ["" if id in repeated else check.near_key for id, check in zip(ids, checks, strict=True)]
    return group_by_key(ids, keys)

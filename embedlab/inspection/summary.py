"""Summarise items before anything is embedded: how many, how large, what is wrong with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embedlab.errors import Speaker
from embedlab.inspection import report
from embedlab.inspection.checks import Check, check_items, group_by_key, hash_possible_copies
from embedlab.inspection.findings import Findings
from embedlab.items import Items

if TYPE_CHECKING:
    from embedlab.embedders import Embedder


@dataclass(frozen=True, eq=False, repr=False)
class Summary(Findings):
    """What was found; a notebook shows it as a table, ``print`` as lines.

    The attributes are those of :class:`~embedlab.inspection.findings.Findings`.
    """

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

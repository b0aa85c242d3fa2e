"""A summary of items before anything is embedded: how many, how large, what is wrong with them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from embedlab.inspection.checks import UNITS, Look, content_keys, groups, look_at
from embedlab.io.formats import format_bytes, format_seconds
from embedlab.io.text import clip, escape
from embedlab.items import Items

if TYPE_CHECKING:
    from embedlab.embedders import Embedder
    from embedlab.inspection.forecast import Forecast

_SHOWN = 5  # examples in a line


@dataclass(frozen=True, eq=False, repr=False)
class Summary:
    """What was found; a notebook shows it as a table, ``print`` as lines.

    Attributes
    ----------
    items : Items
    sizes : ndarray, shape (n_items,), float64
        Characters of a text, pixels on the shorter side of a picture, seconds of a sound or film; NaN where
        that is not known.
    n_bytes : int
        Of all items; a file that several items share counts once for each.
    problems : dict of str to str
        Items that cannot be embedded, each with the reason.
    notes : dict of str to str
        Items that can, but are odd.
    copies : tuple of tuple of str
        Groups of ids with the very same content.
    alike : tuple of tuple of str
        Groups that are not copies but nearly: texts that differ in case, spaces or punctuation, pictures
        whose 8 x 8 differences of brightness agree (only with ``full=True``).
    full : bool
        Whether every file was decoded.
    forecast : Forecast or None
        What a model will take.
    """

    items: Items
    sizes: np.ndarray
    n_bytes: int
    problems: dict[str, str]
    notes: dict[str, str]
    copies: tuple[tuple[str, ...], ...]
    alike: tuple[tuple[str, ...], ...]
    full: bool
    forecast: Forecast | None = None

    # -- for going on ------------------------------------------------------------------------------------

    @cached_property
    def usable(self) -> np.ndarray:
        """Boolean, shape (n_items,): can be embedded, and is no copy of an item before it."""
        again = {id for group in self.copies for id in group[1:]}
        return np.array([id not in self.problems and id not in again for id in self.items.ids], bool)

    @cached_property
    def torn(self) -> tuple[tuple[str, ...], ...]:
        """Groups of copies with different labels: one of them must be wrong."""
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
        return groups(names, ("".join(c for c in name.casefold() if c.isalnum()) for name in names))

    # -- in words ----------------------------------------------------------------------------------------

    def lines(self) -> list[tuple[str, str]]:
        """What is shown: a heading and its words for each line."""
        items, found = self.items, [("items", f"{len(self.items):,} {self.items.modality}")]
        if items.origin:
            found.append(("read from", items.origin.description))
            if items.origin.left_out:
                found.append(("left out in reading", _named(items.origin.left_out)))
        found.append(("size", self._size_words()))
        if items.labels is not None:
            found += self._label_lines()
        found.append(("cannot be embedded", _named(self.problems) if self.problems else "none"))
        if self.items.modality != "text" and not self.full:
            found.append(("not looked at", "the rest of each file after its beginning; full=True decodes it"))
        if self.notes:
            found.append(("odd", _named(self.notes)))
        found.append(("copies", self._copy_words()))
        if self.alike:
            found.append(("nearly the same", f"{_grouped(self.alike)}; {_ALIKE.get(items.modality, '')}"))
        if self.forecast:
            found += self._plan_lines(self.forecast)
        return found

    def _size_words(self) -> str:
        known = self.sizes[np.isfinite(self.sizes)]
        if not len(known):
            return format_bytes(self.n_bytes)
        low, middle, high = np.percentile(known, [25, 50, 75])
        longest = self.items.ids[int(np.nanargmax(self.sizes))]
        unit = UNITS.get(self.items.modality, "")
        show = format_seconds if unit == "seconds" else lambda x: f"{x:,.0f}"
        after = "" if unit == "seconds" else f" {unit}"
        total = f", {format_seconds(float(known.sum()))} in all" if unit == "seconds" else ""
        half = f"half of them have {show(low)} to {show(high)}{after}, the middle one {show(middle)}"
        most = f"the largest {show(float(known.max()))} ({clip(longest, 40)})"
        return f"{format_bytes(self.n_bytes)}{total}; {half}, {most}"

    def _label_lines(self) -> list[tuple[str, str]]:
        counts = self.labels
        none = len(self.items) - int(counts.sum())
        top = ", ".join(f"{clip(name, 30)} {n:,}" for name, n in counts.head(_SHOWN).items())
        more = f" … and {len(counts) - _SHOWN:,} more" if len(counts) > _SHOWN else ""
        single = int((counts == 1).sum())
        words = f"{len(counts):,}: {top}{more}" if len(counts) else "none"
        words += f"; without one: {none:,} items" if none else ""
        words += f"; with a single item: {single:,}" if single else ""
        found = [("labels", words)]
        if self.similar_labels:
            some = "; ".join(" = ".join(clip(repr(n), 32) for n in g) for g in self.similar_labels[:_SHOWN])
            found.append(("labels to unite", some + _rest(len(self.similar_labels))))
        return found

    def _copy_words(self) -> str:
        if not self.copies:
            return "none"
        again = sum(len(group) - 1 for group in self.copies)
        words = f"{again:,} to leave out: {_grouped(self.copies)}"
        if self.torn:
            words += f"; with different labels: {_grouped(self.torn)}"
        return words

    def _plan_lines(self, plan: Forecast) -> list[tuple[str, str]]:
        found = [("model", plan.model + (f", {plan.licence}" if plan.licence else ""))]
        if plan.download_bytes:
            found.append(("download", f"{format_bytes(plan.download_bytes)}, once"))
        found += [("time", plan.time_words), ("result", plan.room_words)]
        if plan.cut_words:
            found.append(("long texts", plan.cut_words))
        return found

    def __repr__(self) -> str:
        lines = self.lines()
        width = max(len(heading) for heading, _ in lines)
        shown = (f"  {heading:<{width}}  {clip(words, 2000)}" for heading, words in lines)
        return "\n".join([f"Summary of {clip(self.items.name, 60)!r}", *shown])

    def _repr_html_(self) -> str:
        # No colours of its own: text and background are the theme's, light or dark.
        cell = "text-align:left;vertical-align:top;padding:3px 14px 3px 0;white-space:normal"
        rows = "".join(
            f'<tr style="background:none"><th scope="row" style="{cell};font-weight:600;white-space:nowrap">'
            f'{escape(heading)}</th><td style="{cell};max-width:52em;overflow-wrap:anywhere">'
            f"<bdi>{escape(clip(words, 2000))}</bdi></td></tr>"
            for heading, words in self.lines()
        )
        name = escape(clip(self.items.name, 60))
        lists = _details("What cannot be embedded, and why", self.problems)
        lists += _details("What was left out in reading, and why", self._left_out)
        return f"<p><b>Summary of “{name}”</b></p><table>{rows}</table>{lists}"

    @property
    def _left_out(self) -> dict[str, str]:
        return dict(self.items.origin.left_out) if self.items.origin else {}


_ALIKE = {
    "text": "they differ in case, spaces or punctuation only",
    "image": "their 8 × 8 differences of brightness agree",
}


def summarize(items: Items, model: str | Embedder | None = None, *, full: bool = False) -> Summary:
    """See :meth:`embedlab.items.Items.summary`."""
    looks = look_at(items, full=full)
    keys = content_keys(items, looks)
    copies = groups(items.ids, keys)
    found = Summary(
        items=items,
        sizes=np.array([look.size for look in looks], float),
        n_bytes=sum(look.n_bytes for look in looks),
        problems={id: look.problem for id, look in zip(items.ids, looks, strict=True) if look.problem},
        notes={id: look.note for id, look in zip(items.ids, looks, strict=True) if look.note},
        copies=copies,
        alike=_nearly(items.ids, looks, copies),
        full=full,
    )
    if model is None:
        return found
    from embedlab.inspection.forecast import forecast

    good = items.select(np.array([id not in found.problems for id in items.ids], bool))
    return dataclasses.replace(found, forecast=forecast(good, model))


def _nearly(
    ids: list[str], looks: Iterable[Look], copies: tuple[tuple[str, ...], ...]
) -> tuple[tuple[str, ...], ...]:
    """Groups of like items, of each group of copies only the first."""
    again = {id for group in copies for id in group[1:]}
    keys = ["" if id in again else look.like for id, look in zip(ids, looks, strict=True)]
    return groups(ids, keys)


def _rest(n: int) -> str:
    return f" … and {n - _SHOWN:,} more" if n > _SHOWN else ""


def _named(reasons: Mapping[str, str]) -> str:
    """How many, and some of them with the reason."""
    pairs = list(reasons.items())
    # A cure stands at the end of a reason, so that only what is far too long is cut.
    some = "; ".join(f"{clip(id, 60)}: {clip(why, 300)}" for id, why in pairs[:_SHOWN])
    return f"{len(pairs):,} – {some}{_rest(len(pairs))}"


def _grouped(several: tuple[tuple[str, ...], ...]) -> str:
    def one(group: tuple[str, ...]) -> str:
        return " = ".join(clip(id, 40) for id in group[:3]) + (f" = … {len(group)}" if len(group) > 3 else "")

    return ", ".join(map(one, several[:_SHOWN])) + _rest(len(several))


def _details(title: str, reasons: dict[str, str]) -> str:
    """All of them, folded away, where there are more than the line shows."""
    if len(reasons) <= _SHOWN:
        return ""
    most = 500
    lines = "".join(
        f"<li><code>{escape(clip(id, 200))}</code>: {escape(clip(why, 300))}</li>"
        for id, why in list(reasons.items())[:most]
    )
    more = f"<p>… and {len(reasons) - most:,} more</p>" if len(reasons) > most else ""
    return f"<details><summary>{title} ({len(reasons):,})</summary><ul>{lines}</ul>{more}</details>"

"""Colour the points of a map: by classes, by a number, by distortion, or not at all."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from embedlab import palette
from embedlab.analysis.projection import Projection
from embedlab.errors import BadItem
from embedlab.io.text import natural_key
from embedlab.items import Items

LABEL, DISTORTION, NONE = "label", "distortion", "none"
DISAGREEMENT = "disagreement"  # between models, if there are several
TAG = "tag"  # given in the explorer
SCORE = "query score"
MISSING = "(none)"
MAX_CLASSES = 40  # more cannot be told apart, so the rarest share one grey entry
_MAX_COUNT_VALUES = 12  # a column of integers with at most this many values holds classes (digits, years)
_OTHERS_COLOR, _OTHERS_SYMBOL = "#777777", "circle-open"


@dataclass(frozen=True)
class Group:
    """The points that share one legend entry.

    Attributes
    ----------
    name : str
        The text of the legend entry, not escaped.
    rows : ndarray, shape (n_members,), int64
        Row numbers of the items.
    color, symbol : str
        Their colour and marker.
    """

    name: str
    rows: np.ndarray
    color: str
    symbol: str = "circle"


@dataclass(frozen=True)
class Coloring:
    """A colour for every point.

    Attributes
    ----------
    by : str
        What the colours stand for, one of :func:`list_colorings`.
    title : str
        Heading of the legend or the colour bar, not escaped.
    groups : list of Group
        In the order of the legend; each row is in exactly one of them.
    values : ndarray or None, shape (n_items,), float64
        For a continuous colouring the value of each item; NaN if it has none (these rows form the group
        ``"(none)"``).
    limits : tuple of float
        The ends of the colour scale.
    reverse : bool
        Whether small values get the light end, so that large ones stand out on white.
    """

    by: str
    title: str
    groups: list[Group]
    values: np.ndarray | None = None
    limits: tuple[float, float] = (0.0, 1.0)
    reverse: bool = False
    _style: dict[int, tuple[str, str]] = field(default_factory=dict, repr=False)

    def style_of(self, row: int) -> tuple[str, str]:
        """Return the colour and the marker symbol of an item."""
        if not self._style:
            for group in self.groups:
                self._style.update(dict.fromkeys(group.rows.tolist(), (group.color, group.symbol)))
        if self.values is not None and np.isfinite(self.values[row]):
            return scale_color(float(self.values[row]), self.limits, self.reverse), "circle"
        return self._style[row]


def list_colorings(items: Items) -> dict[str, str | None]:
    """List what items can be coloured by: name in the menu → metadata column, None for the built-in ones.

    A metadata column is offered if it is numeric or has 2 to 40 classes.
    """
    offered: dict[str, str | None] = {LABEL: None} if items.labels is not None else {}
    for column in items.metadata.columns:
        series = items.metadata[column]
        n_classes = _as_text(series).nunique(dropna=True)
        if _is_continuous(series) or 2 <= n_classes <= MAX_CLASSES:
            name = str(column)
            offered[f"{name} (column)" if name in (LABEL, DISTORTION, NONE) else name] = column
    return offered | {DISTORTION: None, NONE: None}


def color_items(projection: Projection, by: str, offered: dict[str, str | None] | None = None) -> Coloring:
    """Colour the items of a projection.

    Parameters
    ----------
    projection : Projection
    by : str
        ``"label"``, the name of a metadata column, ``"distortion"`` or ``"none"``.
    offered : dict, optional
        The result of :func:`list_colorings` for these items, if it is known already.

    Raises
    ------
    BadItem
        If the items cannot be coloured by it; the message lists what they have.
    """
    items = projection.embeddings.items
    offered = list_colorings(items) if offered is None else offered
    if by not in offered:
        raise BadItem(f"Cannot colour by {by!r}: choose one of {', '.join(map(repr, offered))}.")
    column = offered[by]
    if column is not None:
        series = items.metadata[column]
        if _is_continuous(series):
            return _color_by_values(
                by, str(column), pd.to_numeric(series).to_numpy(np.float64, na_value=np.nan)
            )
        return Coloring(by, str(column), group_by_class(_as_text(series).tolist()))
    if by == LABEL:
        return Coloring(by, LABEL, group_by_class(items.labels or []))
    all_rows = np.arange(len(items))
    if by == DISTORTION:
        distortion = projection.quality.distortion.astype(np.float64)
        group = Group("all items", all_rows, palette.GREY)
        return Coloring(by, "neighbours lost", [group], distortion, (0.0, 1.0), reverse=True)
    return Coloring(by, "", [Group("all items", all_rows, palette.CATEGORIES[2])])


def color_by_values(by: str, title: str, values: np.ndarray, *, reverse: bool) -> Coloring:
    """Colour items by values that are not in their metadata, one per row.

    Parameters
    ----------
    by, title : str
        Name in the menu, and heading of the colour bar.
    values : ndarray, shape (n_items,)
    reverse : bool
        Whether small values get the light end.
    """
    return replace(_color_by_values(by, title, np.asarray(values, np.float64)), reverse=reverse)


def scale_color(value: float, limits: tuple[float, float], reverse: bool) -> str:
    """Return the colour of a value on the continuous scale, as ``#rrggbb``."""
    from plotly.colors import get_colorscale, sample_colorscale

    low, high = limits
    position = (value - low) / (high - low) if high > low else 0.5
    position = min(max(position, 0.0), 1.0)
    [rgb] = sample_colorscale(get_colorscale(palette.SEQUENTIAL), [1 - position if reverse else position])
    red, green, blue = (round(float(x)) for x in rgb.removeprefix("rgb(").removesuffix(")").split(","))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _is_continuous(series: pd.Series) -> bool:
    """Return whether a column holds measurements rather than classes."""
    if not pd.api.types.is_numeric_dtype(series) or pd.api.types.is_bool_dtype(series):
        return False
    values = series.dropna()
    if not len(values):
        return False
    holds_classes = pd.api.types.is_integer_dtype(series) and values.nunique() <= _MAX_COUNT_VALUES
    return not holds_classes


def _as_text(series: pd.Series) -> pd.Series:
    """Convert values to text, missing ones to None; this makes unhashable cells (lists) comparable."""
    values, missing = series.astype(object).tolist(), series.isna().tolist()
    return pd.Series([None if m else str(x) for x, m in zip(values, missing, strict=True)], dtype=object)


def _color_by_values(by: str, title: str, values: np.ndarray) -> Coloring:
    known = np.isfinite(values)
    values = np.where(known, values, np.nan)
    groups = [Group("all items", np.flatnonzero(known), palette.GREY)]
    if not known.all():
        groups.append(Group(MISSING, np.flatnonzero(~known), palette.GREY))
    limits = (float(values[known].min()), float(values[known].max())) if known.any() else (0.0, 1.0)
    return Coloring(by, title, groups, values, limits)


def group_by_class(labels: list[str | None]) -> list[Group]:
    """Group rows by class in natural order, then the rarest beyond 40 classes, then the missing ones."""
    rows: dict[str, list[int]] = {}
    missing: list[int] = []
    for row, label in enumerate(labels):
        (missing if label is None else rows.setdefault(label, [])).append(row)
    kept = set(rows)
    if len(rows) > MAX_CLASSES:
        by_size = sorted(rows, key=lambda name: (-len(rows[name]), natural_key(name)))
        kept = set(by_size[: MAX_CLASSES - 1])
    groups = []
    for position, name in enumerate(sorted(kept, key=natural_key)):
        color, symbol = palette.style(position)
        groups.append(Group(name, np.array(rows[name], np.int64), color, symbol))
    folded = [row for name in rows if name not in kept for row in rows[name]]
    if folded:
        name = f"others ({len(rows) - len(kept)} classes)"
        groups.append(Group(name, np.array(sorted(folded), np.int64), _OTHERS_COLOR, _OTHERS_SYMBOL))
    if missing:
        groups.append(Group(MISSING, np.array(missing, np.int64), palette.GREY))
    return groups

"""How the points of a map are coloured: by classes, by a number, by distortion, or not at all."""

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
DISAGREEMENT = "disagreement"  # of the models, where there are several
TAG = "tag"  # given while looking
SCORE = "query score"
MISSING = "(none)"
MOST_CLASSES = 40  # above, the rare classes share one grey entry: no eye and no legend keeps more apart
_COUNTED = 12  # a column of whole numbers with at most this many values is a set of classes (digits, years)


@dataclass(frozen=True)
class Group:
    """The points that share one legend entry.

    Attributes
    ----------
    name : str
        Text of the legend entry, not escaped.
    rows : ndarray, shape (n_members,), int64
        Row numbers of the members.
    color, symbol : str
        How they are drawn.
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
        What the colours stand for, one of :func:`choices`.
    title : str
        Heading of the legend or the colour bar, not escaped.
    groups : list of Group
        In legend order; together they hold every row once.
    values : ndarray or None, shape (n_items,), float64
        For a continuous colouring the number of each item; NaN where there is none (those rows form the group
        ``"(none)"``).
    limits : tuple of float
        Ends of the colour scale.
    reverse : bool
        True when small numbers get the light end, so that large ones stand out on white.
    """

    by: str
    title: str
    groups: list[Group]
    values: np.ndarray | None = None
    limits: tuple[float, float] = (0.0, 1.0)
    reverse: bool = False
    _style: dict[int, tuple[str, str]] = field(default_factory=dict, repr=False)

    def style_of(self, row: int) -> tuple[str, str]:
        """Colour and marker symbol of one item."""
        if not self._style:
            for group in self.groups:
                self._style.update(dict.fromkeys(group.rows.tolist(), (group.color, group.symbol)))
        if self.values is not None and np.isfinite(self.values[row]):
            return shade(float(self.values[row]), self.limits, self.reverse), "circle"
        return self._style[row]


def choices(items: Items) -> dict[str, str | None]:
    """What the items can be coloured by: name in the menu → metadata column (None for what is built in).

    A metadata column is offered when it is numeric or has from 2 to 40 classes.
    """
    offered: dict[str, str | None] = {LABEL: None} if items.labels is not None else {}
    for column in items.metadata.columns:
        series = items.metadata[column]
        n_classes = _as_text(series).nunique(dropna=True)
        if _continuous(series) or 2 <= n_classes <= MOST_CLASSES:
            name = str(column)
            offered[f"{name} (column)" if name in (LABEL, DISTORTION, NONE) else name] = column
    return offered | {DISTORTION: None, NONE: None}


def coloring(projection: Projection, by: str, offered: dict[str, str | None] | None = None) -> Coloring:
    """Colour the items of a projection.

    Parameters
    ----------
    projection : Projection
    by : str
        ``"label"``, the name of a metadata column, ``"distortion"`` or ``"none"``.
    offered : dict, optional
        What :func:`choices` gave for these items, where it is known already.

    Raises
    ------
    BadItem
        When the items have no such column; the message lists what they have.
    """
    items = projection.embeddings.items
    offered = choices(items) if offered is None else offered
    if by not in offered:
        raise BadItem(f"Cannot colour by {by!r}: choose one of {', '.join(map(repr, offered))}.")
    everything = np.arange(len(items))
    column = offered[by]
    if column is not None:
        series = items.metadata[column]
        if _continuous(series):
            return _numeric(by, str(column), pd.to_numeric(series).to_numpy(np.float64, na_value=np.nan))
        return Coloring(by, str(column), classes(_as_text(series).tolist()))
    if by == LABEL:
        return Coloring(by, LABEL, classes(items.labels or []))
    if by == DISTORTION:
        distortion = projection.quality.distortion.astype(np.float64)
        group = Group("all items", everything, palette.GREY)
        return Coloring(by, "neighbours lost", [group], distortion, (0.0, 1.0), reverse=True)
    return Coloring(by, "", [Group("all items", everything, palette.CATEGORIES[2])])


def numbers(by: str, title: str, values: np.ndarray, *, reverse: bool) -> Coloring:
    """A colouring by numbers that the items do not hold themselves, one for each row, from dark to light.

    ``reverse`` gives small numbers the light end, so that large ones stand out on white.
    """
    return replace(_numeric(by, title, np.asarray(values, np.float64)), reverse=reverse)


def shade(value: float, limits: tuple[float, float], reverse: bool) -> str:
    """Colour of one number on the continuous scale, as ``#rrggbb``."""
    from plotly.colors import get_colorscale, sample_colorscale

    low, high = limits
    position = (value - low) / (high - low) if high > low else 0.5
    position = min(max(position, 0.0), 1.0)
    [rgb] = sample_colorscale(get_colorscale(palette.SEQUENTIAL), [1 - position if reverse else position])
    red, green, blue = (round(float(x)) for x in rgb.removeprefix("rgb(").removesuffix(")").split(","))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _continuous(series: pd.Series) -> bool:
    if not pd.api.types.is_numeric_dtype(series) or pd.api.types.is_bool_dtype(series):
        return False
    values = series.dropna()
    if not len(values):
        return False
    counted = pd.api.types.is_integer_dtype(series) and values.nunique() <= _COUNTED
    return not counted


def _as_text(series: pd.Series) -> pd.Series:
    """Every value as text, missing ones as None; unhashable cells (lists) become comparable that way too."""
    values, missing = series.astype(object).tolist(), series.isna().tolist()
    return pd.Series([None if m else str(x) for x, m in zip(values, missing, strict=True)], dtype=object)


def _numeric(by: str, title: str, values: np.ndarray) -> Coloring:
    known = np.isfinite(values)
    values = np.where(known, values, np.nan)
    groups = [Group("all items", np.flatnonzero(known), palette.GREY)]
    if not known.all():
        groups.append(Group(MISSING, np.flatnonzero(~known), palette.GREY))
    limits = (float(values[known].min()), float(values[known].max())) if known.any() else (0.0, 1.0)
    return Coloring(by, title, groups, values, limits)


def classes(labels: list[str | None]) -> list[Group]:
    """One group per class in natural order, then the rarest ones beyond 40 classes, then the missing ones."""
    rows: dict[str, list[int]] = {}
    missing: list[int] = []
    for row, label in enumerate(labels):
        (missing if label is None else rows.setdefault(label, [])).append(row)
    kept = set(rows)
    if len(rows) > MOST_CLASSES:
        by_size = sorted(rows, key=lambda name: (-len(rows[name]), natural_key(name)))
        kept = set(by_size[: MOST_CLASSES - 1])
    groups = []
    for position, name in enumerate(sorted(kept, key=natural_key)):
        color, symbol = palette.style(position)
        groups.append(Group(name, np.array(rows[name], np.int64), color, symbol))
    folded = [row for name in rows if name not in kept for row in rows[name]]
    if folded:
        name = f"others ({len(rows) - len(kept)} classes)"
        groups.append(Group(name, np.array(sorted(folded), np.int64), "#777777", "circle-open"))
    if missing:
        groups.append(Group(MISSING, np.array(missing, np.int64), palette.GREY))
    return groups

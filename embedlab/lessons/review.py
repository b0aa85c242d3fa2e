"""Review a project for the most common mistakes, as far as its objects show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

import embedlab as el
from embedlab.analysis.projection import Projection
from embedlab.comparison.result import Comparison
from embedlab.comparison.scores import Score
from embedlab.lessons.project import MIN_ITEMS

_COLOURS = {"✓": "#117733", "!": "#CC6677"}


@dataclass(frozen=True)
class Point:
    """One point of a review.

    Attributes
    ----------
    topic : str
        What was looked at.
    passed : bool
        Whether there is nothing to object.
    message : str
        A sentence for the author of the project.
    """

    topic: str
    passed: bool
    message: str

    @property
    def mark(self) -> str:
        """A tick, or an exclamation mark."""
        return "✓" if self.passed else "!"


@dataclass(frozen=True)
class Review:
    """The points of a review."""

    points: tuple[Point, ...]

    @property
    def objections(self) -> list[str]:
        """The messages of the points that did not pass."""
        return [point.message for point in self.points if not point.passed]

    def __repr__(self) -> str:
        """Return a line for each point."""
        return "\n".join(f"{point.mark} {point.topic}: {point.message}" for point in self.points)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="text-align:center"><b style="color:{_COLOURS[point.mark]}">{point.mark}</b></td>'
            f'<td style="text-align:left"><b>{escape(point.topic)}</b></td>'
            f'<td style="text-align:left;white-space:normal">{escape(point.message)}</td></tr>'
            for point in self.points
        )
        return f'<table style="font-size:14px;max-width:960px"><tbody>{rows}</tbody></table>'


def review(
    comparison: Comparison,
    *,
    maps: Sequence[Projection] = (),
    search: Score | None = None,
    shelf: el.Items | None = None,
    asked: el.Items | None = None,
) -> Review:
    """Review a project for the most common mistakes.

    Parameters
    ----------
    comparison : Comparison
    maps : sequence of Projection
        The maps that the report mentions.
    search : Score, optional
        The score of the search over all questions.
    shelf, asked : Items, optional
        The items in the store, and those that it was searched with: no item should be in both.

    Returns
    -------
    Review
        It sees what numbers show, not whether the question is a good one.
    """
    return Review(
        (
            *_data(comparison),
            *_models(comparison),
            *_maps(maps),
            *_search(search, shelf, asked),
            *_again(comparison),
        )
    )


def _data(c: Comparison) -> Iterator[Point]:
    n = len(c.items)
    yield Point("enough items", n >= MIN_ITEMS, f"{n} items: one more or less right is {100 / n:.1f} points.")
    if c.copies.n_items:
        words = f"{c.copies.n_items} items have a copy; in the scores no copy answered for another."
        yield Point("copies", not c.copies.n_conflicting and not c.copies.n_exact, words)
    else:
        yield Point("copies", True, "No item is there twice.")
    labels = np.array([str(v) for v in c.items.labels or [] if v is not None])
    if len(labels):
        share = np.unique(labels, return_counts=True)[1].max() / len(labels)
        words = f"Always to say the most frequent label would be right for {share:.0%}."
        yield Point("balance", share <= 0.5, words)
    unread = {name: len(e.report.truncated) + len(e.report.skipped) for name, e in c.embeddings.items()}
    words = "; ".join(f"{name} did not read {k} items whole" for name, k in unread.items() if k)
    yield Point("read whole", not words, f"{words or 'Every item was read to its end'}.")


def _models(c: Comparison) -> Iterator[Point]:
    yield Point("two models", len(c.names) > 1, f"{' and '.join(c.names)}, on the same items.")
    if not len(c.differences):
        yield Point("uncertainty", False, "Nothing was scored: give labels, or questions with answers.")
        return
    clear = c.differences[c.differences["clear"]]
    words = "; ".join(
        f"{row.better} is ahead in {row.measure} by {row.difference:.2f} [{row.low:.2f}, {row.high:.2f}]"
        for row in clear.itertuples()
    )
    words = words or "No difference is clear. Say so, and take the cheaper model"
    yield Point("uncertainty", True, f"{words}.")
    scores = c.scores.dropna(subset=["chance"])
    near = scores[scores["low"] <= scores["chance"]]
    words = "; ".join(f"{row.model} in {row.measure}" for row in near.itertuples())
    yield Point(
        "better than chance", not words, f"Not clear of chance: {words}." if words else "Every score is."
    )


def _maps(maps: Sequence[Projection]) -> Iterator[Point]:
    different = {(m.method, str(sorted(m.params.items()))) for m in maps}
    if len(different) < 2:
        yield Point(
            "maps", False, "Fewer than two different maps: nobody knows what another seed would show."
        )
        return
    low = min(m.quality.trustworthiness for m in maps)
    lost = max(float(m.quality.distortion.mean()) for m in maps)
    words = (
        f"{len(different)} different; trustworthiness from {low:.2f}, up to {lost:.0%} of neighbours lost."
    )
    yield Point("maps", low >= 0.8, words)


def _search(search: Score | None, shelf: el.Items | None, asked: el.Items | None) -> Iterator[Point]:
    if search is None:
        yield Point("search", False, "The search was not scored.")
        return
    yield Point("search", search.n >= 20, f"{search!r}: {search.n} questions.")
    if shelf is not None and asked is not None:
        both = len(set(shelf.content_hashes()) & set(asked.content_hashes()))
        words = (
            f"{both} questions lie in the store: they find themselves."
            if both
            else "No question lies in the store."
        )
        yield Point("questions apart", not both, words)


def _again(c: Comparison) -> Iterator[Point]:
    pins = {name: e.model.sha256 for name, e in c.embeddings.items()}
    loose = [name for name, pin in pins.items() if not pin]
    words = ", ".join(f"{name} @ {pin[:8]}" for name, pin in pins.items() if pin)
    words = f"{words}; random_state={c.random_state}." if words else ""
    yield Point(
        "reproducible", not loose, f"No weights are named for {', '.join(loose)}." if loose else words
    )

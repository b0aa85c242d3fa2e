"""A review of a project: what a reader would object to, found in the objects themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

import embedlab as el
from embedlab.analysis.projection import Projection
from embedlab.comparison.result import Comparison
from embedlab.comparison.scores import Score
from embedlab.lessons.project import FEWEST

_COLOURS = {"✓": "#117733", "!": "#CC6677"}
Found = tuple[str, bool, str]


@dataclass(frozen=True)
class Review:
    """Points of a review: each with what was looked at, whether it is well, and a sentence."""

    points: tuple[Found, ...]

    @property
    def objections(self) -> list[str]:
        """What a reader would object to."""
        return [words for _, fine, words in self.points if not fine]

    def __repr__(self) -> str:
        return "\n".join(f"{'✓' if fine else '!'} {what}: {words}" for what, fine, words in self.points)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="text-align:center"><b style="color:{_COLOURS["✓" if fine else "!"]}">'
            f'{"✓" if fine else "!"}</b></td><td style="text-align:left"><b>{escape(what)}</b></td>'
            f'<td style="text-align:left;white-space:normal">{escape(words)}</td></tr>'
            for what, fine, words in self.points
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
    """Look at a project for the mistakes that are made most often.

    Parameters
    ----------
    comparison : Comparison
    maps : sequence of Projection
        The maps that the report speaks of.
    search : Score, optional
        How well the search does, over the questions.
    shelf, asked : Items, optional
        What lies in the store, and what it was asked with: nothing should be in both.

    Returns
    -------
    Review
        It finds what can be seen in numbers, and knows nothing of whether the question is a good one.
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


def _data(c: Comparison) -> Iterator[Found]:
    n = len(c.items)
    yield "enough items", n >= FEWEST, f"{n} items: one more or less right is {100 / n:.1f} points."
    if c.copies.n_items:
        words = f"{c.copies.n_items} items have a copy; in the scores no copy answered for another."
        yield "copies", not c.copies.torn and not c.copies.exact, words
    else:
        yield "copies", True, "No item is there twice."
    labels = np.array([str(v) for v in c.items.labels or [] if v is not None])
    if len(labels):
        share = np.unique(labels, return_counts=True)[1].max() / len(labels)
        words = f"Always to say the most frequent label would be right for {share:.0%}."
        yield "balance", share <= 0.5, words
    unread = {name: len(e.report.truncated) + len(e.report.skipped) for name, e in c.embeddings.items()}
    words = "; ".join(f"{name} did not read {k} items whole" for name, k in unread.items() if k)
    yield "read whole", not words, f"{words or 'Every item was read to its end'}."


def _models(c: Comparison) -> Iterator[Found]:
    yield "two models", len(c.names) > 1, f"{' and '.join(c.names)}, on the same items."
    if not len(c.differences):
        yield "uncertainty", False, "Nothing was scored: give labels, or questions with answers."
        return
    clear = c.differences[c.differences["clear"]]
    words = "; ".join(
        f"{row.better} is ahead in {row.measure} by {row.difference:.2f} [{row.low:.2f}, {row.high:.2f}]"
        for row in clear.itertuples()
    )
    words = words or "No difference is clear. Say so, and take the cheaper model"
    yield "uncertainty", True, f"{words}."
    scores = c.scores.dropna(subset=["chance"])
    near = scores[scores["low"] <= scores["chance"]]
    words = "; ".join(f"{row.model} in {row.measure}" for row in near.itertuples())
    yield "better than chance", not words, f"Not clear of chance: {words}." if words else "Every score is."


def _maps(maps: Sequence[Projection]) -> Iterator[Found]:
    different = {(m.method, str(sorted(m.params.items()))) for m in maps}
    if len(different) < 2:
        yield "maps", False, "Fewer than two different maps: nobody knows what another seed would show."
        return
    low = min(m.quality.trustworthiness for m in maps)
    lost = max(float(m.quality.distortion.mean()) for m in maps)
    words = (
        f"{len(different)} different; trustworthiness from {low:.2f}, up to {lost:.0%} of neighbours lost."
    )
    yield "maps", low >= 0.8, words


def _search(search: Score | None, shelf: el.Items | None, asked: el.Items | None) -> Iterator[Found]:
    if search is None:
        yield "search", False, "The search was not scored."
        return
    yield "search", search.n >= 20, f"{search!r}: {search.n} questions."
    if shelf is not None and asked is not None:
        both = len(set(shelf.content_hashes()) & set(asked.content_hashes()))
        words = (
            f"{both} questions lie in the store: they find themselves."
            if both
            else "No question lies in the store."
        )
        yield "questions apart", not both, words


def _again(c: Comparison) -> Iterator[Found]:
    pins = {name: e.model.sha256 for name, e in c.embeddings.items()}
    loose = [name for name, pin in pins.items() if not pin]
    words = ", ".join(f"{name} @ {pin[:8]}" for name, pin in pins.items() if pin)
    words = f"{words}; random_state={c.random_state}." if words else ""
    yield "reproducible", not loose, f"No weights are named for {', '.join(loose)}." if loose else words

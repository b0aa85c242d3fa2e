"""The values of a comparison page about scores: cards, score lanes, differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from embedlab.comparison.data import ComparisonData
from embedlab.comparison.evaluation import MRR, Task
from embedlab.comparison.figures import model_color
from embedlab.comparison.scores import Score
from embedlab.comparison.verdict import format_score, main_task


@dataclass(frozen=True)
class Card:
    """One model: its score in the main task, and facts about it."""

    name: str
    color: str
    score: str
    measure: str
    facts: list[tuple[str, str]]


@dataclass(frozen=True)
class Lane:
    """The score of one model in one task; positions are in per cent of the track."""

    name: str
    color: str
    left: str
    width: str
    dot: str
    chance: str | None
    value: str
    interval: str


@dataclass(frozen=True)
class TaskLanes:
    """One task: a lane for each model, and what can be told apart."""

    measure: str
    question: str
    size: str
    lanes: list[Lane]
    conclusion: str


def model_cards(data: ComparisonData) -> list[Card]:
    """Return a card for each model."""
    return [_card(data, name, place) for place, name in enumerate(data.names)]


def _card(data: ComparisonData, name: str, place: int) -> Card:
    emb, cost, task = data.embeddings[name], data.cost.to_dict("index")[name], main_task(data.tasks)
    has_score = task is not None and name in task.scores
    n = int(cost["n_measured"])
    facts = [
        ("dimensions", f"{emb.dim:,}"),
        ("parameters", f"{emb.model.params / 1e6:,.1f} million" if emb.model.params else "not told"),
        ("files", _format_or_missing(cost["file_mb"], lambda v: f"{v:,.0f} MB")),
        ("a million vectors", f"{cost['mb_per_million'] / 1000:,.1f} GB"),
        ("items a second", _format_or_missing(cost["items_per_second"], lambda v: _format_rate(v, n))),
        ("memory at its peak", _format_or_missing(cost["peak_mb"], lambda v: f"{v:,.0f} MB")),
        ("read at", f"{emb.layer} → {emb.pooling}"),
        ("licence", str(emb.model.licence)),
    ]
    return Card(
        name=name,
        color=model_color(place),
        score=format_score(task, name) if task and has_score else "",
        measure=f"{task.measure}, n = {task.scores[name].n:,}" if task and has_score else "",
        facts=facts,
    )


def score_lanes(data: ComparisonData, task: Task) -> TaskLanes:
    """Lay out the scores of one task."""
    low = task.lowest if any(score.value < 0 for score in task.scores.values()) else 0.0
    n = next(iter(task.scores.values())).n
    return TaskLanes(
        measure=task.measure,
        question="1 / place of the first right item" if task.measure == MRR else task.question,
        size=f"n = {n:,} {task.unit}",
        lanes=[
            _lane(name, model_color(data.names.index(name)), score, task.chance, low)
            for name, score in task.scores.items()
        ],
        conclusion=_conclude(data, task),
    )


def _lane(name: str, color: str, score: Score, chance: float, low: float) -> Lane:
    has_interval = bool(np.isfinite(score.low))
    ends = (score.low, score.high) if has_interval else (score.value, score.value)
    left, right = (_percent(value, low) for value in ends)
    return Lane(
        name=name,
        color=color,
        left=f"{left:.1f}",
        width=f"{max(right - left, 0.5):.1f}",
        dot=f"{_percent(score.value, low):.1f}",
        chance=f"{_percent(chance, low):.1f}" if np.isfinite(chance) else None,
        value=f"{score.value:.2f}",
        interval=f" [{score.low:.2f}, {score.high:.2f}]" if has_interval else "",
    )


def tabulate_differences(data: ComparisonData) -> list[tuple[list[str], list[str]]]:
    """Return the words and the numbers of every pair of models in every task."""
    rows = []
    for row in data.differences.to_dict("records"):
        interval = f"[{row['low']:+.2f}, {row['high']:+.2f}]" if np.isfinite(row["low"]) else ""
        numbers = [f"{row['difference']:+.2f}", interval, f"{row['p_adjusted']:.2g}", f"{row['n']:,}"]
        rows.append(([row["measure"], row["better"], row["worse"]], numbers))
    return rows


def _conclude(data: ComparisonData, task: Task) -> str:
    """Say which models can be told apart in one task."""
    rows = data.differences[data.differences["measure"] == task.measure]
    if rows.empty:
        return "only one model can do this"
    clear = rows[rows["clear"]]
    if len(rows) == 1:
        row = rows.iloc[0]
        words = (
            f"+{row['difference']:.2f} [{row['low']:+.2f}, {row['high']:+.2f}], p = {row['p_adjusted']:.2g}"
        )
        return f"{row['better']} is ahead: {words}" if row["clear"] else f"not distinguishable: {words}"
    if clear.empty:
        return "no two are distinguishable"
    pairs = [f"{row.better} before {row.worse}" for row in clear.itertuples()]
    n_unclear = len(rows) - len(clear)
    return "clear: " + "; ".join(pairs) + (f". {n_unclear} not distinguishable" if n_unclear else "")


def _percent(value: float, low: float) -> float:
    return float(np.clip(100 * (value - low) / (1 - low), 0, 100))


def _format_rate(value: float, n: int) -> str:
    return (f"{value:,.0f}" if value >= 10 else f"{value:.1f}") + f" (n = {n})"


def _format_or_missing(value: float, form: Callable[[float], str]) -> str:
    return form(float(value)) if np.isfinite(value) else "not measured"

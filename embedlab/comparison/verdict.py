"""The verdict of a comparison: which model is ahead, whether that is clear, what it costs, what to choose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from embedlab.comparison.data import ComparisonData
from embedlab.comparison.evaluation import (
    CLEAR,
    KNN_ACCURACY,
    SPEARMAN,
    SUCCESS_AT_1,
    ZERO_SHOT,
    Task,
)
from embedlab.comparison.wording import count_units, join_words

# In order of preference: closest first to what people do with embeddings.
MAIN_MEASURES = (SUCCESS_AT_1, SPEARMAN, KNN_ACCURACY, ZERO_SHOT)
_WORTH_SAYING = 1.3  # times as fast, or as small
_TOO_MUCH = 0.2  # of a score: nobody gives that up for speed
_WIDE = 0.02  # half an interval that needs more words than "±"
_SAME = 1 - 1e-4  # shared neighbours from which two models count as one


def write_verdict(data: ComparisonData) -> list[str]:
    """Write the verdict in paragraphs, the choice first."""
    task = main_task(data.tasks)
    if task is None or len(task.scores) < 2:
        return [
            "Nothing here says which model is better: that needs labels, or queries and what they should "
            "find. Alike or not, and at what cost, is below.",
            _describe_overlap(data),
        ]
    ordered = sorted(task.scores, key=lambda name: -task.scores[name].value)
    paragraphs = (
        _recommend(data, task, ordered),
        _describe_scores(data, task, ordered),
        _describe_other_tasks(data, task),
        _describe_overlap(data),
        _describe_method(data),
    )
    return [paragraph for paragraph in paragraphs if paragraph]


def main_task(tasks: Sequence[Task]) -> Task | None:
    """Return the task that the verdict is about."""
    by_measure = {task.measure: task for task in tasks}
    return next((by_measure[measure] for measure in MAIN_MEASURES if measure in by_measure), None)


def format_score(task: Task, name: str) -> str:
    """Write a score with half its interval: "71 ± 4 %", or "0.35 ± 0.16"."""
    score = task.scores[name]
    return _format_value(task, score.value, (score.high - score.low) / 2)


def _format_value(task: Task, value: float, half: float) -> str:
    if task.lowest < 0:
        return f"{value:.2f}" + (f" ± {half:.2f}" if np.isfinite(half) else "")
    percent = np.floor(100 * value + 0.5 + 1e-9)  # half up, as two decimals are rounded, not to even
    if value in (0, 1) and half >= _WIDE:  # the interval of a perfect score has one side
        reach = 100 * min(2 * half, 1)
        return f"{percent:.0f} % (at {'least' if value else 'most'} {100 - reach if value else reach:.0f} %)"
    return f"{percent:.0f}" + (f" ± {max(100 * half, 1):.0f}" if np.isfinite(half) else "") + " %"


def _describe_scores(data: ComparisonData, task: Task, ordered: list[str]) -> str:
    n = task.scores[ordered[0]].n
    about = count_units(n, task.unit) + (f" to {len(data.items):,} items" if task.unit == "queries" else "")
    others = [f"{name} in {format_score(task, name)}" for name in ordered[1:]]
    if task.measure == SPEARMAN:
        others = [f"{name} {format_score(task, name)}" for name in ordered[1:]]
        first = f"{ordered[0]} {task.question}: Spearman {format_score(task, ordered[0])}, "
    elif task.measure == KNN_ACCURACY:
        score = format_score(task, ordered[0])
        first = f"the nearest neighbour has the same label with {ordered[0]} in {score}, with "
    else:
        first = f"{ordered[0]} {task.question} in {format_score(task, ordered[0])}, "
    words = f"On {about} of “{data.items.name}”, {first}{join_words(others)}. "
    same = [name for name in ordered[1:] if _same_answers(task, ordered[0], name)]
    if len(same) == len(ordered) - 1:
        return words + f"{'Both' if len(ordered) == 2 else 'All'} answer every one of them alike."
    rows = {name: _difference(data, task, ordered[0], name) for name in ordered[1:]}
    clear = [name for name in ordered[1:] if rows[name]["clear"]]
    unclear = [name for name in ordered[1:] if name not in clear]
    if not unclear:
        largest = max(row["p_adjusted"] for row in rows.values())
        if len(ordered) > 2:
            return words + f"{ordered[0]} is clearly ahead of all others (p {_format_p(largest)})."
        return words + f"That is a clear difference (p {_format_p(largest)})."
    smallest = min(rows[name]["p_adjusted"] for name in unclear)
    words += f"{join_words([ordered[0], *unclear])} are not distinguishable here (p {_format_p(smallest)})"
    return words + (
        f"; {join_words(clear)} {'are' if len(clear) > 1 else 'is'} clearly behind." if clear else "."
    )


def _recommend(data: ComparisonData, task: Task, ordered: list[str]) -> str:
    best = ordered[0]
    rows = {name: _difference(data, task, best, name) for name in ordered[1:]}
    equals = [best, *(name for name in ordered[1:] if not rows[name]["clear"])]
    cheap, reason = _find_cheapest(data.cost, equals)
    if not any(_beats_chance(task, name) for name in ordered):
        return (
            f"Choose none of these by these data: in {task.measure} no model is clearly better than chance "
            f"({_format_value(task, task.chance, np.nan)})."
        )
    gain = max((rows[name]["high"] for name in equals[1:]), default=0.0)
    if len(equals) > 1 and not gain < _TOO_MUCH * (1 - task.lowest):
        until = f"take {cheap}: {reason}" if reason else f"take any of {join_words(equals)}"
        return f"{_too_few(data, task, best, gain)}. Until you have more, {until}."
    if cheap != best and reason:
        gain_words = _points(task, rows[cheap]["high"])
        return (
            f"Choose {cheap}, unless a gain of at most about {gain_words} is worth its price: {best} is not "
            f"clearly better, and {reason}."
        )
    if len(equals) == 1:
        return _weigh_cost(data, task, ordered, rows)
    if reason:
        return f"Choose {best}: none is clearly better in {task.measure}, and {reason}."
    return f"Take any of {join_words(equals)}."


def _too_few(data: ComparisonData, task: Task, best: str, gain: float) -> str:
    """Say that there are too few questions, and how much the best model may gain."""
    n, unit = task.scores[best].n, task.unit
    if data.groups.n_given is not None and unit == "items":
        n, unit = data.groups.n_given, "groups of items"
    words = f"{count_units(n, unit)} {'is' if n == 1 else 'are'} too few to tell"
    if not np.isfinite(gain):
        return words
    return f"{words}: {best} may be better by up to {_points(task, gain)}, or not at all"


def _weigh_cost(data: ComparisonData, task: Task, ordered: list[str], rows: dict[str, pd.Series]) -> str:
    """Recommend the model that is clearly best, and say what a cheaper one would lose."""
    best = ordered[0]
    cheap, reason = _find_cheapest(data.cost, ordered)
    if not reason or cheap == best or not rows[cheap]["low"] < _TOO_MUCH:  # NaN: not known
        return f"Choose {best}."
    low = _points(task, rows[cheap]["low"], with_unit=False)
    high = _points(task, rows[cheap]["high"])
    return (
        f"Choose {best}, unless cost matters more than {low} to {high}: that is what {cheap} loses; {reason}."
    )


def _points(task: Task, value: float, *, with_unit: bool = True) -> str:
    if task.lowest < 0:
        return f"{value:.2f}"
    return f"{100 * max(value, 0):.0f}" + (" points" if with_unit else "")


def _find_cheapest(cost: pd.DataFrame, names: list[str]) -> tuple[str, str]:
    """Return the least costly model, and the reason in words; an empty reason if costs are similar."""
    table = cost.loc[names]
    if len(table) < 2:
        return names[0], ""
    speed = table["items_per_second"]
    if speed.notna().all():
        fast = str(speed.idxmax())
        ratio = speed[fast] / speed.drop(fast).max()
        if ratio >= _WORTH_SAYING:
            return fast, f"{fast} is {ratio:.1f} times as fast" + _space_saved(table, fast)
    size = table["dim"].astype(float)
    short = str(size.idxmin())
    if size.drop(short).min() / size[short] >= _WORTH_SAYING:
        return short, f"the vectors of {short} take {size[short] / size.drop(short).min():.0%} of the space"
    weights = table["params"].astype(float)
    small = str(weights.idxmin())
    if weights[small] and weights.drop(small).min() / weights[small] >= _WORTH_SAYING:
        return small, f"{small} is the smallest, with {weights[small] / 1e6:.1f} million parameters"
    return names[0], ""


def _space_saved(table: pd.DataFrame, name: str) -> str:
    ratio = float(table["dim"].drop(name).min()) / float(table.loc[name, "dim"])  # type: ignore[arg-type]
    return f", and its vectors take {1 / ratio:.0%} of the space" if ratio >= _WORTH_SAYING else ""


def _describe_other_tasks(data: ComparisonData, task: Task) -> str:
    """Say whether the other measures agree."""
    others = data.differences[data.differences["measure"] != task.measure]
    clear = others[others["clear"]]
    if others.empty:
        return ""
    if clear.empty:
        if len(others) == 1:
            return "The one other comparison shows no clear difference, either."
        return f"None of {len(others)} other comparisons shows a clear difference."
    against, only_there = [], []
    for better, worse, measure in zip(clear["better"], clear["worse"], clear["measure"], strict=True):
        if not {better, worse} <= set(task.scores):
            continue
        row = _difference(data, task, better, worse)
        words = f"{better} is clearly ahead of {worse} in {measure}"
        if not row["clear"]:
            only_there.append(words)
        elif row["better"] != better:
            against.append(words)
    if against:
        return f"But {join_words(against[:3])}: decide first which question is yours."
    if only_there:
        return f"Yet {join_words(only_there[:3])}: if that is your question, it decides."
    if len(clear) == len(others) > 1:
        all_of = "Both" if len(others) == 2 else f"All {len(others)}"
        return f"{all_of} other comparisons are clear, too, and point the same way."
    are = "is clear, and points" if len(clear) == 1 else "are clear, and all of these point"
    return f"Of {len(others)} other comparisons {len(clear)} {are} the same way."


def _describe_overlap(data: ComparisonData) -> str:
    """Say how much of a result list changes with the model."""
    shared = data.similarity[data.similarity["measure"] == "mutual_knn"]
    if shared.empty:
        return ""
    shared = shared[shared["k"] == data.k].sort_values("value")
    row = shared.iloc[0]
    k = int(row["k"])
    if row["chance"] > 0.5:  # nearly all items are neighbours of each other
        return ""
    if row["value"] >= _SAME:
        return f"{join_words(data.names)} name the same neighbours for every item: for a search they are one."
    words = "share" if len(shared) == 1 else "are the least alike. They share"
    if row["p_value"] > CLEAR:
        end = ": no more than two that have nothing in common."
    else:
        end = ": the choice changes most of what a search returns." if row["value"] < 0.5 else "."
    return (
        f"{row['first']} and {row['second']} {words} {k * row['value']:.1f} of an item's {k} nearest "
        f"neighbours (by chance {k * row['chance']:.1f}){end}"
    )


def _beats_chance(task: Task, name: str) -> bool:
    score = task.scores[name]
    return not (np.isfinite(task.chance) and (score.low <= task.chance or score.value <= task.chance))


def _same_answers(task: Task, a: str, b: str) -> bool:
    return bool(np.array_equal(task.scores[a].per_query, task.scores[b].per_query))


def _describe_method(data: ComparisonData) -> str:
    count = len(data.differences)
    return (
        "This rests on these data alone. “±” is half a 95 % bootstrap interval; p is of paired permutations"
        + (f", corrected for {count} comparisons (Holm)" if count > 1 else "")
        + (". Speed was measured on this machine." if data.cost["items_per_second"].notna().any() else ".")
    )


def _difference(data: ComparisonData, task: Task, a: str, b: str) -> pd.Series:
    """Return the row of the table of differences for a task and a pair of models, in either order."""
    table = data.differences
    rows = table[(table["measure"] == task.measure) & (table[["better", "worse"]].isin([a, b]).all(axis=1))]
    return rows.iloc[0]


def _format_p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}" if value < 0.1 else f"= {value:.2f}"

"""The comparison in plain words: who is ahead, whether that is clear, what it costs, what to choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from embedlab.comparison.evaluation import CLEAR, Task

HEADLINES = ("success@1", "Spearman", "1-NN accuracy", "zero-shot accuracy")
_WORTH_SAYING = 1.3  # times as fast, or as long
_TOO_MUCH = 0.2  # of a score: nobody gives that away for speed
_WIDE = 0.02  # half an interval that is worth more words than "±"
_SAME = 1 - 1e-4  # likeness from which two models are one


@dataclass(frozen=True)
class Facts:
    """What the words are made of; tables as in :class:`~embedlab.comparison.compare.Comparison`."""

    items: str
    n: int
    tasks: Sequence[Task]
    differences: pd.DataFrame
    similarity: pd.DataFrame
    cost: pd.DataFrame
    k: int
    n_groups: int | None = None  # of items that belong together, where that was told


def verdict(facts: Facts) -> list[str]:
    """Paragraphs, the choice first."""
    task = headline(facts.tasks)
    if task is None or len(task.scores) < 2:
        return [
            "Nothing here says which model is better: that needs labels, or queries and what they should "
            "find. Alike or not, and at what cost, is below.",
            _alike(facts),
        ]
    ordered = sorted(task.scores, key=lambda name: -task.scores[name].value)
    return [part for part in (
        _choice(facts, task, ordered), _standing(facts, task, ordered), _elsewhere(facts, task),
        _alike(facts), _rests_on(facts, task),
    ) if part]  # fmt: skip


def headline(tasks: Sequence[Task]) -> Task | None:
    """The task that the verdict is about: what is nearest to what people do with embeddings."""
    by_name = {task.measure: task for task in tasks}
    return next((by_name[name] for name in HEADLINES if name in by_name), None)


def amount(task: Task, name: str) -> str:
    """A score with half its interval: "71 ± 4 %", or "0.35 ± 0.16"."""
    score = task.scores[name]
    return _amount(task, score.value, (score.high - score.low) / 2)


def _amount(task: Task, value: float, half: float) -> str:
    if task.lowest < 0:
        return f"{value:.2f}" + (f" ± {half:.2f}" if np.isfinite(half) else "")
    percent = np.floor(100 * value + 0.5 + 1e-9)  # as two decimals are rounded, not to even numbers
    if value in (0, 1) and half >= _WIDE:  # there is no "more than all": the interval has one side
        reach = 100 * min(2 * half, 1)
        return f"{percent:.0f} % (at {'least' if value else 'most'} {100 - reach if value else reach:.0f} %)"
    return f"{percent:.0f}" + (f" ± {max(100 * half, 1):.0f}" if np.isfinite(half) else "") + " %"


def _standing(facts: Facts, task: Task, ordered: list[str]) -> str:
    n = task.scores[ordered[0]].n
    about = counted(n, task.unit) + (f" to {facts.n:,} items" if task.unit == "queries" else "")
    each = [f"{name} in {amount(task, name)}" for name in ordered[1:]]
    if task.measure == "Spearman":
        each = [f"{name} {amount(task, name)}" for name in ordered[1:]]
        said = f"{ordered[0]} {task.question}: Spearman {amount(task, ordered[0])}, "
    elif task.measure == "1-NN accuracy":
        said = (
            f"the nearest neighbour has the same label with {ordered[0]} in {amount(task, ordered[0])}, with "
        )
    else:
        said = f"{ordered[0]} {task.question} in {amount(task, ordered[0])}, "
    words = f"On {about} of “{facts.items}”, {said}{listed(each)}. "
    alike = [name for name in ordered[1:] if _same_answers(task, ordered[0], name)]
    if len(alike) == len(ordered) - 1:
        return words + f"{'Both' if len(ordered) == 2 else 'All'} answer every one of them alike."
    found = [_row(facts, task, ordered[0], other) for other in ordered[1:]]
    clear = [name for name, row in zip(ordered[1:], found, strict=True) if row["clear"]]
    unclear = [name for name in ordered[1:] if name not in clear]
    if not unclear:
        largest = max(row["p_adjusted"] for row in found)
        if len(ordered) > 2:
            return words + f"{ordered[0]} is clearly ahead of all others (p {_p(largest)})."
        return words + f"That is a clear difference (p {_p(largest)})."
    smallest = min(row["p_adjusted"] for name, row in zip(ordered[1:], found, strict=True) if name in unclear)
    words += f"{listed([ordered[0], *unclear])} are not distinguishable here (p {_p(smallest)})"
    return words + (
        f"; {listed(clear)} {'are' if len(clear) > 1 else 'is'} clearly behind." if clear else "."
    )


def _choice(facts: Facts, task: Task, ordered: list[str]) -> str:
    best = ordered[0]
    rows = {name: _row(facts, task, best, name) for name in ordered[1:]}
    equals = [best, *(name for name in ordered[1:] if not rows[name]["clear"])]
    cheap, why = _cheapest(facts.cost, equals)
    if not any(_beats_chance(task, name) for name in ordered):
        return (
            f"Choose none of these by these data: in {task.measure} no model is clearly better than chance "
            f"({_amount(task, task.chance, np.nan)})."
        )
    gain = max((rows[name]["high"] for name in equals[1:]), default=0.0)
    if len(equals) > 1 and not gain < _TOO_MUCH * (1 - task.lowest):
        n, unit = task.scores[best].n, task.unit
        if facts.n_groups is not None and unit == "items":
            n, unit = facts.n_groups, "groups of items"
        few = f"{counted(n, unit)} {'is' if n == 1 else 'are'} too few to tell"
        gained = ""
        if np.isfinite(gain):
            gained = f": {best} may be better by up to {_points(task, gain)}, or not at all"
        until = f"take {cheap}: {why}" if why else f"take any of {listed(equals)}"
        return f"{few}{gained}. Until you have more, {until}."
    if cheap == best or not why:
        words = f"Choose {best}." if len(equals) == 1 or why else f"Take any of {listed(equals)}."
        if len(equals) > 1 and why:
            words = f"Choose {best}: none is clearly better in {task.measure}, and {why}."
        bargain, saving = _cheapest(facts.cost, ordered)
        if len(equals) == 1 and saving and bargain != best and rows[bargain]["low"] < _TOO_MUCH:
            low, high = (_points(task, rows[bargain][end]) for end in ("low", "high"))
            low = low.removesuffix(" points")
            words = (
                f"Choose {best}, unless cost matters more than {low} to {high}: that is what {bargain} "
                f"loses; {saving}."
            )
        return words
    high = _points(task, rows[cheap]["high"])
    return (
        f"Choose {cheap}, unless a gain of at most about {high} is worth its price: {best} is not clearly "
        f"better, and {why}."
    )


def _points(task: Task, value: float) -> str:
    return f"{value:.2f}" if task.lowest < 0 else f"{100 * max(value, 0):.0f} points"


def _cheapest(cost: pd.DataFrame, names: list[str]) -> tuple[str, str]:
    """The least costly of some models, and why in words; no words where nothing sets them apart."""
    table = cost.loc[names]
    if len(table) < 2:
        return names[0], ""
    speed = table["items_per_second"]
    if speed.notna().all():
        fast = str(speed.idxmax())
        ratio = speed[fast] / speed.drop(fast).max()
        if ratio >= _WORTH_SAYING:
            return fast, f"{fast} is {ratio:.1f} times as fast" + _shorter(table, fast)
    size = table["dim"].astype(float)
    short = str(size.idxmin())
    if size.drop(short).min() / size[short] >= _WORTH_SAYING:
        return short, f"the vectors of {short} take {size[short] / size.drop(short).min():.0%} of the space"
    weights = table["params"].astype(float)
    small = str(weights.idxmin())
    if weights[small] and weights.drop(small).min() / weights[small] >= _WORTH_SAYING:
        return small, f"{small} is the smallest, with {weights[small] / 1e6:.1f} million parameters"
    return names[0], ""


def _shorter(table: pd.DataFrame, name: str) -> str:
    ratio = float(table["dim"].drop(name).min()) / float(table.loc[name, "dim"])  # type: ignore[arg-type]
    return f", and its vectors take {1 / ratio:.0%} of the space" if ratio >= _WORTH_SAYING else ""


def _elsewhere(facts: Facts, task: Task) -> str:
    """Whether the other measures agree."""
    others = facts.differences[facts.differences["measure"] != task.measure]
    clear = others[others["clear"]]
    if others.empty:
        return ""
    if clear.empty:
        if len(others) == 1:
            return "The one other comparison shows no clear difference, either."
        return f"None of {len(others)} other comparisons shows a clear difference."
    against, alone = [], []
    for better, worse, measure in zip(clear["better"], clear["worse"], clear["measure"], strict=True):
        if not {better, worse} <= set(task.scores):
            continue
        own = _row(facts, task, better, worse)
        if not own["clear"]:
            alone.append(f"{better} is clearly ahead of {worse} in {measure}")
        elif own["better"] != better:
            against.append(f"{better} is clearly ahead of {worse} in {measure}")
    if against:
        return f"But {listed(against[:3])}: decide first which question is yours."
    if alone:
        return f"Yet {listed(alone[:3])}: if that is your question, it decides."
    if len(clear) == len(others) > 1:
        all_of = "Both" if len(others) == 2 else f"All {len(others)}"
        return f"{all_of} other comparisons are clear, too, and point the same way."
    are = "is clear, and points" if len(clear) == 1 else "are clear, and all of these point"
    return f"Of {len(others)} other comparisons {len(clear)} {are} the same way."


def _alike(facts: Facts) -> str:
    """How much of a result list changes with the model."""
    shared = facts.similarity[facts.similarity["measure"] == "mutual_knn"]
    if shared.empty:
        return ""
    shared = shared[shared["k"] == facts.k].sort_values("value")
    row = shared.iloc[0]
    k, one, other = int(row["k"]), row["first"], row["second"]
    if row["chance"] > 0.5:  # nearly all items are neighbours of each other
        return ""
    if row["value"] >= _SAME:
        return f"{listed(_names(facts))} name the same neighbours for every item: for a search they are one."
    words = "share" if len(shared) == 1 else "are the least alike. They share"
    if row["p_value"] > CLEAR:
        end = ": no more than two that have nothing in common."
    else:
        end = ": the choice changes most of what a search returns." if row["value"] < 0.5 else "."
    return (
        f"{one} and {other} {words} {k * row['value']:.1f} of an item's {k} nearest neighbours "
        f"(by chance {k * row['chance']:.1f}){end}"
    )


def _names(facts: Facts) -> list[str]:
    return list(dict.fromkeys([*facts.similarity["first"], *facts.similarity["second"]]))


def _beats_chance(task: Task, name: str) -> bool:
    score = task.scores[name]
    return not (np.isfinite(task.chance) and (score.low <= task.chance or score.value <= task.chance))


def _same_answers(task: Task, one: str, other: str) -> bool:
    return bool(np.array_equal(task.scores[one].per_query, task.scores[other].per_query))


def _rests_on(facts: Facts, task: Task) -> str:
    count = len(facts.differences)
    return (
        "This rests on these data alone. “±” is half a 95 % bootstrap interval; p is of paired permutations"
        + (f", corrected for {count} comparisons (Holm)" if count > 1 else "")
        + (". Speed was measured on this machine." if facts.cost["items_per_second"].notna().any() else ".")
    )


def _row(facts: Facts, task: Task, one: str, other: str) -> pd.Series:
    table = facts.differences
    found = table[
        (table["measure"] == task.measure) & (table[["better", "worse"]].isin([one, other]).all(axis=1))
    ]
    return found.iloc[0]


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}" if value < 0.1 else f"= {value:.2f}"


def counted(n: int, unit: str) -> str:
    """ "1 query", "2 queries"."""
    single = unit.removesuffix("ies") + "y" if unit.endswith("ies") else unit.removesuffix("s")
    return f"{n:,} {single if n == 1 else unit}"


def listed(words: Sequence[str]) -> str:
    """A, B and C."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))

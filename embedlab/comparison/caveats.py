"""What a reader should know before believing a number of a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from embedlab.comparison.verdict import counted

if TYPE_CHECKING:
    from embedlab.comparison.result import Comparison

FEW = 100  # questions below which a warning is given
FEW_GROUPS = 20
_SEEN = 0.005  # a difference that two decimals show


def caveats(c: Comparison) -> list[str]:
    """Sentences; none where there is nothing to warn of."""
    return [*_useless(c), *_asked(c), *_few(c), *_grouped(c), *_doubled(c), *_unread(c), *_unmeasured(c)]


def _useless(c: Comparison) -> list[str]:
    """Vectors and labels that say nothing."""
    found = [
        f"All vectors of {name} are the same: it tells these items apart in no way."
        for name, rank in c.geometry["effective_rank"].items()
        if np.isnan(rank)
    ]
    labels = pd.Series(c.items.labels or [], dtype=object).dropna()
    sizes = labels.value_counts()
    if len(sizes) == 1:
        found.append(f"All labels are “{sizes.index[0]}”: they cannot tell models apart.")
    elif len(sizes) and sizes.max() == 1:
        found.append("No two items have the same label: labels cannot tell models apart here.")
    elif alone := int((sizes == 1).sum()):
        found.append(f"{counted(alone, 'items')} with a label that no other has: no neighbour can share it.")
    return found


def _asked(c: Comparison) -> list[str]:
    """Queries that are items, word for word."""
    if not c.queries:
        return []
    asked = next(iter(c.queries.values())).items
    rows = dict(zip(c.items.content_hashes(), c.items.ids, strict=True))
    same = [(id, rows[d]) for id, d in zip(asked.ids, asked.content_hashes(), strict=True) if d in rows]
    same = [(id, other) for id, other in same if id != other]  # an item that asks is no answer to itself
    if not same:
        return []
    return [
        f"{counted(len(same), 'queries')} with the very content of an item, for example "
        f"{' = '.join(same[0])}: to find that item takes no model."
    ]


def _few(c: Comparison) -> list[str]:
    n, widest = len(c.items), max(emb.dim for emb in c.embeddings.values())
    found = []
    biased = c.similarity[c.similarity["measure"] == "cka_biased"]
    if n < 5 * widest:
        found.append(
            f"{n:,} items in up to {widest:,} dimensions: the CKA without debiasing of models that have "
            f"nothing in common would be {biased['chance'].max():.2f} here. Read the debiased one."
        )
    for unit, count in {task.unit: next(iter(task.scores.values())).n for task in c.tasks}.items():
        if count < FEW:
            found.append(f"Only {counted(count, unit)}: one more or less is {100 / count:.1f} points.")
    return found


def _grouped(c: Comparison) -> list[str]:
    """What was done about items that belong together."""
    count, name = c.groups.n_given, c.groups.name
    if count is None:
        return []
    apart = (
        f"Each label lies in one group of “{name}”, so items of a group had to answer for one another, but"
        if c.groups.inside
        else f"No item was allowed to answer for another of its “{name}”, and"
    )
    few = ". With fewer than 20, intervals are somewhat too narrow" if count < FEW_GROUPS else ""
    return [f"{apart} intervals and tests draw whole groups: {count} of {len(c.items):,} items{few}."]


def _doubled(c: Comparison) -> list[str]:
    copies = c.copies
    if not copies.n_items:
        return []
    example = " = ".join(copies.examples[0][:3])
    near = f", {copies.near} of them not exactly, but far too near for chance" if copies.near else ""
    found = [
        f"{copies.n_items} items have a copy among the others{near}, for example {example}. No copy was "
        "allowed to answer for another, and none is on both sides of the linear probe."
    ]
    if any(with_them - without >= _SEEN for with_them, without in c.copies_help.values()):
        each = "; ".join(
            f"{name} {with_them:.2f} instead of {without:.2f}"
            for name, (with_them, without) in c.copies_help.items()
        )
        found.append(f"With copies allowed the 1-NN accuracy would look like: {each}.")
    if copies.torn:
        found.append(f"{copies.torn} groups of copies have different labels: one of them must be wrong.")
    return found


def _unread(c: Comparison) -> list[str]:
    found = [
        f"{len(emb.report.truncated)} items are longer than {name} reads; it saw only their beginning."
        for name, emb in c.embeddings.items()
        if emb.report.truncated
    ]
    if not all(graph.exact for graph in c.neighbors.values()):
        found.append("Neighbours are approximate: there are more than 20,000 items.")
    return found


def _unmeasured(c: Comparison) -> list[str]:
    notes = c.cost["note"]
    return [f"Speed of {name}: {note}." for name, note in notes.items() if note and "asked" not in note]

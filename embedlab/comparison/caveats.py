"""What a reader should know before believing a number of a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from embedlab.comparison.cost import CostStatus, describe_cost
from embedlab.comparison.data import ComparisonData
from embedlab.comparison.wording import count_units

MIN_QUESTIONS = 100  # with fewer, one answer changes a score by more than a point
MIN_GROUPS = 20
_VISIBLE = 0.005  # a difference that two decimals show


class CaveatCode(StrEnum):
    """What a caveat is about."""

    IDENTICAL_VECTORS = "identical_vectors"
    ONE_LABEL = "one_label"
    UNIQUE_LABELS = "unique_labels"
    RARE_LABELS = "rare_labels"  # labels that one item has
    QUERY_IS_ITEM = "query_is_item"
    BIASED_CKA = "biased_cka"  # few items for the dimensions
    FEW_QUESTIONS = "few_questions"
    GROUPS = "groups"  # items do not answer for others of their group
    NESTED_GROUPS = "nested_groups"  # each label lies in one group, so they do
    COPIES = "copies"
    COPY_LEAKAGE = "copy_leakage"
    CONFLICTING_COPIES = "conflicting_copies"
    TRUNCATED = "truncated"
    APPROXIMATE = "approximate"
    NOT_MEASURED = "not_measured"


@dataclass(frozen=True)
class Caveat:
    """A code and facts to decide on, a sentence to read.

    Attributes
    ----------
    code : CaveatCode
    text : str
    model : str or None
        The model concerned.
    n : int or None
        How many items, queries, labels or groups are concerned.
    ids : tuple of str
        Ids of an example.
    status : CostStatus or None
        Why speed and memory were not measured.
    """

    code: CaveatCode
    text: str
    model: str | None = None
    n: int | None = None
    ids: tuple[str, ...] = ()
    status: CostStatus | None = None

    def __str__(self) -> str:
        """Return the sentence."""
        return self.text


def find_caveats(data: ComparisonData) -> list[Caveat]:
    """List everything that limits what the numbers of a comparison mean."""
    return [
        *_identical_vectors(data),
        *_labels(data),
        *_queries(data),
        *_sample_size(data),
        *_groups(data),
        *_copies(data),
        *_reading(data),
        *_cost(data),
    ]


def _identical_vectors(data: ComparisonData) -> Iterator[Caveat]:
    for name, rank in data.geometry["effective_rank"].items():
        if np.isnan(rank):
            text = f"All vectors of {name} are the same: it tells these items apart in no way."
            yield Caveat(CaveatCode.IDENTICAL_VECTORS, text, model=str(name))


def _labels(data: ComparisonData) -> Iterator[Caveat]:
    counts = pd.Series(data.items.labels or [], dtype=object).dropna().value_counts()
    n_single = int((counts == 1).sum())
    if len(counts) == 1:
        text = f"All labels are “{counts.index[0]}”: they cannot tell models apart."
        yield Caveat(CaveatCode.ONE_LABEL, text, n=int(counts.iloc[0]))
    elif len(counts) and counts.max() == 1:
        text = "No two items have the same label: labels cannot tell models apart here."
        yield Caveat(CaveatCode.UNIQUE_LABELS, text, n=n_single)
    elif n_single:
        items = count_units(n_single, "items")
        text = f"{items} with a label that no other has: no neighbour can share it."
        yield Caveat(CaveatCode.RARE_LABELS, text, n=n_single)


def _queries(data: ComparisonData) -> Iterator[Caveat]:
    """Find queries whose content is that of an item."""
    if not data.queries:
        return
    queries = next(iter(data.queries.values())).items
    item_ids = dict(zip(data.items.content_hashes(), data.items.ids, strict=True))
    pairs = [
        (query_id, item_ids[content_hash])
        for query_id, content_hash in zip(queries.ids, queries.content_hashes(), strict=True)
        if content_hash in item_ids
    ]
    pairs = [pair for pair in pairs if pair[0] != pair[1]]  # an item that is the query is no answer anyway
    if pairs:
        text = (
            f"{count_units(len(pairs), 'queries')} with the very content of an item, for example "
            f"{' = '.join(pairs[0])}: to find that item takes no model."
        )
        yield Caveat(CaveatCode.QUERY_IS_ITEM, text, n=len(pairs), ids=pairs[0])


def _sample_size(data: ComparisonData) -> Iterator[Caveat]:
    n, max_dim = len(data.items), max(emb.dim for emb in data.embeddings.values())
    if n < 5 * max_dim:
        chance = data.similarity.loc[data.similarity["measure"] == "cka_biased", "chance"].max()
        text = (
            f"{n:,} items in up to {max_dim:,} dimensions: the CKA without debiasing of models that have "
            f"nothing in common would be {chance:.2f} here. Read the debiased one."
        )
        yield Caveat(CaveatCode.BIASED_CKA, text, n=n)
    for unit, count in {task.unit: next(iter(task.scores.values())).n for task in data.tasks}.items():
        if count < MIN_QUESTIONS:
            text = f"Only {count_units(count, unit)}: one more or less is {100 / count:.1f} points."
            yield Caveat(CaveatCode.FEW_QUESTIONS, text, n=count)


def _groups(data: ComparisonData) -> Iterator[Caveat]:
    count, name = data.groups.n_given, data.groups.name
    if count is None:
        return
    if data.groups.labels_nested:
        code = CaveatCode.NESTED_GROUPS
        nested = f"Each label lies in one group of “{name}”"
        rule = f"{nested}, so items of a group had to answer for one another, but"
    else:
        code = CaveatCode.GROUPS
        rule = f"No item was allowed to answer for another of its “{name}”, and"
    narrow = ". With fewer than 20, intervals are somewhat too narrow" if count < MIN_GROUPS else ""
    text = f"{rule} intervals and tests draw whole groups: {count} of {len(data.items):,} items{narrow}."
    yield Caveat(code, text, n=count)


def _copies(data: ComparisonData) -> Iterator[Caveat]:
    copies = data.copies
    if not copies.n_items:
        return
    example = copies.examples[0][:3]
    near = f", {copies.n_near} of them not exactly, but far too near for chance" if copies.n_near else ""
    text = (
        f"{copies.n_items} items have a copy among the others{near}, for example {' = '.join(example)}. No "
        "copy was allowed to answer for another, and none is on both sides of the linear probe."
    )
    yield Caveat(CaveatCode.COPIES, text, n=copies.n_items, ids=example)
    leakage = data.copy_leakage
    if any(model.with_copies - model.without_copies >= _VISIBLE for model in leakage.values()):
        each = "; ".join(
            f"{name} {model.with_copies:.2f} instead of {model.without_copies:.2f}"
            for name, model in leakage.items()
        )
        text = f"With copies allowed the 1-NN accuracy would look like: {each}."
        yield Caveat(CaveatCode.COPY_LEAKAGE, text)
    if copies.n_conflicting:
        text = f"{copies.n_conflicting} groups of copies have different labels: one of them must be wrong."
        yield Caveat(CaveatCode.CONFLICTING_COPIES, text, n=copies.n_conflicting)


def _reading(data: ComparisonData) -> Iterator[Caveat]:
    for name, emb in data.embeddings.items():
        if n := len(emb.report.truncated):
            text = f"{n} items are longer than {name} reads; it saw only their beginning."
            yield Caveat(CaveatCode.TRUNCATED, text, model=name, n=n, ids=tuple(emb.report.truncated[:3]))
    if not all(graph.exact for graph in data.neighbors.values()):
        text = "Neighbours are approximate: there are more than 20,000 items."
        yield Caveat(CaveatCode.APPROXIMATE, text, n=len(data.items))


def _cost(data: ComparisonData) -> Iterator[Caveat]:
    for name, row in data.cost.iterrows():
        status = CostStatus(row["status"])
        if status not in (CostStatus.MEASURED, CostStatus.NOT_REQUESTED):
            text = f"Speed of {name}: {describe_cost(status, row['detail'])}."
            yield Caveat(CaveatCode.NOT_MEASURED, text, model=str(name), status=status)

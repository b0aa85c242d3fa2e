"""The verdict: who is ahead, what to choose, and when to say nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from comparison_kit import noisy, renamed

import embedlab as el
from embedlab.comparison.compare import compare
from embedlab.comparison.evaluation import Task
from embedlab.comparison.page import render_page
from embedlab.comparison.result import Comparison
from embedlab.comparison.scores import bootstrap
from embedlab.comparison.verdict import format_score
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem


def test_a_good_model_is_clearly_ahead_of_a_bad_one(compared: Comparison) -> None:
    assert compared.names == ["good", "bad"]
    rows = compared.differences.set_index("measure")
    assert set(rows.index) == {"1-NN accuracy", "linear probe", "silhouette"}
    assert (rows["better"] == "good").all()
    assert rows["clear"].all()
    assert (rows["p_adjusted"] >= rows["p_value"]).all()
    choice, standing, *_ = compared.verdict
    assert choice.startswith("Choose good")
    assert "clear difference (p < 0.001)" in standing
    assert "On 120 items of “texts”" in standing
    assert compared.copies.n_items == 0
    assert compared.caveats == []
    assert compared.warnings == []


def test_models_that_are_as_good_are_not_ranked(twins: list[Embeddings]) -> None:
    found = compare(twins, cost=False)
    assert not found.differences["clear"].any()
    choice, standing, elsewhere, *_ = found.verdict
    assert choice.startswith("Take any of ")
    assert "are not distinguishable here (p = " in standing
    assert elsewhere == "None of 2 other comparisons shows a clear difference."
    assert "not distinguishable: +" in render_page(found)


def test_of_equals_the_cheaper_is_chosen(twins: list[Embeddings]) -> None:
    for small, large in (twins, twins[::-1]):
        found = compare(
            [renamed(large, "by/large", params=9_000_000), renamed(small, "by/small", params=1_000_000)],
            cost=False,
        )
        assert found.verdict[0].startswith(
            ("Choose small, unless a gain of at most", "Choose small: none is clearly better")
        )
        assert "small is the smallest, with 1.0 million parameters" in found.verdict[0]


def test_when_the_better_one_costs_more_both_are_weighed(two: list[Embeddings]) -> None:
    found = compare([two[0], renamed(noisy(two[0], 3.5), "by/bad")], cost=False)
    found.cost["items_per_second"] = [10.0, 80.0]
    assert "unless cost matters more than" in found.verdict[0]
    assert "bad is 8.0 times as fast" in found.verdict[0]
    assert "Speed was measured on this machine." in found.verdict[-1]


def test_measures_that_disagree_are_said(two: list[Embeddings]) -> None:
    found = compare(two, cost=False)
    rows = found.differences
    turned = rows["measure"] == "silhouette"
    rows.loc[turned, ["better", "worse"]] = ["bad", "good"]
    assert "But bad is clearly ahead of good in silhouette: decide first" in " ".join(found.verdict)


def test_without_labels_and_queries_nobody_is_better(two: list[Embeddings]) -> None:
    bare = [dataclasses.replace(emb, items=el.Items.from_texts(emb.items.contents)) for emb in two]
    found = compare(bare, cost=False)
    assert found.tasks == ()
    assert found.verdict[0].startswith("Nothing here says which model is better")
    assert "by chance" in found.verdict[1]
    assert found.scores.empty
    with pytest.raises(BadItem, match="Pass labels, queries or pairs"):
        found.figure("scores")
    assert "embedlab-compare" in render_page(found)


def test_a_model_against_itself(two: list[Embeddings]) -> None:
    text = " ".join(compare([two[0], two[0]], cost=False).verdict)
    assert "Take any of good #1 and good #2." in text
    assert "Both answer every one of them alike." in text
    assert "good #1 and good #2 name the same neighbours for every item: for a search they are one." in text


def test_models_no_better_than_chance_are_not_recommended(two: list[Embeddings]) -> None:
    noise = [noisy(emb, 1000, seed) for seed, emb in enumerate(two)]
    choice, _, _, alike, _ = compare(noise, cost=False).verdict
    assert choice == (
        "Choose none of these by these data: in 1-NN accuracy no model is clearly better than chance (24 %)."
    )
    assert alike.endswith("no more than two that have nothing in common.")


def test_too_few_to_tell_is_said_first(twins: list[Embeddings]) -> None:
    found = compare([emb.select(emb.ids[:12]) for emb in twins], cost=False)
    assert not found.differences["clear"].any()
    assert found.tasks[0].scores["one"].low > found.tasks[0].chance
    assert found.verdict[0].startswith("12 items are too few to tell: ")
    assert "Until you have more, take" in found.verdict[0]


def test_all_right_is_not_certain() -> None:
    def said(share: float, n: int) -> str:
        task = Task("1-NN accuracy", "", 0.5, {"m": bootstrap(np.full(n, share))}, "items")
        return format_score(task, "m")

    assert said(1, 10) == "100 % (at least 69 %)", "10 of 10: Clopper and Pearson's bound"
    assert said(0, 10) == "0 % (at most 31 %)"
    assert said(1, 240) == "100 ± 1 %"


def test_all_of_three_are_told_apart(two: list[Embeddings]) -> None:
    found = compare([*two, renamed(noisy(two[0], 7, 9), "by/worse")], cost=False)
    assert "good is clearly ahead of all others (p < 0.001)." in found.verdict[1]
    assert "are the least alike. They share" in " ".join(found.verdict)
    assert render_page(found).count("<td>silhouette</td>") == 3, "a line for every two models"

"""What limits the numbers of a comparison, by code."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd
from comparison_kit import caveat, codes, noisy, renamed

import embedlab as el
from embedlab.comparison.caveats import CaveatCode
from embedlab.comparison.compare import compare
from embedlab.comparison.cost import CostStatus
from embedlab.comparison.page import render_page
from embedlab.embeddings import Embeddings, EmbedReport

Make = Callable[..., Embeddings]


def test_copies_do_not_count_and_are_reported(make_embeddings: Make) -> None:
    emb = make_embeddings(60, 16, 4)
    labels = np.random.default_rng(0).permutation(emb.items.labels).tolist()
    frame = emb.items.frame.assign(label=labels)
    both = el.Items(pd.concat([frame, frame.assign(id=frame["id"] + "-again")]), "text", "doubled")
    models = [
        renamed(dataclasses.replace(emb, vectors=np.vstack([v, v]), items=both), name)
        for name, v in (("by/one", emb.vectors), ("by/two", noisy(emb, 1).vectors))
    ]
    found = compare(models, cost=False)
    assert found.copies.n_items == 120
    assert found.copy_leakage["one"].with_copies == 1
    assert found.copy_leakage["one"].without_copies < 0.5
    copies = caveat(found, CaveatCode.COPIES)
    assert (copies.n, copies.ids) == (120, ("i0000", "i0000-again"))
    assert "120 items have a copy among the others, for example i0000 = i0000-again." in copies.text
    leakage = caveat(found, CaveatCode.COPY_LEAKAGE)
    assert leakage.text.startswith(
        "With copies allowed the 1-NN accuracy would look like: one 1.00 instead of 0."
    )
    assert CaveatCode.CONFLICTING_COPIES not in codes(found)


def test_truncated_items_are_mentioned(two: list[Embeddings]) -> None:
    short = dataclasses.replace(two[1], report=EmbedReport(truncated=("i0003", "i0004")))
    truncated = caveat(compare([two[0], short], cost=False), CaveatCode.TRUNCATED)
    assert (truncated.model, truncated.n, truncated.ids) == ("bad", 2, ("i0003", "i0004"))


def test_a_cost_that_was_not_measured_is_a_caveat_unless_nobody_asked(two: list[Embeddings]) -> None:
    assert set(compare(two, cost=False).cost["status"]) == {CostStatus.NOT_REQUESTED}
    found = [each for each in compare(two).caveats if each.code == CaveatCode.NOT_MEASURED]
    assert [(each.model, each.status) for each in found] == [
        ("good", CostStatus.NOT_LOADABLE), ("bad", CostStatus.NOT_LOADABLE),
    ]  # fmt: skip
    assert found[0].text == "Speed of good: not in the catalogue, so it cannot be loaded by name."


def test_labels_that_say_nothing_are_not_asked(two: list[Embeddings]) -> None:
    for labels, code in (
        (["x"] * 120, CaveatCode.ONE_LABEL),
        ([str(i) for i in range(120)], CaveatCode.UNIQUE_LABELS),
    ):
        found = compare(two, labels=labels, cost=False)
        assert found.tasks == ()
        assert codes(found) == [code]
        assert found.verdict[0].startswith("Nothing here says which model is better")
    some = [None if i % 3 else f"{i % 2}" for i in range(119)] + ["alone"]
    found = compare(two, labels=some, cost=False)
    assert found.tasks[0].scores["good"].n == 41
    rare = caveat(found, CaveatCode.RARE_LABELS)
    assert (rare.n, rare.text) == (1, "1 item with a label that no other has: no neighbour can share it.")


def test_queries_that_are_items_word_for_word(two: list[Embeddings]) -> None:
    texts = [two[0].items.contents[3], *(f"question {i}" for i in range(9))]
    items = el.Items.from_texts(texts, ids=[f"q{i}" for i in range(10)])
    asked = [dataclasses.replace(emb.select(emb.ids[:10]), items=items) for emb in two]
    found = compare(two, queries=asked, relevant=[[id] for id in two[0].ids[:10]], cost=False)
    copied = caveat(found, CaveatCode.QUERY_IS_ITEM)
    assert (copied.n, copied.ids) == (1, ("q0", "i0003"))


def test_a_model_that_tells_nothing_apart(two: list[Embeddings]) -> None:
    flat = renamed(dataclasses.replace(two[1], vectors=np.ones((120, 5))), "by/flat")
    pairs = pd.DataFrame({"a": two[0].ids[:40], "b": two[0].ids[40:80], "score": range(40)})
    found = compare([two[0], flat], pairs=pairs, cost=False)
    assert caveat(found, CaveatCode.IDENTICAL_VECTORS).model == "flat"
    assert found.tasks[0].scores["flat"].value == 0
    assert np.isnan(found.matrix("cka").loc["good", "flat"])
    assert "nan" not in " ".join(found.verdict)
    assert "embedlab-compare" in render_page(found)


def test_very_few_items_still_make_a_page(two: list[Embeddings]) -> None:
    found = compare([emb.select(emb.ids[:5]) for emb in two], cost=False)
    assert caveat(found, CaveatCode.FEW_QUESTIONS).n == 5
    assert caveat(found, CaveatCode.BIASED_CKA).n == 5
    assert "embedlab-compare" in render_page(found)

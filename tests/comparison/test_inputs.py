"""What compare() takes, and what it refuses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pandas as pd
import pytest
from comparison_kit import renamed

import embedlab as el
from embedlab.comparison.compare import compare
from embedlab.comparison.inputs import shorten_names
from embedlab.comparison.page import render_page
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, ProblemCode, WrongModel

Make = Callable[..., Embeddings]


def test_embeddings_are_joined_by_id(two: list[Embeddings]) -> None:
    good, bad = two
    backwards = bad.select(bad.ids[::-1])
    pd.testing.assert_frame_equal(
        compare([good, backwards], cost=False).table, compare([good, bad], cost=False).table
    )


def test_items_that_do_not_match_are_listed(two: list[Embeddings]) -> None:
    good, bad = two
    with pytest.raises(BadItem, match=r"3 are missing from by/bad.*'i0000', 'i0001'.*select") as three:
        compare([good, bad.select(bad.ids[3:])])
    assert list(three.value.problems) == good.ids[:3]
    with pytest.raises(BadItem, match=r"30 are missing .*'i0018', 'i0019' and 10 more") as thirty:
        compare([good, bad.select(bad.ids[30:])])
    assert list(thirty.value.problems) == good.ids[:30]
    with pytest.raises(BadItem, match=r"1 are only in by/bad.*'i0119'") as extra:
        compare([good.select(good.ids[:-1]), bad])
    assert list(extra.value.problems) == ["i0119"]
    other = bad.items.frame.assign(content=bad.items.frame["content"].str.replace("number 7", "other"))
    with pytest.raises(BadItem, match="different contents") as differing:
        compare([good, dataclasses.replace(bad, items=el.Items(other, "text"))])
    assert differing.value.problems["i0007"].code == ProblemCode.CONFLICT


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"labels": "colour"}, "no column 'colour'"),
        ({"labels": ["x"]}, "1 labels but 120 items"),
        ({"k": 0}, "k must be at least 1"),
        ({"queries": []}, "0 embeddings of queries, but 2 models"),
        ({"queries": "two"}, "embedded once, but 2 models"),
        ({"relevant": [["i0001"]]}, "there are none. Pass queries="),
        ({"pairs": pd.DataFrame({"a": ["i0001"]})}, "no column b, score"),
        (
            {"pairs": pd.DataFrame({"a": ["i0001"] * 4, "b": ["i0002"] * 4, "score": 1})},
            "All pairs have the same score",
        ),
    ],
)
def test_bad_arguments_are_named(two: list[Embeddings], wrong: dict[str, object], why: str) -> None:
    if wrong.get("queries") == "two":
        wrong = {"queries": two[0]}
    with pytest.raises(BadItem, match=why):
        compare(two, cost=False, **wrong)  # type: ignore[arg-type]


def test_one_model_or_three_items_are_too_few(two: list[Embeddings]) -> None:
    for few in (two[0], [two[0]], []):
        with pytest.raises(BadItem, match="needs two embeddings or more"):
            compare(few)  # type: ignore[arg-type]
    for no_embeddings in ("ab", [emb.vectors for emb in two]):
        with pytest.raises(BadItem, match=r"takes embeddings, as el.embed returns them, not (str|ndarray)"):
            compare(no_embeddings)  # type: ignore[arg-type]
    with pytest.raises(BadItem, match="3 items are too few"):
        compare([emb.select(emb.ids[:3]) for emb in two])


def test_queries_nobody_can_embed_or_answer(two: list[Embeddings]) -> None:
    with pytest.raises(BadItem, match="by/good cannot be loaded by name"):
        compare(two, queries=el.Items.from_texts(["what?"]), cost=False)
    asked = [emb.select(emb.ids[:5]) for emb in two]
    bare = [dataclasses.replace(emb, items=el.Items.from_texts([f"q{i}" for i in range(5)])) for emb in asked]
    with pytest.raises(BadItem, match="unknown what the queries should find"):
        compare(two, queries=bare, cost=False)
    other = [
        bare[0],
        dataclasses.replace(bare[1], items=el.Items.from_texts(["a", "b", "c", "d", "e"], ids=list("vwxyz"))),
    ]
    with pytest.raises(BadItem, match="queries of bad have other ids"):
        compare(two, queries=other, cost=False)


@pytest.mark.weights("text/minilm")
def test_queries_of_another_model_are_refused(make_embeddings: Make) -> None:
    emb = make_embeddings(20, 384)
    with pytest.raises(WrongModel, match="sha256"):
        compare(
            [renamed(emb, "text/minilm", sha256="0" * 64)] * 2,
            queries=el.Items.from_texts(["what?"]),
            relevant=[["i0000"]],
            cost=False,
        )


def test_labels_of_any_of_the_models_will_do(two: list[Embeddings]) -> None:
    good, bad = two
    bare = dataclasses.replace(
        good, items=el.Items(good.items.frame.drop(columns="label"), "text", good.items.name)
    )
    found = compare([bare, bad], cost=False)
    pd.testing.assert_frame_equal(found.table, compare(two, cost=False).table)
    assert "embedlab-compare" in render_page(found)


def test_names_tell_models_apart(make_embeddings: Make) -> None:
    emb = make_embeddings(5)
    layers = [dataclasses.replace(emb, layer=layer) for layer in ("first", "last")]
    assert shorten_names(layers) == ["minilm, first", "minilm, last"]
    pools = [dataclasses.replace(emb, pooling=pooling) for pooling in ("mean", "cls")]
    assert shorten_names(pools) == ["minilm, mean", "minilm, cls"]
    assert shorten_names([emb, emb]) == ["minilm #1", "minilm #2"]
    assert shorten_names([renamed(emb, "a/x"), renamed(emb, "b/x")]) == ["a/x", "b/x"]
    assert shorten_names([renamed(emb, "a/x"), renamed(emb, "b/y")]) == ["x", "y"]

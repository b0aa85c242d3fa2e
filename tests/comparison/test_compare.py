"""Several models on the same items."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from comparison_kit import renamed

import embedlab as el
from embedlab.comparison.caveats import CaveatCode
from embedlab.comparison.compare import compare
from embedlab.comparison.page import render_page
from embedlab.comparison.result import Comparison
from embedlab.embeddings import Embeddings

Make = Callable[..., Embeddings]


def test_queries_labels_and_pairs_at_once(two: list[Embeddings]) -> None:
    rng = np.random.default_rng(0)
    asked = [
        Embeddings(
            emb.vectors[:30] + 0.5 * rng.normal(size=(30, 16)),
            el.Items.from_texts([f"question {i}" for i in range(30)]),
            emb.model, emb.layer, emb.pooling, False,
        )
        for emb in two
    ]  # fmt: skip
    relevant = [[id] for id in two[0].ids[:30]]
    pairs = pd.DataFrame({"a": two[0].ids[:40], "b": two[0].ids[40:80], "score": rng.uniform(size=40)})
    found = compare(two, queries=asked, relevant=relevant, pairs=pairs, k=5, cost=False)
    assert [task.measure for task in found.tasks] == [
        "success@1", "recall@5", "MRR", "nDCG@5", "Spearman", "1-NN accuracy", "linear probe", "silhouette",
    ]  # fmt: skip
    assert found.tasks[0].scores["good"].n == 30
    assert "On 30 queries to 120 items" in " ".join(found.verdict)
    few = [caveat for caveat in found.caveats if caveat.code == CaveatCode.FEW_QUESTIONS]
    assert [each.n for each in few] == [30, 40]
    assert found.warnings[0] == "Only 30 queries: one more or less is 3.3 points."
    assert "recall@5 of the queries" in render_page(found)
    assert set(found.smaller["n_queries"]) == {30}


def test_three_models_and_their_matrix(make_embeddings: Make, two: list[Embeddings]) -> None:
    found = compare([*two, renamed(make_embeddings(120, 9, 4, seed=4), "by/third")], cost=False)
    assert found.matrix("cka").shape == (3, 3)
    assert found.matrix("mutual_knn", 1).loc["good", "good"] == 1
    assert len(found.differences) == 9
    assert "corrected for 9 comparisons (Holm)" in found.verdict[-1]
    assert list(found.table.index) == ["good", "bad", "third"]
    assert {"1-NN accuracy", "two_nn", "dim", "file_mb"} <= set(found.table.columns)


def test_the_same_numbers_again(two: list[Embeddings], compared: Comparison) -> None:
    again = compare(two, cost=False)
    pd.testing.assert_frame_equal(again.table, compared.table)
    pd.testing.assert_frame_equal(again.differences, compared.differences)
    pd.testing.assert_frame_equal(again.similarity, compared.similarity)


def test_one_number_for_each_item(two: list[Embeddings]) -> None:
    thin = [dataclasses.replace(emb, vectors=emb.vectors[:, :1]) for emb in two]
    assert set(compare(thin, cost=False).smaller["way"]) == {"float32", "float16", "int8", "binary"}


def test_k_is_at_most_the_others(two: list[Embeddings]) -> None:
    found = compare([emb.select(emb.ids[:12]) for emb in two], k=500, cost=False)
    assert found.k == 11
    assert found.matrix("jaccard_knn").loc["good", "bad"] == 1
    assert "nearest neighbours" not in " ".join(found.verdict), "all of them are"


@pytest.mark.weights("text/minilm")
@pytest.mark.weights("text/mpnet")
def test_the_notes_and_their_questions() -> None:
    notes = el.load_dataset("notes")
    models = [el.embed(notes, name) for name in ("text/minilm", "text/mpnet")]
    found = el.compare(models, queries=el.load_dataset("notes-questions"), cost=False)
    scores = found.scores.set_index(["measure", "model"])["value"]
    assert scores["success@1", "mpnet"] == pytest.approx(0.775, abs=0.02)
    assert scores["success@1", "minilm"] == pytest.approx(0.617, abs=0.02)
    assert scores["1-NN accuracy", "mpnet"] == pytest.approx(0.798, abs=0.01)
    assert found.differences["clear"].all()
    assert found.verdict[0].startswith("Choose mpnet, unless cost matters more than")


@pytest.mark.weights("multimodal/aligned-minilm")
def test_models_that_read_words_are_asked_for_names() -> None:
    photos = el.load_dataset("photos")
    few = photos.select(photos.frame["view"].isin(["as it is", "mirrored", "darker"]))
    names = ("image/efficientnet-lite0", "multimodal/aligned-minilm")
    found = el.compare([el.embed(few, name) for name in names], cost=False)
    task = found.tasks[-1]
    assert (task.measure, list(task.scores)) == ("zero-shot accuracy", ["aligned-minilm"])
    assert task.scores["aligned-minilm"].low > task.chance
    assert "only one model can do this" in render_page(found)

"""Retrieval metrics: by hand, against ranx, under ties."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from comparison_kit import METRICS, fan, random_case, scores

import embedlab as el
from embedlab.comparison.retrieval import (
    mean_average_precision,
    mrr,
    ndcg_at_k,
    rank,
    recall_at_k,
    success_at_k,
    zero_shot_accuracy,
)
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem


def test_by_hand() -> None:
    # From 0° the documents come in the order 2, 0, 3, 1; relevant are 0 and 1, at the places 2 and 4.
    ranking = rank(fan(0), fan(20, 60, 10, 40), [[0, 1]])
    assert recall_at_k(ranking, 1).value == 0
    assert recall_at_k(ranking, 2).value == 1 / 2
    assert recall_at_k(ranking, 4).value == 1
    assert success_at_k(ranking, 1).value == 0
    assert success_at_k(ranking, 2).value == 1
    assert mrr(ranking).value == 1 / 2
    assert mean_average_precision(ranking).value == pytest.approx((1 / 2 + 2 / 4) / 2)
    ideal = 1 + 1 / np.log2(3)
    assert ndcg_at_k(ranking, 4).value == pytest.approx((1 / np.log2(3) + 1 / np.log2(5)) / ideal)
    assert ndcg_at_k(ranking, 1).value == 0


def test_grades_by_hand() -> None:
    graded = rank(fan(0), fan(20, 60, 10, 40), [{0: 1, 1: 3, 3: 0}])
    expected = (1 / np.log2(3) + 3 / np.log2(5)) / (3 + 1 / np.log2(3))
    assert ndcg_at_k(graded, 4).value == pytest.approx(expected), "the gain is the grade, not 2^grade - 1"
    assert recall_at_k(graded, 3).value == 1 / 2, "grade 0 is not relevant, and 3 counts once"


def test_the_best_order_scores_one_and_k_may_exceed_the_documents() -> None:
    ranking = rank(fan(0, 90), fan(0, 1, 2, 88, 89), {"0": {"0": 3, "1": 2, "2": 1}, "1": {"3": 1, "4": 1}})
    for name, metric in METRICS.items():
        if name != "recall@3":
            assert metric(ranking).value == pytest.approx(1), name
    assert recall_at_k(ranking, 99).value == 1
    assert ndcg_at_k(ranking, 99).value == 1


@pytest.mark.filterwarnings("ignore::Warning:ranx", "ignore::Warning:numba")
def test_all_metrics_equal_ranx() -> None:
    ranx = pytest.importorskip("ranx")  # compiles itself at its first use, about half a minute
    queries, documents, relevant = random_case()
    # A query's length does not change the order of its documents.
    near = queries.astype(float) @ (documents / np.linalg.norm(documents.astype(float), axis=1)[:, None]).T
    # ranx sorts the queries by name.
    run = {f"{q:02d}": {str(d): value for d, value in enumerate(line)} for q, line in enumerate(near)}
    judged = {f"{int(q):02d}": grades for q, grades in relevant.items()}
    expected = ranx.evaluate(ranx.Qrels(judged), ranx.Run(run), list(METRICS), return_mean=False, threads=1)
    for name, values in scores(queries, documents, relevant).items():
        assert values == pytest.approx(expected[name], abs=1e-6), name
        assert 0.01 < values.mean() < 0.99, "a comparison of zeros or ones would prove little"


def test_no_score_passes_one() -> None:
    queries, documents, _ = random_case()
    every = [{row: 1 + row % 4 for row in range(150)}] * 40
    for name, values in scores(queries, documents, every).items():
        assert values.max() <= 1, name


def test_one_vector_for_everything_scores_like_chance() -> None:
    same = np.tile(np.float32([0.3, -0.2, 0.7]), (100, 1))
    ranking = rank(same.copy(), same, range(100))
    assert recall_at_k(ranking, 1).value == pytest.approx(0.01)
    assert success_at_k(ranking, 5).value == pytest.approx(0.05)
    assert mrr(ranking).value == pytest.approx((1 / np.arange(1, 101)).mean())
    assert mean_average_precision(ranking).value == pytest.approx(mrr(ranking).value)
    assert ndcg_at_k(ranking, 1).value == pytest.approx(0.01)


def test_copies_are_tied_whatever_their_place_and_length() -> None:
    once = np.random.default_rng(0).normal(size=(1001, 333)).astype(np.float32)
    twice = np.concatenate([once, np.float32(3) * once])
    assert rank(once[:300] + once[300:600], twice, range(300)).tied.tolist() == [2] * 300
    assert rank(fan(0), fan(30) * [[1], [3], [0.1], [700]], [0]).tied.tolist() == [4]
    assert rank(fan(0), fan(30, 30.0003), [0]).tied.tolist() == [1]


@pytest.mark.parametrize("relevant", [{0: 2, 2: 1, 3: 4, 5: 1, 6: 3}, {0: 2, 2: 1, 6: 3}, {4: 1}])
def test_a_tie_gets_the_mean_over_all_its_orders(relevant: dict[int, int]) -> None:
    # Document 5 is the nearest, then 0 to 4 are tied, then 6.
    tied, orders = fan(30, 30, 30, 30, 30, 10, 50), []
    for order in itertools.permutations(range(5)):
        apart = tied.copy()
        apart[list(order)] = fan(*(30 + np.arange(5) / 10))
        orders.append(scores(fan(0), apart, [relevant]))
    for name, values in scores(fan(0), tied, [relevant]).items():
        assert values == pytest.approx(np.mean([each[name] for each in orders], axis=0)), name
        differ = np.ptp([each[name] for each in orders]) > 0.01
        assert differ or (5 in relevant and name in ("hit_rate@3", "mrr")), f"the order counts for {name}"


def test_the_order_of_the_documents_does_not_matter() -> None:
    queries, documents, relevant = random_case(1)
    documents[40:80] = 3 * documents[:40]  # the same directions again
    documents[80:90] = documents[0]
    first = scores(queries, documents, relevant)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(documents))
        place = {str(old): str(new) for new, old in enumerate(order)}
        moved = {q: {place[d]: grade for d, grade in r.items()} for q, r in relevant.items()}
        for name, values in scores(queries, documents[order], moved).items():
            assert values == pytest.approx(first[name], abs=1e-9), name


def labelled(labels: list[str | None], *degrees: float) -> Embeddings:
    from conftest import card

    items = el.Items.from_texts([f"text {d}" for d in degrees], labels=labels)
    return Embeddings(fan(*degrees), items, card(dim=2), "l", "none", False)


def test_zero_shot_accuracy_by_hand() -> None:
    emb = labelled(["sea", "sea", None, "town"], 10, 80, 0, 70)
    score = zero_shot_accuracy(emb, fan(0, 90), ["sea", "town"])
    assert score.per_query.tolist() == [1, 0, 1]
    assert score.n == 3, "without a label there is nothing to count"
    assert zero_shot_accuracy(emb, fan(0, 85, 90), ["sea", "sea", "town"]).value == 2 / 3
    grouped = zero_shot_accuracy(emb, fan(0, 90), ["sea", "town"], groups=["a", "b", "c", "b"])
    assert (grouped.low, grouped.high) == (0.5, 1), "two groups, with the means 1 and 1/2"


def test_equal_class_vectors_share_the_point() -> None:
    emb = labelled(["sea", "town"], 10, 20)
    assert zero_shot_accuracy(
        emb, fan(50, 50, 50, 80), ["sea", "town", "wood", "hill"]
    ).value == pytest.approx(1 / 3)
    with pytest.raises(BadItem, match="No class vector for the label 'town'; there are 'sea', 'wood'"):
        zero_shot_accuracy(emb, fan(0, 1), ["sea", "wood"])
    with pytest.raises(BadItem, match="2 class vectors but 1 class names"):
        zero_shot_accuracy(emb, fan(0, 1), ["sea"])
    with pytest.raises(BadItem, match="No item has a label"):
        zero_shot_accuracy(labelled([None], 0), fan(0, 1), ["sea", "wood"])

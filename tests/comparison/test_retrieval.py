"""Retrieval metrics: by hand, against ranx, under ties; and the bootstrap intervals around them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import embedlab as el
from embedlab.comparison.retrieval import (
    Score,
    bootstrap,
    match_column,
    mean_average_precision,
    mrr,
    ndcg_at_k,
    rank,
    recall_at_k,
    success_at_k,
    zero_shot_accuracy,
)
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, ProblemCode, WrongModel

Make = Callable[..., Embeddings]

METRICS: dict[str, Callable[..., Score]] = {
    "recall@3": lambda ranking: recall_at_k(ranking, 3),
    "hit_rate@3": lambda ranking: success_at_k(ranking, 3),
    "mrr": mrr,
    "ndcg@3": lambda ranking: ndcg_at_k(ranking, 3),
    "ndcg@200": lambda ranking: ndcg_at_k(ranking, 200),
    "map": mean_average_precision,
}


def fan(*degrees: float) -> np.ndarray:
    """Vectors at these angles: seen from 0°, a smaller angle is nearer."""
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def scores(*ranking_arguments: object, **more: object) -> dict[str, np.ndarray]:
    ranking = rank(*ranking_arguments, **more)  # type: ignore[arg-type]
    return {name: metric(ranking).per_query for name, metric in METRICS.items()}


# -- the metrics -----------------------------------------------------------------------------------------


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


def random_case(seed: int = 0) -> tuple[np.ndarray, np.ndarray, dict[str, dict[str, int]]]:
    rng = np.random.default_rng(seed)
    queries, documents = rng.normal(size=(40, 12)), rng.normal(size=(150, 12))
    relevant = {
        str(q): {str(d): int(rng.integers(1, 5)) for d in rng.choice(150, rng.integers(1, 12), replace=False)}
        for q in range(40)
    }
    return queries.astype(np.float32), documents.astype(np.float32), relevant


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


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    queries, documents, relevant = random_case()
    others = [[(row + 1) % 150, (row + 60) % 150] for row in range(150)]
    whole = scores(queries, documents, relevant), scores(documents, documents, others)
    monkeypatch.setattr("embedlab.comparison.ranking._BLOCK_VALUES", 7 * 150)
    parts = scores(queries, documents, relevant), scores(documents, documents, others)
    for in_parts, at_once in zip(parts, whole, strict=True):
        for name, values in in_parts.items():
            assert values.tolist() == at_once[name].tolist(), name


def test_no_score_passes_one() -> None:
    queries, documents, _ = random_case()
    every = [{row: 1 + row % 4 for row in range(150)}] * 40
    for name, values in scores(queries, documents, every).items():
        assert values.max() <= 1, name


# -- ties ------------------------------------------------------------------------------------------------


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


# -- what is relevant ------------------------------------------------------------------------------------


def test_ids_row_numbers_and_dicts_mean_the_same(make_embeddings: Make) -> None:
    emb = make_embeddings(30)
    queries, documents = emb.select(emb.ids[:3]), emb.select(emb.ids[3:])
    expected = scores(queries, documents, [[4, 7], [1], [0, 2, 3]])
    by_id = {"i0002": ["i0003", "i0005", "i0006"], "i0000": ("i0007", "i0010", "i0010"), "i0001": "i0004"}
    for other in (
        by_id,
        [np.array([4, 7]), 1, {0, 2, 3}],
        [{"i0007": 1, "i0010": 1.0}, "i0004", pd.Series(["i0003", "i0005", "i0006"])],
    ):
        assert {n: v.tolist() for n, v in scores(queries, documents, other).items()} == {
            n: v.tolist() for n, v in expected.items()
        }


def test_a_query_does_not_find_itself(make_embeddings: Make) -> None:
    emb = make_embeddings(20, classes=4)
    by_label = match_column(emb.items, emb.items, "label")
    assert by_label[1] == ["i0005", "i0009", "i0013", "i0017"]
    assert recall_at_k(rank(emb, emb, by_label), 4).value > 0.9, (
        "a place taken by the query would cost 1 of 4"
    )
    array, by_rows = emb.vectors, [[int(id[1:]) for id in ids] for ids in by_label]
    assert (
        mrr(rank(array, array, by_rows)).per_query.tolist()
        == mrr(rank(emb, emb, by_label)).per_query.tolist()
    )
    assert mrr(rank(array, array.copy(), by_rows)).per_query.max() == 1 / 2, "a copy is other documents"
    with pytest.raises(BadItem, match="relevant to themselves") as circular:
        rank(emb, emb, range(20))
    assert list(circular.value.problems) == emb.ids[:20]


def test_relevant_by_matches_values_and_nothing_missing() -> None:
    captions = pd.DataFrame({"id": range(4), "content": list("abcd"), "pair": ["x", "y", None, "z"]})
    photos = pd.DataFrame({"id": range(4), "path": list("efgh"), "pair": ["x", "x", None, "y"]})
    texts, images = el.Items(captions, "text"), el.Items(photos, "image")
    # Caption 0 and photo 0 share an id, not a content: the photo is the answer, not the question.
    assert match_column(texts, images, "pair") == [["0", "1"], ["3"], [], []]
    numbers = el.Items(captions.assign(pair=[1.0, 2.0, np.nan, 3.0]), "text")
    assert match_column(numbers, numbers, "pair") == [[], [], [], []]
    with pytest.raises(BadItem, match=r"documents have no column 'topic'; they have .*'pair'"):
        match_column(el.Items(captions.assign(topic=1), "text"), images, "topic")


# -- zero-shot -------------------------------------------------------------------------------------------


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


# -- intervals -------------------------------------------------------------------------------------------


def test_a_score_reads_like_a_measurement() -> None:
    score = Score(0.444, 0.31, 0.567, 51, np.zeros(51))
    assert str(score) == repr(score) == f"{score}" == "0.44 [0.31, 0.57], n = 51"
    assert float(score) == 0.444


def test_the_interval_is_that_of_the_normal_approximation_for_many_queries() -> None:
    values = np.random.default_rng(0).uniform(size=4000)
    score = bootstrap(values)
    error = values.std() / np.sqrt(4000)
    assert (score.low, score.high) == pytest.approx(
        (score.value - 1.96 * error, score.value + 1.96 * error), abs=error / 5
    )
    assert bootstrap(values).low == score.low, "seeded"
    assert bootstrap(values, random_state=1).low != score.low
    assert bootstrap(values, confidence=0.5).high < score.high


def covered(draw: Callable[[np.random.Generator], Score], truth: float) -> float:
    rng = np.random.default_rng(0)
    intervals = [draw(rng) for _ in range(200)]
    return float(np.mean([score.low <= truth <= score.high for score in intervals]))


def test_intervals_cover_the_true_mean() -> None:
    assert 0.90 <= covered(lambda rng: bootstrap(rng.beta(1, 2, size=60)), 1 / 3) <= 0.99
    assert 0.90 <= covered(lambda rng: bootstrap(rng.uniform(size=60) < 0.7), 0.7) <= 0.99


def test_groups_that_agree_need_wider_intervals() -> None:
    groups = np.repeat(np.arange(25), 5)

    def captions(rng: np.random.Generator) -> np.ndarray:
        return np.clip(rng.uniform(size=25)[groups] + rng.normal(0, 0.05, 125), 0, 1)

    values = captions(np.random.default_rng(0))
    plain, grouped = bootstrap(values), bootstrap(values, groups=groups)
    assert grouped.value == plain.value
    assert grouped.high - grouped.low > 1.7 * (plain.high - plain.low)
    assert covered(lambda rng: bootstrap(captions(rng)), 0.5) < 0.80, "the false narrow interval"
    assert 0.90 <= covered(lambda rng: bootstrap(captions(rng), groups=groups), 0.5) <= 0.99


def test_groups_reach_the_metrics_and_missing_ones_stand_alone() -> None:
    queries, documents, relevant = random_case()
    groups = pd.Series([f"photo {i // 8}" for i in range(40)])
    score = mrr(rank(queries, documents, relevant, groups=groups))
    assert str(score) == str(bootstrap(score.per_query, groups=groups))
    assert score.low != mrr(rank(queries, documents, relevant)).low
    three = bootstrap(np.ones(4), groups=["a", None, "a", np.nan])
    assert three.low == pytest.approx(0.025 ** (1 / 3)), "a, and two that stand alone"


def test_no_interval_is_narrow_for_want_of_data() -> None:
    assert np.isnan([bootstrap([0.5]).low, bootstrap([0.5]).high]).all()
    assert np.isnan(bootstrap([0.2, 0.9, 0.4], groups=["a"] * 3).low)
    # Ten of ten right: Clopper and Pearson's 95 % interval is 0.6915 to 1.
    all_right, all_wrong = bootstrap(np.ones(10)), bootstrap(np.zeros(10))
    assert (all_right.low, all_right.high) == pytest.approx((0.6915, 1), abs=1e-4)
    assert (all_wrong.low, all_wrong.high) == pytest.approx((0, 0.3085), abs=1e-4)
    halves = bootstrap([0.5] * 10)
    assert halves.high - halves.low == pytest.approx(0.3085, abs=1e-4)
    assert bootstrap(np.ones(1000)).low > 0.99


# -- errors ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("queries", "documents", "relevant", "message"),
    [
        (np.ones((0, 3)), np.ones((2, 3)), [], r"query vectors have the shape \(0, 3\)"),
        (np.ones((1, 3)), np.ones((0, 3)), [[0]], r"document vectors have the shape \(0, 3\)"),
        (np.ones(3), np.ones((2, 3)), [[0]], r"query vectors have the shape \(3,\)"),
        (fan(0, np.nan), fan(0, 1), [[0], [1]], "vector of query '1' is not finite"),
        (fan(0), 0 * fan(0, 1), [[0]], "vector of document '0', '1' is all zeros"),
        (fan(0, 1), fan(0, 1), [[0]], "1 lists of relevant documents but 2 queries"),
        (fan(0, 1), fan(0, 1), [[], [1]], "No document is relevant to query '0'. Leave"),
        (fan(0, 1), fan(0, 1), {"1": {"0": 1}}, "No document is relevant to query '0'. Leave"),
        (fan(0, 1), fan(0, 1), [{0: 0}, [1]], "No document is relevant to query '0'. Leave"),
        (fan(0), fan(0, 1), [["0", "zebra", "gnu"]], "names document 'zebra', 'gnu'"),
        (fan(0), fan(0, 1), [[2]], "names document '2'"),
        (fan(0), fan(0, 1), [[-1]], "names document '-1'"),
        (fan(0), fan(0, 1), np.array([[True, False]]), "names document 'True'"),
        (fan(0), fan(0, 1), {"zebra": ["0"]}, "names query 'zebra'"),
        (fan(0), fan(0, 1), [{"1": -1}], "grades of query '0' must be"),
        (fan(0), fan(0, 1), [{"1": np.nan}], "grades of query '0' must be"),
    ],
)
def test_bad_questions_are_refused(
    queries: np.ndarray, documents: np.ndarray, relevant: object, message: str
) -> None:
    with pytest.raises(BadItem, match=message):
        rank(queries, documents, relevant)  # type: ignore[arg-type]


def test_queries_and_documents_of_two_models_are_refused() -> None:
    with pytest.raises(WrongModel, match="queries have 3 dimensions, but the documents 4"):
        rank(np.ones((1, 3)), np.ones((2, 4)), [[0]])


@pytest.mark.parametrize(
    ("queries", "relevant", "problems"),
    [
        (fan(0, np.nan), [[0], [1]], {"1": ProblemCode.DAMAGED}),
        (0 * fan(0, 1), [[0], [1]], {"0": ProblemCode.EMPTY, "1": ProblemCode.EMPTY}),
        (fan(0, 1), [[], [1]], {"0": ProblemCode.MISSING}),
        (fan(0), [["0", "zebra", "gnu"]], {"zebra": ProblemCode.MISSING, "gnu": ProblemCode.MISSING}),
        (fan(0), [{"1": -1}], {"0": ProblemCode.MALFORMED}),
    ],
)
def test_a_refusal_names_what_is_wrong(
    queries: np.ndarray, relevant: object, problems: dict[str, ProblemCode]
) -> None:
    with pytest.raises(BadItem) as error:
        rank(queries, fan(0, 1), relevant)  # type: ignore[arg-type]
    assert {id: problem.code for id, problem in error.value.problems.items()} == problems


def test_bad_numbers_are_refused() -> None:
    ranking = rank(fan(0), fan(0, 1), [0])
    for metric in (recall_at_k, success_at_k, ndcg_at_k):
        with pytest.raises(BadItem, match="k must be at least 1, not 0"):
            metric(ranking, 0)
    with pytest.raises(BadItem, match="3 groups but 1 queries"):
        rank(fan(0), fan(0, 1), [0], groups=[1, 2, 3])
    for values in ([], [1, np.nan], [[1, 2]]):
        with pytest.raises(BadItem, match="one finite number per query"):
            bootstrap(values)
    for wrong in ({"confidence": 1}, {"n_resamples": 0}):
        with pytest.raises(BadItem, match="n_resamples must be at least 1 and confidence between 0 and 1"):
            bootstrap([0, 1], **wrong)

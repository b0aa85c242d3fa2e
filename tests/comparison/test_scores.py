"""Bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from comparison_kit import fan

from embedlab.comparison.retrieval import (
    mrr,
    ndcg_at_k,
    rank,
    recall_at_k,
    success_at_k,
)
from embedlab.comparison.scores import Score, bootstrap
from embedlab.errors import BadItem


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


def random_case(seed: int = 0) -> tuple[np.ndarray, np.ndarray, dict[str, dict[str, int]]]:
    rng = np.random.default_rng(seed)
    queries, documents = rng.normal(size=(40, 12)), rng.normal(size=(150, 12))
    relevant = {
        str(q): {str(d): int(rng.integers(1, 5)) for d in rng.choice(150, rng.integers(1, 12), replace=False)}
        for q in range(40)
    }
    return queries.astype(np.float32), documents.astype(np.float32), relevant


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

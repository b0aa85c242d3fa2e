"""Paired tests."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binomtest, spearmanr

from embedlab.comparison.scores import Score, bootstrap
from embedlab.comparison.significance import holm, paired_difference, paired_spearman
from embedlab.comparison.tasks import silhouette
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem

Make = Callable[..., Embeddings]


def score(values: list[float] | np.ndarray) -> Score:
    return bootstrap(np.asarray(values, float))


def test_the_paired_test_agrees_with_the_exact_sign_test() -> None:
    """Of answers that are right or wrong, random signs are McNemar's exact test."""
    one = np.array([1] * 18 + [0] * 6 + [1] * 40 + [0] * 20)
    other = np.array([0] * 18 + [1] * 6 + [1] * 40 + [0] * 20)
    found = paired_difference(score(one), score(other))
    assert found.p_value == pytest.approx(binomtest(6, 24).pvalue, abs=0.006)
    assert found.value == pytest.approx(12 / 84)
    assert found.low < found.value < found.high
    back = paired_difference(score(other), score(one))
    assert (back.value, back.p_value) == (-found.value, found.p_value)


def test_rounding_is_no_difference(make_embeddings: Make) -> None:
    """Other threads compute the same vectors with other last digits: always a little to one side."""
    emb = make_embeddings(200, 64)
    nearly = dataclasses.replace(
        emb, vectors=emb.vectors * (1 + 3e-7 * np.sign(emb.vectors)) + np.float32(1e-7)
    )
    assert (emb.vectors != nearly.vectors).any()
    one, other = silhouette(emb), silhouette(nearly)
    assert (one.per_query != other.per_query).any()
    found = paired_difference(one, other)
    assert (found.value, found.p_value) == (0, 1)


def test_false_alarms_are_as_rare_as_they_should_be() -> None:
    rng = np.random.default_rng(0)
    alarms = [
        paired_difference(score(a), score(b), n_permutations=199).p_value < 0.05
        for a, b in (rng.normal(size=(2, 40)) for _ in range(300))
    ]
    assert 0.02 < np.mean(alarms) < 0.09


def test_pairing_sees_more_than_two_intervals() -> None:
    rng = np.random.default_rng(0)
    hard = rng.uniform(size=300)
    one, other = score(hard), score(np.clip(hard + 0.02 + 0.02 * rng.normal(size=300), 0, 1))
    assert one.high > other.low, "the intervals overlap"
    assert paired_difference(other, one).p_value < 0.001


def test_models_that_agree_in_all_are_not_said_to_be_equal() -> None:
    same = paired_difference(score([1, 0, 1, 1]), score([1, 0, 1, 1]))
    assert same.p_value == 1
    assert same.low < -0.4
    assert same.high > 0.4


def test_questions_that_belong_together_count_once() -> None:
    one, other = score(np.ones(40)), score(np.repeat([0, 1], 20))
    alone = paired_difference(one, other)
    together = paired_difference(one, other, groups=np.repeat(np.arange(4), 10))
    assert alone.p_value < 0.001
    assert together.p_value > 0.3
    with pytest.raises(BadItem, match="scores are of 40 and 2 questions"):
        paired_difference(one, score([1, 0]))


def test_two_models_on_the_same_pairs(make_embeddings: Make) -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=120)
    good, bad = (Score(0, 0, 0, 120, truth + noise * rng.normal(size=120)) for noise in (0.3, 1.5))
    good, bad = (
        dataclasses.replace(s, value=float(spearmanr(s.per_query, truth).statistic)) for s in (good, bad)
    )
    clear = paired_spearman(good, bad, truth)
    assert clear.p_value < 0.01
    assert 0 < clear.low < clear.value < clear.high
    assert paired_spearman(good, good, truth).p_value == 1
    flat = Score(0, np.nan, np.nan, 120, np.ones(120))  # no order at all
    assert paired_spearman(good, flat, truth).p_value < 0.01
    assert paired_spearman(flat, flat, truth).p_value == 1


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, np.nan, 0.9]).tolist()[0::2] == pytest.approx([1, 1])
    assert np.isnan(holm([0.5, np.nan])[1])
    assert len(holm([])) == 0

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from oracles.make import clouds
from paths import TESTS
from scipy.spatial import procrustes as scipy_procrustes
from scipy.stats import ortho_group

from embedlab.analysis.neighbors import knn
from embedlab.comparison import similarity
from embedlab.comparison.similarity import cka, jaccard_knn, mutual_knn, permutation_test, procrustes, rsa
from embedlab.errors import BadItem

Measure = Callable[[np.ndarray, np.ndarray], float]
MEASURES: list[Measure] = [cka, lambda x, y: cka(x, y, debiased=False), procrustes]
EACH = pytest.mark.parametrize("measure", MEASURES, ids=["debiased CKA", "biased CKA", "Procrustes"])


@pytest.fixture
def cloud() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(60, 12)) @ np.diag(np.linspace(0.3, 3, 12))


def test_cka_of_the_published_demonstration() -> None:
    rng = np.random.RandomState(1337)
    x = rng.randn(100, 10)
    y = rng.randn(100, 10) + x
    assert cka(x, y, debiased=False) == pytest.approx(0.557613, abs=1e-6)
    assert cka(x, y) == pytest.approx(0.513456, abs=1e-6)


def test_without_debiasing_few_items_in_many_dimensions_seem_alike() -> None:
    rng = np.random.default_rng(0)
    biased, debiased = [], []
    for _ in range(5):
        x, y = rng.normal(size=(2, 100, 768))
        biased.append(cka(x, y, debiased=False))
        debiased.append(cka(x, y))
    assert np.mean(biased) == pytest.approx(0.883, abs=0.005)
    assert np.abs(debiased).max() < 0.02


def test_debiased_cka_is_the_unbiased_estimator_written_out(cloud: np.ndarray) -> None:
    other = cloud[:, :5] + np.random.default_rng(1).normal(size=(60, 5))

    def hsic(x: np.ndarray, y: np.ndarray) -> float:
        """Song et al. 2007, equation 5, from the full kernels."""
        n, k, m = len(x), x @ x.T, y @ y.T
        np.fill_diagonal(k, 0)
        np.fill_diagonal(m, 0)
        trace = np.trace(k @ m) + k.sum() * m.sum() / ((n - 1) * (n - 2))
        return float((trace - 2 / (n - 2) * k.sum(axis=0) @ m.sum(axis=0)) / (n * (n - 3)))

    expected = hsic(cloud, other) / np.sqrt(hsic(cloud, cloud) * hsic(other, other))
    assert cka(cloud, other) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("debiased", [True, False])
@pytest.mark.parametrize("dim", [5, 200])
def test_both_ways_of_computing_agree(cloud: np.ndarray, debiased: bool, dim: int) -> None:
    other = np.random.default_rng(2).normal(size=(60, dim)) + cloud[:, :1]
    padded = np.hstack([cloud, np.zeros((60, 300))])  # wide: from products of items
    assert cka(padded, other, debiased=debiased) == pytest.approx(cka(cloud, other, debiased=debiased))


@EACH
def test_rotation_shift_and_size_change_nothing(measure: Measure, cloud: np.ndarray) -> None:
    turned = 7 * cloud @ ortho_group.rvs(12, random_state=0) + 3
    assert measure(cloud, turned) == pytest.approx(1)
    other = cloud[:, ::2] ** 2
    assert measure(cloud, other) == pytest.approx(measure(turned, other))
    assert measure(cloud, other) == pytest.approx(measure(other, cloud))


@EACH
def test_stretching_one_direction_changes_it(measure: Measure, cloud: np.ndarray) -> None:
    stretched = cloud * np.r_[np.ones(11), 40]
    assert measure(cloud, stretched) < 0.9


def test_procrustes_is_scipys_for_spaces_of_one_dimension_number(cloud: np.ndarray) -> None:
    other = cloud + np.random.default_rng(3).normal(size=cloud.shape)
    *_, disparity = scipy_procrustes(cloud, other)
    assert 1 - procrustes(cloud, other) ** 2 == pytest.approx(disparity)


def test_rsa_orders_pairs(cloud: np.ndarray) -> None:
    assert rsa(cloud, cloud @ ortho_group.rvs(12, random_state=0)) == pytest.approx(1)
    assert rsa(cloud, 5 * cloud) == pytest.approx(1)
    assert abs(rsa(cloud, np.random.default_rng(4).normal(size=(60, 30)))) < 0.15


def test_rsa_of_many_items_is_that_of_some(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(900, 8))
    y = x + rng.normal(size=(900, 8))
    whole = rsa(x, y)
    monkeypatch.setattr(similarity, "MAX_PAIRED", 300)
    assert rsa(x, y) != whole
    assert rsa(x, y) == pytest.approx(whole, abs=0.06)
    assert rsa(x, y) == rsa(x, y)


def test_neighbours_in_common_and_by_chance() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 500, 6))
    near_x, near_y = knn(x, 10), knn(y, 10)
    assert mutual_knn(near_x, near_x) == jaccard_knn(near_x, near_x) == 1
    assert mutual_knn(near_x, near_y) == pytest.approx(10 / 499, abs=0.01)
    both = [set(a) & set(b) for a, b in zip(near_x.indices, near_y.indices, strict=True)]
    either = [set(a) | set(b) for a, b in zip(near_x.indices, near_y.indices, strict=True)]
    shares = [len(a) / len(b) for a, b in zip(both, either, strict=True)]
    assert jaccard_knn(near_x, near_y) == pytest.approx(np.mean(shares))
    assert mutual_knn(near_x, near_y, 3) <= 1


def test_chance_is_beaten_by_what_is_alike_and_by_nothing_else(cloud: np.ndarray) -> None:
    rng = np.random.default_rng(5)
    alike = permutation_test(cka, cloud, cloud + rng.normal(size=cloud.shape))
    assert alike.p_value == pytest.approx(1 / 101)
    assert alike.value > alike.high > alike.expected
    assert alike.expected == pytest.approx(0, abs=0.05)
    # Procrustes of unrelated clouds is far from 0, and the null says so.
    unrelated = permutation_test(procrustes, cloud, rng.normal(size=(60, 40)))
    assert unrelated.expected > 0.3
    assert unrelated.p_value > 0.02
    assert "by chance" in repr(unrelated)


def test_under_the_null_p_values_are_spread_out() -> None:
    rng = np.random.default_rng(6)
    found = [
        permutation_test(cka, *rng.normal(size=(2, 30, 5)), n_permutations=19).p_value for _ in range(60)
    ]
    assert 0.35 < np.mean(found) < 0.7


@EACH
def test_what_cannot_be_compared_is_refused(measure: Measure, cloud: np.ndarray) -> None:
    with pytest.raises(BadItem, match="same items"):
        measure(cloud, cloud[:-1])
    with pytest.raises(BadItem, match="3 items are too few"):
        measure(cloud[:3], cloud[:3])
    broken = cloud.copy()
    broken[7, 2] = np.nan
    with pytest.raises(BadItem, match="Row 7 of the second space"):
        measure(cloud, broken)


def test_a_space_without_spread_has_no_similarity(cloud: np.ndarray) -> None:
    assert np.isnan(cka(cloud, np.ones((60, 3))))
    assert np.isnan(procrustes(cloud, np.ones((60, 3))))
    with pytest.raises(BadItem, match="n_permutations"):
        permutation_test(cka, cloud, cloud, n_permutations=0)


def test_rsa_is_that_of_rsatoolbox() -> None:
    reference = json.loads((TESTS / "oracles" / "reference.json").read_text())
    assert rsa(*clouds()) == pytest.approx(reference["rsa, cosine distances, Spearman"], abs=1e-12)

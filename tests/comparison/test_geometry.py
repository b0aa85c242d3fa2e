"""Measures of the shape of a cloud."""

from __future__ import annotations

import json

import numpy as np
import pytest
from IsoScore.IsoScore import IsoScore
from oracles.make import clouds
from paths import TESTS
from scipy.stats import ortho_group, skew
from skdim.id import MLE, TwoNN
from sklearn.decomposition import PCA

from embedlab.analysis.neighbors import Neighbors, knn
from embedlab.comparison.geometry import (
    effective_rank,
    hubness,
    iso_score,
    k_occurrences,
    mean_cosine,
    mle_dimension,
    spectrum,
    two_nn,
)
from embedlab.errors import BadItem


@pytest.mark.parametrize("d", [1, 2, 5])
def test_two_nn_finds_the_dimension_of_a_known_cloud(d: int) -> None:
    rng = np.random.default_rng(d)
    flat = rng.uniform(size=(2000, d))
    turned = flat @ np.linalg.qr(rng.normal(size=(40, d)))[0].T
    assert two_nn(turned) == pytest.approx(d, rel=0.12)
    assert two_nn(100 + 7 * turned) == pytest.approx(two_nn(turned), rel=0.01), (
        "neither place nor unit counts"
    )


def test_two_nn_of_a_curve_is_one() -> None:
    t = np.random.default_rng(0).uniform(0, 6, 1500)
    assert two_nn(np.stack([np.cos(t), np.sin(t), t**2], axis=1)) == pytest.approx(1, rel=0.15)


def test_two_nn_counts_duplicates_once_and_wants_enough() -> None:
    cloud = np.random.default_rng(0).normal(size=(300, 3))
    assert two_nn(np.concatenate([cloud, cloud])) == pytest.approx(two_nn(cloud))
    with pytest.raises(BadItem, match="9 distinct vectors are too few"):
        two_nn(np.concatenate([cloud[:9], cloud[:9]]))


@pytest.mark.parametrize("d", [1, 2, 5])
def test_mle_finds_the_dimension_of_a_known_cloud(d: int) -> None:
    flat = np.random.default_rng(0).uniform(size=(3000, d))
    turned = np.hstack([flat, np.zeros((3000, 10 - d))]) @ ortho_group.rvs(10, random_state=0)
    assert mle_dimension(turned) == pytest.approx(d, rel=0.12)
    assert mle_dimension(5 * turned + 2) == pytest.approx(mle_dimension(turned), rel=1e-6)


def test_mle_counts_copies_once_and_wants_enough() -> None:
    cloud = np.random.default_rng(0).normal(size=(200, 3))
    assert mle_dimension(np.vstack([cloud, cloud])) == pytest.approx(mle_dimension(cloud))
    with pytest.raises(BadItem, match="20 distinct vectors are too few for 20 neighbours"):
        mle_dimension(np.vstack([cloud[:20], cloud[:20]]))
    with pytest.raises(BadItem, match="k must be at least 2"):
        mle_dimension(cloud, 1)


def test_mean_cosine_is_that_of_all_pairs() -> None:
    vectors = np.random.default_rng(0).normal(size=(50, 6)) + 1
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    pairs = (unit @ unit.T)[np.triu_indices(50, 1)]
    assert mean_cosine(vectors) == pytest.approx(pairs.mean(), abs=1e-5)
    assert mean_cosine(np.ones((5, 3))) == pytest.approx(1, abs=1e-6)
    assert mean_cosine(np.array([[1.0, 0], [-1, 0]])) == pytest.approx(-1)
    with pytest.raises(BadItem, match="at least 2 items"):
        mean_cosine(np.ones((1, 3)))
    with pytest.raises(BadItem, match="Row 1 is all zeros"):
        mean_cosine(np.array([[1.0, 0], [0, 0]]))


def spread(*variances: float) -> np.ndarray:
    """A cloud with exactly these variances along some directions."""
    dim = len(variances)
    corners = np.vstack([np.eye(dim), -np.eye(dim)]) * np.sqrt(variances)
    return corners @ ortho_group.rvs(dim, random_state=0) + 3 if dim > 1 else corners


def test_a_ball_is_even_and_a_line_is_not() -> None:
    assert iso_score(spread(1, 1, 1, 1)) == pytest.approx(1)
    assert iso_score(spread(1, 0, 0, 0)) == pytest.approx(0, abs=1e-9)
    assert iso_score(1000 * spread(3, 2, 1)) == pytest.approx(iso_score(spread(3, 2, 1)))


@pytest.mark.parametrize("used", [2, 3, 7])
def test_iso_score_is_the_share_of_directions_that_are_used(used: int) -> None:
    # Property of the paper: k of n directions filled evenly give (k - 1) / (n - 1).
    cloud = spread(*[1.0] * used, *[0.0] * (9 - used))
    assert iso_score(cloud) == pytest.approx((used - 1) / 8)


def test_effective_rank_counts_directions() -> None:
    assert effective_rank(spread(1, 1, 1, 0, 0)) == pytest.approx(3)
    assert effective_rank(spread(1, 0, 0)) == pytest.approx(1)
    assert 1 < effective_rank(spread(100, 1, 1)) < 3
    few = np.random.default_rng(0).normal(size=(6, 300))
    assert effective_rank(few) <= 5


def test_the_spectrum_is_that_of_scikit_learns_pca() -> None:
    for n in (300, 20):  # more and fewer items than directions
        cloud = np.random.default_rng(0).normal(size=(n, 30)) * np.linspace(0.1, 2, 30) + 1
        ratio = PCA(svd_solver="full").fit(cloud).explained_variance_ratio_
        assert spectrum(cloud)[: len(ratio)] == pytest.approx(ratio, abs=1e-9)
        assert spectrum(cloud).shape == (30,)
        assert spectrum(cloud).sum() == pytest.approx(1)


@pytest.mark.parametrize("measure", [iso_score, effective_rank, spectrum])
def test_a_point_has_no_directions(measure: object) -> None:
    with pytest.raises(BadItem, match="same vector"):
        measure(np.full((9, 4), 0.3))  # type: ignore[operator]
    with pytest.raises(BadItem, match="at least 2 items"):
        measure(np.ones((1, 4)))  # type: ignore[operator]


def test_hubs_come_with_dimensions() -> None:
    rng = np.random.default_rng(0)
    few, many = (hubness(knn(rng.normal(size=(800, d)), 10, "euclidean")) for d in (2, 200))
    assert few[0] < 1 < many[0]
    assert few[1] < 0.02 < many[1]


def test_hubness_is_the_skewness_of_how_often_an_item_is_named() -> None:
    indices = np.array([[1, 2], [0, 2], [1, 0], [1, 2], [2, 1]])
    skewness, nobody = hubness(Neighbors(indices, indices.astype(np.float32), "cosine", True))
    assert nobody == pytest.approx(2 / 5)
    assert k_occurrences(Neighbors(indices, indices.astype(np.float32), "cosine", True)).tolist() == [
        2,
        4,
        4,
        0,
        0,
    ]
    assert skewness == pytest.approx(skew([2, 4, 4, 0, 0]))
    ring = np.array([[1], [2], [0]])
    assert np.isnan(hubness(Neighbors(ring, ring.astype(np.float32), "cosine", True))[0])
    with pytest.raises(BadItem, match="2 items are too few"):
        hubness(Neighbors(ring[:2], ring[:2].astype(np.float32), "cosine", True))


@pytest.mark.parametrize("seed", [0, 1])
def test_other_libraries_find_the_same(seed: int) -> None:
    cloud = np.random.default_rng(seed).normal(size=(500, 8)) * np.linspace(0.2, 2, 8)
    assert two_nn(cloud) == pytest.approx(TwoNN().fit(cloud).dimension_, rel=1e-9)
    assert mle_dimension(cloud, 20) == pytest.approx(MLE().fit(cloud, n_neighbors=20).dimension_, rel=1e-9)
    assert iso_score(cloud) == pytest.approx(float(IsoScore(cloud)), rel=1e-6)  # theirs is float32


def test_hubness_is_that_of_kiez() -> None:
    reference = json.loads((TESTS / "oracles" / "reference.json").read_text())
    skewness, anti_hubs = hubness(knn(clouds()[0], 10, "euclidean"))
    assert skewness == pytest.approx(reference["k-occurrence skewness, k = 10"], rel=1e-9)
    assert anti_hubs == pytest.approx(reference["share of anti-hubs, k = 10"], rel=1e-9)

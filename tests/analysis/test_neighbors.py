from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from embedlab.analysis import neighbors
from embedlab.analysis.neighbors import knn
from embedlab.errors import BadItem


@pytest.fixture
def vectors() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(300, 20)).astype(np.float32)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_exact_graph_equals_scikit_learn(vectors: np.ndarray, metric: str) -> None:
    graph = knn(vectors, 7, metric)
    distances, indices = (
        NearestNeighbors(n_neighbors=7, metric=metric, algorithm="brute").fit(vectors).kneighbors()
    )
    np.testing.assert_array_equal(graph.indices, indices)
    np.testing.assert_allclose(graph.distances, distances, atol=2e-4)
    assert graph.exact


def test_blocks_do_not_change_the_graph(vectors: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = knn(vectors, 5)
    monkeypatch.setattr("embedlab.analysis.neighbors._BLOCK_VALUES", 700)
    np.testing.assert_array_equal(knn(vectors, 5).indices, whole.indices)


@pytest.mark.slow
def test_approximate_graph_finds_nearly_all_true_neighbours() -> None:
    vectors = np.random.default_rng(0).normal(size=(2000, 10))
    true, found = knn(vectors, 10), knn(vectors, 10, exact=False)
    recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(true.indices, found.indices, strict=True)])
    assert recall > 0.95
    assert not found.exact
    assert (found.indices != np.arange(2000)[:, None]).all(), "an item is never its own neighbour"


def test_an_item_is_never_its_own_neighbour_among_exact_copies() -> None:
    graph = knn(np.ones((10, 4)), 9)
    for item, neighbours in enumerate(graph.indices):
        assert sorted([item, *neighbours]) == list(range(10))
    np.testing.assert_allclose(graph.distances, 0, atol=1e-6)


def test_k_is_cut_to_what_there_is(vectors: np.ndarray) -> None:
    assert knn(vectors[:4], 15).k == 3
    assert knn(vectors[:1], 15).indices.shape == (1, 0)


def test_wrong_input_is_refused(vectors: np.ndarray) -> None:
    with pytest.raises(BadItem, match="at least 1"):
        knn(vectors, 0)
    with pytest.raises(BadItem, match="manhattan"):
        knn(vectors, 3, "manhattan")
    vectors[17] = 0
    with pytest.raises(BadItem, match="Row 17"):
        knn(vectors, 3)
    assert knn(vectors, 3, "euclidean").k == 3


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_places_on_a_map_have_the_neighbours_that_comparing_all_finds(dim: int) -> None:
    places = np.random.default_rng(0).normal(size=(400, dim)).astype(np.float32)
    found, expected = knn(places, 7, "euclidean"), neighbors._search_exact(places, 7)
    assert found.exact
    clear = np.diff(expected[1]).min(axis=1) > 1e-4  # elsewhere rounding decides who comes first
    assert clear.sum() > 20
    np.testing.assert_array_equal(found.indices[clear, :6], expected[0][clear, :6])
    places[50:80] = places[20:50]  # copies
    places[100:130] = places[99]
    found, expected = knn(places, 7, "euclidean"), neighbors._search_exact(places, 7)
    np.testing.assert_allclose(found.distances, np.sqrt(expected[1]), atol=2e-3)
    assert (found.indices != np.arange(400)[:, None]).all()
    assert all(len(set(row)) == 7 for row in found.indices.tolist())

"""Near duplicates and outliers."""

from __future__ import annotations

import numpy as np

from embedlab.analysis.neighbors import knn
from embedlab.analysis.outliers import find_near_duplicates, find_outliers


def cloud(n: int = 60) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, 8)).astype(np.float32)


def test_copies_come_first_and_each_pair_once() -> None:
    vectors = cloud()
    vectors[10], vectors[40] = vectors[50], vectors[20] * 1.01 + 1e-3
    ids = [f"i{n}" for n in range(60)]
    found = find_near_duplicates(ids, knn(vectors, 10, "cosine"), n=2)
    assert found[["id", "other"]].to_numpy().tolist() == [["i10", "i50"], ["i20", "i40"]]
    assert found["distance"][0] == 0
    assert not find_near_duplicates(ids, knn(vectors, 10), n=500).duplicated(["id", "other"]).any()


def test_a_pair_counts_when_only_one_knows_the_other() -> None:
    line = np.array([[0.0], [1.0], [1.1], [5.0]], np.float32)
    found = find_near_duplicates(list("abcd"), knn(line, 1, "euclidean"))
    assert found[["id", "other"]].to_numpy().tolist() == [["b", "c"], ["a", "b"], ["c", "d"]]


def test_the_lonely_one_is_an_outlier_and_a_thin_crowd_is_none() -> None:
    rng = np.random.default_rng(1)
    dense, thin = rng.normal(size=(50, 2)) * 0.1, rng.normal(size=(50, 2)) * 3 + 40
    vectors = np.vstack([dense, thin, [[5.0, 5.0]]]).astype(np.float32)
    found = find_outliers([str(n) for n in range(101)], knn(vectors, 10, "euclidean"), n=5)
    assert found["id"][0] == "100"
    assert found["factor"][0] > 10 > found["factor"][1]


def test_one_item_and_only_copies() -> None:
    assert (
        len(find_near_duplicates(["a"], knn(cloud(1), 5))) == len(find_outliers(["a"], knn(cloud(1), 5))) == 0
    )
    same = np.ones((5, 3), np.float32)
    assert (find_outliers(list("abcde"), knn(same, 3))["factor"] == 1).all()
    assert (find_near_duplicates(list("abcde"), knn(same, 3))["distance"] == 0).all()

"""The islands of a map, and their names."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from conftest import card

import embedlab as el
from embedlab.analysis.clusters import NO_CLUSTER, find_clusters, name_clusters
from embedlab.errors import BadItem


def projection(items: el.Items, sizes: list[int]) -> el.Projection:
    """A map with clouds far apart, one after the other."""
    rng = np.random.default_rng(0)
    turns = 2 * np.pi * np.repeat(np.arange(len(sizes)), sizes) / len(sizes)
    spots = np.column_stack([np.cos(turns), np.sin(turns)]) * 10
    vectors = (spots + rng.normal(scale=0.2, size=spots.shape)).astype(np.float32)
    return el.project(el.Embeddings(vectors, items, card(dim=2), "last", "mean", False), "pca", n_neighbors=5)


def texts(sentences: list[str]) -> el.Items:
    frame = pd.DataFrame({"id": [f"t{i}" for i in range(len(sentences))], "content": sentences})
    return el.Items(frame, "text")


def test_islands_are_found_largest_first_and_named_by_their_words() -> None:
    about = [("the ship sails the sea", 12), ("the piano plays a song", 20), ("rain and wind and clouds", 15)]
    map_ = projection(texts([f"{words} {i}" for words, n in about for i in range(n)]), [12, 20, 15])
    found = find_clusters(map_, 10)
    assert [int((found.labels == i).sum()) for i in range(len(found))] == [20, 15, 12]
    assert found.names == ("piano, plays, song", "clouds, rain, wind", "sails, sea, ship")
    assert np.linalg.norm(found.centers - found.centers[0], axis=1).min() == 0
    np.testing.assert_allclose(found.centers[2], np.median(map_.coords[:12], axis=0))


def test_what_all_clusters_share_names_none() -> None:
    items = texts(["apple boat", "apple boat", "apple cart", "apple cart"])
    assert name_clusters(items, np.array([0, 0, 1, 1])) == ("boat, apple", "cart, apple")
    assert name_clusters(texts(["1 2", "3 4"]), np.array([0, 1])) == ("cluster 1", "cluster 2")
    assert name_clusters(texts(["<script>alert(1)</script>", "b"]), np.array([0, NO_CLUSTER]))[0]


def test_pictures_are_named_by_their_label() -> None:
    labels = ["cat", "cat", "cat", "dog", None, None]
    frame = pd.DataFrame({"id": list("abcdef"), "path": list("abcdef"), "label": labels})
    items = el.Items(frame, "image")
    assert name_clusters(items, np.array([0, 0, 1, 1, 2, 2])) == ("cat", "cat 50 %", "cluster 3")


def test_few_items_and_no_islands() -> None:
    small = find_clusters(projection(texts(list("abcde")), [5]))
    assert (len(small), small.labels.tolist(), small.centers.shape) == (0, [NO_CLUSTER] * 5, (0, 2))
    with pytest.raises(BadItem, match="at least 2, not 1"):
        find_clusters(projection(texts(list("abcde")), [5]), 1)

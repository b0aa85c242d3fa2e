"""Where spaces agree: items in common, neighbours in common."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import card

import embedlab as el
from embedlab.analysis.agreement import neighbor_overlap, select_common_items
from embedlab.analysis.neighbors import Neighbors, knn
from embedlab.errors import BadItem


def emb(ids: list[str], vectors: np.ndarray) -> el.Embeddings:
    import pandas as pd

    items = el.Items(pd.DataFrame({"id": ids, "content": ids}), "text")
    return el.Embeddings(vectors, items, card(dim=vectors.shape[1]), "last", "mean", False)


def graph(indices: list[list[int]]) -> Neighbors:
    rows = np.array(indices)
    return Neighbors(rows, np.zeros(rows.shape, np.float32), "cosine", True)


def test_overlap_is_counted_by_hand() -> None:
    a = graph([[1, 2], [0, 2], [0, 1], [0, 1]])
    b = graph([[2, 1], [2, 3], [3, 1], [2, 1]])
    assert neighbor_overlap([a, b]).tolist() == [1.0, 0.5, 0.5, 0.5]
    assert neighbor_overlap([a, b], k=1).tolist() == [0.0, 0.0, 0.0, 0.0]
    assert neighbor_overlap([a, a, b]).tolist() == pytest.approx([1.0, 2 / 3, 2 / 3, 2 / 3])


def test_a_turned_space_agrees_and_noise_does_not() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(300, 20)).astype(np.float32)
    rotation = np.linalg.qr(rng.normal(size=(20, 20)))[0].astype(np.float32)
    noise = rng.normal(size=(300, 30)).astype(np.float32)
    plain, turned, other = (knn(x, 15) for x in (vectors, vectors @ rotation, noise))
    assert neighbor_overlap([plain, turned]).min() > 0.9
    assert neighbor_overlap([plain, other]).mean() == pytest.approx(15 / 299, abs=0.015)


def test_items_in_another_order_are_put_in_order() -> None:
    vectors = np.arange(8, dtype=np.float32).reshape(4, 2) + 1
    first, second = emb(list("abcd"), vectors), emb(list("dbcx"), vectors)
    one, two = select_common_items([first, second])
    assert one.items.ids == two.items.ids == ["b", "c", "d"]
    assert two.vectors[2].tolist() == vectors[0].tolist()
    assert select_common_items([first, first])[1] is first


def test_what_cannot_be_compared_is_said() -> None:
    vectors = np.ones((4, 2), np.float32)
    with pytest.raises(BadItem, match="no embeddings"):
        select_common_items([])
    with pytest.raises(BadItem, match=r"Only 1 of 4 items.*missing from at least one: a, b, c"):
        select_common_items([emb(list("abcd"), vectors), emb(list("dxyz"), vectors)])
    a = graph([[1, 2], [0, 2], [0, 1]])
    with pytest.raises(BadItem, match="needs two spaces or more"):
        neighbor_overlap([a])
    with pytest.raises(BadItem, match="different numbers of items: 2, 3"):
        neighbor_overlap([a, graph([[1, 1], [0, 0]])])
    with pytest.raises(BadItem, match="k must be from 1 to 2"):
        neighbor_overlap([a, a], 3)

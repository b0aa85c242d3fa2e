"""Intrinsic dimension, neighbour accuracy, and the figure over the depth of a network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import embedlab as el
from embedlab.comparison.geometry import two_nn
from embedlab.comparison.tasks import knn_accuracy
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem

Make = Callable[..., Embeddings]


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


def test_knn_accuracy_counts_neighbours_of_the_same_label() -> None:
    vectors = np.array([[1, 0], [0.9, 0.1], [0.8, 0.2], [0, 1], [0.1, 0.9], [0.5, 0.51]], np.float32)
    items = el.Items.from_texts(list("abcdef"), labels=["x", "x", "x", "y", "y", None])
    emb = Embeddings(vectors, items, _card(2), "l", "none", False)
    assert float(knn_accuracy(emb)) == 1
    swapped = el.Items.from_texts(list("abcdef"), labels=["x", "y", "x", "y", "y", None])
    # b's nearest is a (x); a's nearest is b (y); c's nearest is b (y); d and e find each other
    assert float(knn_accuracy(Embeddings(vectors, swapped, _card(2), "l", "none", False))) == pytest.approx(
        2 / 5
    )


def test_the_nearest_decides_a_tie() -> None:
    angles = np.deg2rad([0, 1, 3, 90, 91])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    items = el.Items.from_texts(list("abcde"), labels=["x", "x", "y", "y", "y"])
    emb = Embeddings(vectors, items, _card(2), "l", "none", False)
    # a asks b (x) and c (y); b asks a (x) and c (y); c asks b, a (x, x); d and e ask each other and c
    assert float(knn_accuracy(emb, k=2)) == pytest.approx(4 / 5)


def test_accuracy_without_labels_is_refused(make_embeddings: Make) -> None:
    emb = make_embeddings(12)
    bare = el.Items.from_texts(emb.items.contents)
    with pytest.raises(BadItem, match="0 items with 0 different labels"):
        knn_accuracy(Embeddings(emb.vectors, bare, emb.model, "l", "none", False))


def test_the_depth_table_and_figure(make_embeddings: Make) -> None:
    stages = {
        f"a.long.name.of.stage.{i}": make_embeddings(40, dim, seed=i) for i, dim in enumerate((4, 8, 16))
    }
    table = el.depth_table(stages)
    assert table["layer"].tolist() == list(stages)
    assert table["dim"].tolist() == [4, 8, 16]
    assert table["accuracy_1nn"].between(0, 1).all()
    figure = el.depth_figure(stages, method="pca")
    assert len(figure.axes) == 2 + 3, "two lines and a map for each layer"
    assert figure.axes[2].get_xlabel() == "of.stage.0\n4 numbers"
    figure.canvas.draw()


def test_the_depth_figure_without_labels_or_layers(make_embeddings: Make) -> None:
    emb = make_embeddings(30)
    bare = el.Items.from_texts(emb.items.contents)
    plain = Embeddings(emb.vectors, bare, emb.model, "l", "none", False)
    assert np.isnan(el.depth_table({"l": plain})["accuracy_1nn"][0])
    el.depth_figure({"l": plain}, method="pca").canvas.draw()
    with pytest.raises(BadItem, match="no layers"):
        el.depth_figure({})


def _card(dim: int) -> el.ModelCard:
    from conftest import card

    return card(dim=dim)

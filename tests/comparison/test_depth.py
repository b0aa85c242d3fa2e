"""The table and the figure over the depth of a network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import embedlab as el
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem

Make = Callable[..., Embeddings]


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

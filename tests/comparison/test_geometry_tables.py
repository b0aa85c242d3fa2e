"""The table of shapes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from embedlab.analysis.neighbors import knn
from embedlab.comparison.geometry_tables import MEANING, geometry_table
from embedlab.embeddings import Embeddings

Make = Callable[..., Embeddings]


def test_the_table_of_shapes(make_embeddings: Make) -> None:
    one, other = make_embeddings(200, 8), make_embeddings(200, 30, seed=2)
    vectors = {"a": one.vectors, "b": 5 * other.vectors}
    table = geometry_table(vectors, {name: knn(v, 20) for name, v in vectors.items()})
    assert list(table.columns) == list(MEANING)
    assert table.notna().all().all()
    assert table.loc["b", "length"] == pytest.approx(
        5 * np.linalg.norm(other.vectors, axis=1).mean(), rel=1e-5
    )


def test_few_items_have_no_shape(make_embeddings: Make) -> None:
    emb = make_embeddings(4, 3, 2)
    table = geometry_table({"a": emb.vectors}, {"a": knn(emb.vectors, 3)})
    assert np.isnan(table.loc["a", "two_nn"])
    assert table.loc["a", "length"] > 0

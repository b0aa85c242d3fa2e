"""Maps laid side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

import embedlab as el
from embedlab.analysis.alignment import ALIGNED, align
from embedlab.errors import BadItem


@pytest.fixture
def projection(make_embeddings: Callable[..., el.Embeddings]) -> el.Projection:
    return el.project(make_embeddings(40, 6), "pca")


def test_a_turned_mirrored_moved_and_scaled_map_comes_back(projection: el.Projection) -> None:
    turn = np.array([[0.6, -0.8], [0.8, 0.6]]) @ np.diag([1, -1])
    moved = dataclasses.replace(projection, coords=(projection.coords @ turn * 7 + 3).astype(np.float32))
    first, second = align([projection, moved])
    assert first is projection
    np.testing.assert_allclose(second.coords, projection.coords, atol=1e-4)
    assert ALIGNED in second.notes
    assert second.quality is moved.quality


def test_all_points_in_one_place_stay_finite(projection: el.Projection) -> None:
    flat = dataclasses.replace(projection, coords=np.zeros_like(projection.coords))
    for pair in ([projection, flat], [flat, projection]):
        assert all(np.isfinite(each.coords).all() for each in align(pair))


def test_other_items_are_refused(projection: el.Projection) -> None:
    fewer = el.project(projection.embeddings.select(projection.embeddings.items.ids[:-1]), "pca")
    with pytest.raises(BadItem, match="the same items in the same order"):
        align([projection, fewer])

"""The linked maps of a comparison."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from comparison_kit import noisy

import embedlab as el
from embedlab.comparison.compare import compare
from embedlab.comparison.result import Comparison
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem

Make = Callable[..., Embeddings]


def test_one_model_at_two_layers_can_be_compared_and_explored(make_embeddings: Make) -> None:
    emb = make_embeddings(30, 6, 3)
    found = compare([emb, dataclasses.replace(noisy(emb, 1), layer="first")], cost=False)
    assert found.names == ["minilm, last_hidden_state", "minilm, first"]
    explorer = found.explore(method="pca")
    assert [p.embeddings.model.name for p in explorer.projections] == found.names


def test_maps_use_the_neighbours_that_are_known(
    compared: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embedlab.analysis import projection

    fresh = el.explore(list(compared.embeddings.values()), method="pca").projections
    monkeypatch.setattr(projection, "knn", None)  # looking them up again would break
    reused = compared.explore(method="pca").projections
    for one, other in zip(fresh, reused, strict=True):
        assert (one.neighbors.indices == other.neighbors.indices).all()
        assert one.quality.trustworthiness == other.quality.trustworthiness
    with pytest.raises(BadItem, match="graph of 120 items, but there are 60 embeddings"):
        el.project(compared.embeddings["good"].select(compared.items.ids[:60]), neighbors=reused[0].neighbors)

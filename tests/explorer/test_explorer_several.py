"""Several models side by side, and maps with three dimensions."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from explorer_kit import (
    DIM,
    LABELS,
    FakeModel,
    embeddings,
    flat,
    payload_of,
    preview_of,
    state_of,
    two_models,
)

import embedlab as el
from embedlab.analysis.neighbors import knn
from embedlab.errors import BadItem


def test_two_models_share_items_and_each_has_its_map() -> None:
    one, other = two_models()
    explorer = el.explore([one, other], method="pca", model=FakeModel())
    known = payload_of(explorer)
    assert known["ids"] == [f"i{n}" for n in range(1, 40)]
    assert len(known["panels"]) == 2
    assert "Turned and scaled to lie like the first map" in known["panels"][1]["caption"]
    for panel, emb in zip(known["panels"], (one, other), strict=True):
        inside = emb.select(known["ids"])
        assert panel["neighbors"][0] == knn(inside.vectors, 15).indices[0].tolist()
    overlap = [
        len(set(a) & set(b)) / 15 for a, b in zip(*(p["neighbors"] for p in known["panels"]), strict=True)
    ]
    np.testing.assert_allclose(known["columns"]["disagreement"]["values"], 1 - np.array(overlap), atol=1e-4)
    explorer.color("disagreement")
    titles = [each["title"] for each in known["lists"]]
    assert titles == ["Near duplicates", "Outliers", "Models disagree"]
    worst = known["lists"][2]["places"][0]
    assert overlap[worst["row"]] == min(overlap)
    explorer.search("owl")
    assert len(state_of(explorer)["landing"]) == 2


def test_a_projection_of_all_items_is_shown_as_it_is() -> None:
    one = embeddings(labels=LABELS)
    other = dataclasses.replace(one, vectors=np.random.default_rng(3).normal(size=(40, DIM)))
    first = flat(one)
    explorer = el.explore([first, other], method="pca")
    assert explorer.projections[0] is first
    with pytest.raises(BadItem, match="Only 1 of 40 items"):
        el.explore([one, other.select(["i3"])])
    with pytest.raises(BadItem, match="no embeddings"):
        el.explore([])


# -- a space ---------------------------------------------------------------------------------------------


def test_a_space_has_a_third_coordinate_everywhere() -> None:
    explorer = el.explore(embeddings(labels=LABELS), method="pca", n_components=3, model=FakeModel())
    known = payload_of(explorer)
    [panel] = known["panels"]
    np.testing.assert_allclose(panel["z"], explorer.projection.coords[:, 2], atol=1e-4)
    assert all(len(cluster["place"]) == 3 for cluster in panel["clusters"])
    assert any("turn" in line for line in known["help"])
    explorer.search("anything")
    assert np.shape(state_of(explorer)["landing"]) == (1, 3)
    assert payload_of(el.explore(embeddings(labels=LABELS), method="pca"))["panels"][0]["z"] is None


def test_a_space_is_stored_as_a_picture_from_one_side() -> None:
    explorer = el.explore(embeddings(labels=LABELS), method="pca", n_components=3)
    assert preview_of(explorer).size == (900, 600)


def test_a_plane_and_a_space_are_not_laid_side_by_side() -> None:
    emb = embeddings(labels=LABELS)
    with pytest.raises(BadItem, match="same n_components"):
        el.explore([el.project(emb, "pca"), el.project(emb, "pca", n_components=3)])

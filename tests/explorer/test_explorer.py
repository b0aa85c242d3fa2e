"""The map, clicks and selections: what the browser gets, and what it sends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from explorer_kit import (
    LABELS,
    FakeModel,
    embeddings,
    flat,
    notice_of,
    payload_of,
    record_replies,
    send_action,
    state_of,
)

import embedlab as el
from embedlab.analysis.neighbors import knn
from embedlab.errors import BadItem
from embedlab.explorer import Explorer


@pytest.fixture
def explorer() -> Explorer:
    return Explorer(flat(embeddings(labels=LABELS)), model=FakeModel())


# -- the map ---------------------------------------------------------------------------------------------


def test_every_item_has_its_place_and_its_class_in_every_colouring() -> None:
    rng = np.random.default_rng(0)
    emb = embeddings(labels=LABELS, year=[2000 + i % 3 for i in range(40)], size=rng.normal(size=40))
    explorer = Explorer(flat(emb))
    known, coords = payload_of(explorer), explorer.projection.coords
    assert known["ids"] == list(emb.ids)
    [panel] = known["panels"]
    np.testing.assert_allclose(np.column_stack([panel["x"], panel["y"]]), coords, rtol=1e-3, atol=1e-4)
    assert set(known["columns"]) == {"label", "year", "size", "distortion", "none"}
    for name, values in {"label": LABELS, "year": emb.items.frame["year"].astype(str).tolist()}.items():
        column = known["columns"][name]
        assert [column["groups"][code]["name"] for code in column["codes"]] == values
    np.testing.assert_allclose(known["columns"]["size"]["values"], emb.items.frame["size"], rtol=1e-4)
    [distortion] = known["columns"]["distortion"]["perPanel"]
    np.testing.assert_allclose(distortion, explorer.projection.quality.distortion, rtol=1e-4)


def test_embeddings_are_projected_and_projections_shown_as_they_are() -> None:
    emb = embeddings(labels=LABELS)
    explorer = el.explore(emb, method="pca", n_neighbors=7)
    assert explorer.projection.method == "pca"
    assert explorer.projection.quality.k == 7
    projection = flat(emb)
    assert el.explore(projection).projection is projection


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_handful_of_items_can_be_explored(n: int) -> None:
    explorer = el.explore(embeddings(n), model=FakeModel())
    explorer.click("i0")
    assert state_of(explorer)["clicked"] == 0
    assert len(explorer.search("anything", k=10)) == n
    assert explorer._repr_mimebundle_()[0]["image/png"]


def test_the_graph_travels_only_while_it_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    assert payload_of(Explorer(flat(embeddings())))["panels"][0]["neighbors"] is not None
    monkeypatch.setattr("embedlab.explorer.payload.MAX_GRAPH_ITEMS", 30)
    explorer = Explorer(flat(embeddings()))
    assert payload_of(explorer)["panels"][0]["neighbors"] is None
    sent = record_replies(explorer)
    explorer._on_message({"type": "near", "row": 7, "ticket": "v 1"})
    [(reply, _)] = sent
    near = knn(explorer.projection.embeddings.vectors, 10).indices[7].tolist()
    assert [place["row"] for place in reply["near"][0]] == near
    assert reply["ticket"] == "v 1"


# -- clicking --------------------------------------------------------------------------------------------


def test_a_click_in_the_browser_shows_the_item_and_its_true_neighbours(explorer: Explorer) -> None:
    send_action(explorer, "click", "i7")
    assert explorer.clicked_id == "i7"
    assert state_of(explorer)["clicked"] == 7
    emb, [panel] = explorer.projection.embeddings, payload_of(explorer)["panels"]
    graph = knn(emb.vectors, 10)
    assert panel["neighbors"][7][:10] == graph.indices[7].tolist()
    np.testing.assert_allclose(panel["scores"][7][:10], 1 - graph.distances[7], atol=1e-3)
    sent = record_replies(explorer)
    explorer._on_message({"type": "item", "row": 7, "ticket": "v 2"})
    assert "text number 7" in sent[0][0]["html"]


def test_an_echo_names_what_it_answers(explorer: Explorer) -> None:
    """Else a late answer would undo what a person has done meanwhile."""
    explorer._on_message({"type": "do", "action": "click", "argument": "i1", "view": "a", "acted": 4})
    assert state_of(explorer)["echo"] == {"view": "a", "acted": 4}
    explorer.k_neighbors = 4
    assert state_of(explorer)["k"] == 4


def test_an_unknown_id_is_refused_by_name(explorer: Explorer) -> None:
    with pytest.raises(BadItem, match="nowhere"):
        explorer.click("nowhere")
    send_action(explorer, "click", "nowhere")
    assert "nowhere" in notice_of(explorer)
    assert explorer.clicked_id is None


@pytest.mark.parametrize(
    "message", [{}, {"type": "item"}, {"type": "item", "row": 99}, {"type": "x", "row": 1}]
)
def test_a_message_without_sense_is_passed_over(explorer: Explorer, message: dict[str, Any]) -> None:
    explorer._on_message(message)
    send_action(explorer, "format the disk")
    assert "KeyError" in notice_of(explorer)


def test_euclidean_maps_list_distances() -> None:
    emb = embeddings()
    [panel] = payload_of(Explorer(el.project(emb, "pca", metric="euclidean")))["panels"]
    np.testing.assert_allclose(panel["scores"][0], knn(emb.vectors, 15, "euclidean").distances[0], rtol=1e-2)
    assert panel["measure"] == "Euclidean distance"


# -- selecting -------------------------------------------------------------------------------------------


def test_a_lasso_across_classes_arrives_as_items(explorer: Explorer) -> None:
    send_action(explorer, "select", ["i9", "i2", "i30", "i2"])
    assert explorer.selected_ids == ("i2", "i9", "i30")
    assert explorer.selection.ids == ["i2", "i9", "i30"]
    assert explorer.selection.contents == ["text number 2", "text number 9", "text number 30"]
    assert state_of(explorer)["selected"] == [2, 9, 30]
    send_action(explorer, "select", [])
    assert explorer.selected_ids == ()
    assert len(explorer.selection) == 0


def test_the_selection_survives_a_new_colouring(explorer: Explorer) -> None:
    explorer.select(["i1", "i5"])
    send_action(explorer, "color", "distortion")
    assert explorer.color_by == "distortion"
    assert explorer.selected_ids == ("i1", "i5")
    assert state_of(explorer)["selected"] == [1, 5]
    assert state_of(explorer)["by"] == "distortion"


def test_clear_takes_everything_back(explorer: Explorer) -> None:
    plain = state_of(explorer) | {"echo": None}
    explorer.search("owl")
    explorer.click("i0")
    explorer.select(["i1"])
    send_action(explorer, "clear")
    assert state_of(explorer) | {"echo": None} == plain
    assert (explorer.clicked_id, explorer.selected_ids, explorer.query, explorer.hits) == (None, (), "", ())

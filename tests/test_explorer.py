from __future__ import annotations

import base64
import dataclasses
import io
import json
import warnings

import numpy as np
import pytest
from explorer_kit import CARD, DIM, BrokenModel, FakeModel, embeddings, flat, other_weights
from PIL import Image

import embedlab as el
from embedlab import palette
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, EmbedlabError, WrongModel
from embedlab.explorer import Explorer
from embedlab.neighbors import knn

LABELS = [f"class {i % 4}" for i in range(40)]


@pytest.fixture
def explorer() -> Explorer:
    return Explorer(flat(embeddings(labels=LABELS)), model=FakeModel())


def from_browser(explorer: Explorer, **event: object) -> None:
    """What the map's script sends."""
    explorer.map.receive(event)


def places(explorer: Explorer) -> dict[str, tuple[float, float]]:
    """Where each id is drawn."""
    return {
        id: (x, y)
        for trace in explorer.figure.data
        for id, x, y in zip(trace.customdata, trace.x, trace.y, strict=True)
    }


# -- the map ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["label", "distortion", "none", "year", "size"])
def test_every_id_stays_at_its_point_whatever_the_colouring(by: str) -> None:
    rng = np.random.default_rng(0)
    emb = embeddings(labels=LABELS, year=[2000 + i % 3 for i in range(40)], size=rng.normal(size=40))
    explorer = Explorer(flat(emb))
    explorer.color(by)
    coords = explorer.projection.coords
    drawn = places(explorer)
    assert set(drawn) == set(emb.ids)
    for row, id in enumerate(emb.ids):
        assert drawn[id] == pytest.approx(coords[row], rel=1e-3, abs=1e-3)
    assert json.loads(explorer.map.base)["data"][0]["customdata"] == list(explorer.figure.data[0].customdata)


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
    assert "i0" in explorer.panel.html
    assert len(explorer.search("anything", k=10)) == n
    assert explorer._repr_mimebundle_()["image/png"]


def test_up_to_5000_points_are_svg_and_more_are_webgl() -> None:
    assert Explorer(flat(embeddings(200))).figure.data[0].type == "scatter"
    many = Explorer(flat(embeddings(5001)))
    assert many.figure.data[0].type == "scattergl"
    assert all(trace.type == "scatter" for trace in many.overlay)


def test_the_map_keeps_its_shape_and_shows_no_numbers(explorer: Explorer) -> None:
    layout = explorer.figure.layout
    assert layout.yaxis.scaleanchor == "x"
    assert layout.xaxis.showticklabels is layout.yaxis.showticklabels is False
    assert layout.uirevision == "map"


# -- clicking --------------------------------------------------------------------------------------------


def test_a_click_in_the_browser_shows_the_item_and_its_true_neighbours(explorer: Explorer) -> None:
    from_browser(explorer, type="click", id="i7")
    assert explorer.clicked_id == "i7"
    assert "text number 7" in explorer.panel.html
    emb = explorer.projection.embeddings
    true = [emb.ids[j] for j in knn(emb.vectors, 10).indices[7]]
    listed = [part.split("&quot;")[1] for part in explorer.panel.html.split('data-id="')[1:]]
    assert listed == true
    cosine = 1 - knn(emb.vectors, 1).distances[7, 0]
    assert f"{cosine:.2f}" in explorer.panel.html


def test_the_chosen_point_and_its_neighbours_are_ringed(explorer: Explorer) -> None:
    explorer.k_neighbors = 4
    explorer.click("i3")
    hits, near, chosen, query = explorer.overlay
    assert len(query.x) == 0, "nothing was asked"
    assert (len(hits.x), len(near.x), len(chosen.x)) == (0, 4, 1)
    assert (chosen.x[0], chosen.y[0]) == places(explorer)["i3"]
    assert chosen.marker.line.color == palette.ACCENT
    assert all(trace.hoverinfo == "skip" for trace in explorer.overlay)


def test_choosing_a_neighbour_in_the_panel_is_a_click(explorer: Explorer) -> None:
    explorer.panel.receive({"type": "click", "id": "i9"})
    assert explorer.clicked_id == "i9"


def test_an_unknown_id_is_refused_by_name(explorer: Explorer) -> None:
    with pytest.raises(BadItem, match="nowhere"):
        explorer.click("nowhere")
    from_browser(explorer, type="click", id="nowhere")
    assert "nowhere" in explorer.panel.html
    assert explorer.clicked_id is None


def test_euclidean_maps_list_distances() -> None:
    emb = embeddings()
    explorer = Explorer(el.project(emb, "pca", metric="euclidean"))
    explorer.click("i0")
    graph = knn(emb.vectors, 1, "euclidean")
    assert emb.ids[graph.indices[0, 0]] in explorer.panel.html
    assert f"{graph.distances[0, 0]:.2f}" in explorer.panel.html
    assert "Euclidean" in explorer.panel.html


# -- searching -------------------------------------------------------------------------------------------


def test_typing_a_query_lights_up_the_exact_nearest(explorer: Explorer) -> None:
    explorer.search_box.value = "an owl at night"
    emb = explorer.projection.embeddings
    query = FakeModel().embed_query("an owl at night")
    cosine = emb.vectors @ query / np.linalg.norm(emb.vectors, axis=1) / np.linalg.norm(query)
    best = np.argsort(-cosine)[:10]
    assert [id for id, _ in explorer.hits] == [emb.ids[i] for i in best]
    assert [score for _, score in explorer.hits] == pytest.approx(cosine[best].tolist(), abs=1e-5)
    assert explorer.query == "an owl at night"
    lit = explorer.overlay[0]
    assert lit.marker.line.color == palette.ACCENT
    assert set(zip(lit.x, lit.y, strict=True)) == {places(explorer)[id] for id, _ in explorer.hits}
    assert json.loads(explorer.map.state)["faded"] is True
    assert "an owl at night" in explorer.panel.html
    star = explorer.overlay[3]
    five = np.array([places(explorer)[id] for id, _ in explorer.hits[:5]])
    assert (star.x[0], star.y[0]) == pytest.approx(tuple(np.median(five, axis=0)), abs=1e-3)


def test_taking_the_query_back_restores_the_map(explorer: Explorer) -> None:
    before = explorer.map.state, explorer.panel.html
    explorer.search_box.value = "owl"
    explorer.search_box.value = "  "
    assert (explorer.map.state, explorer.panel.html) == before
    assert explorer.hits == ()
    assert explorer.query == ""


def test_one_action_asks_the_model_once(explorer: Explorer) -> None:
    explorer.search_box.value = "owl"
    assert explorer.model.asked == 1
    explorer.query = "mouse"
    assert explorer.model.asked == 2
    assert explorer.search_box.value == "mouse"
    explorer.click("i1")
    explorer.color("none")
    assert explorer.model.asked == 2
    assert len(explorer.hits) == 10


def test_a_model_with_other_weights_is_refused() -> None:
    projection = flat(embeddings())
    with pytest.raises(WrongModel, match=r"sha256.*aaaa.*bbbb"):
        Explorer(projection, model=other_weights())
    with pytest.raises(WrongModel, match="dimensions"):
        Explorer(projection, model=FakeModel(dim=DIM + 1))


def test_the_model_is_loaded_at_the_first_query_and_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for = []

    def load(name: str) -> FakeModel:
        asked_for.append(name)
        return other_weights()

    monkeypatch.setattr("embedlab.explorer.state.load_model", load)
    explorer = Explorer(flat(embeddings()))
    assert asked_for == []
    with pytest.raises(WrongModel, match="sha256"):
        explorer.search("owl")
    assert asked_for == [CARD.name]


@pytest.mark.parametrize("text", ["owl", "mouse & <i>owl</i>"])
def test_a_failing_model_is_shown_not_swallowed(text: str) -> None:
    explorer = Explorer(flat(embeddings()), model=BrokenModel())
    explorer.search_box.value = text
    assert "RuntimeError" in explorer.panel.html
    assert "out of &lt;b&gt;memory" in explorer.panel.html
    assert "<script>" not in explorer.panel.html
    explorer.clear_button.click()
    assert "RuntimeError" not in explorer.panel.html
    with pytest.raises(RuntimeError):
        explorer.search(text)


def test_missing_weights_are_told_in_the_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> FakeModel:
        raise EmbedlabError("No source has the weights. Bring them on a stick.")

    monkeypatch.setattr("embedlab.explorer.state.load_model", load)
    explorer = Explorer(flat(embeddings()))
    explorer.search_box.value = "owl"
    assert "Bring them on a stick" in explorer.panel.html
    explorer.click("i0")
    assert "Bring them on a stick" not in explorer.panel.html


def test_a_model_without_words_has_its_search_box_off() -> None:
    emb = embeddings()
    audio = Embeddings(
        emb.vectors, emb.items, dataclasses.replace(CARD, modality="audio"), emb.layer, emb.pooling, True
    )
    assert Explorer(flat(audio)).search_box.disabled


def test_a_home_made_model_has_its_search_box_off_unless_it_is_given() -> None:
    emb = embeddings()
    home_made = dataclasses.replace(emb, model=dataclasses.replace(CARD, name="digits/mlp"))
    assert Explorer(flat(home_made)).search_box.disabled
    assert not Explorer(flat(emb)).search_box.disabled


# -- selecting -------------------------------------------------------------------------------------------


def test_a_lasso_across_classes_arrives_as_items(explorer: Explorer) -> None:
    from_browser(explorer, type="select", ids=["i9", "i2", "i30", "i2"])
    assert explorer.selected_ids == ("i2", "i9", "i30")
    assert explorer.selection.ids == ["i2", "i9", "i30"]
    assert explorer.selection.contents == ["text number 2", "text number 9", "text number 30"]
    assert json.loads(explorer.map.state)["selected"] == ["i2", "i9", "i30"]
    assert "3 items selected" in explorer.panel.html
    from_browser(explorer, type="select", ids=[])
    assert explorer.selected_ids == ()
    assert len(explorer.selection) == 0


def test_the_selection_survives_a_new_colouring(explorer: Explorer) -> None:
    explorer.select(["i1", "i5"])
    explorer.color_menu.value = "distortion"
    assert explorer.color_by == "distortion"
    assert explorer.selected_ids == ("i1", "i5")
    assert json.loads(explorer.map.state)["selected"] == ["i1", "i5"]


def test_clear_takes_everything_back(explorer: Explorer) -> None:
    plain = explorer.map.state, explorer.panel.html
    explorer.search("owl")
    explorer.click("i0")
    explorer.select(["i1"])
    explorer.clear_button.click()
    assert (explorer.map.state, explorer.panel.html) == plain
    assert (explorer.clicked_id, explorer.selected_ids, explorer.query, explorer.hits) == (None, (), "", ())
    assert explorer.search_box.value == ""


# -- on paper --------------------------------------------------------------------------------------------


def test_a_stored_notebook_has_a_picture_and_a_line(explorer: Explorer) -> None:
    bundle = explorer._repr_mimebundle_()
    quality = explorer.projection.quality
    assert bundle["text/plain"] == (
        f"Explorer: 40 items of 'by hand', text/minilm, PCA, trustworthiness {quality.trustworthiness:.2f}"
    )
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == explorer.model_id
    png = base64.b64decode(bundle["image/png"])
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    assert picture.size == (900, 600)
    assert len(png) < 120_000
    drawn = set(picture.get_flattened_data())
    assert len(drawn) > 20
    assert bundle == explorer._repr_mimebundle_()


@pytest.mark.parametrize("by", ["label", "distortion", "none"])
def test_making_the_picture_warns_of_nothing(by: str) -> None:
    explorer = Explorer(flat(embeddings(labels=[None, "$a", "_b", "🦉 שלום"] * 10)), color_by=by)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explorer._repr_mimebundle_()


def test_the_badge_says_how_far_to_trust_the_map(explorer: Explorer) -> None:
    quality = explorer.projection.quality
    badge = explorer.badge.value
    assert f"trustworthiness {quality.trustworthiness:.2f}" in badge
    assert f"continuity {quality.continuity:.2f}" in badge
    assert quality.words in badge
    assert "40 items" in badge

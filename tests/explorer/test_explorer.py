from __future__ import annotations

import base64
import dataclasses
import io
import json
import math
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_kit import CARD, DIM, BrokenModel, FakeModel, embeddings, flat, other_weights
from PIL import Image

import embedlab as el
from embedlab.analysis.neighbors import knn
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, EmbedlabError, PageTooLarge, WrongModel
from embedlab.explorer import Explorer

LABELS = [f"class {i % 4}" for i in range(40)]


@pytest.fixture
def explorer() -> Explorer:
    return Explorer(flat(embeddings(labels=LABELS)), model=FakeModel())


def from_browser(explorer: Explorer, action: str, argument: object = None) -> None:
    """What the browser sends when a person does something."""
    message = {"type": "do", "action": action, "argument": argument, "view": "v", "acted": 1}
    explorer._on_message(message)


def state(explorer: Explorer) -> dict[str, Any]:
    """What the browser is told to show."""
    told: dict[str, Any] = json.loads(explorer.state)
    return told


def data(explorer: Explorer) -> dict[str, Any]:
    """What the browser knows from the beginning."""
    known: dict[str, Any] = json.loads(explorer.payload)
    return known


def notice(explorer: Explorer) -> str:
    """What is said in the panel."""
    said = state(explorer)["notice"]
    return "" if said is None else f"{said['class']}: {said['text']}"


# -- the map ---------------------------------------------------------------------------------------------


def test_every_item_has_its_place_and_its_class_in_every_colouring() -> None:
    rng = np.random.default_rng(0)
    emb = embeddings(labels=LABELS, year=[2000 + i % 3 for i in range(40)], size=rng.normal(size=40))
    explorer = Explorer(flat(emb))
    known, coords = data(explorer), explorer.projection.coords
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
    assert state(explorer)["clicked"] == 0
    assert len(explorer.search("anything", k=10)) == n
    assert explorer._repr_mimebundle_()[0]["image/png"]


def test_the_graph_travels_only_while_it_is_small(monkeypatch: pytest.MonkeyPatch) -> None:
    assert data(Explorer(flat(embeddings())))["panels"][0]["neighbors"] is not None
    monkeypatch.setattr("embedlab.explorer.payload.MAX_GRAPH_ITEMS", 30)
    explorer = Explorer(flat(embeddings()))
    assert data(explorer)["panels"][0]["neighbors"] is None
    sent = answers(explorer)
    explorer._on_message({"type": "near", "row": 7, "ticket": "v 1"})
    [(reply, _)] = sent
    near = knn(explorer.projection.embeddings.vectors, 10).indices[7].tolist()
    assert [place["row"] for place in reply["near"][0]] == near
    assert reply["ticket"] == "v 1"


def answers(explorer: Explorer) -> list[tuple[dict[str, Any], list[bytes]]]:
    """What is sent to the browser from now on."""
    sent: list[tuple[dict[str, Any], list[bytes]]] = []
    explorer.send = lambda content, buffers=None: sent.append((content, buffers or []))
    return sent


# -- clicking --------------------------------------------------------------------------------------------


def test_a_click_in_the_browser_shows_the_item_and_its_true_neighbours(explorer: Explorer) -> None:
    from_browser(explorer, "click", "i7")
    assert explorer.clicked_id == "i7"
    assert state(explorer)["clicked"] == 7
    emb, [panel] = explorer.projection.embeddings, data(explorer)["panels"]
    graph = knn(emb.vectors, 10)
    assert panel["neighbors"][7][:10] == graph.indices[7].tolist()
    np.testing.assert_allclose(panel["scores"][7][:10], 1 - graph.distances[7], atol=1e-3)
    sent = answers(explorer)
    explorer._on_message({"type": "item", "row": 7, "ticket": "v 2"})
    assert "text number 7" in sent[0][0]["html"]


def test_an_echo_names_what_it_answers(explorer: Explorer) -> None:
    """Else a late answer would undo what a person has done meanwhile."""
    explorer._on_message({"type": "do", "action": "click", "argument": "i1", "view": "a", "acted": 4})
    assert state(explorer)["echo"] == {"view": "a", "acted": 4}
    explorer.k_neighbors = 4
    assert state(explorer)["k"] == 4


def test_an_unknown_id_is_refused_by_name(explorer: Explorer) -> None:
    with pytest.raises(BadItem, match="nowhere"):
        explorer.click("nowhere")
    from_browser(explorer, "click", "nowhere")
    assert "nowhere" in notice(explorer)
    assert explorer.clicked_id is None


@pytest.mark.parametrize(
    "message", [{}, {"type": "item"}, {"type": "item", "row": 99}, {"type": "x", "row": 1}]
)
def test_a_message_without_sense_is_passed_over(explorer: Explorer, message: dict[str, Any]) -> None:
    explorer._on_message(message)
    from_browser(explorer, "format the disk")
    assert "KeyError" in notice(explorer)


def test_euclidean_maps_list_distances() -> None:
    emb = embeddings()
    [panel] = data(Explorer(el.project(emb, "pca", metric="euclidean")))["panels"]
    np.testing.assert_allclose(panel["scores"][0], knn(emb.vectors, 15, "euclidean").distances[0], rtol=1e-2)
    assert panel["measure"] == "Euclidean distance"


# -- searching -------------------------------------------------------------------------------------------


def test_typing_a_query_lights_up_the_exact_nearest(explorer: Explorer) -> None:
    from_browser(explorer, "search", "an owl at night")
    emb = explorer.projection.embeddings
    query = FakeModel().embed_query("an owl at night")
    cosine = emb.vectors @ query / np.linalg.norm(emb.vectors, axis=1) / np.linalg.norm(query)
    best = np.argsort(-cosine)[:10]
    assert [id for id, _ in explorer.hits] == [emb.ids[i] for i in best]
    assert [score for _, score in explorer.hits] == pytest.approx(cosine[best].tolist(), abs=1e-5)
    assert explorer.query == "an owl at night"
    told = state(explorer)
    assert [emb.ids[hit["row"]] for hit in told["hits"]] == [id for id, _ in explorer.hits]
    five = explorer.projection.coords[[hit["row"] for hit in told["hits"][:5]]]
    assert told["landing"][0] == pytest.approx(np.median(five, axis=0).tolist())


def test_taking_the_query_back_restores_the_map(explorer: Explorer) -> None:
    before = state(explorer) | {"echo": None}
    from_browser(explorer, "search", "owl")
    from_browser(explorer, "search", "  ")
    assert state(explorer) | {"echo": None} == before
    assert explorer.hits == ()
    assert explorer.query == ""


def test_one_action_asks_the_model_once(explorer: Explorer) -> None:
    from_browser(explorer, "search", "owl")
    assert explorer.model.asked == 1
    explorer.query = "mouse"
    assert explorer.model.asked == 2
    assert state(explorer)["query"] == "mouse"
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

    def load(card: el.ModelCard) -> FakeModel:
        asked_for.append(card.name)
        return other_weights()

    monkeypatch.setattr("embedlab.explorer.state.load_again", load)
    explorer = Explorer(flat(embeddings()))
    assert asked_for == []
    with pytest.raises(WrongModel, match="sha256"):
        explorer.search("owl")
    assert asked_for == [CARD.name]


@pytest.mark.parametrize("text", ["owl", "mouse & <i>owl</i>"])
def test_a_failing_model_is_shown_not_swallowed(text: str) -> None:
    explorer = Explorer(flat(embeddings()), model=BrokenModel())
    from_browser(explorer, "search", text)
    assert notice(explorer).startswith("embedlab-error: RuntimeError: out of <b>memory")
    from_browser(explorer, "clear")
    assert notice(explorer) == ""
    with pytest.raises(RuntimeError):
        explorer.search(text)


def test_missing_weights_are_told_in_the_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(card: el.ModelCard) -> FakeModel:
        raise EmbedlabError("No source has the weights. Bring them on a stick.")

    monkeypatch.setattr("embedlab.explorer.state.load_again", load)
    explorer = Explorer(flat(embeddings()))
    from_browser(explorer, "search", "owl")
    assert "Bring them on a stick" in notice(explorer)
    from_browser(explorer, "click", "i0")
    assert notice(explorer) == ""


def test_a_model_without_words_has_its_search_box_off() -> None:
    emb = embeddings()
    audio = Embeddings(
        emb.vectors, emb.items, dataclasses.replace(CARD, modality="audio"), emb.layer, emb.pooling, True
    )
    assert not data(Explorer(flat(audio)))["search"]["possible"]


def test_a_home_made_model_has_its_search_box_off_unless_it_is_given() -> None:
    emb = embeddings()
    home_made = dataclasses.replace(emb, model=dataclasses.replace(CARD, name="digits/mlp"))
    assert not data(Explorer(flat(home_made)))["search"]["possible"]
    assert data(Explorer(flat(emb)))["search"]["possible"]


# -- selecting -------------------------------------------------------------------------------------------


def test_a_lasso_across_classes_arrives_as_items(explorer: Explorer) -> None:
    from_browser(explorer, "select", ["i9", "i2", "i30", "i2"])
    assert explorer.selected_ids == ("i2", "i9", "i30")
    assert explorer.selection.ids == ["i2", "i9", "i30"]
    assert explorer.selection.contents == ["text number 2", "text number 9", "text number 30"]
    assert state(explorer)["selected"] == [2, 9, 30]
    from_browser(explorer, "select", [])
    assert explorer.selected_ids == ()
    assert len(explorer.selection) == 0


def test_the_selection_survives_a_new_colouring(explorer: Explorer) -> None:
    explorer.select(["i1", "i5"])
    from_browser(explorer, "color", "distortion")
    assert explorer.color_by == "distortion"
    assert explorer.selected_ids == ("i1", "i5")
    assert state(explorer)["selected"] == [1, 5]
    assert state(explorer)["by"] == "distortion"


def test_clear_takes_everything_back(explorer: Explorer) -> None:
    plain = state(explorer) | {"echo": None}
    explorer.search("owl")
    explorer.click("i0")
    explorer.select(["i1"])
    from_browser(explorer, "clear")
    assert state(explorer) | {"echo": None} == plain
    assert (explorer.clicked_id, explorer.selected_ids, explorer.query, explorer.hits) == (None, (), "", ())


# -- tags ------------------------------------------------------------------------------------------------


def test_a_tag_becomes_a_column_and_can_be_taken_back(explorer: Explorer) -> None:
    explorer.select(["i3", "i1"])
    from_browser(explorer, "tag", "sarcasm")
    explorer.tag("plain", ["i5", "i1"])
    assert explorer.tags == {"i3": "sarcasm", "i1": "plain", "i5": "plain"}
    column = explorer.items.frame["tag"]
    assert [column[row] for row in (0, 1, 3, 5)] == [None, "plain", "sarcasm", "plain"]
    told = json.loads(explorer.passing)["tag"]
    assert [group["name"] for group in told["groups"]] == ["plain", "sarcasm", "(none)"]
    explorer.color("tag")
    explorer.undo()
    assert explorer.tags == {"i3": "sarcasm", "i1": "sarcasm"}
    assert explorer.color_by == "tag"
    from_browser(explorer, "undo")
    assert explorer.tags == {}
    assert (json.loads(explorer.passing), explorer.color_by) == ({}, "none")
    assert "tag" not in explorer.items.frame
    explorer.undo()
    with pytest.raises(BadItem, match="Cannot colour by 'tag'"):
        explorer.color("tag")


def test_an_empty_tag_takes_tags_away(explorer: Explorer) -> None:
    explorer.tag("a", ["i1", "i2"])
    explorer.tag(" ", ["i1"])
    assert explorer.tags == {"i2": "a"}


def test_what_cannot_be_tagged_is_said(explorer: Explorer) -> None:
    from_browser(explorer, "tag", "x")
    assert "Nothing is selected" in notice(explorer)
    with pytest.raises(BadItem, match="nowhere"):
        explorer.tag("x", ["nowhere"])
    with pytest.raises(BadItem, match="column 'tag' already"):
        Explorer(flat(embeddings(tag=["a", "b"] * 20))).tag("x", ["i1"])
    assert explorer.tags == {}


def test_the_score_of_every_item_can_be_a_colour_and_a_filter(explorer: Explorer) -> None:
    assert "query score" not in explorer.colorings
    explorer.search("owl")
    column = json.loads(explorer.passing)["query score"]
    best = max(range(40), key=lambda row: column["values"][row])
    assert explorer.hits[0] == (f"i{best}", pytest.approx(column["values"][best], abs=1e-4))
    explorer.color("query score")
    explorer.clear()
    assert (explorer.color_by, json.loads(explorer.passing)) == ("none", {})


@pytest.mark.parametrize("by", ["disagreement", "tag", "query score"])
def test_what_came_while_looking_can_be_stored_and_exported(by: str, tmp_path: Path) -> None:
    one, other = two()
    explorer = el.explore([one, other], method="pca", model=FakeModel())
    explorer.search("owl")
    explorer.tag("mine", ["i3", "i4"])
    explorer.color(by)
    assert explorer._repr_mimebundle_()[0]["image/png"]
    assert f'"{by}":' in explorer.to_html(tmp_path / "map.html").read_text("utf-8")
    assert explorer.to_svg(tmp_path / "map.svg").stat().st_size > 1_000


# -- several models --------------------------------------------------------------------------------------


def two() -> tuple[Embeddings, Embeddings]:
    """The same items in two spaces, the second without the first item and in another order."""
    one = embeddings(labels=LABELS)
    other = dataclasses.replace(one, vectors=np.random.default_rng(3).normal(size=(40, DIM)))
    return one, other.select([f"i{n}" for n in range(39, 0, -1)])


def test_two_models_share_items_and_each_has_its_map() -> None:
    one, other = two()
    explorer = el.explore([one, other], method="pca", model=FakeModel())
    known = data(explorer)
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
    assert len(state(explorer)["landing"]) == 2


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


def test_pictures_for_slides(explorer: Explorer, tmp_path: Path) -> None:
    with Image.open(explorer.to_png(tmp_path / "map.png")) as picture:
        assert picture.size == (1800, 1200)
    svg = explorer.to_svg(tmp_path / "map.svg").read_text("utf-8")
    assert svg.startswith("<?xml")
    assert svg == explorer.to_svg(tmp_path / "again.svg").read_text("utf-8"), "the same map, the same file"


def test_a_page_that_would_be_too_large_is_not_written(explorer: Explorer, tmp_path: Path) -> None:
    with pytest.raises(PageTooLarge, match=r"40 items would have \d+ MB.*plays=False.*most_mb=\d+") as caught:
        explorer.to_html(tmp_path / "map.html", most_mb=1)
    assert caught.value.limit_mb == 1
    needed = math.ceil(caught.value.size_mb)
    assert f"most_mb={needed}" in str(caught.value)
    assert explorer.to_html(tmp_path / "enough.html", most_mb=needed).stat().st_size > 1e6
    assert not (tmp_path / "map.html").exists()


# -- a page ----------------------------------------------------------------------------------------------


def test_a_page_asks_nobody_and_holds_no_folder(explorer: Explorer, tmp_path: Path) -> None:
    text = explorer.to_html(tmp_path / "map.html").read_text("utf-8")
    assert "default-src 'none'" in text
    assert "text number 39" in text
    assert str(tmp_path) not in text
    assert text.count("</script>") == 1


# -- on paper --------------------------------------------------------------------------------------------


def test_a_stored_notebook_has_a_picture_and_a_line(explorer: Explorer) -> None:
    bundle, _ = explorer._repr_mimebundle_()
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
    assert bundle == explorer._repr_mimebundle_()[0]


@pytest.mark.parametrize("by", ["label", "distortion", "none"])
def test_making_the_picture_warns_of_nothing(by: str) -> None:
    explorer = Explorer(flat(embeddings(labels=[None, "$a", "_b", "🦉 שלום"] * 10)), color_by=by)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explorer._repr_mimebundle_()


def test_the_badge_says_how_far_to_trust_the_map(explorer: Explorer) -> None:
    quality, [panel] = explorer.projection.quality, data(explorer)["panels"]
    assert f"trustworthiness {quality.trustworthiness:.2f}" in panel["verdict"]
    assert f"continuity {quality.continuity:.2f}" in panel["verdict"]
    assert quality.words in panel["verdict"]
    assert panel["grade"] == quality.grade != "unknown"
    assert panel["caption"].startswith("PCA · 40 items · text/minilm (8 dimensions) · cosine")


# -- a space ---------------------------------------------------------------------------------------------


def test_a_space_has_a_third_coordinate_everywhere() -> None:
    explorer = el.explore(embeddings(labels=LABELS), method="pca", n_components=3, model=FakeModel())
    known = data(explorer)
    [panel] = known["panels"]
    np.testing.assert_allclose(panel["z"], explorer.projection.coords[:, 2], atol=1e-4)
    assert all(len(cluster["place"]) == 3 for cluster in panel["clusters"])
    assert any("turn" in line for line in known["help"])
    explorer.search("anything")
    assert np.shape(state(explorer)["landing"]) == (1, 3)
    assert data(el.explore(embeddings(labels=LABELS), method="pca"))["panels"][0]["z"] is None


def test_a_space_is_stored_as_a_picture_from_one_side() -> None:
    explorer = el.explore(embeddings(labels=LABELS), method="pca", n_components=3)
    assert png_of(explorer).size == (900, 600)


def test_a_plane_and_a_space_are_not_laid_side_by_side() -> None:
    emb = embeddings(labels=LABELS)
    with pytest.raises(BadItem, match="same n_components"):
        el.explore([el.project(emb, "pca"), el.project(emb, "pca", n_components=3)])


# -- pictures of several maps ----------------------------------------------------------------------------


def png_of(explorer: Explorer) -> Image.Image:
    bundle, _ = explorer._repr_mimebundle_()
    return Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))


@pytest.mark.parametrize(("n", "rows"), [(2, 1), (3, 1), (4, 2), (5, 2)])
def test_every_map_is_in_the_stored_picture(n: int, rows: int, tmp_path: Path) -> None:
    emb = embeddings(labels=LABELS)
    named = [dataclasses.replace(emb, model=dataclasses.replace(CARD, name=f"model/{i}")) for i in range(n)]
    explorer = el.explore(named, method="pca")
    assert png_of(explorer).width == 900
    drawn = explorer.to_svg(tmp_path / "maps.svg").read_text()
    assert drawn.count('<g id="axes_') == n
    # Words are drawn as outlines, with the words themselves beside them.
    for emb in named:
        assert f"<!-- {emb.model.name} -->" in drawn
    tall = explorer.to_png(tmp_path / "maps.png")
    with Image.open(tall) as opened:
        assert opened.width == 1800
    explorer.color("distortion")
    assert png_of(explorer).width == 900


# -- on Colab ----------------------------------------------------------------------------------------------


def test_on_colab_the_widget_says_where_its_manager_is(
    explorer: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Colab cannot run here; this stands in for the two names of it that matter."""
    from anywidget import _util

    called: list[str] = []
    colab = types.ModuleType("google.colab.output")
    colab.enable_custom_widget_manager = lambda: called.append("let in")  # type: ignore[attr-defined]
    colab._widgets = types.SimpleNamespace(_installed_url="https://colab.example/manager.js")  # type: ignore[attr-defined]
    assert explorer._repr_mimebundle_()[1] == {}, "elsewhere nothing is said"
    monkeypatch.setitem(sys.modules, "google.colab.output", colab)
    _util.enable_custom_widget_manager_once.cache_clear()
    try:
        bundle, metadata = explorer._repr_mimebundle_()
    finally:
        _util.enable_custom_widget_manager_once.cache_clear()
    widget = "application/vnd.jupyter.widget-view+json"
    assert called == ["let in"]
    assert metadata[widget]["colab"]["custom_widget_manager"]["url"].endswith("manager.js")
    assert widget in bundle

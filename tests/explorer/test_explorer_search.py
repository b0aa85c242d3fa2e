"""A search in words: exact hits, the right model, and failures that are shown."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from explorer_kit import (
    CARD,
    DIM,
    LABELS,
    BrokenModel,
    FakeModel,
    embeddings,
    flat,
    notice_of,
    other_weights,
    payload_of,
    send_action,
    state_of,
)

import embedlab as el
from embedlab.embeddings import Embeddings
from embedlab.errors import EmbedlabError, WrongModel
from embedlab.explorer import Explorer


@pytest.fixture
def explorer() -> Explorer:
    return Explorer(flat(embeddings(labels=LABELS)), model=FakeModel())


def test_typing_a_query_lights_up_the_exact_nearest(explorer: Explorer) -> None:
    send_action(explorer, "search", "an owl at night")
    emb = explorer.projection.embeddings
    query = FakeModel().embed_query("an owl at night")
    cosine = emb.vectors @ query / np.linalg.norm(emb.vectors, axis=1) / np.linalg.norm(query)
    best = np.argsort(-cosine)[:10]
    assert [id for id, _ in explorer.hits] == [emb.ids[i] for i in best]
    assert [score for _, score in explorer.hits] == pytest.approx(cosine[best].tolist(), abs=1e-5)
    assert explorer.query == "an owl at night"
    told = state_of(explorer)
    assert [emb.ids[hit["row"]] for hit in told["hits"]] == [id for id, _ in explorer.hits]
    five = explorer.projection.coords[[hit["row"] for hit in told["hits"][:5]]]
    assert told["landing"][0] == pytest.approx(np.median(five, axis=0).tolist())


def test_taking_the_query_back_restores_the_map(explorer: Explorer) -> None:
    before = state_of(explorer) | {"echo": None}
    send_action(explorer, "search", "owl")
    send_action(explorer, "search", "  ")
    assert state_of(explorer) | {"echo": None} == before
    assert explorer.hits == ()
    assert explorer.query == ""


def test_one_action_asks_the_model_once(explorer: Explorer) -> None:
    send_action(explorer, "search", "owl")
    assert explorer.model.asked == 1
    explorer.query = "mouse"
    assert explorer.model.asked == 2
    assert state_of(explorer)["query"] == "mouse"
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
    send_action(explorer, "search", text)
    assert notice_of(explorer).startswith("embedlab-error: RuntimeError: out of <b>memory")
    send_action(explorer, "clear")
    assert notice_of(explorer) == ""
    with pytest.raises(RuntimeError):
        explorer.search(text)


def test_missing_weights_are_told_in_the_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(card: el.ModelCard) -> FakeModel:
        raise EmbedlabError("No source has the weights. Bring them on a stick.")

    monkeypatch.setattr("embedlab.explorer.state.load_again", load)
    explorer = Explorer(flat(embeddings()))
    send_action(explorer, "search", "owl")
    assert "Bring them on a stick" in notice_of(explorer)
    send_action(explorer, "click", "i0")
    assert notice_of(explorer) == ""


def test_a_model_without_words_has_its_search_box_off() -> None:
    emb = embeddings()
    audio = Embeddings(
        emb.vectors, emb.items, dataclasses.replace(CARD, modality="audio"), emb.layer, emb.pooling, True
    )
    assert not payload_of(Explorer(flat(audio)))["search"]["possible"]


def test_a_home_made_model_has_its_search_box_off_unless_it_is_given() -> None:
    emb = embeddings()
    home_made = dataclasses.replace(emb, model=dataclasses.replace(CARD, name="digits/mlp"))
    assert not payload_of(Explorer(flat(home_made)))["search"]["possible"]
    assert payload_of(Explorer(flat(emb)))["search"]["possible"]

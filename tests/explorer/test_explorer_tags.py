"""Tags and other colourings that come and go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from explorer_kit import (
    LABELS,
    FakeModel,
    embeddings,
    flat,
    notice_of,
    send_action,
    two_models,
)

import embedlab as el
from embedlab.errors import BadItem
from embedlab.explorer import Explorer


@pytest.fixture
def explorer() -> Explorer:
    return Explorer(flat(embeddings(labels=LABELS)), model=FakeModel())


def test_a_tag_becomes_a_column_and_can_be_taken_back(explorer: Explorer) -> None:
    explorer.select(["i3", "i1"])
    send_action(explorer, "tag", "sarcasm")
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
    send_action(explorer, "undo")
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
    send_action(explorer, "tag", "x")
    assert "Nothing is selected" in notice_of(explorer)
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
    one, other = two_models()
    explorer = el.explore([one, other], method="pca", model=FakeModel())
    explorer.search("owl")
    explorer.tag("mine", ["i3", "i4"])
    explorer.color(by)
    assert explorer._repr_mimebundle_()[0]["image/png"]
    assert f'"{by}":' in explorer.to_html(tmp_path / "map.html").read_text("utf-8")
    assert explorer.to_svg(tmp_path / "map.svg").stat().st_size > 1_000

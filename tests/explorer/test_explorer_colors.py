from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from explorer_kit import embeddings, flat, payload_of

from embedlab import palette
from embedlab.errors import BadItem
from embedlab.explorer import Explorer
from embedlab.explorer.coloring import MISSING, color_items, list_colorings, scale_color
from embedlab.explorer.static import draw_preview


def column(explorer: Explorer, by: str = "label") -> dict[str, Any]:
    found: dict[str, Any] = payload_of(explorer)["columns"][by]
    return found


def names(explorer: Explorer) -> list[str]:
    return [group["name"] for group in column(explorer)["groups"]]


def test_the_legend_is_in_natural_order_with_missing_labels_last() -> None:
    labels = ["item 10", "item 2", None, "Item 1", "zoo"] * 8
    explorer = Explorer(flat(embeddings(labels=labels)))
    assert names(explorer) == ["Item 1", "item 2", "item 10", "zoo", MISSING]
    assert column(explorer)["groups"][-1]["color"] == palette.GREY
    assert [column(explorer)["codes"][row] for row in range(5)] == [2, 1, 4, 0, 3]


def test_a_label_that_looks_like_a_missing_one_stays_a_class_of_its_own() -> None:
    explorer = Explorer(flat(embeddings(labels=[None, MISSING, "", "a"] * 10)))
    assert sorted(names(explorer)) == sorted([MISSING, MISSING, "a"]), "an empty label is a missing one"


def test_more_than_twelve_classes_also_differ_in_shape() -> None:
    explorer = Explorer(flat(embeddings(60, labels=[f"c{i % 20}" for i in range(60)])))
    looks = [(group["color"], group["symbol"]) for group in column(explorer)["groups"]]
    assert len(set(looks)) == 20
    assert {symbol for _, symbol in looks[:12]} == {"circle"}
    assert {symbol for _, symbol in looks[12:]} == {"diamond"}


def test_very_many_classes_are_folded_and_none_is_lost() -> None:
    labels = ["big"] * 30 + [f"small {i}" for i in range(90)]
    explorer = Explorer(flat(embeddings(120, labels=labels)))
    assert len(names(explorer)) == 40
    assert names(explorer)[0] == "big"
    assert names(explorer)[-1] == "others (52 classes)"
    assert len(column(explorer)["codes"]) == 120
    assert draw_preview(explorer.projection, "label")


def test_the_menu_offers_labels_few_classes_and_numbers() -> None:
    emb = embeddings(
        labels=["a", "b"] * 20,
        year=[2000 + i % 3 for i in range(40)],
        length=np.arange(40) / 3,
        unique=[f"u{i}" for i in range(40)],
        same=["x"] * 40,
        day=pd.date_range("2026-01-01", periods=40),
        flag=[True, False] * 20,
        distortion=["mine", "yours"] * 20,
    )
    assert list(list_colorings(emb.items)) == [
        "label", "year", "length", "unique", "day", "flag", "distortion (column)", "distortion", "none",
    ]  # fmt: skip


def test_a_column_with_more_than_forty_classes_is_not_offered() -> None:
    emb = embeddings(60, unique=[f"u{i}" for i in range(60)], same=["x"] * 60)
    assert list(list_colorings(emb.items)) == ["distortion", "none"]


def test_numbers_get_a_scale_with_a_title() -> None:
    explorer = Explorer(flat(embeddings(labels=["a"] * 40, size=np.linspace(-1, 3, 40))))
    size, distortion = column(explorer, "size"), column(explorer, "distortion")
    assert (size["kind"], size["title"], size["limits"]) == ("number", "size", [-1, 3])
    assert (distortion["title"], distortion["limits"]) == ("neighbours lost", [0, 1])


def test_a_number_that_is_missing_is_none() -> None:
    size = np.linspace(0, 1, 40)
    size[[3, 4]] = np.nan
    size[5] = np.inf
    explorer = Explorer(flat(embeddings(size=size)), color_by="size")
    values = column(explorer, "size")["values"]
    assert [row for row, value in enumerate(values) if value is None] == [3, 4, 5]
    assert draw_preview(explorer.projection, "size")


def test_list_and_hits_wear_the_colour_of_their_points() -> None:
    projection = flat(embeddings(labels=["a", "b"] * 20, size=np.linspace(0, 1, 40)))
    by_label = color_items(projection, "label")
    assert by_label.style_of(1) == (palette.style(1)[0], "circle")
    ends = scale_color(0.0, (0, 1), False), scale_color(1.0, (0, 1), False)
    by_size = color_items(projection, "size")
    assert (by_size.style_of(0)[0], by_size.style_of(39)[0]) == ends == ("#440154", "#fde725")


def test_an_unknown_colouring_is_refused_with_the_choices() -> None:
    explorer = Explorer(flat(embeddings(labels=["a"] * 40)))
    with pytest.raises(BadItem, match=r"'colour'.*'label', 'distortion', 'none'"):
        explorer.color("colour")
    assert explorer.color_by == "label"


def test_without_labels_the_map_is_plain() -> None:
    explorer = Explorer(flat(embeddings()))
    assert explorer.color_by == "none"
    assert len(column(explorer, "none")["groups"]) == 1
    assert "label" not in payload_of(explorer)["columns"]

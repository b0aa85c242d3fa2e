"""What the front end computes without a page, against the same computed in Python."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_kit import HOSTILE, embeddings
from matplotlib.path import Path as Outline

import embedlab as el
from embedlab.explorer.payload import build_payload
from embedlab.explorer.static_layout import project_to_plane

pytestmark = pytest.mark.browser

FRONT = Path(el.__file__).parent / "explorer" / "front" / "data.js"
SEARCH = {"possible": False, "placeholder": "", "measure": ""}


@pytest.fixture(scope="module")
def page(chromium: Any) -> Iterator[Any]:
    opened = chromium.new_page()
    named = "window.front = { decode, matching, passing, csv, step, inside, turn };"
    opened.evaluate(f"() => {{ {FRONT.read_text()}\n{named} }}")
    yield opened
    opened.close()


def known(page: Any, emb: Any, **options: Any) -> dict[str, Any]:
    """A payload that the page has decoded as ``window.data``."""
    projection = el.project(emb, "pca", **options)
    told = build_payload([projection], "none", 10, SEARCH)
    page.evaluate("told => { window.data = front.decode(told); }", told)
    return told


def test_a_lasso_holds_what_lies_inside_of_its_outline(page: Any) -> None:
    [panel] = known(page, embeddings(200))["panels"]
    places = np.column_stack([panel["x"], panel["y"]])
    # A star crosses itself nowhere but is not convex; its points lie among the items.
    angles = np.linspace(0, 2 * np.pi, 10, endpoint=False)
    radius = np.where(np.arange(10) % 2, 0.4, 1.4)[:, None]
    star = places.mean(axis=0) + radius * places.std(axis=0) * np.column_stack(
        [np.cos(angles), np.sin(angles)]
    )
    expected = np.flatnonzero(Outline(star).contains_points(places)).tolist()
    assert 5 < len(expected) < 150
    script = "star => front.inside(data, 0, star, [...Array(data.n).keys()])"
    assert page.evaluate(script, star.tolist()) == expected
    some = page.evaluate("star => front.inside(data, 0, star, [0, 1, 2, 3, 4, 5, 6, 7])", star.tolist())
    assert some == [row for row in expected if row < 8]


def test_a_table_for_a_spreadsheet_comes_back_as_it_was(page: Any) -> None:
    texts = [*HOSTILE, "=HYPERLINK(1)", "+1 and more", "@here", "-2", 'say "this", and that']
    emb = embeddings(len(texts), labels=texts, texts=texts)
    told = known(page, emb, n_neighbors=3)
    text = page.evaluate("() => front.csv(data, [...Array(data.n).keys()])")
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    assert head == ["id", "label", "title"]
    for row, label, title in zip(rows, told["labels"], told["titles"], strict=True):
        for cell, was in zip(row[1:], (label, title), strict=True):
            assert cell in ("" if was is None else was, f"'{was}")  # an empty label is none
            assert cell == "-2" or not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_words_are_sought_everywhere_and_all_must_be_there(page: Any) -> None:
    known(page, embeddings(40, labels=["Owl", "cat"] * 20, place=["Rome", "Oslo", "Bath", "Kyiv"] * 10))
    assert page.evaluate("() => front.matching(data, 'owl ROME')") == list(range(0, 40, 4))
    assert page.evaluate("() => front.matching(data, 'number 7')") == [7, 17, 27, 37]
    assert page.evaluate("() => front.matching(data, 'owl nowhere')") == []
    assert page.evaluate("() => front.matching(data, '   ').length") == 40


def test_filters_take_classes_or_a_range_with_its_ends(page: Any) -> None:
    size = np.arange(40.0)
    size[5] = np.nan
    known(page, embeddings(40, labels=["a", "b", None, "c"] * 10, size=size))

    def passing(**filter: Any) -> list[int]:
        rows = page.evaluate("filter => [...front.passing(data, filter)]", filter)
        return np.flatnonzero(rows).tolist()

    assert passing(column="label", names=["a", "c"]) == [i for i in range(40) if i % 4 in (0, 3)]
    assert passing(column="label", names=["(none)"]) == list(range(2, 40, 4))
    assert passing(column="size", low=3, high=7) == [3, 4, 6, 7]
    assert page.evaluate("() => front.passing(data, null)") is None


def test_arrow_keys_reach_the_nearest_point_in_their_direction(page: Any) -> None:
    [panel] = known(page, embeddings(60))["panels"]
    x, y = np.array(panel["x"]), np.array(panel["y"])
    script = "([from, key, hidden]) => front.step(data, 0, from, key, hidden)"
    right = page.evaluate(script, [0, "ArrowRight", None])
    assert x[right] - x[0] >= abs(y[right] - y[0])
    seen = [int(i != right) for i in range(60)]
    assert page.evaluate(script, [0, "ArrowRight", seen]) not in (right, 0)
    assert page.evaluate(script, [int(x.argmax()), "ArrowRight", None]) is None
    assert page.evaluate(script, [int(y.argmin()), "ArrowDown", None]) is None


def test_a_space_is_seen_from_the_side_that_is_stored(page: Any) -> None:
    emb = embeddings(50)
    known(page, emb, n_components=3)
    [x, y] = page.evaluate("() => [data.panels[0].x, data.panels[0].y]")
    expected = project_to_plane(el.project(emb, "pca", n_components=3)).coords
    np.testing.assert_allclose(np.column_stack([x, y]), expected, atol=1e-3)


def test_turning_a_space_keeps_its_distances(page: Any) -> None:
    known(page, embeddings(50), n_components=3)
    lengths = (
        "() => data.panels[0].x.map((x, i) => Math.hypot(x, data.panels[0].y[i], data.panels[0].near[i]))"
    )
    before = page.evaluate(lengths)
    was = page.evaluate("() => data.panels[0].x")
    page.evaluate("() => front.turn(data, 0.7, -0.4)")
    np.testing.assert_allclose(page.evaluate(lengths), before, rtol=1e-9)
    assert not np.allclose(page.evaluate("() => data.panels[0].x"), was, atol=0.1)
    page.evaluate("() => front.turn(data, 0, 99)")
    assert page.evaluate("() => data.side.pitch") == 1.5  # nobody is turned on their head

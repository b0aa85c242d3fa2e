"""An exported explorer, opened from disk: no kernel, no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_kit import HOSTILE, embeddings

import embedlab as el

pytestmark = [pytest.mark.browser, pytest.mark.slow]


CHOOSE = "row => document.querySelector('.embedlab-explorer').embedlab.set({ clicked: row })"


@pytest.fixture(scope="module")
def page(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two models of the same 40 items, some of them named by strangers."""
    texts = [*HOSTILE, *(f"text number {i}" for i in range(40 - len(HOSTILE)))]
    one = embeddings(texts=texts, labels=[HOSTILE[i % 4] for i in range(40)], size=np.arange(40.0))
    other = el.Embeddings(
        np.random.default_rng(1).normal(size=(40, 8)), one.items, one.model, one.layer, one.pooling, False
    )
    path = el.explore([one, other], method="pca", height=400).to_html(
        tmp_path_factory.mktemp("page") / "map & more.html"
    )
    with_problems = open_page(chromium, path)
    yield with_problems
    assert with_problems.problems == []
    outside = [url for url in with_problems.asked if not url.startswith(("data:", "blob:"))]
    assert outside == [path.as_uri()], "nobody was asked for anything"


def open_page(chromium: Any, path: Path) -> Any:
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.problems, page.asked = [], []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda said: page.problems.append(said.text) if said.type == "error" else None)
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("[data-ready=true] .scatterlayer .point")
    return page


@pytest.fixture(autouse=True)
def fresh(page: Any) -> None:
    page.get_by_role("button", name="Clear").click()
    page.wait_for_selector("[data-ready=true]")


def rings(page: Any, kind: str) -> int:
    return int(page.locator(f".embedlab-overlay .embedlab-{kind}").count())


def test_both_maps_are_drawn_and_linked(page: Any) -> None:
    assert page.locator(".scatterlayer .point").count() == 80
    page.locator(".scatterlayer .point").nth(3).click(force=True)
    page.wait_for_selector(".embedlab-item .embedlab-text")
    assert rings(page, "chosen") == 2
    assert page.locator(".embedlab-nearest").count() == 2
    page.locator(".embedlab-nearest button").nth(2).click()
    assert rings(page, "chosen") == 2


def test_the_mouse_over_a_point_shows_its_words_and_its_place_on_both_maps(page: Any) -> None:
    page.locator('.modebar-btn[data-title="Lasso Select"]').click()
    # The three named by us that have the most room around them: the mouse can mean no other.
    lonely = """first => {
      const plot = document.querySelector(".js-plotly-plot");
      const { data } = document.querySelector(".embedlab-explorer").embedlab;
      const { xaxis, yaxis } = plot._fullLayout;
      const frame = plot.getBoundingClientRect();
      const places = data.ids.map((_, row) => [frame.left + xaxis._offset + xaxis.c2p(data.panels[0].x[row]),
        frame.top + yaxis._offset + yaxis.c2p(data.panels[0].y[row]), row]);
      const room = ([x, y, row]) => Math.min(...places.filter((one) => one[2] !== row)
        .map((one) => Math.hypot(one[0] - x, one[1] - y)));
      return places.filter((one) => one[2] >= first).sort((a, b) => room(b) - room(a)).slice(0, 3);
    }"""
    for x, y, row in page.evaluate(lonely, len(HOSTILE)):
        page.mouse.move(x + 3, y)
        page.mouse.move(x, y)
        card = page.locator(f".embedlab-card[data-item='i{row}']")
        card.wait_for(state="visible")
        assert f"text number {row - len(HOSTILE)}" in card.inner_text()
        assert rings(page, "echo") == 2


def test_words_are_searched_in_texts_labels_and_columns(page: Any) -> None:
    box = page.get_by_label("Search for words")
    box.fill("NUMBER 27")
    box.press("Enter")
    page.wait_for_selector(".embedlab-selection")
    assert page.locator(".embedlab-selection b").first.inner_text() == "2 items selected"
    box.fill("nowhere at all")
    box.press("Enter")
    assert "No item contains" in page.wait_for_selector("[role=alert]").inner_text()


def test_a_selection_is_saved_as_csv(page: Any) -> None:
    box = page.get_by_label("Search for words")
    box.fill("script")
    box.press("Enter")
    page.wait_for_selector(".embedlab-selection")
    with page.expect_download() as coming:
        page.get_by_role("button", name="Save as CSV").click()
    import pandas as pd

    saved = pd.read_csv(coming.value.path())
    assert list(saved.columns) == ["id", "label", "title", "size"]
    assert saved["id"].tolist()[0] == "i0"
    assert HOSTILE[0] in saved["title"].tolist()


def test_colours_and_legend(page: Any) -> None:
    page.get_by_label("Colour by").select_option("disagreement")
    page.wait_for_selector(".infolayer .colorbar")
    page.get_by_label("Colour by").select_option("label")
    page.wait_for_selector(".legend .traces")
    page.locator(".legendtoggle").first.click()
    page.wait_for_function("() => document.querySelectorAll('.scatterlayer .point').length === 60")
    page.locator(".legendtoggle").first.click()


def test_texts_of_strangers_stay_texts(page: Any) -> None:
    for row in range(len(HOSTILE)):
        page.evaluate(CHOOSE, row)
        page.wait_for_selector(f'.embedlab-item[data-item="i{row}"] .embedlab-content *')
    assert page.locator(".embedlab-panel script, .embedlab-panel a, .embedlab-panel img").count() == 0


def test_sounds_play_in_a_page(chromium: Any, tmp_path: Path) -> None:
    import dataclasses

    import pandas as pd
    from explorer_kit import CARD
    from sounds import tone, write

    paths = [write(tmp_path / f"{n}.wav", tone(2.0, hertz=300.0 + 50 * n)) for n in range(6)]
    frame = pd.DataFrame(
        {"id": [f"i{n}" for n in range(6)], "path": map(str, paths), "label": list("aabbcc")}
    )
    card = dataclasses.replace(CARD, name="audio/by-hand", modality="audio")
    vectors = np.random.default_rng(0).normal(size=(6, 8))
    emb = el.Embeddings(vectors, el.Items(frame, "audio", "tones"), card, "embedding", "mean", False)
    path = el.explore(el.project(emb, method="pca")).to_html(tmp_path / "tones.html")
    for sound in paths:
        sound.unlink()
    page = open_page(chromium, path)
    page.evaluate("""() => {
      window.played = [];
      const play = HTMLMediaElement.prototype.play;
      HTMLMediaElement.prototype.play = function () { window.played.push(this); return play.call(this); };
    }""")
    page.locator(".scatterlayer .point").first.click(force=True)
    page.wait_for_function("() => window.played.length && window.played[0].currentTime > 0.2")
    assert page.locator(".embedlab-strip img").count() == 5
    assert page.problems == []


def selected(page: Any) -> set[int]:
    rows = page.evaluate("() => document.querySelector('.embedlab-explorer').embedlab.state().selected")
    return set(rows)


def test_shift_adds_to_a_lasso_and_alt_takes_away(page: Any) -> None:
    frame = page.locator(".nsewdrag").first.bounding_box()
    middle, bottom = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] - 4

    def box(left: float, right: float, key: str | None = None) -> set[int]:
        if key:
            page.keyboard.down(key)
        page.mouse.move(left, frame["y"] + 4)
        page.mouse.down()
        page.mouse.move(right, bottom, steps=5)
        page.mouse.up()
        if key:
            page.keyboard.up(key)
        return selected(page)

    page.locator('.modebar-btn[data-title="Box Select"]').click()
    left = box(frame["x"] + 4, middle)
    assert 0 < len(left) < 40
    assert page.locator(".embedlab-outline").count() == 1
    everything = box(middle, frame["x"] + frame["width"] - 4, "Shift")
    assert left < everything == set(range(40))
    assert box(frame["x"] + 4, middle, "Alt") == everything - left
    page.get_by_role("button", name="Clear").click()
    assert selected(page) == set()
    assert page.locator(".embedlab-outline").count() == 0


def test_a_slider_plays_through_a_column(page: Any) -> None:
    page.get_by_label("Filter by").select_option("size")
    page.get_by_role("button", name="Play").click()
    first = page.locator(".embedlab-filter output").inner_text()
    changed = "(shown) => document.querySelector('.embedlab-filter output').textContent !== shown"
    for _ in range(2):
        page.wait_for_function(changed, arg=first, timeout=20_000)
        first = page.locator(".embedlab-filter output").inner_text()
    page.get_by_role("button", name="Pause").click()
    stays = page.locator(".embedlab-filter output").inner_text()
    page.wait_for_timeout(1500)
    assert page.locator(".embedlab-filter output").inner_text() == stays


def test_a_space_can_be_turned_by_mouse_and_keyboard(chromium: Any, tmp_path: Path) -> None:
    emb = embeddings(labels=["a", "b"] * 20)
    path = el.explore(emb, method="pca", n_components=3, height=400).to_html(tmp_path / "space.html")
    page = open_page(chromium, path)
    places = """() => [...document.querySelectorAll(".scatterlayer .point")]
      .map((point) => point.getAttribute("transform")).sort()"""
    frame = page.locator(".nsewdrag").bounding_box()
    x, y = frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2
    before = page.evaluate(places)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 90, y + 30, steps=8)
    page.mouse.up()
    page.wait_for_selector("[data-ready=true]")
    turned = page.evaluate(places)
    assert len(set(before) & set(turned)) < 5
    assert page.evaluate("() => document.querySelector('.embedlab-explorer').embedlab.data.side.yaw") > 1
    page.locator(".embedlab-map").focus()
    page.keyboard.press("Shift+ArrowLeft")
    page.wait_for_function(f"turned => JSON.stringify(({places})()) !== JSON.stringify(turned)", arg=turned)
    # A ring stays on its point, and a lasso is drawn on what is seen.
    page.evaluate(CHOOSE, 3)
    page.wait_for_selector("[data-ready=true]")
    assert rings(page, "chosen") == 1
    page.locator('.modebar-btn[data-title="Lasso Select"]').click()
    page.mouse.move(frame["x"] + 5, frame["y"] + 5)
    page.mouse.down()
    right, bottom = frame["x"] + frame["width"] - 5, frame["y"] + frame["height"] - 5
    for corner in ((right, frame["y"] + 5), (right, bottom), (frame["x"] + 5, bottom)):
        page.mouse.move(*corner, steps=5)
    page.mouse.up()
    assert selected(page) == set(range(40))
    assert page.problems == []
    page.close()

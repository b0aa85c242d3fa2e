"""Sound in the explorer, in a real browser: what is heard and seen always belongs to the item chosen.

Each sound of the test is one pure tone that says its row, so that what was played tells whose it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from browser.lab import Notebook, open_notebook, running_lab, write_notebook
from browser.test_lab import MAP, PANEL, POINTS, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

N = 12
MAKE = f"""
import dataclasses
import numpy as np, pandas as pd
import wave
from pathlib import Path
import embedlab as el
from embedlab.catalog import registry

def write(path, hertz, seconds):
    samples = 0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * 16000)) / 16000)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1); file.setsampwidth(2); file.setframerate(16000)
        file.writeframes((samples * 32767).astype("<i2").tobytes())

Path("secret-folder").mkdir(exist_ok=True)
order = np.random.default_rng(0).permutation({N})  # neither ids nor paths are in this order
for row in order:
    write(f"secret-folder/{{row}}.wav", 300 * 1.3 ** row, 40 if row == 5 else 8)
frame = pd.DataFrame({{
    "id": [f"item {{row}}" for row in order],
    "path": [str(Path("secret-folder", f"{{row}}.wav").resolve()) for row in order],
    "label": [("even", "odd")[row % 2] for row in order], "third": [f"t{{row % 3}}" for row in order],
}})
items = el.Items(frame, "audio", "tones")
card = dataclasses.replace(registry.row("audio/speaker").card, dim=8, sha256="a" * 64)
vectors = np.random.default_rng(3).normal(size=({N}, 8))
emb = el.Embeddings(vectors, items, card, "embedding", "mean", False)
first = el.explore(el.project(emb, method="pca"))
second = el.explore(el.project(emb, method="pca"))
"""

# Before anything plays: keep every player that was started, and read which tone it holds.
LISTEN = """() => {
  window.players = [];
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    window.players.push({ audio: this, src: this.src });
    return play.call(this);
  };
}"""
LAST_ROW = """async () => {
  const { src } = window.players.at(-1);
  const wav = await (await fetch(src)).arrayBuffer();
  const samples = new Int16Array(wav.slice(44));
  let crossings = 0;
  for (let i = 1; i < samples.length; i += 1) crossings += (samples[i - 1] < 0) !== (samples[i] < 0);
  const hertz = crossings / 2 / (samples.length / 16000);
  return { row: Math.round(Math.log(hertz / 300) / Math.log(1.3)), seconds: samples.length / 16000 };
}"""
PLAYING = "() => [...new Set(window.players.map((p) => p.audio))].filter((audio) => !audio.paused).length"

# How far down in a spectrogram its brightest line is, from 0 to 1.
BRIGHTEST = """(image) => {
  const canvas = document.createElement("canvas");
  canvas.width = 1;
  canvas.height = image.naturalHeight;
  const pen = canvas.getContext("2d");
  pen.drawImage(image, image.naturalWidth / 2, 0, 1, image.naturalHeight, 0, 0, 1, image.naturalHeight);
  const { data } = pen.getImageData(0, 0, 1, image.naturalHeight);
  const light = (y) => data[4 * y] + data[4 * y + 1];
  return [...Array(canvas.height).keys()].reduce((best, y) => (light(y) > light(best) ? y : best), 0)
    / canvas.height;
}"""
CARD = f"{MAP} .embedlab-card"
BUTTON = f"{PANEL} .embedlab-play"


@pytest.fixture(scope="module")
def tones(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    folder = tmp_path_factory.mktemp("sound-lab")
    with running_lab(folder, env={"EMBEDLAB_CACHE": str(folder / "cache")}) as lab:
        write_notebook(lab.root / "sound.ipynb", (MAKE, "first", "second"))
        with open_notebook(chromium, lab, "sound.ipynb") as notebook:
            notebook.page.evaluate(LISTEN)
            notebook.run_all()
            notebook.wait(f"{MAP} [data-ready=true] .scatterlayer .point", 120)
            yield notebook


@pytest.fixture(autouse=True)
def fresh(tones: Notebook) -> None:
    tones.run("first.clear(); second.clear(); first.color('label'); first.k_neighbors = 10")
    settle(tones)
    tones.page.wait_for_function("() => !document.querySelector('.embedlab-panel .embedlab-item')")
    tones.page.evaluate(
        "() => { window.players.forEach((p) => p.audio.pause()); window.players.length = 0; }"
    )


def settle(tones: Notebook) -> None:
    """The map in the middle of the window, drawn to its end: running a cell scrolls to that cell."""
    tones.page.locator(MAP).first.evaluate("map => map.scrollIntoView({block: 'center'})")
    tones.wait(f"{MAP} [data-ready=true]")


def point_at(tones: Notebook, place: int) -> dict[str, Any]:
    """Move the mouse to a point and see its card: the page may still scroll or redraw under a fast hand."""
    for _ in range(20):
        point = sorted(tones.page.evaluate(POINTS), key=lambda p: -p["alone"])[place]
        tones.page.mouse.move(point["x"] + 2, point["y"])
        tones.page.mouse.move(point["x"], point["y"])
        tones.page.wait_for_timeout(200)
        shown = tones.page.locator(CARD).first.evaluate(
            "card => card.offsetHeight ? card.dataset.item : null"
        )
        if shown == point["id"]:
            return dict(point)
    raise AssertionError(f"the mouse is over {shown}, not over {point['id']}")


def row_of(id: str) -> int:
    return int(id.split()[1])


def started(tones: Notebook) -> int:
    return int(tones.page.evaluate("() => window.players.length"))


def click_a_point(tones: Notebook, place: int) -> str:
    point, before = point_at(tones, place), started(tones)
    tones.page.mouse.click(point["x"], point["y"])
    assert until(tones, lambda: started(tones) > before)
    return str(point["id"])


@pytest.mark.parametrize("change", ["first.color('label')", "first.color('third')", "first.k_neighbors = 4"])
def test_a_click_plays_the_sound_of_its_item(tones: Notebook, change: str) -> None:
    tones.run(change)
    settle(tones)
    for place in (0, 1, 2):
        id = click_a_point(tones, place)
        assert tones.page.evaluate(LAST_ROW)["row"] == row_of(id)
        assert tones.wait(f'{PANEL} [data-item="{id}"]')
        assert json.loads(tones.page.locator("[data-plays]").get_attribute("data-plays") or "") == id
    assert started(tones) == 3, "one sound for each click, and no more"
    assert tones.page.evaluate(PLAYING) == 1


def test_it_really_plays_can_be_paused_and_goes_on(tones: Notebook) -> None:
    click_a_point(tones, 0)
    assert until(tones, lambda: tones.page.evaluate("() => window.players[0].audio.currentTime") > 0.3)
    assert tones.page.locator(BUTTON).first.inner_text() == "Pause"
    head = tones.page.locator(f"{PANEL} .embedlab-playhead").first
    assert head.is_visible()
    tones.page.locator(BUTTON).first.click()
    assert tones.page.evaluate(PLAYING) == 0
    assert until(tones, lambda: tones.page.locator(BUTTON).first.inner_text() == "Play")
    stopped = tones.page.evaluate("() => window.players[0].audio.currentTime")
    tones.page.locator(BUTTON).first.click()
    assert until(
        tones, lambda: tones.page.evaluate("() => window.players[0].audio.currentTime") > stopped + 0.1
    )


def test_a_new_colouring_neither_stops_nor_starts_it(tones: Notebook) -> None:
    id = click_a_point(tones, 0)
    tones.page.locator(".embedlab-explorer select").first.select_option("third")
    assert until(tones, lambda: "third" in tones.run("print(first.color_by)"))
    assert tones.wait(f'{PANEL} [data-item="{id}"]')
    assert (started(tones), tones.page.evaluate(PLAYING)) == (1, 1)
    assert tones.page.locator(BUTTON).first.inner_text() == "Pause"


def test_python_shows_and_does_not_play(tones: Notebook) -> None:
    tones.run("first.click('item 3')")
    tones.wait(f'{PANEL} [data-item="item 3"]')
    tones.page.wait_for_timeout(500)
    assert started(tones) == 0
    tones.page.locator(BUTTON).first.click()
    assert until(tones, lambda: started(tones) == 1)
    assert tones.page.evaluate(LAST_ROW)["row"] == 3


def test_one_sound_at_a_time_also_across_explorers(tones: Notebook) -> None:
    click_a_point(tones, 0)
    tones.run("second.click('item 7')")
    tones.page.locator(BUTTON).nth(1).click()
    assert until(tones, lambda: started(tones) == 2)
    assert tones.page.evaluate(LAST_ROW)["row"] == 7
    assert tones.page.evaluate(PLAYING) == 1


def test_what_is_no_longer_shown_is_no_longer_heard(tones: Notebook) -> None:
    click_a_point(tones, 0)
    tones.page.get_by_role("button", name="Clear").first.click()
    assert until(tones, lambda: tones.page.evaluate(PLAYING) == 0)


def test_a_neighbour_in_the_list_plays_when_chosen(tones: Notebook) -> None:
    tones.run("first.click('item 3')")
    tile = tones.wait(f"{PANEL} .embedlab-strip button")
    id = tile.get_attribute("data-id") or ""
    tile.click()
    assert until(tones, lambda: started(tones) == 1)
    assert tones.page.evaluate(LAST_ROW)["row"] == row_of(id)


def test_a_click_into_the_spectrogram_plays_from_there(tones: Notebook) -> None:
    tones.run("first.click('item 3')")
    box = tones.wait(f"{PANEL} .embedlab-heard").bounding_box()
    assert box
    tones.page.locator(f"{PANEL} .embedlab-heard").first.click(
        position={"x": box["width"] / 2, "y": box["height"] / 2}
    )
    assert until(tones, lambda: started(tones) == 1)
    assert until(tones, lambda: tones.page.evaluate("() => window.players[0].audio.currentTime") >= 4)
    assert tones.page.evaluate("() => window.players[0].audio.currentTime") < 7


def test_of_a_long_one_half_a_minute_is_sent_and_said(tones: Notebook) -> None:
    tones.run("first.click('item 5')")
    tones.wait(f'{PANEL} [data-item="item 5"]')
    panel = tones.page.locator(PANEL).first
    assert until(tones, lambda: "first 30 s of 40 s" in panel.inner_text())
    tones.page.locator(BUTTON).first.click()
    assert until(tones, lambda: started(tones) == 1)
    assert tones.page.evaluate(LAST_ROW) == {"row": 5, "seconds": 30}


def test_spectrograms_belong_to_their_items(tones: Notebook) -> None:
    tones.run("first.click('item 3')")
    tiles = tones.page.locator(f"{PANEL} .embedlab-strip button")
    assert until(tones, lambda: tiles.count() == 10)
    for tile in tiles.all():
        tile.scroll_into_view_if_needed()  # a picture comes when it is in sight
    loaded = "tiles => tiles.filter((tile) => tile.querySelector('img').naturalHeight).length"
    assert until(tones, lambda: tiles.evaluate_all(loaded) == 10)
    heights = {
        row_of(tile.get_attribute("data-id") or ""): tile.locator("img").evaluate(BRIGHTEST)
        for tile in tiles.all()
    }
    assert sorted(heights, key=lambda row: -heights[row]) == sorted(heights), "higher tones stand higher"
    settle(tones)
    point = point_at(tones, 0)
    image = tones.page.locator(f'{CARD} img[data-picture="{point["id"]}"]').first
    image.wait_for(timeout=20_000)
    if row_of(point["id"]) in heights:
        assert abs(image.evaluate(BRIGHTEST) - heights[row_of(point["id"])]) < 0.02


def test_no_folder_of_this_machine_is_in_the_page(tones: Notebook) -> None:
    click_a_point(tones, 0)
    explorer = tones.page.locator(".embedlab-explorer").first
    assert "secret-folder" not in explorer.evaluate("element => element.innerHTML")
    assert "secret-folder" not in tones.run("print(first.payload, first.state)")


def test_nothing_was_complained_about(tones: Notebook) -> None:
    assert [error for error in tones.errors if "embedlab" in error or "page error" in error] == []

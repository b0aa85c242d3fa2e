"""Films in the explorer, in a real browser: a click plays the clip of the item, in the page, with its sound.

Each film of the test has one colour and one tone, so that what is seen and heard tells whose it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browser.lab import Notebook, open_notebook, running_lab, write_notebook
from browser.test_lab import MAP, PANEL, POINTS, until

pytestmark = [pytest.mark.browser, pytest.mark.slow]

N = 10
MAKE = f"""
import dataclasses
import av, numpy as np, pandas as pd
from pathlib import Path
import embedlab as el
from embedlab.catalog import registry

def film(path, grey, hertz):
    with av.open(str(path), "w") as out:
        seen, heard = out.add_stream("libx264", rate=10), out.add_stream("aac", rate=16000, layout="mono")
        seen.width, seen.height, seen.pix_fmt = 64, 48, "yuv420p"
        for i in range(60):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), grey, np.uint8), "rgb24")
            out.mux(seen.encode(frame))
        out.mux(seen.encode())
        tone = 0.3 * np.sin(2 * np.pi * hertz * np.arange(96000) / 16000)
        for start in range(0, 96000, 1024):
            some = tone[None, start:start + 1024].astype(np.float32)
            part = av.AudioFrame.from_ndarray(some, "fltp", "mono")
            part.sample_rate, part.pts = 16000, start
            out.mux(heard.encode(part))
        out.mux(heard.encode())

Path("secret-folder").mkdir(exist_ok=True)
order = np.random.default_rng(0).permutation({N})
for row in order:
    film(f"secret-folder/{{row}}.mp4", 20 + 22 * int(row), 300 + 100 * int(row))
Path("secret-folder/broken.mp4").write_bytes(b"no film")
names = [*order, "broken"]
frame = pd.DataFrame({{
    "id": [f"item {{row}}" for row in names],
    "path": [str(Path("secret-folder", f"{{row}}.mp4").resolve()) for row in names],
    "label": [("even", "odd")[place % 2] for place in range({N} + 1)],
}})
items = el.Items(frame, "video", "films")
card = dataclasses.replace(registry.row("audio/speaker").card, modality="video", dim=8, sha256="a" * 64)
vectors = np.random.default_rng(3).normal(size=({N} + 1, 8))
emb = el.Embeddings(vectors, items, card, "embedding", "mean", False)
first = el.explore(el.project(emb, method="pca"))
"""
LISTEN = """() => {
  window.players = [];
  const play = HTMLMediaElement.prototype.play;
  HTMLMediaElement.prototype.play = function () {
    window.players.push(this);
    return play.call(this);
  };
}"""
# The brightness in the middle of the film that plays, as a canvas sees it.
GREY = """() => {
  const film = window.players.at(-1);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 1;
  const pen = canvas.getContext("2d");
  pen.drawImage(film, film.videoWidth / 2, film.videoHeight / 2, 1, 1, 0, 0, 1, 1);
  return pen.getImageData(0, 0, 1, 1).data[0];
}"""
FILM = f"{PANEL} .embedlab-screen video"
BUTTON = f"{PANEL} .embedlab-play"
NOW = "() => window.players.at(-1).currentTime"


@pytest.fixture(scope="module")
def films(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Notebook]:
    folder = tmp_path_factory.mktemp("film-lab")
    with running_lab(folder, env={"EMBEDLAB_CACHE": str(folder / "cache")}) as lab:
        write_notebook(lab.root / "film.ipynb", (MAKE, "first"))
        with open_notebook(chromium, lab, "film.ipynb") as notebook:
            notebook.page.evaluate(LISTEN)
            notebook.run_all()
            notebook.wait(f"{MAP} [data-ready=true] .scatterlayer .point", 120)
            yield notebook


@pytest.fixture(autouse=True)
def fresh(films: Notebook) -> None:
    films.run("first.clear(); first.color('label')")
    films.page.locator(MAP).first.evaluate("map => map.scrollIntoView({block: 'center'})")
    films.page.wait_for_function("() => !document.querySelector('.embedlab-panel .embedlab-item')")
    films.page.evaluate("() => { window.players.forEach((p) => p.pause()); window.players.length = 0; }")


def row_of(id: str) -> int:
    return int(id.split()[1])


def plays(films: Notebook, row: int) -> bool:
    """Whether the film of this row is on the screen and moves on."""
    if not films.page.locator(FILM).count():
        return False
    if not until(films, lambda: films.page.evaluate(NOW) > 0.2):
        return False
    return abs(films.page.evaluate(GREY) - (20 + 22 * row)) < 8


def click_a_point(films: Notebook, place: int) -> str:
    for _ in range(20):
        found = [p for p in films.page.evaluate(POINTS) if p["id"] != "item broken"]
        point = sorted(found, key=lambda p: -p["alone"])[place]
        films.page.mouse.move(point["x"] + 2, point["y"])
        films.page.mouse.move(point["x"], point["y"])
        films.page.wait_for_timeout(200)
        card = films.page.locator(f"{MAP} .embedlab-card").first
        if card.evaluate("card => card.offsetHeight ? card.dataset.item : null") == point["id"]:
            break
    films.page.mouse.click(point["x"], point["y"])
    assert films.wait(f'{PANEL} [data-item="{point["id"]}"]')
    assert until(films, lambda: films.page.evaluate("() => window.players.length") > 0)
    return str(point["id"])


def test_a_click_plays_the_film_of_its_item(films: Notebook) -> None:
    for place in (0, 1):
        id = click_a_point(films, place)
        assert until(films, lambda id=id: plays(films, row_of(id)))  # type: ignore[misc]
    assert films.page.locator(FILM).count() == 1


def test_it_has_its_sound_and_its_length(films: Notebook) -> None:
    id = click_a_point(films, 0)
    assert until(films, lambda: plays(films, row_of(id)))
    assert films.page.evaluate("() => window.players.at(-1).duration") == pytest.approx(6, abs=0.2)
    heard = "() => window.players.at(-1).webkitAudioDecodedByteCount"
    assert until(films, lambda: films.page.evaluate(heard) > 0)


def test_it_can_be_paused_and_goes_on(films: Notebook) -> None:
    id = click_a_point(films, 0)
    assert until(films, lambda: plays(films, row_of(id)))
    films.page.locator(BUTTON).first.click()
    assert films.page.evaluate("() => window.players.at(-1).paused")
    assert until(films, lambda: films.page.locator(BUTTON).first.inner_text() == "Play")
    stopped = films.page.evaluate(NOW)
    films.page.locator(BUTTON).first.click()
    assert until(films, lambda: films.page.evaluate(NOW) > stopped + 0.1)


def test_a_new_colouring_does_not_stop_it(films: Notebook) -> None:
    id = click_a_point(films, 0)
    assert until(films, lambda: plays(films, row_of(id)))
    films.page.locator(".embedlab-explorer select").first.select_option("distortion")
    assert until(films, lambda: "distortion" in films.run("print(first.color_by)"))
    assert films.page.locator(FILM).count() == 1
    assert not films.page.evaluate("() => window.players.at(-1).paused")
    assert plays(films, row_of(id))


def test_python_shows_frames_and_does_not_play(films: Notebook) -> None:
    films.run("first.click('item 3')")
    films.wait(f'{PANEL} [data-item="item 3"]')
    films.page.wait_for_timeout(500)
    assert films.page.evaluate("() => window.players.length") == 0
    assert films.page.locator(FILM).count() == 0
    sheet = films.page.locator(f"{PANEL} .embedlab-screen img").first
    assert sheet.evaluate("image => image.naturalWidth") > 100
    films.page.locator(BUTTON).first.click()
    assert until(films, lambda: plays(films, 3))


def test_what_is_no_longer_shown_no_longer_plays(films: Notebook) -> None:
    click_a_point(films, 0)
    films.page.get_by_role("button", name="Clear").first.click()
    assert until(films, lambda: films.page.evaluate("() => window.players.every((p) => p.paused)"))


def test_a_broken_film_says_so_and_no_folder_is_in_the_page(films: Notebook) -> None:
    films.run("first.click('item broken')")
    alert = films.wait(f"{PANEL} [role=alert]")
    assert "broken.mp4" in alert.inner_text()
    assert "secret-folder" not in films.page.locator(".embedlab-explorer").first.inner_html()
    assert films.errors == []

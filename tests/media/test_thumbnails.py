"""Thumbnails, and pictures in the explorer as far as that can be seen without a browser."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explorer_kit import CARD, asked, payload_of, shown_of
from pictures import folder, picture
from PIL import Image

import embedlab as el
from embedlab.explorer.static_marks import spread_places
from embedlab.media import thumbnails
from embedlab.media.thumbnails import thumbnail


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def explorer(items: el.Items, **options: Any) -> el.Explorer:
    import dataclasses

    vectors = np.random.default_rng(0).normal(size=(len(items), 8))
    card = dataclasses.replace(CARD, name="image/by-hand", modality="image")
    emb = el.Embeddings(vectors, items, card, "avgpool", "mean", False)
    return el.explore(el.project(emb, method="pca"), **options)


def test_a_thumbnail_is_small_and_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    picture(0, 900, 600).save(path)
    first = thumbnail(path)
    assert (opened(first).size, opened(first).format) == ((128, 85), "JPEG")
    monkeypatch.setattr(thumbnails, "read_image", None)  # not called again
    assert thumbnail(path) == first


def test_a_small_picture_keeps_its_size_and_a_changed_one_gets_another(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (20, 10), "red").save(path)
    assert opened(thumbnail(path)).size == (20, 10)
    Image.new("RGB", (20, 10), "blue").save(path)
    red, _, blue = opened(thumbnail(path)).getpixel((5, 5))
    assert blue > 200 > red


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_what_cannot_be_shown_is_a_tile(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    tile = opened(thumbnail(path))
    assert tile.size == (128, 96)
    assert len(tile.getcolors(10_000) or []) > 3, "words stand on it"


def test_a_cache_that_cannot_be_written_is_not_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path / "file"))
    picture(0).save(tmp_path / "a.png")
    assert opened(thumbnail(tmp_path / "a.png")).size == (128, 96)


def test_the_panel_shows_the_picture_and_escapes_names(tmp_path: Path) -> None:
    items = folder(tmp_path / "p", 12)
    hostile = '<img src=x onerror="alert(1)">'
    frame = items.frame.assign(label=[hostile] * 6 + ["b"] * 6)
    frame.loc[0, "id"] = hostile
    shown = explorer(el.Items(frame, "image", "p"))
    html = shown_of(shown, hostile)
    assert html.count("<img ") == 1
    assert hostile not in html
    assert str(tmp_path) not in html + shown.payload, "no folder of this machine"


def test_a_picture_is_sent_when_it_is_asked_for(tmp_path: Path) -> None:
    items = folder(tmp_path / "p", 4)
    reply, data = asked(explorer(items), "thumb", items.ids[2])
    assert reply == {"ticket": "t", "mime": "image/jpeg"}
    assert data == [thumbnail(items.contents[2])]


def test_a_text_map_has_no_pictures() -> None:
    from explorer_kit import embeddings

    shown = el.explore(el.project(embeddings(20), method="pca"))
    assert asked(shown, "thumb", "i1") == ({"ticket": "t"}, [])


def test_a_map_decodes_no_picture_before_it_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = folder(tmp_path / "p", 12)
    monkeypatch.setattr(thumbnails, "read_image", None)
    assert len(payload_of(explorer(items))["ids"]) == 12


def test_a_page_holds_every_picture(tmp_path: Path) -> None:
    items = folder(tmp_path / "p", 4)
    text = explorer(items).to_html(tmp_path / "map.html").read_text("utf-8")
    for path in items.contents:
        assert base64.b64encode(thumbnail(path)).decode() in text
    assert str(tmp_path) not in text


def test_the_stored_picture_shows_some_of_the_items(tmp_path: Path) -> None:
    items = folder(tmp_path / "p", 12)
    bare = explorer(items)._repr_mimebundle_()[0]["image/png"]
    for path in items.contents:
        Image.new("RGB", (60, 40), "white").save(path)
    assert explorer(items)._repr_mimebundle_()[0]["image/png"] != bare


def test_pictures_on_the_stored_map_do_not_cover_each_other() -> None:
    places = np.random.default_rng(0).uniform(0, 600, (500, 2))
    rows = spread_places(places, 50, np.array([0, 0, 600, 600]))
    assert 20 < len(rows) <= 36
    gaps = np.abs(places[rows][:, None] - places[rows][None]).max(axis=2) + 1e9 * np.eye(len(rows))
    assert gaps.min() >= 50
    assert (places[rows].min() > 25) & (places[rows].max() < 575)
    assert spread_places(places[:0], 50, np.array([0, 0, 600, 600])) == []

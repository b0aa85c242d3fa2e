"""Pictures and texts on one map, as far as that can be seen without a browser."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import mixture

import embedlab as el
from embedlab import catalog


def explored(tmp_path: Path, n: int = 6) -> el.Explorer:
    items = mixture(tmp_path, n)
    hostile = items.frame.assign(label=["a", "b"] * n)
    hostile.loc[n, "content"] = HOSTILE
    vectors = np.random.default_rng(0).normal(size=(2 * n, 8))
    card = dataclasses.replace(catalog.row("multimodal/clip-vit-b32").card, dim=8, sha256="a" * 64)
    emb = el.Embeddings(vectors, el.Items(hostile, "image+text", "both"), card, "projection", "mean", False)
    return el.explore(el.project(emb, method="pca"))


HOSTILE = '<img src=x onerror="alert(1)">'


def test_texts_are_diamonds_whatever_their_class(tmp_path: Path) -> None:
    shown = explored(tmp_path)
    for trace in shown.figure.data:
        wanted = ["diamond" if id.endswith("/text") else "circle" for id in trace.customdata]
        assert list(trace.marker.symbol) == wanted
    assert "● pictures ◆ texts" in shown.badge.value
    shown.click("0/text")
    assert shown.overlay[2].marker.symbol == ("diamond",)
    shown.click("0/image")
    assert shown.overlay[2].marker.symbol == ("circle",)


def test_the_panel_shows_pictures_as_pictures_and_texts_as_texts(tmp_path: Path) -> None:
    shown = explored(tmp_path)
    shown.click("0/text")
    html = shown.panel.html
    assert HOSTILE not in html
    assert "&lt;img src=x" in html
    assert html.count("<img ") + html.count("embedlab-words") == 10, "ten neighbours, each in its own way"
    assert html.count("<img ") >= 4
    assert str(tmp_path) not in html
    shown.click("1/image")
    assert "embedlab-picture" in shown.panel.html
    shown.select(shown.projection.embeddings.ids)
    assert shown.panel.html.count("embedlab-words") >= 6


def test_the_card_of_a_text_has_words_and_no_picture(tmp_path: Path) -> None:
    shown = explored(tmp_path)
    sent: list[Any] = []
    shown.map.send = lambda content, buffers=None: sent.append((content["id"], len(buffers)))
    for id in ("0/image", "0/text"):
        shown.map.receive({"type": "thumbnail", "id": id})
    assert sent == [("0/image", 1), ("0/text", 0)]
    hovers = [text for trace in json.loads(shown.map.base)["data"] for text in trace["hovertext"]]
    assert any("a drawing with number 1" in text for text in hovers)


def test_the_stored_map_of_a_mixture_warns_of_nothing(tmp_path: Path) -> None:
    png = explored(tmp_path)._repr_mimebundle_()["image/png"]
    assert len(png) > 10_000


def test_a_sentence_finds_pictures_and_lands_among_its_nearest(tmp_path: Path) -> None:
    shown = explored(tmp_path)
    emb = shown.projection.embeddings
    query = emb.vectors[7]  # a text: by cosine, itself is the nearest of all

    class Asked:
        card, dim = emb.model, emb.dim

        def embed_query(self, x: object) -> np.ndarray:
            return query

    shown._model = Asked()  # type: ignore[assignment]
    found = shown.search("anything", k=4)
    assert [id.endswith("/image") for id, _ in found] == [True] * 4
    cosines = emb.normalize().vectors @ (query / np.linalg.norm(query))
    order = np.argsort(-cosines)
    assert [id for id, _ in found] == [emb.ids[i] for i in order if i < 6][:4]
    star = shown.overlay[3]
    middle = np.median(shown.projection.coords[order[:5]], axis=0)
    assert (star.x[0], star.y[0]) == pytest.approx(tuple(middle), abs=1e-3)
    assert "4 nearest pictures to" in shown.panel.html
    shown.clear()
    assert len(shown.overlay[3].x) == 0

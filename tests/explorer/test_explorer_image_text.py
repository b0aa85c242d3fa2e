"""Pictures and texts on one map, as far as that can be seen without a browser."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from explorer_kit import asked, payload_of, shown_of
from pictures import mixture

import embedlab as el
from embedlab.catalog import registry


def explored(tmp_path: Path, n: int = 6) -> el.Explorer:
    items = mixture(tmp_path, n)
    hostile = items.frame.assign(label=["a", "b"] * n)
    hostile.loc[n, "content"] = HOSTILE
    vectors = np.random.default_rng(0).normal(size=(2 * n, 8))
    card = dataclasses.replace(registry.row("multimodal/clip-vit-b32").card, dim=8, sha256="a" * 64)
    emb = el.Embeddings(vectors, el.Items(hostile, "image+text", "both"), card, "projection", "mean", False)
    return el.explore(el.project(emb, method="pca"))


HOSTILE = '<img src=x onerror="alert(1)">'


def test_texts_and_pictures_are_told_apart(tmp_path: Path) -> None:
    shown = explored(tmp_path)
    data = payload_of(shown)
    assert data["kinds"] == ["text" if id.endswith("/text") else "image" for id in data["ids"]]
    assert data["panels"][0]["caption"].startswith("● pictures ◆ texts")


def test_the_panel_shows_pictures_as_pictures_and_texts_as_texts(tmp_path: Path) -> None:
    shown = explored(tmp_path)
    html = shown_of(shown, "0/text")
    assert HOSTILE not in html
    assert "&lt;img src=x" in html
    assert "<img" not in html
    picture = shown_of(shown, "1/image")
    assert "embedlab-picture" in picture
    assert str(tmp_path) not in picture + shown.payload


def test_a_text_has_words_and_no_picture(tmp_path: Path) -> None:
    shown = explored(tmp_path)
    assert [len(asked(shown, "thumb", id)[1]) for id in ("0/image", "0/text")] == [1, 0]
    assert any("a drawing with number 1" in title for title in payload_of(shown)["titles"])


def test_the_stored_map_of_a_mixture_warns_of_nothing(tmp_path: Path) -> None:
    png = explored(tmp_path)._repr_mimebundle_()[0]["image/png"]
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
    [star] = json.loads(shown.state)["landing"]
    middle = np.median(shown.projection.coords[order[:5]], axis=0)
    assert star == pytest.approx(middle.tolist(), abs=1e-3)
    shown.clear()
    assert json.loads(shown.state)["landing"] == []

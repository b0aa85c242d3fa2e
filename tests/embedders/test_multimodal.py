"""Pictures and texts in one space: the aligned pair on real weights, and mixtures of both."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pictures import folder, mixture, picture
from sklearn.linear_model import Ridge

import embedlab as el
from embedlab import weights
from embedlab.catalog import registry
from embedlab.comparison.retrieval import match_column, rank, recall_at_k, zero_shot_accuracy
from embedlab.embedders import aligned
from embedlab.embedders.dual import TEMPLATES, DualEmbedder
from embedlab.errors import BadItem

MINILM = pytest.mark.weights("multimodal/aligned-minilm")


# -- the aligned pair ------------------------------------------------------------------------------------


@pytest.mark.shared
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "accuracy", "first", "five"),
    [
        pytest.param(*row, marks=pytest.mark.weights(row[0]), id=row[0])
        for row in (
            ("multimodal/aligned-minilm", 0.70, 0.43, 0.84),
            ("multimodal/aligned-mpnet", 0.73, 0.515, 0.88),
        )
    ],
)
def test_reference_numbers(shared: Path, name: str, accuracy: float, first: float, five: float) -> None:
    model = el.load_model(name)
    assert isinstance(model, DualEmbedder)
    photos = el.Items.from_folder(shared / "image" / "caltech101_32x20", modality="image")
    classes = sorted({str(label) for label in photos.labels or []})
    vectors = model.class_vectors([c.replace("_", " ") for c in classes])
    assert float(zero_shot_accuracy(model.embed(photos), vectors, classes)) >= accuracy
    rows = json.loads((shared / "image_text" / "coco_free51" / "metadata.json").read_text("utf-8"))
    frame = pd.DataFrame(
        [
            {
                "path": str(shared / "image_text" / "coco_free51" / row["file"]),
                "photo": row["file"],
                "words": c,
            }
            for row in rows
            for c in row["captions"]
        ]
    )
    texts = model.embed(el.Items.from_frame(frame, modality="text", content="words"))
    pictures = el.Items.from_frame(frame.drop_duplicates("photo"), modality="image", content="path")
    found = model.embed(pictures)
    ranking = rank(texts, found, match_column(texts.items, pictures, "photo"), groups=frame["photo"])
    assert float(recall_at_k(ranking, 1)) >= first
    assert float(recall_at_k(ranking, 5)) >= five


def test_the_bridge_is_ridge_regression() -> None:
    rng = np.random.default_rng(0)
    names, classes = rng.normal(size=(50, 8)), rng.normal(size=(50, 6))
    ours = aligned.fit_bridge(names, classes, 2.0)
    theirs = Ridge(alpha=2.0, fit_intercept=False).fit(names, classes).coef_.T
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@MINILM
def test_by_hand_equals_the_helper(tmp_path: Path) -> None:
    model, text = el.load_model("multimodal/aligned-minilm"), el.load_model("text/minilm")
    image: Any = el.load_model("image/efficientnet-lite0")
    names = [name.split(",")[0] for name in image.class_names]
    sentences = [[template.format(name) for template in TEMPLATES] for name in names[:40]]
    means = np.stack([text.embed(el.Items.from_texts(some)).vectors.mean(0) for some in sentences])
    assert model.bridge.shape == (384, 1280)
    rows = image.network._fc.weight.detach().numpy()
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    query = text.embed_query("a red bicycle") @ model.bridge
    np.testing.assert_allclose(model.embed_query("a red bicycle"), query / np.linalg.norm(query), atol=1e-5)
    near = (means @ model.bridge) @ rows.T
    assert (near.argsort(axis=1)[:, -10:] == np.arange(40)[:, None]).any(axis=1).mean() > 0.8
    pictures = folder(tmp_path / "p", 3)
    plain = image.embed(pictures).normalize().vectors
    np.testing.assert_allclose(model.embed(pictures).vectors, plain, atol=1e-5)


@MINILM
def test_the_bridge_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text, image = el.load_model("text/minilm"), el.load_model("image/efficientnet-lite0")
    first = aligned._load_bridge(text, image)  # type: ignore[arg-type]
    monkeypatch.setattr(type(text), "_compute", None)
    np.testing.assert_array_equal(aligned._load_bridge(text, image), first)  # type: ignore[arg-type]


@MINILM
def test_it_is_never_called_clip() -> None:
    card = el.load_model("multimodal/aligned-minilm").card
    assert card.summary.startswith("Not CLIP")
    assert "clip" not in card.name


# -- two kinds of items, one space -----------------------------------------------------------------------


@MINILM
def test_a_mixture_is_embedded_row_by_row_with_the_right_tower(tmp_path: Path) -> None:
    model = el.load_model("multimodal/aligned-minilm")
    items = mixture(tmp_path)
    emb = model.embed(items)
    assert emb.items.frame["tower"].tolist() == ["image"] * 3 + ["text"] * 3
    assert emb.items.frame["pair"].tolist() == ["0", "1", "2"] * 2
    pictures = model.embed(folder(tmp_path / "again", 3))
    texts = model.embed(el.Items.from_texts([f"a drawing with number {i}" for i in range(3)]))
    np.testing.assert_allclose(emb.vectors[:3], pictures.vectors, atol=1e-5)
    np.testing.assert_allclose(emb.vectors[3:], texts.vectors, atol=1e-5)
    assert set(pictures.items.frame["tower"]) == {"image"}
    assert set(texts.items.frame["tower"]) == {"text"}
    order = np.array([5, 0, 3, 1, 4, 2])
    np.testing.assert_allclose(model.embed(items.take(order)).vectors, emb.vectors[order], atol=1e-5)
    loaded = el.Embeddings.load(emb.save(tmp_path / "e.parquet"))
    assert loaded.items.contents == items.contents
    assert model.embed(items).report.n_cached == 6


@MINILM
def test_a_query_is_a_text_or_a_picture(tmp_path: Path) -> None:
    model: Any = el.load_model("multimodal/aligned-minilm")
    items = folder(tmp_path / "p", 2)
    rows = model.embed(items).vectors
    path = Path(items.contents[0])
    for query in (path, path.read_bytes(), picture(0)):
        np.testing.assert_allclose(model.embed_query(query), rows[0], atol=1e-5)
    with pytest.raises(BadItem, match="empty text"):
        model.embed_query("  ")
    found = model.zero_shot(items.contents[0], ["cat", "noise"], k=1)
    assert list(found.columns) == ["class", "cosine"]
    with pytest.raises(BadItem, match="templates"):
        model.class_vectors(["cat"], ["a photo"])


@MINILM
def test_a_broken_picture_in_a_mixture_is_named(tmp_path: Path) -> None:
    model = el.load_model("multimodal/aligned-minilm")
    items = mixture(tmp_path)
    Path(items.contents[1]).write_bytes(b"no picture")
    with pytest.raises(BadItem, match="'1/image'"):
        model.embed(items)
    kept = model.embed(items, on_error="skip")
    assert kept.ids == ["0/image", "2/image", "0/text", "1/text", "2/text"]


@MINILM
def test_pictures_and_texts_live_in_one_collection(tmp_path: Path) -> None:
    model = el.load_model("multimodal/aligned-minilm")
    pictures = model.embed(folder(tmp_path / "p", 3))
    texts = model.embed(el.Items.from_texts(["a cat", "a dog"], ids=["t0", "t1"]))
    with el.VectorStore(tmp_path / "lab.db") as store:
        store.add("both", pictures)
        store.add("both", texts)
        assert store.count("both") == 5
        hits = store.search("both", model.embed_query("a cat"), k=2, filter='tower == "text"')
        assert hits["id"].tolist() == ["t0", "t1"]
        assert hits["score"][0] == pytest.approx(1, abs=1e-3)
        seen = store.search("both", model.embed_query("a cat"), k=5, filter='tower == "image"')
        assert len(seen) == 3


# -- items -----------------------------------------------------------------------------------------------


def test_pairs_become_two_items_each() -> None:
    df = pd.DataFrame({"file": ["a.png", "b.png"], "said": ["one", "two"], "k": [1, 2], "c": ["x", "y"]})
    items = el.Items.from_frame(df, modality="image+text", content="file", caption="said", id="k", label="c")
    assert items.ids == ["1/image", "2/image", "1/text", "2/text"]
    assert items.contents == [Path("a.png"), Path("b.png"), "one", "two"]
    assert items.kinds == ["image", "image", "text", "text"]
    assert items.labels == ["x", "y", "x", "y"]
    assert items.metadata["pair"].tolist() == ["1", "2", "1", "2"]
    assert [items.title(id) for id in items.ids] == ["a.png", "b.png", "one", "two"]
    assert "a.png" in items._repr_html_()
    assert el.Items.from_frame(df, modality="text", content="said").kinds == ["text", "text"]


def test_what_is_both_or_neither_is_refused() -> None:
    both = pd.DataFrame({"id": ["a", "b"], "path": ["x.png", None], "content": ["words", "words"]})
    with pytest.raises(BadItem, match="exactly one of path and content; 'a' has both or neither"):
        el.Items(both, "image+text")
    with pytest.raises(BadItem, match="need caption="):
        el.Items.from_frame(both, modality="image+text", content="path")
    with pytest.raises(BadItem, match="No column 'said'"):
        el.Items.from_frame(both, modality="image+text", content="path", caption="said")


def test_audio_is_refused_with_what_would_do() -> None:
    items = el.Items(pd.DataFrame({"id": ["a"], "path": ["a.wav"]}), "audio")
    card = registry.row("multimodal/clip-vit-b32").card

    class Fixed(DualEmbedder):
        def __init__(self) -> None:
            self.card, self.dim = card, 2

        def embed_texts(self, texts: Any) -> np.ndarray:
            raise AssertionError

        def embed_pixels(self, pixels: Any) -> np.ndarray:
            raise AssertionError

    with pytest.raises(BadItem, match=r"embeds image or text or image\+text, but these items are audio"):
        Fixed().embed(items)


# -- a model made of others ------------------------------------------------------------------------------


@MINILM
def test_a_model_made_of_others_is_as_available_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "multimodal/aligned-minilm"
    found = weights.locate(name)
    assert found
    assert found.origin == "made of text/minilm and image/efficientnet-lite0"
    assert len(found.sha256) == 64
    assert el.available(name)
    row = el.models().set_index("name").loc[name]
    assert row["sources"] == "text/minilm and image/efficientnet-lite0"
    assert 95 < row["download_mb"] < 110
    parts = {part: weights.locate(part) for part in registry.row(name).parts}
    # The package has a function of the same name.
    module = importlib.import_module("embedlab.weights.locate")
    monkeypatch.setattr(module, "search", lambda row, tried: None if "lite0" in row.card.name else parts)
    assert weights.locate(name) is None

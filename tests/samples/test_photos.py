"""The sample pictures: photographs from a wheel in sixteen views."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from pictures import picture
from PIL import Image, ImageOps

import embedlab as el
from embedlab import settings
from embedlab.errors import EmbedlabError
from embedlab.samples import photos
from embedlab.samples.views import VIEWS, shrink

pytest_plugins = ["weights_fixtures"]
MANIFEST = json.loads((settings.data_folder() / "photos" / "manifest.json").read_text("utf-8"))


@pytest.mark.network
def test_every_photo_is_there_in_every_view() -> None:
    items = el.load_dataset("photos")
    assert len(items) == len(MANIFEST["photos"]) * len(VIEWS) == 240
    assert set(items.frame["label"].value_counts()) == {16}
    assert set(items.frame["view"].value_counts()) == {15}
    assert "coffee/mirrored" in items.ids
    assert items.frame[["title", "credit", "licence"]].map(bool).all(axis=None)
    for path in items.contents:
        with Image.open(path) as shown:
            assert (shown.mode, max(shown.size)) == ("RGB", 320)
    row = items.row("coffee/mirrored")
    with Image.open(items.row("coffee/as it is")["path"]) as plain, Image.open(row["path"]) as mirrored:
        assert ImageOps.mirror(plain).tobytes() == mirrored.tobytes()


@pytest.mark.network
@pytest.mark.weights("image/efficientnet-lite0")
def test_the_network_knows_what_is_in_the_photos() -> None:
    """Classification on known photographs: a check of weights, pixels and names at once."""
    items, model = el.load_dataset("photos"), el.load_model("image/efficientnet-lite0")
    known = {"cat": ("cat", "lynx"), "coffee": ("espresso", "cup"), "rocket": ("missile", "projectile")}
    for label, words in known.items():
        guesses = model.classify(items.row(f"{label}/as it is")["path"], 3)["class"]
        assert any(word in guess for guess in guesses for word in words), (label, list(guesses))


def test_views_differ_and_are_the_same_each_time() -> None:
    shown = shrink(picture(5, 900, 600))
    assert shown.size == (320, 213)
    first = {name: view(shown).tobytes() for name, (_, view) in VIEWS.items()}
    again = {name: view(shown).tobytes() for name, (_, view) in VIEWS.items()}
    assert first == again
    assert len(set(first.values())) == len(VIEWS) == 16
    assert first["as it is"] == shown.tobytes()
    assert {kind for kind, _ in VIEWS.values()} == {"original", "geometry", "light", "quality"}


def test_the_manifest_is_complete() -> None:
    names = [photo["name"] for photo in MANIFEST["photos"]]
    assert len(set(names)) == len(names) == 15
    for photo in MANIFEST["photos"]:
        assert len(photo["sha256"]) == 64
        assert photo["licence"].startswith(("CC0", "public domain")), photo["name"]
        assert photo["credit"]
        assert photo["source"]


def test_without_a_network_the_message_has_the_cure(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        EmbedlabError, match=r"No source has the photographs of scikit-image:(.|\n)*scikit-image"
    ):
        el.load_dataset("photos")
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    with pytest.raises(EmbedlabError, match="EMBEDLAB_OFFLINE is set; unset it once to download 14 MB"):
        el.load_dataset("photos")
    with pytest.raises(EmbedlabError, match="unset it once to download 24 MB"):
        el.load_dataset("cifar10")


def test_no_view_shows_a_black_corner_that_turning_left() -> None:
    for size in ((448, 172), (320, 320), (300, 451)):
        turned = np.asarray(VIEWS["turned 15°"][1](shrink(Image.new("RGB", size, "white"))))
        assert turned.min() > 250, size


def test_other_photographs_or_views_get_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fewer = MANIFEST | {"photos": MANIFEST["photos"][:-1]}
    plain = photos._recipe_hash(MANIFEST)
    assert plain == photos._recipe_hash(MANIFEST)
    assert plain != photos._recipe_hash(fewer)
    (tmp_path / "views.py").write_text("VIEWS = {}", encoding="utf-8")
    monkeypatch.setattr("embedlab.samples.views.__file__", str(tmp_path / "views.py"))
    assert plain != photos._recipe_hash(MANIFEST)

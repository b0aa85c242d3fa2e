"""Weights and sample data in a bundle."""

from __future__ import annotations

from pathlib import Path

import pytest

import embedlab
from embedlab.bundle import content
from embedlab.errors import EmbedlabError
from embedlab.lessons import lab
from embedlab.samples.datasets import DATASETS
from embedlab.samples.loading import find_pins, load_dataset


def test_weights_and_data_of_the_lessons() -> None:
    every = lab.parse_lessons("all")
    assert {"photos", "emoji", "films"} <= set(content.datasets_of(every))
    assert content.datasets_of(lab.parse_lessons("00-02")) == []
    assert content.models_of(lab.parse_lessons("04")) == ["text/minilm", "image/efficientnet-lite0"]
    # A model that is made of others has no weights of its own; one that comes with embedlab is in its wheel.
    assert not {"video/frames+sound", "video/perceiver-mini"} & set(content.models_of(every))


def test_whatever_fetches_sample_data_says_which_files_they_are() -> None:
    """Otherwise a bundle would lack them, and nobody would notice before the class."""
    fetching = {
        f"embedlab.samples.{path.stem}"
        for path in (Path(embedlab.__file__).parent / "samples").glob("*.py")
        if "weights.fetch_files(" in path.read_text("utf-8")
    }
    pinned = [dataset for dataset in DATASETS if dataset.pins is not None]
    assert fetching == {dataset.load.__module__ for dataset in pinned}
    for dataset in pinned:
        pins = find_pins(dataset.name)
        assert pins is not None
        assert pins.files


def test_a_copy_is_checked_on_both_sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = tmp_path / "origin"
    origin.write_bytes(b"weights")
    right = content.verify.sha256_of(origin)
    source = content.Source(origin, "models/m/w", "m", "here", "MIT", right)
    assert content.copy(source, tmp_path / "out").sha256 == right
    origin.write_bytes(b"changed")
    with pytest.raises(EmbedlabError, match="is pinned"):
        content.copy(source, tmp_path / "other")
    assert not (tmp_path / "other" / "models" / "m" / "w").exists()
    origin.write_bytes(b"weights")
    monkeypatch.setattr(content, "_has_sha256", lambda path, sha256: False)
    with pytest.raises(EmbedlabError, match="was damaged while it was written"):
        content.copy(source, tmp_path / "third")


@pytest.mark.weights("text/minilm")
def test_weights_arrive_as_a_folder_that_embedlab_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embedlab import weights

    for source in content.model_files("text/minilm"):
        assert source.licence == "Apache-2.0"
        content.copy(source, tmp_path)
    monkeypatch.setenv("EMBEDLAB_MODELS", str(tmp_path / "models"))
    found = weights.locate("text/minilm")
    assert found is not None
    assert found.source == "folder"


@pytest.mark.network
def test_sample_data_arrive_where_embedlab_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for source in content.dataset_files("films"):
        content.copy(source, tmp_path)
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    films = load_dataset("films")
    assert all(path.startswith(str(tmp_path)) for path in films.contents)
    assert Path(films.contents[0].partition("#")[0]).is_file()

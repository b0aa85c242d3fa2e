"""Servers: tokens, a server that is away, a full disk, and what a real server seals and keeps."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Timer

import numpy as np
import pytest
from lesson_needs import unmet
from paths import KIT, ROOT
from pymilvus.client.types import ConsistencyLevel
from refusals import refuses
from servers import NoServer, Server, lite_server, standalone
from store_kit import cloud

import embedlab as el
from embedlab.store import (
    AddInterrupted,
    StoreErrorCode,
    VectorStore,
    collection,
    loading,
    retry,
)
from embedlab.store.addresses import resolve_server


def test_tokens(
    standalone_server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = standalone_server.uri
    for wrong in ("root:secret-and-wrong", ""):
        with refuses(StoreErrorCode.REFUSED_TOKEN, uri=uri) as caught:
            VectorStore(uri, token=wrong).collections()
        assert "secret-and-wrong" not in str(caught.value)
    monkeypatch.setenv("MILVUS_URI", uri)
    monkeypatch.setenv("MILVUS_TOKEN", "root:Milvus")
    with VectorStore() as store:
        assert (store.where, store.backend.name, store.backend.lite) == (uri, "Milvus 2.3.5", False)
        assert "Milvus:" not in repr(store) + store._repr_html_()
        assert "root" not in repr(store) + store._repr_html_() + repr(vars(store))
    assert capsys.readouterr() == ("", "")


def test_the_token_of_the_environment_is_for_its_own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MILVUS_URI", "https://mine.example")
    monkeypatch.setenv("MILVUS_TOKEN", "secret")
    assert resolve_server(None, None) == ("https://mine.example", "secret")
    assert resolve_server("https://other.example", None) == ("https://other.example", "")
    assert resolve_server("https://other.example", "theirs") == ("https://other.example", "theirs")
    with refuses(StoreErrorCode.BAD_ADDRESS, uri=None) as caught:
        resolve_server("https://me:hunter2@mine.example", None)
    assert "hunter2" not in str(caught.value)
    monkeypatch.delenv("MILVUS_URI")
    assert resolve_server("https://mine.example", None) == ("https://mine.example", "secret")
    with refuses(StoreErrorCode.BAD_ADDRESS, argument="where"):
        resolve_server(None, None)


def test_a_server_that_goes_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that was acknowledged is lost; the same call again finishes the work."""
    monkeypatch.setattr(retry, "RETRY_SECONDS", 3.0)
    # gRPC waits before it tries an address again that failed.
    monkeypatch.setattr(retry, "CONNECT_SECONDS", 60.0)
    whole, emb = collection.batches, cloud(2000)
    with ExitStack() as stack:
        server = stack.enter_context(lite_server(tmp_path / "lite.db"))
        port = int(server.uri.rsplit(":", 1)[1])

        def three(sizes: np.ndarray) -> Iterator[slice]:
            for n, rows in enumerate(whole(sizes, 10_000)):
                if n == 3:
                    server.kill()
                yield rows

        monkeypatch.setattr(collection, "batches", three)
        store = stack.enter_context(VectorStore(server.uri))
        with pytest.raises(AddInterrupted) as caught:
            store.add("notes", emb)
        n_added = caught.value.n_added
        assert (caught.value.code, caught.value.uri) == (StoreErrorCode.AWAY, server.uri)
        assert (caught.value.collection, caught.value.n_items) == ("notes", 2000)
        monkeypatch.setattr(collection, "batches", whole)
        again = stack.enter_context(lite_server(tmp_path / "lite.db", port))
        after = stack.enter_context(VectorStore(again.uri))
        assert 0 < n_added == after.count("notes") < 2000

        def three_and_back(sizes: np.ndarray) -> Iterator[slice]:
            for n, rows in enumerate(whole(sizes, 10_000)):
                if n == 3:
                    again.kill()
                    stack.enter_context(lite_server(tmp_path / "lite.db", port))
                yield rows

        monkeypatch.setattr(collection, "batches", three_and_back)
        monkeypatch.setattr(retry, "RETRY_SECONDS", 120.0)
        assert after.add("notes", emb) == 2000, "it waited for the server to be back"
        assert after.count("notes") == 2000


def test_a_search_waits_for_a_server_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call is patient, and a collection that the new server has not loaded is loaded."""
    emb = cloud(50)
    with ExitStack() as stack:
        server = stack.enter_context(lite_server(tmp_path / "lite.db"))
        port = int(server.uri.rsplit(":", 1)[1])
        store = stack.enter_context(VectorStore(server.uri))
        store.add("notes", emb)
        server.kill()
        back = Timer(1.0, lambda: stack.enter_context(lite_server(tmp_path / "lite.db", port)))
        back.start()
        monkeypatch.setattr(retry, "RETRY_SECONDS", 120.0)
        assert store.search("notes", emb.vectors[9], k=1)["id"].tolist() == ["n009"]
        back.join()
        assert sum(map(len, store.pages("notes", page_size=20))) == 50
        assert store.collections()["items"].tolist() == [50]


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="limits the size of files as Linux does")
def test_a_full_disk(tmp_path: Path) -> None:
    body = f"""
import resource, signal, sys
sys.path[:0] = [{str(KIT)!r}, {str(ROOT)!r}]
from store_kit import cloud
from embedlab.store import StoreError, VectorStore
store = VectorStore({str(tmp_path / "lab.db")!r})
store.add("notes", cloud(50))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
try:
    store.add("notes", cloud(5000, 8, seed=1))
except StoreError as error:
    print(error.code, error.collection, error.n_added)
import os
os._exit(0)
"""
    done = subprocess.run([sys.executable, "-c", body], capture_output=True, text=True, timeout=120)
    assert done.stdout.startswith("disk_full notes "), done.stdout + done.stderr
    with VectorStore(tmp_path / "lab.db") as store:
        assert store.count("notes") >= 50
        store.add("notes", cloud(5000, seed=1))
        assert store.count("notes") == 5000


def test_index_lab_measures_a_server_beside_lite_and_faiss(standalone_server: Server) -> None:
    server = standalone_server
    builds: dict[str, list[dict[str, int]]] = {
        "FLAT": [{}], "HNSW": [{"M": 4, "efConstruction": 8}], "HNSW_SQ": [{}], "IVF_FLAT": [{"nlist": 32}]
    }  # fmt: skip
    lab = el.index_lab(
        cloud(2000, 32), builds=builds, ef=(10, 300), nprobe=(1, 32), n_queries=30,
        server=server.uri, token=server.token,
    )  # fmt: skip
    assert [place.split()[0] for place in lab.places] == ["FAISS", "Milvus", "Milvus"]
    there = lab.measured[lab.measured["place"] == lab.places[2]]
    assert lab.places[2] == "Milvus 2.3.5"
    assert list(dict.fromkeys(there["index"])) == ["FLAT", "HNSW", "IVF_FLAT"], "it has no HNSW_SQ"
    found = there.set_index("index")["recall"]
    assert found["FLAT"] == 1.0
    assert found["HNSW"].iloc[0] < found["HNSW"].iloc[1]
    assert found["IVF_FLAT"].iloc[0] < 0.6, "one cell of 32 overlooks much: the index is in use"
    assert found["IVF_FLAT"].iloc[1] == 1.0
    with VectorStore(server.uri, token=server.token) as store:
        assert "embedlab_index_lab" not in set(store.collections()["name"])


def test_a_server_does_not_wait_before_it_answers(standalone_server: Server) -> None:
    with VectorStore(standalone_server.uri, token=standalone_server.token) as store:
        store.add("quick", cloud(50))
        told = store._connection.client.describe_collection("quick")
        store.drop("quick")
    assert told["consistency_level"] == ConsistencyLevel.Session, "Strong waits 200 ms before each search"


def test_many_rows_are_sealed_and_indexed_on_a_server_and_a_few_are_not(
    standalone_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "SEAL_ROWS", 1000)
    with VectorStore(standalone_server.uri, token=standalone_server.token) as store:
        store.add("rows", cloud(50), index="HNSW")
        client = store._connection.client
        assert int(client.get_collection_stats("rows")["row_count"]) == 0, "sealed rows are counted here"
        store.add("rows", cloud(2000))
        assert int(client.get_collection_stats("rows")["row_count"]) >= 2000
        assert store.count("rows") == 2000
        store.drop("rows")


@pytest.mark.slow
def test_what_a_server_acknowledged_survives_its_kill(tmp_path: Path) -> None:
    emb = cloud(100)
    with ExitStack() as stack:
        try:
            server = stack.enter_context(standalone(tmp_path))
        except NoServer as why:
            unmet(str(why))
        with VectorStore(server.uri, token=server.token) as store:
            store.add("notes", emb)
            store.delete("notes", ["n005"])
            server.kill()
        server = stack.enter_context(standalone(tmp_path))
        with VectorStore(server.uri, token=server.token) as store:
            assert store.count("notes") == 99
            assert store.search("notes", emb.vectors[9], k=1)["id"].tolist() == ["n009"]

"""Adding: replaced ids, forgotten columns, later indexes, restarts, batches. With the real Milvus Lite."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from refusals import refuses
from store_kit import card, cloud, moved

from embedlab.store import (
    StoreErrorCode,
    VectorStore,
)
from embedlab.store.collection import batches


def test_an_id_added_again_is_replaced(store: VectorStore) -> None:
    emb = cloud(200, label=["old"] * 200)
    store.add("notes", emb, index="HNSW")
    assert store.search("notes", emb.vectors[0], k=1)["id"].tolist() == ["n000"]
    new = moved(cloud(200, label=["new"] * 200), -emb.vectors)
    store.add("notes", new.select(new.ids[:100]))
    assert store.count("notes") == 200
    hits = store.search("notes", -emb.vectors[0], k=1)
    assert (hits["id"][0], hits["label"][0], round(hits["score"][0], 5)) == ("n000", "new", 1.0)
    for row in (0, 50, 99):  # what was there before is never found again
        opposite = store.search("notes", emb.vectors[row], k=200).set_index("id")
        assert len(opposite) == 200
        assert opposite["score"][emb.ids[row]] == pytest.approx(-1, abs=1e-5)


def test_replacing_forgets_columns_that_are_gone(store: VectorStore) -> None:
    store.add("notes", cloud(3, label=["a"] * 3, **{"date taken": [1, 2, 3]}))
    store.add("notes", cloud(1))
    rows = store.get("notes", ["n000", "n001"])
    assert rows["date taken"].isna().tolist() == [True, False]
    assert rows["label"].tolist() == [None, "a"]


def test_rows_added_later_get_an_index_too(store: VectorStore, tmp_path: Path) -> None:
    store.add("notes", cloud(500), index="HNSW")
    store.search("notes", cloud().vectors[0])
    store.add("notes", cloud(500, seed=1, first=500))
    assert store.search("notes", cloud(500, seed=1).vectors[3], k=1)["id"].tolist() == ["n503"]
    folder = tmp_path / "lab.db" / "collections" / "notes"
    for _ in range(200):
        if len([*folder.rglob("*.idx")]) == len([*folder.rglob("data_*.parquet")]):
            break
        time.sleep(0.1)
    else:
        pytest.fail("the second segment got no index within 20 seconds")


def test_a_restart_finds_everything_again(tmp_path: Path) -> None:
    emb = cloud(40, label=["sea", None] * 20)
    with VectorStore(tmp_path / "lab.db") as first:
        first.add("notes", emb, index="HNSW_SQ", metric="IP", params={"M": 8})
        first.add("more", emb)
        before, listed = first.search("notes", emb.vectors[1], k=9), first.collections()
    with VectorStore(str(tmp_path / "lab.db")) as second:
        assert second.search("notes", emb.vectors[1], k=9).equals(before)
        assert second.collections().equals(listed)
        assert second.add("notes", emb) == 40
        assert second.count("notes") == 40
    assert listed.to_dict("records")[1] == {
        "name": "notes",
        "items": 40,
        "dim": 8,
        "model": "text/made-up @ aaaaaaaa",
        "index": "HNSW_SQ",
        "metric": "IP",
        "modality": "text",
    }


def test_get_and_drop(store: VectorStore) -> None:
    emb = cloud(2500)
    store.add("notes", emb)
    back = store.get("notes", reversed(emb.ids), vectors=True)
    assert back["id"].tolist() == emb.ids[::-1]
    np.testing.assert_array_equal(np.stack(back["vector"].tolist()), emb.vectors[::-1])
    with refuses(StoreErrorCode.NO_ITEM, collection="notes", ids=("zz", "yy")):
        store.get("notes", ["zz", "n001", "yy"])
    store.drop("notes")
    assert store.collections().empty
    with refuses(StoreErrorCode.NO_COLLECTION, collection="notes"):
        store.drop("notes")
    assert store.add("notes", cloud(5, 4, model=card(dim=4))) == 5  # the name is free for another model


def test_batches_stay_below_the_budget_and_cover_everything() -> None:
    sizes = np.random.default_rng(0).integers(1, 5000, 3000)
    parts = [*batches(sizes, 20_000)]
    assert [row for part in parts for row in range(3000)[part]] == list(range(3000))
    assert max(sizes[p].sum() for p in parts) < 25_000
    assert [*batches(np.array([99]), 10)] == [slice(0, 1)]


def test_long_texts_go_through_in_several_messages(store: VectorStore) -> None:
    """300 texts of 60,000 bytes are 18 MB."""
    emb = cloud(300, story=["é" * 30_000] * 300)
    store.add("notes", emb)
    assert store.count("notes") == 300
    assert store.get("notes", "n299")["story"][0] == "é" * 30_000

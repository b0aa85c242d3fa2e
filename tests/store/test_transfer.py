"""Moving collections between backends, and a parquet file into each of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from refusals import refuses
from store_kit import card, cloud, moved

from embedlab.errors import BadItem
from embedlab.store import (
    MissingFeature,
    StoreErrorCode,
    VectorStore,
    transfer,
)

OTHER = card(name="text/other", sha256="b" * 64, dim=4)


@pytest.fixture
def store(each_store: VectorStore) -> VectorStore:
    """Every test runs on each backend."""
    return each_store


def test_a_copy_is_the_same(store: VectorStore, tmp_path: Path) -> None:
    """From a laptop to each of the places, and back again."""
    emb = cloud(1500, label=["sea", None, "hill"] * 500, year=range(1500))
    emb.items.frame["tags"] = [["x", str(i)] for i in range(1500)]
    with VectorStore(tmp_path / "here.db") as here, VectorStore(tmp_path / "back.db") as back:
        here.add("notes", emb, index="HNSW", params={"M": 8, "efConstruction": 64})
        here.add("other", cloud(5, 4, model=OTHER))
        assert here.copy_to(store).values.tolist() == [["notes", 1500], ["other", 5]]
        assert store.copy_to(back, ["notes"]).values.tolist() == [["notes", 1500]]
        for there in (store, back):
            for row in (0, 700):
                was, now = (s.search("notes", emb.vectors[row], k=5) for s in (here, there))
                assert now["id"].tolist() == was["id"].tolist()
                np.testing.assert_allclose(now["score"], was["score"], atol=1e-5)
                pd.testing.assert_frame_equal(now.drop(columns="score"), was.drop(columns="score"))
            assert there.count("notes", 'label == "sea" and year < 30') == 10
            assert there.collections().set_index("name").loc["notes", "index"] == "HNSW"
        assert here.copy_to(store, ["notes"])["items"].tolist() == [1500], "a second copy replaces"
        here.drop("other")
        here.add("other", moved(cloud(5), cloud(5).vectors))
        with refuses(StoreErrorCode.EXISTS, collection="other"):
            here.copy_to(store, ["other"])


def test_a_copy_says_first_what_the_place_lacks(store: VectorStore, tmp_path: Path) -> None:
    if store.backend.lite:
        return
    with VectorStore(tmp_path / "here.db") as here:
        here.add("plain", cloud())
        here.add("words", cloud(), full_text="content")
        with pytest.raises(MissingFeature):
            here.copy_to(store)
        assert store.collections().empty, "nothing was copied by halves"


def test_parquet_piece_by_piece(store: VectorStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emb = cloud(1000, label=["sea", "hill"] * 500)
    path = emb.save(tmp_path / "emb.parquet")
    monkeypatch.setattr("embedlab.store.transfer.PIECE_BYTES", 300 * 4 * 8)
    monkeypatch.setattr("embedlab.store.transfer.PIECES_PER_MARK", 1)
    real, calls = transfer.add_embeddings, []

    def interrupted(*args: Any, **kwargs: Any) -> int:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(transfer, "add_embeddings", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.add_parquet("notes", path, index="HNSW")
    assert store.count("notes") == 600
    assert store.add_parquet("notes", path, index="HNSW") == 400, "it goes on where it was"
    assert store.count("notes") == 1000
    assert store.add_parquet("notes", path) == 0
    assert store.search("notes", emb.vectors[999], k=1)["id"].tolist() == ["n999"]
    more = dataclasses.replace(cloud(1200, seed=2), items=cloud(1200).items)
    assert store.add_parquet("notes", more.save(path)) == 1200, "another file of the same name"
    assert store.count("notes") == 1200
    path.write_bytes(path.read_bytes()[:1000])
    for unreadable in (path, tmp_path / "no.parquet"):
        with pytest.raises(BadItem) as caught:
            store.add_parquet("notes", unreadable)
        assert caught.value.path == unreadable

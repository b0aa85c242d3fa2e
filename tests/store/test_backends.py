"""One contract for three backends: Milvus Lite, Milvus Lite's own server, a real Milvus standalone server."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from refusals import refuses
from store_kit import CARD, Answering, card, cloud, exact, moved

from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, WrongModel
from embedlab.items import Items
from embedlab.store import (
    StoreErrorCode,
    VectorStore,
)

OTHER = card(name="text/other", sha256="b" * 64, dim=4)


@pytest.fixture
def store(each_store: VectorStore) -> VectorStore:
    """Every test runs on each backend."""
    return each_store


@pytest.mark.parametrize("metric", ["COSINE", "IP", "L2"])
def test_hits_are_those_of_numpy(store: VectorStore, metric: str) -> None:
    emb = cloud(200, label=["sea", "hill"] * 100, year=range(200))
    assert store.add("notes", emb, metric=metric) == 200
    query = cloud(1, seed=5).vectors[0]
    hits = store.search("notes", query, k=7)
    ids, cosines = exact(emb, query, 7)
    assert hits["id"].tolist() == ids
    np.testing.assert_allclose(hits["score"], 2 - 2 * cosines if metric == "L2" else cosines, atol=1e-5)
    assert list(hits.columns) == ["rank", "id", "score", "label", "content", "year"]
    assert hits["year"].tolist() == [int(i[1:]) for i in ids]
    assert hits.attrs["backend"] == store.backend.name


@pytest.mark.parametrize("index", ["AUTOINDEX", "FLAT", "HNSW", "IVF_FLAT", "IVF_SQ8"])
def test_every_index_finds_what_is_there(store: VectorStore, index: str) -> None:
    emb = cloud(400)
    store.add("notes", emb, index=index)
    assert store.search("notes", emb.vectors[9], k=1)["id"].tolist() == ["n009"]
    assert store.collections()["index"].tolist() == [index]


def test_every_kind_of_column_comes_back_and_can_be_filtered(store: VectorStore) -> None:
    emb = cloud(6, label=[*"aabbc", None], year=range(6), weight=np.arange(6) / 2, ok=[True, False] * 3)
    emb.items.frame["tags"] = [["x"], ["x", "y"], [], None, ["y"], ["z"]]
    emb.items.frame["about"] = [{"n": i, "by": f"p{i}"} for i in range(6)]
    store.add("notes", emb)
    back = store.get("notes", emb.ids)
    assert back["label"].tolist() == [*"aabbc", None]
    assert back["weight"].tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert back["ok"].tolist() == [True, False] * 3
    assert [t if t is None else list(t) for t in back["tags"]] == [["x"], ["x", "y"], [], None, ["y"], ["z"]]
    assert back["about"].tolist()[3] == {"n": 3, "by": "p3"}
    for expression, rows in (
        ('label == "a" and year > 0', [1]),
        ('label in ["b", "c"]', [2, 3, 4]),
        ("weight >= 1.5 && not (year == 4)", [3, 5]),
        ("ok == true", [0, 2, 4]),
        ('json_contains(tags, "y")', [1, 4]),
        ('about["n"] >= 4', [4, 5]),
        ('about["by"] == "p2"', [2]),
        ('id in ["n001", "n003"]', [1, 3]),
        ('label == "nobody"', []),
    ):
        hits = store.search("notes", emb.vectors[0], k=10, filter=expression)
        assert sorted(hits["id"]) == [f"n00{r}" for r in rows], expression
        assert store.count("notes", expression) == len(rows), expression


ODD = ['say "hi"', "it's", "a\\b", "]) or 1 == 1", '" or id != "', "größe 日本 🙂", "two\nlines"]


def test_a_value_cannot_change_a_filter(store: VectorStore) -> None:
    emb = cloud(len(ODD) + 2, label=["plain", *ODD, "other"])
    store.add("notes", emb)
    for row, value in enumerate(ODD, 1):
        found = store.search("notes", emb.vectors[0], k=20, filter=f"label == {store.quote(value)}")
        assert found["id"].tolist() == [emb.ids[row]], value
        assert found["label"].tolist() == [value]
        assert store.count("notes", f"label in {store.quote(['other', value])}") == 2, value


def test_replace_delete_count_get(store: VectorStore) -> None:
    emb = cloud(100, label=["old"] * 100)
    store.add("notes", emb)
    new = moved(cloud(100, label=["new"] * 100), -emb.vectors)
    store.add("notes", new.select(new.ids[:50]))
    assert store.count("notes") == 100
    assert store.count("notes", 'label == "new"') == 50
    opposite = store.search("notes", emb.vectors[3], k=100).set_index("id")
    assert opposite["score"]["n003"] == pytest.approx(-1, abs=1e-5)
    assert store.delete("notes", ["n000", "n001", "nobody"]) == 2
    found = store.search("notes", item="n003", k=100)["id"]
    assert not {"n000", "n001"} & {*found}, "what was deleted is not found the moment after"
    assert store.delete("notes", filter='label == "new" and id > "n039"') == 10
    assert store.delete("notes", filter='label == "nobody"') == 0
    assert store.count("notes") == 88
    with refuses(StoreErrorCode.NO_ITEM, ids=("n000",)):
        store.get("notes", "n000")
    assert "n001" not in set(store.search("notes", emb.vectors[1], k=88)["id"])
    for wrong in ({}, {"ids": ["a"], "filter": "year > 1"}, {"filter": " "}):
        with refuses(StoreErrorCode.BAD_ARGUMENT, argument="ids"):
            store.delete("notes", **wrong)
    np.testing.assert_allclose(
        store.get("notes", "n060", vectors=True)["vector"][0], emb.vectors[60], atol=1e-6
    )


def test_pages_go_through_everything_once(store: VectorStore) -> None:
    emb = cloud(2500, label=["sea", "hill"] * 1250)
    store.add("notes", emb)
    pages = list(store.pages("notes", page_size=400, vectors=True))
    assert max(map(len, pages)) <= 400
    whole = pd.concat(pages).set_index("id").loc[emb.ids]
    assert len(whole) == 2500
    np.testing.assert_allclose(np.stack(whole["vector"].tolist()), emb.vectors, atol=1e-6)
    assert sum(map(len, store.pages("notes", filter='label == "sea"'))) == 1250
    assert not list(store.pages("notes", filter='label == "no"'))
    first, second = (store.search("notes", emb.vectors[0], k=5, offset=o, filter="") for o in (0, 5))
    assert [*first["id"], *second["id"]] == exact(emb, emb.vectors[0], 10)[0]
    assert second["rank"].tolist() == [6, 7, 8, 9, 10]
    near = [store.search("notes", item="n007", k=5, offset=offset) for offset in (0, 5, 10)]
    wanted = exact(emb, emb.vectors[7], 16)[0][1:]
    assert [id for page in near for id in page["id"]] == wanted, "none twice, none left out"
    assert near[1]["rank"].tolist() == [6, 7, 8, 9, 10]


def test_range_search(store: VectorStore) -> None:
    emb = cloud(300)
    store.add("notes", emb)
    ids, cosines = exact(emb, emb.vectors[0], 300)
    near = store.search("notes", emb.vectors[0], k=300, radius=0.5)
    assert near["id"].tolist() == [i for i, c in zip(ids, cosines, strict=True) if c > 0.5]
    ring = store.search("notes", emb.vectors[0], k=300, radius=0.5, range_filter=0.7)
    assert ring["id"].tolist() == [i for i, c in zip(ids, cosines, strict=True) if 0.5 < c <= 0.7]
    outer = store.search("notes", emb.vectors[0], k=2, radius=-1.0, range_filter=-0.6)
    assert outer["id"].tolist() == [i for i, c in zip(ids, cosines, strict=True) if c <= -0.6][:2]
    store.add("far", emb, metric="L2")
    near = store.search("far", emb.vectors[0], k=300, radius=0.8)
    assert near["id"].tolist() == [i for i, c in zip(ids, cosines, strict=True) if 2 - 2 * c < 0.8]
    nothing = store.search("notes", emb.vectors[0], radius=0.9999, range_filter=0.99999)
    assert nothing.empty
    assert list(nothing.columns) == ["rank", "id", "score", "content"]


def test_search_by_what_a_model_reads(store: VectorStore) -> None:
    emb = cloud()
    store.add("notes", emb)
    model = Answering(emb.vectors[4])
    from PIL import Image

    for query in ("a walk", Path("walk.png"), Image.new("RGB", (4, 4)), np.zeros((4, 4, 3), np.uint8)):
        assert store.search("notes", query, k=1, model=model)["id"].tolist() == ["n004"]
        assert model.asked[-1] is query
    assert store.search("notes", item="n007", k=3)["id"].tolist() == exact(emb, emb.vectors[7], 4)[0][1:]
    assert store.search("notes", emb.select(["n007"]), k=1)["id"].tolist() == ["n007"]


def test_refusals(store: VectorStore) -> None:
    emb = cloud(label=["sea"] * 30)
    store.add("notes", emb)
    zero = emb.vectors.copy()
    zero[3] = 0
    with pytest.raises(BadItem, match="'n003' has a vector of zeros"):
        store.add("notes", moved(emb, zero))
    frame = pd.DataFrame({"id": ["i" * 70_000], "content": ["x"]})
    with pytest.raises(BadItem, match=r"'id' of item 'iii.*has 70,000 bytes"):
        store.add(
            "notes",
            Embeddings(emb.vectors[:1], Items(frame, "text", "x"), CARD, CARD.layer, CARD.pooling, True),
        )
    with pytest.raises(WrongModel, match="holds 8 from text/made-up"):
        store.add("notes", cloud(3, 4, model=OTHER))
    with refuses(StoreErrorCode.BAD_QUERY):
        store.search("notes", np.ones(4))
    with refuses(StoreErrorCode.BAD_QUERY):
        store.search("notes", np.full(8, np.nan))
    with refuses(StoreErrorCode.EXISTS, collection="notes", argument="metric"):
        store.add("notes", emb, metric="L2")
    with refuses(StoreErrorCode.BAD_FILTER, collection="notes"):
        store.search("notes", emb.vectors[0], filter="label == ")
    with refuses(StoreErrorCode.BAD_FILTER, argument="filter"):
        store.count("notes", 'lable == "sea"')
    assert store.count("notes") == 30


def test_a_wrong_filter_is_pointed_at(store: VectorStore) -> None:
    store.add("notes", cloud(label=["sea"] * 30, year=range(30)))
    with refuses(StoreErrorCode.BAD_FILTER) as caught:
        store.search("notes", cloud().vectors[0], filter='label == "sea" and year > > 3')
    lines = str(caught.value).splitlines()
    shown = next(i for i, line in enumerate(lines) if line.endswith('label == "sea" and year > > 3'))
    assert lines[shown + 1].index("^") - lines[shown].index("label") == len('label == "sea" and year > ')

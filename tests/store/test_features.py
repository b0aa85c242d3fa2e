"""What only some backends have: several models, hybrid search, groups."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from refusals import refuses
from store_kit import Answering, card, cloud, exact

from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, WrongModel
from embedlab.store import (
    Feature,
    MissingFeature,
    StoreErrorCode,
    VectorStore,
)

OTHER = card(name="text/other", sha256="b" * 64, dim=4)
TEXTS = [
    "the sea at night",
    "a hill in rain",
    "rain on the sea",
    "money in a bank",
    "a bank of the river",
    "soup",
]


@pytest.fixture
def store(each_store: VectorStore) -> VectorStore:
    """Every test runs on each backend."""
    return each_store


def two_models(n: int = 60) -> tuple[Embeddings, Embeddings]:
    return cloud(n, label=["sea", "hill", "bank"] * (n // 3)), cloud(n, 4, seed=7, model=OTHER)


def test_two_models_in_one_collection(store: VectorStore) -> None:
    one, two = two_models()
    if not store.backend.lite:
        with pytest.raises(MissingFeature) as caught:
            store.add("both", [one, two])
        assert (caught.value.feature, caught.value.code) == (
            Feature.SEVERAL_MODELS,
            StoreErrorCode.UNSUPPORTED,
        )
        assert store.collections().empty
        return
    shuffled = two.select(np.random.default_rng(0).permutation(two.ids).tolist())
    assert store.add("both", [one, shuffled]) == 60
    for query in (two.select(["n011"]), two.vectors[11]):
        hits = store.search("both", query, k=3)
        assert hits["id"].tolist() == exact(two, two.vectors[11], 3)[0]
        assert hits.attrs["model"].startswith("text/other")
    assert (
        store.search("both", item="n011", k=2, model="text/other")["id"].tolist()
        == exact(two, two.vectors[11], 3)[0][1:]
    )
    assert store.search("both", item="n011", k=2)["id"].tolist() == exact(one, one.vectors[11], 3)[0][1:]
    back = store.get("both", ["n005"], vectors=True)
    np.testing.assert_allclose(back["vector_text_other"][0], two.vectors[5], atol=1e-6)
    with refuses(StoreErrorCode.NO_VECTORS, collection="both", argument="model"):
        store.search("both", one.vectors[0], model="text/third")
    with pytest.raises(WrongModel, match="vectors of 2 models"):
        store.add("both", one)
    with pytest.raises(BadItem) as unshared:
        store.add("both", [one, two.select(two.ids[1:])])
    assert [*unshared.value.problems] == ["n000"]


def fused(lists: list[list[str]], rrf_k: int = 60) -> dict[str, float]:
    """Reciprocal-rank fusion, written down."""
    scores: dict[str, float] = {}
    for ids in lists:
        for rank, id in enumerate(ids, 1):
            scores[id] = scores.get(id, 0) + 1 / (rrf_k + rank)
    return scores


def hybrid_store(store: VectorStore, monkeypatch: pytest.MonkeyPatch) -> tuple[Embeddings, Embeddings]:
    one, two = cloud(6), cloud(6, 4, seed=7, model=OTHER)
    for emb in (one, two):
        emb.items.frame["content"] = TEXTS
        emb.items.frame["year"] = range(6)
    answers = {"text/made-up": Answering(one.vectors[4]), "text/other": Answering(two.vectors[0], OTHER)}
    monkeypatch.setattr("embedlab.embedders.loading.load_again", lambda origin: answers[origin.model])
    store.add("both", [one, two], full_text="content")
    return one, two


def test_hybrid_search(store: VectorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    if not store.backend.lite:
        store.add("notes", cloud())
        with refuses(StoreErrorCode.NO_VECTORS, argument="ways"):
            store.hybrid_search("notes", "sea", ways=["bm25"])
        calls: dict[Feature, Callable[[], object]] = {
            Feature.FULL_TEXT: lambda: store.add("words", cloud(), full_text="content"),
            Feature.GROUP_BY: lambda: store.search("notes", cloud().vectors[0], group_by="content"),
            Feature.NULL_FILTERS: lambda: store.count("notes", "label is null"),
            Feature.HNSW_SQ: lambda: store.add("more", cloud(), index="HNSW_SQ"),
        }
        for feature, call in calls.items():
            with pytest.raises(MissingFeature) as caught:
                call()
            assert caught.value.feature is feature
        return
    one, two = hybrid_store(store, monkeypatch)
    words = store.hybrid_search("both", "rain sea", ways=["bm25"])
    assert words["id"].tolist()[0] == "n002", "both words"
    assert set(words["id"]) == {"n000", "n001", "n002"}
    assert (np.diff(words["score"]) <= 0).all()
    assert (words["score"] > 0).all()
    lists = [exact(one, one.vectors[4], 6)[0], exact(two, two.vectors[0], 6)[0]]
    hits = store.hybrid_search("both", "rain sea", k=6, ways=["text/made-up", "text/other"])
    assert hits.set_index("id")["score"].to_dict() == pytest.approx(fused(lists), abs=1e-6)
    hits = store.hybrid_search("both", "rain sea", k=6, rrf_k=1)
    wanted = fused([*lists, words["id"].tolist()], 1)
    assert hits.set_index("id")["score"].to_dict() == pytest.approx(wanted, abs=1e-6)
    some = store.hybrid_search("both", "rain sea", k=6, filter="year >= 2")
    assert set(some["id"]) == {"n002", "n003", "n004", "n005"}
    for wrong, code in ((["words"], StoreErrorCode.NO_VECTORS), ([], StoreErrorCode.BAD_ARGUMENT)):
        with refuses(code, argument="ways"):
            store.hybrid_search("both", "rain", ways=wrong)
    assert store.hybrid_search("both", "zebra", ways=["bm25"]).empty


def test_group_by(store: VectorStore) -> None:
    if not store.backend.lite:
        return  # refused: see test_hybrid_search
    emb = cloud(300, label=[f"g{i % 7}" for i in range(300)], weight=np.ones(300))
    store.add("notes", emb)
    hits = store.search("notes", emb.vectors[0], k=20, group_by="label")
    ids, _ = exact(emb, emb.vectors[0], 300)
    firsts = list({f"g{int(i[1:]) % 7}": i for i in reversed(ids)}.values())
    assert sorted(hits["id"]) == sorted(firsts)
    assert hits["score"].is_monotonic_decreasing
    far = np.argsort(emb.vectors @ emb.vectors[0])[:3]
    rare = ["common"] * 300
    for row in far:
        rare[row] = "far away"
    store.add("notes", cloud(300, label=rare, weight=np.ones(300)))
    assert store.search("notes", emb.vectors[0], k=2, group_by="label")["id"].tolist() == [
        "n000",
        f"n{far[-1]:03d}",
    ], "the farthest few are a group, too"
    with refuses(StoreErrorCode.BAD_ARGUMENT, argument="group_by"):
        store.search("notes", emb.vectors[0], group_by="weight")

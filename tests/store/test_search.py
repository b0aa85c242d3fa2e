"""Searching: by vector, text and stored item, with filters, and through an index, in Milvus Lite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from refusals import refuses
from store_kit import Answering, cloud, exact, moved

import embedlab as el
from embedlab.store import (
    StoreErrorCode,
    VectorStore,
)
from embedlab.store.provenance import Origin


def test_hits_and_scores_are_those_of_numpy(store: VectorStore) -> None:
    emb = cloud(50, label=["sea", "hill"] * 25, year=range(1950, 2000))
    assert store.add("notes", emb) == 50
    query = np.random.default_rng(1).standard_normal(8).astype(np.float32) * 3
    hits = store.search("notes", query, k=7)
    ids, cosines = exact(emb, query, 7)
    assert hits["id"].tolist() == ids
    np.testing.assert_allclose(hits["score"], cosines, atol=1e-5)
    assert hits["rank"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert list(hits.columns) == ["rank", "id", "score", "label", "content", "year"]
    assert hits["content"].tolist() == [f"text {i}" for i in ids]
    assert hits.attrs["model"] == "text/made-up @ aaaaaaaa"


@pytest.mark.parametrize("metric", ["IP", "L2"])
def test_the_other_metrics(store: VectorStore, metric: str) -> None:
    emb = moved(cloud(40), cloud(40).vectors * np.linspace(1, 5, 40)[:, None])
    store.add("notes", emb, metric=metric)
    query = cloud(1, seed=3).vectors[0]
    squared, inner = ((emb.vectors - query) ** 2).sum(axis=1), emb.vectors @ query
    order = np.argsort(squared if metric == "L2" else -inner)[:5]
    hits = store.search("notes", query)
    assert hits["id"].tolist() == [emb.ids[i] for i in order]
    np.testing.assert_allclose(hits["score"], (squared if metric == "L2" else inner)[order], atol=1e-4)


def test_search_by_text_by_row_and_by_stored_item(store: VectorStore) -> None:
    emb = cloud()
    store.add("notes", emb)
    model = Answering(emb.vectors[4])
    assert store.search("notes", "a walk", k=1, model=model)["id"].tolist() == ["n004"]
    assert model.asked == ["a walk"]
    assert store.search("notes", emb.select(["n007"]), k=1)["id"].tolist() == ["n007"]
    neighbours = store.search("notes", item="n007", k=3)
    assert neighbours["id"].tolist() == exact(emb, emb.vectors[7], 4)[0][1:]
    assert neighbours["rank"].tolist() == [1, 2, 3]


def test_a_text_is_embedded_by_the_collections_own_model(
    store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    emb, loaded = cloud(), []

    def load_again(origin: Origin) -> Answering:
        loaded.append(origin.model)
        return Answering(emb.vectors[2])

    monkeypatch.setattr("embedlab.embedders.loading.load_again", load_again)
    store.add("notes", emb)
    for _ in range(2):
        assert store.search("notes", "hello", k=1)["id"].tolist() == ["n002"]
    assert store.model("notes").embed_query("hello").tolist() == emb.vectors[2].tolist()
    assert loaded == ["text/made-up"]  # once, not at each search
    record = store.record("notes")
    assert (record.origin, record.metric, record.modality) == (Origin.of(emb), "COSINE", "text")
    with refuses(StoreErrorCode.NO_COLLECTION, collection="elsewhere"):
        store.model("elsewhere")


def test_a_filter_on_a_far_group_finds_all_of_it(store: VectorStore) -> None:
    """Left to itself, Milvus Lite 3.2 answers such a search with no hits at all."""
    rng = np.random.default_rng(0)
    which = np.arange(2000) % 10
    vectors = (rng.standard_normal((10, 16)) * 4)[which] + rng.standard_normal((2000, 16))
    emb = moved(cloud(2000, 16, label=[f"g{w}" for w in which]), vectors)
    for index in ("AUTOINDEX", "HNSW", "IVF_FLAT", "FLAT"):
        store.add(index, emb, index=index)
        for group in range(10):
            hits = store.search(index, emb.vectors[0], k=10, filter=f'label == "g{group}"')
            assert hits["id"].tolist() == exact(emb, emb.vectors[0], 10, which == group)[0], (index, group)


def test_a_filtered_search_of_a_graph_looks_as_far_as_it_must(
    store: VectorStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Visiting the whole graph takes ten times as long as comparing every vector: not unless it has to be."""
    monkeypatch.setattr("embedlab.store.search.WIDE", 100)
    rng = np.random.default_rng(0)
    far = np.arange(1500) < 30
    vectors = rng.standard_normal((1500, 16)) + np.where(far, -6, 6)[:, None] * np.eye(16)[0]
    emb = moved(cloud(1500, 16, odd=np.arange(1500) % 2, far=far), vectors)
    store.add("notes", emb, index="HNSW")
    client, looked = store._connection.client, []
    real = client.search

    def search(*given: object, **named: Any) -> object:
        looked.append(named["search_params"]["params"]["ef"])
        return real(*given, **named)

    monkeypatch.setattr(client, "search", search)
    query = emb.vectors[1000]
    for expression, among, tries in (
        ("odd == 1", np.arange(1500) % 2 == 1, [100]),
        ("far == true", far, [100, 1000, 1500]),
    ):
        looked.clear()
        hits = store.search("notes", query, k=10, filter=expression)
        assert hits["id"].tolist() == exact(emb, query, 10, among)[0]
        assert looked == tries


def test_more_hits_than_the_index_looks_at(store: VectorStore) -> None:
    store.add("notes", cloud(300), index="IVF_FLAT", params={"nlist": 100})
    assert len(store.search("notes", cloud().vectors[0], k=200)) == 200
    assert len(store.search("notes", cloud().vectors[0], k=1000)) == 300


def test_the_index_is_really_used(store: VectorStore) -> None:
    """With one cell of 64 an IVF index must overlook something; a search through all rows would not."""
    emb = cloud(3000, 32)
    store.add("flat", emb, index="FLAT")
    store.add("ivf", emb, index="IVF_FLAT", params={"nlist": 64})

    def recall(name: str, nprobe: int | None) -> float:
        found = [
            len(
                {*store.search(name, q, k=10, params={"nprobe": nprobe} if nprobe else None)["id"]}
                & {*exact(emb, q, 10)[0]}
            )
            for q in cloud(20, 32, seed=5).vectors
        ]
        return sum(found) / 200

    assert recall("flat", None) == 1.0
    assert recall("ivf", 1) < 0.7 < recall("ivf", 32)
    assert recall("ivf", 64) == 1.0


def test_leafing_through_writes_nothing_to_the_log(
    store: VectorStore, caplog: pytest.LogCaptureFixture
) -> None:
    """pymilvus warns that Milvus Lite names no time stamp; that would stand in the notebook."""
    store.add("notes", cloud(30))
    assert [len(page) for page in store.pages("notes", page_size=20)] == [20, 10]
    assert caplog.records == []


def test_with_a_real_clip(store: VectorStore) -> None:
    """A path is embedded by the collection's own model, which comes with the kit."""
    clips = el.load_dataset("clips")
    some = clips.select(clips.ids[:4])
    store.add("clips", el.embed(some, "video/perceiver-mini"))
    for row in (0, 3):
        hits = store.search("clips", Path(some.frame["path"].iloc[row]), k=1)
        assert hits["id"].tolist() == [some.ids[row]]
        assert hits["score"][0] == pytest.approx(1, abs=1e-3)


@pytest.mark.weights("image/efficientnet-lite0")
def test_with_a_real_picture(store: VectorStore) -> None:
    from PIL import Image

    drawn = el.load_dataset("photos")
    some = drawn.select(drawn.ids[:4])
    store.add("photos", el.embed(some, "image/efficientnet-lite0"))
    path = Path(some.frame["path"].iloc[2])
    for query in (path, Image.open(path)):
        assert store.search("photos", query, k=1)["id"].tolist() == [some.ids[2]]


@pytest.mark.weights("audio/speaker")
def test_with_a_real_sound(store: VectorStore) -> None:
    spoken = el.load_dataset("voices")
    some = spoken.select(spoken.ids[:4])
    store.add("voices", el.embed(some, "audio/speaker"))
    assert store.search("voices", Path(some.frame["path"].iloc[1]), k=1)["id"].tolist() == [some.ids[1]]


@pytest.mark.weights("text/minilm")
def test_with_a_real_model(store: VectorStore) -> None:
    items = el.Items.from_texts(["waves on the beach", "a steep path to the summit", "soup with leeks"])
    store.add("notes", el.embed(items, "text/minilm"))
    assert store.search("notes", "the ocean", k=1)["content"].tolist() == ["waves on the beach"]

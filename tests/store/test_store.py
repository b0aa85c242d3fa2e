"""The store: adding, searching, replacing, refusing what does not belong. With the real Milvus Lite."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from store_kit import Answering, card, cloud, exact, moved

import embedlab as el
from embedlab.errors import BadItem, WrongModel
from embedlab.store import StoreError, VectorStore
from embedlab.store.engine import batches
from embedlab.store.provenance import Origin


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VectorStore]:
    with VectorStore(tmp_path / "lab.db") as opened:
        yield opened


# -- finding -------------------------------------------------------------------------------------------------


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
    with pytest.raises(StoreError, match="no collection 'elsewhere'"):
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
    monkeypatch.setattr("embedlab.store.indexes.WIDE", 100)
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


# -- replacing -----------------------------------------------------------------------------------------------


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


# -- keeping -------------------------------------------------------------------------------------------------


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
    with pytest.raises(StoreError, match=r"no item with id 'zz' \(1 of 2"):
        store.get("notes", ["n001", "zz"])
    store.drop("notes")
    assert store.collections().empty
    with pytest.raises(StoreError, match="no collection yet"):
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


# -- refusing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"name": "text/other", "sha256": "b" * 64},
            "text/other @ bbbbbbbb.*'notes' holds 8 from text/made-up @ aaaa",
        ),
        ({"sha256": "b" * 64}, "sha256 bbbbbbbb… and aaaaaaaa…"),
        ({"revision": "2" * 40}, "revision 22222222… and 11111111…"),
        ({"layer": "avgpool"}, "layer avgpool and last_hidden_state"),
        ({"pooling": "cls"}, "pooling cls and mean"),
        ({"dim": 4}, "4 numbers from text/made-up.*holds 8 from text/made-up"),
    ],
)
def test_vectors_of_another_origin_are_refused(
    store: VectorStore, changes: dict[str, object], told: str
) -> None:
    store.add("notes", cloud())
    other = card(**changes)
    foreign = cloud(3, other.dim, model=other)
    with pytest.raises(WrongModel, match=f"(?s){told}"):
        store.add("notes", foreign)
    with pytest.raises(WrongModel, match=f"(?s){told}"):
        store.search("notes", foreign.select(["n001"]))
    with pytest.raises(WrongModel, match=f"(?s){told}"):
        store.search("notes", "hello", model=Answering(foreign.vectors[0], other))
    assert store.count("notes") == 30


def test_an_unknown_revision_is_no_contradiction(store: VectorStore) -> None:
    store.add("notes", cloud())
    assert store.add("notes", cloud(model=card(revision=None))) == 30


@pytest.mark.parametrize("index", ["PQ", "IVF_PQ", "DISKANN", "SCANN", "BRUTE_FORCE", "hnsw"])
def test_an_index_that_would_not_be_built_is_refused(store: VectorStore, index: str) -> None:
    with pytest.raises(StoreError, match=f"{index}.*AUTOINDEX, FLAT, HNSW, HNSW_SQ, IVF_FLAT, IVF_SQ8"):
        store.add("notes", cloud(), index=index)
    assert store.collections().empty  # nothing half made is left behind


def test_other_things_that_add_refuses(store: VectorStore) -> None:
    emb = cloud()
    for arguments, told in (
        ({"metric": "EUCLID"}, "EUCLID.*COSINE, IP, L2"),
        ({"index": "HNSW", "params": {"m": 4}}, "setting 'm'.*M, efConstruction"),
        ({"index": "HNSW", "params": {"M": 0}}, "M must be a whole number"),
        ({"params": {"M": 4}}, "building AUTOINDEX; there is: none"),
    ):
        with pytest.raises(StoreError, match=told):
            store.add("notes", emb, **arguments)
    for name in ("my notes", "my-notes", "1st", "", "größe", "a" * 256, "../x"):
        with pytest.raises(StoreError, match="cannot name a collection"):
            store.add(name, emb)
    with pytest.raises(BadItem, match="0 items"):
        store.add("notes", emb.select([]))
    with pytest.raises(BadItem, match=r"takes Embeddings.*not ndarray"):
        store.add("notes", emb.vectors)
    zeros = emb.vectors.copy()
    zeros[3] = 0
    with pytest.raises(BadItem, match="'n003' has a vector of zeros"):
        store.add("notes", moved(emb, zeros))
    assert store.collections().empty
    store.add("notes", emb, index="HNSW")
    with pytest.raises(StoreError, match=r'made with index \'HNSW\', not \'FLAT\'.*drop\("notes"\)'):
        store.add("notes", emb, index="FLAT")
    pictures = dataclasses.replace(
        emb.items, frame=emb.items.frame.rename(columns={"content": "path"}), modality="image"
    )
    with pytest.raises(StoreError, match="modality 'text', not 'image'"):
        store.add("notes", dataclasses.replace(emb, items=pictures))


def test_things_that_search_refuses(store: VectorStore) -> None:
    emb = cloud(label=["sea"] * 30)
    store.add("notes", emb, index="IVF_FLAT")
    vector = emb.vectors[0]
    for k in (0, -1, 2.5, True, None):
        with pytest.raises(StoreError, match="k must be a whole number"):
            store.search("notes", vector, k=k)
    for query, told in (
        (vector[:4], "has 4 numbers, but 'notes' holds 8 from text/made-up"),
        (emb.vectors, r"one vector of 8 numbers, not ndarray of shape \(30, 8\)"),
        (emb, "one row of embeddings, not 30"),
        (vector * np.nan, "NaN"),
        (vector * 0, "no direction"),
        (object(), "not object"),
    ):
        with pytest.raises(StoreError, match=told):
            store.search("notes", query)
    with pytest.raises(StoreError, match="either a query"):
        store.search("notes")
    with pytest.raises(StoreError, match="either a query"):
        store.search("notes", vector, item="n001")
    with pytest.raises(StoreError, match="no collection 'note' in this store; there is: 'notes'"):
        store.search("note", vector)
    with pytest.raises(StoreError, match="setting 'ef' for searching IVF_FLAT; there is: nprobe"):
        store.search("notes", vector, params={"ef": 10})


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ('lable == "sea"', "uses 'lable'.*content, id, label"),
        ("label == sea", "uses 'sea'.*Texts stand in quotes"),
        ('label = "sea"', "(?s)label = \"sea\".*did you mean '=='.*"),
        ("label == 'sea", "for example: label =="),
        ("label > 3", "incompatible types"),
        (3, "A filter is a text, not int"),
    ],
)
def test_a_wrong_filter_is_explained(store: VectorStore, expression: str, told: str) -> None:
    store.add("notes", cloud(label=["sea"] * 30))
    with pytest.raises(StoreError, match=told):
        store.search("notes", cloud().vectors[0], filter=expression)


def test_a_collection_of_another_program_is_left_alone(store: VectorStore) -> None:
    client = store._connection.client
    client.create_collection("theirs", dimension=8)
    with pytest.raises(StoreError, match="not made by embedlab"):
        store.search("theirs", cloud().vectors[0])
    with pytest.raises(StoreError, match="not made by embedlab"):
        store.add("theirs", cloud())
    assert store.collections()["model"].tolist() == [None]


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

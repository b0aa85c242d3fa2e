"""What add and search refuse, by code, and that nothing is left half done."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pytest
from refusals import refuses
from store_kit import Answering, card, cloud, moved

from embedlab.errors import BadItem, WrongModel
from embedlab.store import (
    IndexSpec,
    StoreErrorCode,
    VectorStore,
)


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
        ({"dim": 4}, "4 dimensions from text/made-up.*holds 8 from text/made-up"),
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
    with refuses(StoreErrorCode.BAD_ARGUMENT, argument="index"):
        store.add("notes", cloud(), index=index)
    assert store.collections().empty  # nothing half made is left behind


def test_settings_that_add_refuses(store: VectorStore) -> None:
    emb = cloud()
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("metric", {"metric": "EUCLID"}),
        ("m", {"index": "HNSW", "params": {"m": 4}}),
        ("M", {"index": "HNSW", "params": {"M": 0}}),
        ("M", {"params": {"M": 4}}),
        ("nlist", {"index": "HNSW", "params": {"nlist": 4}}),
        ("metric", {"index": IndexSpec("HNSW"), "metric": "IP"}),
        ("full_text", {"full_text": "story"}),
    ]
    for argument, arguments in wrong:
        with refuses(StoreErrorCode.BAD_ARGUMENT, argument=argument):
            store.add("notes", emb, **arguments)
    for name in ("my notes", "my-notes", "1st", "", "größe", "a" * 256, "../x"):
        with refuses(StoreErrorCode.BAD_NAME, argument="name"):
            store.add(name, emb)
    assert store.collections().empty


def test_items_that_add_refuses(store: VectorStore) -> None:
    emb = cloud()
    with pytest.raises(BadItem, match="0 items"):
        store.add("notes", emb.select([]))
    with pytest.raises(BadItem, match=r"takes Embeddings.*not ndarray"):
        store.add("notes", [emb.vectors])
    zeros = emb.vectors.copy()
    zeros[[3, 5]] = 0
    with pytest.raises(BadItem) as caught:
        store.add("notes", moved(emb, zeros))
    assert [*caught.value.problems] == ["n003", "n005"]
    textless = cloud(3, story=["a", None, "b"])
    with pytest.raises(BadItem) as caught:
        store.add("notes", textless, full_text="story")
    assert [*caught.value.problems] == ["n001"]
    assert store.collections().empty


def test_a_collection_keeps_its_settings(store: VectorStore) -> None:
    emb = cloud()
    store.add("notes", emb, index="HNSW", params={"M": 8})
    for argument, arguments in (
        ("index", {"index": "FLAT"}),
        ("metric", {"metric": "IP"}),
        ("params", {"params": {"M": 16}}),
        ("full_text", {"full_text": "content"}),
    ):
        with refuses(StoreErrorCode.EXISTS, collection="notes", argument=argument):
            store.add("notes", emb, **arguments)
    pictures = dataclasses.replace(
        emb.items, frame=emb.items.frame.rename(columns={"content": "path"}), modality="image"
    )
    with refuses(StoreErrorCode.EXISTS, collection="notes", argument="modality"):
        store.add("notes", dataclasses.replace(emb, items=pictures))
    assert store.add("notes", emb, index=IndexSpec("HNSW", "COSINE", M=8)) == 30


def test_things_that_search_refuses(store: VectorStore) -> None:
    emb = cloud(label=["sea"] * 30)
    store.add("notes", emb, index="IVF_FLAT")
    vector = emb.vectors[0]
    for k in (0, -1, 2.5, True, None):
        with refuses(StoreErrorCode.BAD_ARGUMENT, argument="k"):
            store.search("notes", vector, k=k)
    for query in (vector[:4], emb.vectors, emb, vector * np.nan, vector * 0, object()):
        with refuses(StoreErrorCode.BAD_QUERY, collection="notes"):
            store.search("notes", query)
    with refuses(StoreErrorCode.BAD_ARGUMENT, argument="query"):
        store.search("notes")
    with refuses(StoreErrorCode.BAD_ARGUMENT, argument="query"):
        store.search("notes", vector, item="n001")
    with refuses(StoreErrorCode.NO_COLLECTION, collection="note"):
        store.search("note", vector)
    with refuses(StoreErrorCode.BAD_ARGUMENT, argument="ef"):
        store.search("notes", vector, params={"ef": 10})


@pytest.mark.parametrize(
    ("expression", "advice"),
    [
        ('lable == "sea"', "uses 'lable'.*content, id, label"),
        ("label == sea", "uses 'sea'.*Put texts in quotes"),
        ('label = "sea"', "(?s)did you mean '=='.*label = \"sea\"\n +\\^"),
        ("label == 'sea", "for example: label =="),
        ("label > 3", "incompatible types"),
        (3, "A filter is a text, not int"),
    ],
)
def test_a_wrong_filter_is_explained(store: VectorStore, expression: str, advice: str) -> None:
    store.add("notes", cloud(label=["sea"] * 30))
    with refuses(StoreErrorCode.BAD_FILTER) as caught:
        store.search("notes", cloud().vectors[0], filter=expression)
    assert re.search(advice, str(caught.value))


def test_a_collection_of_another_program_is_left_alone(store: VectorStore) -> None:
    client = store._connection.client
    client.create_collection("theirs", dimension=8)
    with refuses(StoreErrorCode.FOREIGN, collection="theirs"):
        store.search("theirs", cloud().vectors[0])
    with refuses(StoreErrorCode.FOREIGN, collection="theirs"):
        store.add("theirs", cloud())
    assert store.collections()["model"].tolist() == [None]

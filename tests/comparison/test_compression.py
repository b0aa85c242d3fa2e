"""Compressed vectors, and what they lose."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA

import embedlab as el
from embedlab.analysis.neighbors import knn
from embedlab.comparison.compression import compression_table, compressions
from embedlab.comparison.compression_words import describe_compression
from embedlab.embeddings import Embeddings, unit_rows
from embedlab.errors import BadItem

Make = Callable[..., Embeddings]


def test_ways_and_their_bytes(make_embeddings: Make) -> None:
    vectors = unit_rows(make_embeddings(200, 64).vectors)
    found = {(each.way, each.dim): (each.n_bytes, each.apply(vectors)) for each in compressions(vectors)}
    assert {key: size for key, (size, _) in found.items()} == {
        ("float32", 64): 256, ("float16", 64): 128, ("int8", 64): 64, ("binary", 64): 8,
        ("PCA", 32): 128, ("PCA + int8", 32): 32, ("first numbers", 32): 128,
        ("PCA", 16): 64, ("PCA + int8", 16): 16, ("first numbers", 16): 64,
    }  # fmt: skip
    for (way, dim), (_, cut) in found.items():
        assert cut.shape == (200, dim), way
        assert cut.dtype == np.float32
    half = found["float16", 64][1]
    assert np.abs(half - vectors).max() < 1e-3
    steps = (vectors.max(axis=0) - vectors.min(axis=0)) / 255
    assert (np.abs(found["int8", 64][1] - vectors) <= steps / 2 + 1e-6).all(), "at most half a step away"
    assert set(np.unique(found["binary", 64][1])) == {-1, 1}
    assert (found["first numbers", 16][1] == vectors[:, :16]).all()


def test_pca_keeps_as_much_as_scikit_learn_does(make_embeddings: Make) -> None:

    vectors = unit_rows(make_embeddings(300, 64).vectors)
    [pca] = [each for each in compressions(vectors) if (each.way, each.dim) == ("PCA", 16)]
    ours = pca.apply(vectors)
    theirs = PCA(16).fit_transform(vectors)
    assert np.abs(ours) == pytest.approx(np.abs(theirs), abs=1e-4)


def test_fewer_items_than_directions(make_embeddings: Make) -> None:
    vectors = unit_rows(make_embeddings(20, 128).vectors)
    found = {(each.way, each.dim) for each in compressions(vectors)}
    assert found >= {("first numbers", 64), ("PCA", 16)}
    assert ("PCA", 32) not in found


def test_what_is_kept_is_recall_of_the_true_neighbours(make_embeddings: Make) -> None:
    emb = make_embeddings(150, 64)
    table = compression_table(emb, k=5).set_index(["way", "dim"])
    assert table.loc[("float32", 64), "kept"] == 1
    cut = dataclasses.replace(emb, vectors=emb.normalize().vectors[:, :16])
    true, found = knn(emb.vectors, 5).indices, knn(cut.vectors, 5).indices
    expected = np.mean([len(set(a) & set(b)) / 5 for a, b in zip(true, found, strict=True)])
    assert table.loc[("first numbers", 16), "kept"] == pytest.approx(expected, abs=1e-6)
    assert table.loc[("binary", 64), "kept"] < table.loc[("int8", 64), "kept"]
    assert table["n_queries"].unique().tolist() == [150]
    assert table.loc[("float32", 64), "accuracy"] > 0.95


def test_with_queries_it_is_recall_of_what_they_ask_for(make_embeddings: Make) -> None:
    rng = np.random.default_rng(0)
    emb = dataclasses.replace(make_embeddings(100, 32), vectors=rng.normal(size=(100, 32)))
    asked = emb.vectors[:40] + rng.normal(size=(40, 32)).astype(np.float32)
    relevant = [[id] for id in emb.ids[:40]]
    table = compression_table(emb, k=3, queries=asked, relevant=relevant).set_index("way")
    assert table.loc["float32", "recall"] > 0.3
    assert table.loc["first numbers", "recall"] < table.loc["float32", "recall"]
    assert "accuracy" not in table
    with pytest.raises(BadItem, match="queries have 5 dimensions, but the items 32"):
        compression_table(emb, queries=np.ones((2, 5)))
    with pytest.raises(BadItem, match="100 items are too few to search for 100"):
        compression_table(emb, k=100)


def test_vectors_of_which_nothing_is_left(make_embeddings: Make) -> None:
    emb = make_embeddings(40, 64)
    vectors = emb.vectors.copy()
    vectors[:, :32] = 0  # the first half says nothing at all
    table = compression_table(dataclasses.replace(emb, vectors=vectors), k=5).set_index(["way", "dim"])
    assert table.loc[("first numbers", 32), "kept"] < 0.4
    assert np.isfinite(table["kept"]).all()


def test_copies_do_not_answer_for_one_another(make_embeddings: Make) -> None:
    emb = make_embeddings(40, 32)
    labels = np.random.default_rng(0).permutation(emb.items.labels).tolist()
    frame = emb.items.frame.assign(label=labels)
    items = el.Items(pd.concat([frame, frame.assign(id=frame["id"] + "-again")]), "text", "doubled")
    both = dataclasses.replace(emb, vectors=np.vstack([emb.vectors] * 2), items=items)
    assert compression_table(both, k=5).loc[0, "accuracy"] == 1
    groups = np.tile(np.arange(40), 2)
    assert compression_table(both, k=5, groups=groups).loc[0, "accuracy"] < 0.7
    assert "accuracy" not in compression_table(both, k=5, groups=np.zeros(80))


def test_the_answer_describe_compression(make_embeddings: Make) -> None:
    def model(name: str, full: float, small: float) -> pd.DataFrame:
        rows = [("float32", 64, 256.0, full), ("int8", 64, 64.0, full - 0.005), ("binary", 64, 8.0, small)]
        return pd.DataFrame(rows, columns=["way", "dim", "bytes", "recall"]).assign(model=name, kept=0.5)

    words = describe_compression(pd.concat([model("weak", 0.6, 0.3), model("strong", 0.9, 0.7)]), 10)
    assert words == [
        "weak: recall@10 of the queries 0.60 with 256 bytes; 0.59 with 64 (int8, 64 numbers).",
        "strong: recall@10 of the queries 0.90 with 256 bytes; 0.90 with 64 (int8, 64 numbers).",
        "With 8 bytes strong does as well as weak with its 256.",
    ]

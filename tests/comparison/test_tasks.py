"""Tasks with labels and pairs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import silhouette_score

import embedlab as el
from embedlab.analysis.neighbors import knn
from embedlab.comparison.scores import Score, bootstrap
from embedlab.comparison.tasks import knn_accuracy, linear_probe, pair_similarity, silhouette
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem

Make = Callable[..., Embeddings]


def _card(dim: int) -> el.ModelCard:
    from conftest import card

    return card(dim=dim)


def test_knn_accuracy_counts_neighbours_of_the_same_label() -> None:
    vectors = np.array([[1, 0], [0.9, 0.1], [0.8, 0.2], [0, 1], [0.1, 0.9], [0.5, 0.51]], np.float32)
    items = el.Items.from_texts(list("abcdef"), labels=["x", "x", "x", "y", "y", None])
    emb = Embeddings(vectors, items, _card(2), "l", "none", False)
    assert float(knn_accuracy(emb)) == 1
    swapped = el.Items.from_texts(list("abcdef"), labels=["x", "y", "x", "y", "y", None])
    # b's nearest is a (x); a's nearest is b (y); c's nearest is b (y); d and e find each other
    assert float(knn_accuracy(Embeddings(vectors, swapped, _card(2), "l", "none", False))) == pytest.approx(
        2 / 5
    )


def test_the_nearest_decides_a_tie() -> None:
    angles = np.deg2rad([0, 1, 3, 90, 91])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    items = el.Items.from_texts(list("abcde"), labels=["x", "x", "y", "y", "y"])
    emb = Embeddings(vectors, items, _card(2), "l", "none", False)
    # a asks b (x) and c (y); b asks a (x) and c (y); c asks b, a (x, x); d and e ask each other and c
    assert float(knn_accuracy(emb, k=2)) == pytest.approx(4 / 5)


def test_accuracy_without_labels_is_refused(make_embeddings: Make) -> None:
    emb = make_embeddings(12)
    bare = el.Items.from_texts(emb.items.contents)
    with pytest.raises(BadItem, match="0 items with 0 different labels"):
        knn_accuracy(Embeddings(emb.vectors, bare, emb.model, "l", "none", False))


def doubled(emb: Embeddings, labels: list[str]) -> tuple[Embeddings, np.ndarray]:
    """Every item twice, with other labels; and the groups of copies."""
    frame = pd.concat([emb.items.frame.assign(id=emb.items.frame["id"] + side) for side in ("", "'")])
    items = el.Items(frame.assign(label=labels * 2), "text", "doubled")
    groups = np.tile(np.arange(len(emb)), 2)
    vectors = np.vstack([emb.vectors, emb.vectors])
    return Embeddings(vectors, items, emb.model, emb.layer, emb.pooling, False), groups


def test_copies_answer_for_one_another_only_where_they_may(make_embeddings: Make) -> None:
    emb = make_embeddings(80)
    noise = list(np.random.default_rng(0).permutation([f"class {i % 4}" for i in range(80)]))
    both, groups = doubled(emb, noise)
    assert float(knn_accuracy(both)) == 1, "every item finds its own copy, with labels that mean nothing"
    assert float(knn_accuracy(both, groups=groups)) < 0.5
    assert float(linear_probe(both)) > float(linear_probe(both, groups=groups)) + 0.15
    assert float(linear_probe(both, groups=groups)) < 0.45


def score(values: list[float] | np.ndarray) -> Score:
    return bootstrap(np.asarray(values, float))


def test_more_copies_than_were_looked_for(make_embeddings: Make) -> None:
    emb = make_embeddings(5)
    rows = np.repeat(np.arange(5), 40)
    frame = emb.items.frame.iloc[rows].assign(id=[str(i) for i in range(200)], label=list("aabbb") * 40)
    many = Embeddings(emb.vectors[rows], el.Items(frame, "text"), emb.model, "l", "none", False)
    score = knn_accuracy(many, groups=rows)
    assert score.n == 200
    with pytest.raises(BadItem, match="fewer than 1 neighbours outside their own group"):
        knn_accuracy(many, groups=np.zeros(200))


def test_a_known_graph_gives_the_same_accuracy(make_embeddings: Make) -> None:
    emb = make_embeddings(120, 6)
    given = knn_accuracy(emb, 3, neighbors=knn(emb.vectors, 20))
    assert given.per_query.tolist() == knn_accuracy(emb, 3).per_query.tolist()


def test_the_probe_learns_what_is_there_and_nothing_else(make_embeddings: Make) -> None:
    emb = make_embeddings(200, 12, 4)
    assert float(linear_probe(emb)) > 0.98
    rng = np.random.default_rng(0)
    noise = dataclasses.replace(emb, vectors=rng.normal(size=emb.vectors.shape))
    score = linear_probe(noise)
    assert score.low < 0.25 < score.high
    assert score.n == 200


def test_the_probe_leaves_rare_labels_out_and_says_when_nothing_is_left(make_embeddings: Make) -> None:
    emb = make_embeddings(42, 6, 2)
    frame = emb.items.frame.copy()
    frame.loc[:2, "label"] = "rare"
    some = dataclasses.replace(emb, items=el.Items(frame, "text"))
    assert linear_probe(some).n == 39
    with pytest.raises(BadItem, match="needs two labels with at least 5 items"):
        linear_probe(emb.select(emb.ids[:6]))


def test_the_silhouette_is_that_of_scikit_learn(make_embeddings: Make) -> None:
    emb = make_embeddings(90, 5, 3)
    expected = silhouette_score(emb.vectors, emb.items.labels, metric="cosine")
    assert float(silhouette(emb)) == pytest.approx(expected, abs=1e-5)
    with pytest.raises(BadItem, match="two labels or more"):
        silhouette(emb.select(emb.ids[:3]))


def test_large_data_are_sampled_alike_for_every_model(make_embeddings: Make) -> None:
    one, other = (make_embeddings(2400, 4, 3, seed=seed) for seed in (0, 1))
    assert silhouette(one).n == linear_probe(other).n == 2000


def test_pairs_in_the_order_of_people(make_embeddings: Make) -> None:
    emb = make_embeddings(60)
    first, second = emb.ids[:30], emb.ids[30:]
    unit = emb.normalize().vectors
    cosines = (unit[:30] * unit[30:]).sum(axis=1)
    truth = cosines + np.random.default_rng(0).normal(size=30) * cosines.std()
    score = pair_similarity(emb, first, second, truth)
    assert float(score) == pytest.approx(spearmanr(cosines, truth).statistic)
    assert score.low < score.value < score.high
    assert score.per_query == pytest.approx(cosines, abs=1e-5)
    for wrong, why in (
        ((first, second[:-1], truth), "29 second ids"),
        ((first, ["nobody", *second[1:]], truth), "No item .*nobody"),
        ((first[:2], second[:2], truth[:2]), "at least 3 finite numbers"),
        ((first, second, np.where(truth > truth[0], np.nan, truth)), "at least 3 finite numbers"),
    ):
        with pytest.raises(BadItem, match=why):
            pair_similarity(emb, *wrong)

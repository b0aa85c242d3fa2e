"""Recommendations from content: order, exclusion, tastes, diversity, cold start; and how they are scored."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

import embedlab as el
from embedlab.applications.likes import make_likes
from embedlab.applications.recommendation import cluster_likes, rank_by_mmr, recommend
from embedlab.applications.recommendation_scores import (
    build_recommenders,
    evaluate_recommenders,
    tabulate_scores,
)
from embedlab.errors import BadItem

Make = Callable[..., el.Embeddings]


def test_the_nearest_to_the_mean_come_first(make_embeddings: Make) -> None:
    emb = make_embeddings(80, 16, 4)
    likes = ["i0000", "i0004", "i0008"]
    unit = emb.vectors / np.linalg.norm(emb.vectors, axis=1, keepdims=True)
    mean = unit[[0, 4, 8]].mean(axis=0)
    cosines = unit @ (mean / np.linalg.norm(mean))
    expected = [emb.ids[i] for i in np.argsort(-cosines) if emb.ids[i] not in likes][:7]
    found = recommend(emb, likes, k=7)
    assert found["id"].tolist() == expected
    assert found["rank"].tolist() == list(range(1, 8))
    np.testing.assert_allclose(found["score"], sorted(found["score"], reverse=True))
    assert recommend(emb, likes, k=7, exclude=expected[:2])["id"].tolist()[:5] == expected[2:]


def test_one_item_gives_its_neighbours(make_embeddings: Make) -> None:
    emb = make_embeddings()
    from embedlab.analysis.neighbors import knn

    nearest = [emb.ids[i] for i in knn(emb.vectors, 5).indices[7]]
    assert recommend(emb, "i0007", k=5)["id"].tolist() == nearest


def two_tastes() -> el.Embeddings:
    """Three clouds: two that lie opposite, and one between them, where their mean lies."""
    rng = np.random.default_rng(0)
    centres = np.array([[1, 0, 0], [-0.8, 0.6, 0], [0.1, 1, 0]], float)
    vectors = np.repeat(centres, 20, axis=0) + rng.normal(size=(60, 3)) * 0.05
    labels = ["left"] * 20 + ["right"] * 20 + ["between"] * 20
    items = el.Items.from_texts([f"t{i}" for i in range(60)], [f"i{i}" for i in range(60)], labels)
    from conftest import card

    return el.Embeddings(vectors, items, card(dim=3), "x", "y", False)


def test_a_mean_of_two_tastes_lies_between_and_groups_help() -> None:
    emb = two_tastes()
    likes = ["i0", "i1", "i2", "i20", "i21", "i22"]
    assert set(recommend(emb, likes, k=10)["label"]) == {"between"}
    split = recommend(emb, likes, k=10, tastes=2)
    assert split["label"].value_counts().to_dict() == {"left": 5, "right": 5}
    assert set(split["label"][:2]) == {"left", "right"}, "the top shows both"
    uneven = recommend(emb, [*likes[:4], "i3"], k=10, tastes=2)
    assert uneven["label"].value_counts().to_dict() == {"left": 8, "right": 2}
    assert split["id"].is_unique
    assert set(recommend(emb, likes, k=10, tastes=99)["label"]) == {"left", "right"}


def test_groups_do_not_depend_on_the_order(make_embeddings: Make) -> None:
    vectors = make_embeddings(20, 8, 3).normalize().vectors
    order = np.random.default_rng(0).permutation(20)
    one, other = cluster_likes(vectors, 3)[order], cluster_likes(vectors[order], 3)
    assert (one[:, None] == one).tolist() == (other[:, None] == other).tolist()
    assert np.bincount(one).argmax() == 0


def plain_mmr(relevance: np.ndarray, vectors: np.ndarray, k: int, diversity: float) -> list[int]:
    """The formula, word for word."""
    chosen: list[int] = []
    while len(chosen) < k:
        rest = [i for i in range(len(relevance)) if i not in chosen]
        likeness = [max((vectors[i] @ vectors[j] for j in chosen), default=0.0) for i in rest]
        gains = [(1 - diversity) * relevance[i] - diversity * a for i, a in zip(rest, likeness, strict=True)]
        chosen.append(rest[int(np.argmax(gains))])
    return chosen


@pytest.mark.parametrize("diversity", [0.0, 0.3, 0.7, 1.0])
def test_mmr_is_its_formula(make_embeddings: Make, diversity: float) -> None:
    vectors = make_embeddings(40, 8, 3).normalize().vectors.astype(np.float64)
    relevance = vectors @ vectors[5]
    found = rank_by_mmr(relevance, vectors, 12, diversity)
    assert found.tolist() == plain_mmr(relevance, vectors, 12, diversity)
    assert len(rank_by_mmr(relevance, vectors, 99, diversity)) == 40


def test_diversity_makes_a_list_less_alike(make_embeddings: Make) -> None:
    emb = make_embeddings(200, 16, 4)
    unit = dict(zip(emb.ids, emb.normalize().vectors, strict=True))

    def likeness(diversity: float) -> float:
        some = np.array([unit[i] for i in recommend(emb, "i0000", diversity=diversity)["id"]])
        return float((some @ some.T)[np.triu_indices(10, 1)].mean())

    assert likeness(0.0) > likeness(0.4) > likeness(0.8)


def test_a_cold_start_shows_what_there_is(make_embeddings: Make) -> None:
    emb = make_embeddings(200, 16, 4)
    found = recommend(emb, k=8)
    assert len(found) == 8
    assert found["label"].nunique() >= 3


def test_a_new_item_is_found_at_once(make_embeddings: Make) -> None:
    emb = make_embeddings(50, 16, 4)
    more = el.Items.from_texts(["new"], ["new"])
    new = dataclasses.replace(emb, vectors=emb.vectors[:1] * 1.01, items=more)
    joined = dataclasses.replace(
        emb,
        vectors=np.concatenate([emb.vectors, new.vectors]),
        items=el.Items.from_texts([*emb.items.contents, "new"], [*emb.ids, "new"]),
    )
    assert recommend(joined, "i0000", k=1)["id"].tolist() == ["new"]


def test_odd_settings(make_embeddings: Make) -> None:
    emb = make_embeddings(10, 4, 2)
    assert len(recommend(emb, emb.ids)) == 0
    assert len(recommend(emb, "i0000", k=99)) == 9
    assert len(recommend(emb, ["i0000", "i0000"], k=99)) == 9
    for wrong in ({"k": 0}, {"tastes": 0}, {"diversity": 1.5}):
        with pytest.raises(BadItem, match="at least 1"):
            recommend(emb, "i0000", **wrong)
    with pytest.raises(BadItem, match="No item with id 'x'"):
        recommend(emb, "x")


def test_synthetic_users_keep_their_rule() -> None:
    notes = el.load_dataset("notes")
    users = make_likes(notes, 60, noise=0.0)
    labels = dict(zip(notes.ids, notes.labels or [], strict=True))
    for user in users:
        assert len({*user.known, *user.hidden}) == 15
        assert {labels[id] for id in (*user.known, *user.hidden)} == set(user.topics)
    assert sorted({len(user.topics) for user in users}) == [1, 2, 3]
    assert make_likes(notes, 60, noise=0.0) == users
    noisy = make_likes(notes, 60, noise=0.5)
    off = np.mean([labels[id] not in user.topics for user in noisy for id in user.known])
    assert 0.3 < off < 0.5
    with pytest.raises(BadItem, match="At least 3 labels"):
        make_likes(el.Items.from_texts(["a"]))


def test_scores_on_known_ground(make_embeddings: Make) -> None:
    emb = make_embeddings(240, 16, 4)
    users = make_likes(emb.items, 30, noise=0.0)
    ways = build_recommenders(emb, users)
    perfect = {"perfect": lambda user: list(user.hidden)}
    scores = evaluate_recommenders(emb, users, ways | perfect)
    assert scores["perfect"]["recall"].value == 1.0
    assert scores["perfect"]["on topic"].value == 1.0
    one_topic = [user for user in users if len(user.topics) == 1]
    assert evaluate_recommenders(emb, one_topic, ways)["mean of the likes"]["on topic"].value > 0.95
    assert abs(scores["random"]["on topic"].value - 0.5) < 0.15
    assert scores["mean, diverse"]["similarity"].value < scores["mean of the likes"]["similarity"].value
    assert tabulate_scores(scores).shape == (7, 4)
    assert all(not set(way(user)) & set(user.known) for way in ways.values() for user in users)

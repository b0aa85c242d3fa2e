from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest, spearmanr
from sklearn.metrics import silhouette_score

import embedlab as el
from embedlab.analysis.neighbors import knn
from embedlab.comparison.scores import Score, bootstrap
from embedlab.comparison.significance import holm, paired_difference, paired_spearman
from embedlab.comparison.tasks import knn_accuracy, linear_probe, pair_similarity, silhouette
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem

Make = Callable[..., Embeddings]


def doubled(emb: Embeddings, labels: list[str]) -> tuple[Embeddings, np.ndarray]:
    """Every item twice, with other labels; and the groups of copies."""
    frame = pd.concat([emb.items.frame.assign(id=emb.items.frame["id"] + side) for side in ("", "'")])
    items = el.Items(frame.assign(label=labels * 2), "text", "doubled")
    groups = np.tile(np.arange(len(emb)), 2)
    vectors = np.vstack([emb.vectors, emb.vectors])
    return Embeddings(vectors, items, emb.model, emb.layer, emb.pooling, False), groups


# -- tasks --------------------------------------------------------------------------------------------------


def test_copies_answer_for_one_another_only_where_they_may(make_embeddings: Make) -> None:
    emb = make_embeddings(80)
    noise = list(np.random.default_rng(0).permutation([f"class {i % 4}" for i in range(80)]))
    both, groups = doubled(emb, noise)
    assert float(knn_accuracy(both)) == 1, "every item finds its own copy, with labels that mean nothing"
    assert float(knn_accuracy(both, groups=groups)) < 0.5
    assert float(linear_probe(both)) > float(linear_probe(both, groups=groups)) + 0.15
    assert float(linear_probe(both, groups=groups)) < 0.45


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


# -- significance -------------------------------------------------------------------------------------------


def score(values: list[float] | np.ndarray) -> Score:
    return bootstrap(np.asarray(values, float))


def test_the_paired_test_agrees_with_the_exact_sign_test() -> None:
    """Of answers that are right or wrong, random signs are McNemar's exact test."""
    one = np.array([1] * 18 + [0] * 6 + [1] * 40 + [0] * 20)
    other = np.array([0] * 18 + [1] * 6 + [1] * 40 + [0] * 20)
    found = paired_difference(score(one), score(other))
    assert found.p_value == pytest.approx(binomtest(6, 24).pvalue, abs=0.006)
    assert found.value == pytest.approx(12 / 84)
    assert found.low < found.value < found.high
    back = paired_difference(score(other), score(one))
    assert (back.value, back.p_value) == (-found.value, found.p_value)


def test_rounding_is_no_difference(make_embeddings: Make) -> None:
    """Other threads compute the same vectors with other last digits: always a little to one side."""
    emb = make_embeddings(200, 64)
    nearly = dataclasses.replace(
        emb, vectors=emb.vectors * (1 + 3e-7 * np.sign(emb.vectors)) + np.float32(1e-7)
    )
    assert (emb.vectors != nearly.vectors).any()
    one, other = silhouette(emb), silhouette(nearly)
    assert (one.per_query != other.per_query).any()
    found = paired_difference(one, other)
    assert (found.value, found.p_value) == (0, 1)


def test_false_alarms_are_as_rare_as_they_should_be() -> None:
    rng = np.random.default_rng(0)
    alarms = [
        paired_difference(score(a), score(b), n_permutations=199).p_value < 0.05
        for a, b in (rng.normal(size=(2, 40)) for _ in range(300))
    ]
    assert 0.02 < np.mean(alarms) < 0.09


def test_pairing_sees_more_than_two_intervals() -> None:
    rng = np.random.default_rng(0)
    hard = rng.uniform(size=300)
    one, other = score(hard), score(np.clip(hard + 0.02 + 0.02 * rng.normal(size=300), 0, 1))
    assert one.high > other.low, "the intervals overlap"
    assert paired_difference(other, one).p_value < 0.001


def test_models_that_agree_in_all_are_not_said_to_be_equal() -> None:
    same = paired_difference(score([1, 0, 1, 1]), score([1, 0, 1, 1]))
    assert same.p_value == 1
    assert same.low < -0.4
    assert same.high > 0.4


def test_questions_that_belong_together_count_once() -> None:
    one, other = score(np.ones(40)), score(np.repeat([0, 1], 20))
    alone = paired_difference(one, other)
    together = paired_difference(one, other, groups=np.repeat(np.arange(4), 10))
    assert alone.p_value < 0.001
    assert together.p_value > 0.3
    with pytest.raises(BadItem, match="scores are of 40 and 2 questions"):
        paired_difference(one, score([1, 0]))


def test_two_models_on_the_same_pairs(make_embeddings: Make) -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=120)
    good, bad = (Score(0, 0, 0, 120, truth + noise * rng.normal(size=120)) for noise in (0.3, 1.5))
    good, bad = (
        dataclasses.replace(s, value=float(spearmanr(s.per_query, truth).statistic)) for s in (good, bad)
    )
    clear = paired_spearman(good, bad, truth)
    assert clear.p_value < 0.01
    assert 0 < clear.low < clear.value < clear.high
    assert paired_spearman(good, good, truth).p_value == 1
    flat = Score(0, np.nan, np.nan, 120, np.ones(120))  # no order at all
    assert paired_spearman(good, flat, truth).p_value < 0.01
    assert paired_spearman(flat, flat, truth).p_value == 1


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, np.nan, 0.9]).tolist()[0::2] == pytest.approx([1, 1])
    assert np.isnan(holm([0.5, np.nan])[1])
    assert len(holm([])) == 0

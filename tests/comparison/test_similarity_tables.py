"""Tables of similarities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import ortho_group

from embedlab.analysis.neighbors import knn
from embedlab.comparison import permutations
from embedlab.comparison.similarity import cka, mutual_knn, permutation_test, procrustes, rsa
from embedlab.comparison.similarity_tables import MEASURES, layer_similarity, similarity_table, to_matrix
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem

Make = Callable[..., Embeddings]


def table_of(*clouds: np.ndarray, ks: tuple[int, ...] = (1, 10)) -> object:
    vectors = {f"m{i}": cloud.astype(np.float32) for i, cloud in enumerate(clouds)}
    return similarity_table(vectors, {name: knn(v, 20) for name, v in vectors.items()}, ks=ks)


@pytest.mark.parametrize(("n", "dim"), [(60, 150), (150, 40), (400, 12)])
def test_every_measure_and_what_chance_gives(n: int, dim: int) -> None:
    """The quick ways to mix items agree with mixing them and measuring anew; all shapes of the product."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, dim))
    y = x[:, : dim // 2] @ rng.normal(size=(dim // 2, dim + 5)) + rng.normal(size=(n, dim + 5))
    table = table_of(x, y).set_index("measure")  # type: ignore[attr-defined]
    assert set(table.index) == set(MEASURES)
    for name, measure in (
        ("cka", cka),
        ("cka_biased", lambda a, b: cka(a, b, debiased=False)),
        ("procrustes", procrustes),
        ("rsa", rsa),
    ):
        expected = permutation_test(measure, x, y, n_permutations=60, random_state=5)
        assert table.loc[name, "value"] == pytest.approx(expected.value, abs=1e-5)
        assert table.loc[name, "chance"] == pytest.approx(expected.expected, abs=0.012)
        assert table.loc[name, "p_value"] <= 0.05
    shared = table.loc["mutual_knn"].set_index("k")
    assert shared.loc[10, "value"] == pytest.approx(mutual_knn(knn(x, 10), knn(y, 10)))
    assert shared.loc[10, "low"] < shared.loc[10, "value"] < shared.loc[10, "high"]
    assert shared.loc[10, "chance"] == pytest.approx(10 / (n - 1))


def test_unrelated_models_are_at_chance() -> None:
    x, y = np.random.default_rng(3).normal(size=(2, 120, 30))
    table = table_of(x, y).set_index("measure")  # type: ignore[attr-defined]
    assert (table["p_value"] > 0.05).all()
    assert table.loc["cka_biased", "chance"] > 0.1, "which is why chance stands beside it"
    assert abs(table.loc["cka", "value"]) < 0.05
    jaccard = table.loc["jaccard_knn"].set_index("k")
    assert jaccard.loc[10, "value"] == pytest.approx(jaccard.loc[10, "chance"], abs=0.02)


def test_what_is_drawn_for_many_items_is_what_mixing_them_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    shared = rng.standard_t(4, size=(1500, 6))
    x, y = (shared @ rng.normal(size=(6, d)) + rng.standard_t(4, size=(1500, d)) for d in (20, 30))
    monkeypatch.setattr(permutations, "_MIN_PERMUTATIONS", 99)
    permuted = table_of(x, y).set_index("measure")  # type: ignore[attr-defined]
    monkeypatch.setattr(permutations, "_PERMUTED_UP_TO", 1000)
    sampled = table_of(x, y).set_index("measure")  # type: ignore[attr-defined]
    for name in ("cka", "cka_biased", "procrustes"):
        assert sampled.loc[name, "value"] == permuted.loc[name, "value"]
        assert sampled.loc[name, "chance"] == pytest.approx(permuted.loc[name, "chance"], rel=0.05, abs=2e-4)
        assert sampled.loc[name, "chance"] != permuted.loc[name, "chance"]
        assert sampled.loc[name, "p_value"] == pytest.approx(0.01)


def test_the_same_space_turned_is_the_same() -> None:
    x = np.random.default_rng(0).normal(size=(80, 12)) * np.linspace(0.2, 2, 12)
    table = table_of(x, 3 * x @ ortho_group.rvs(12, random_state=0))
    assert table["value"].to_numpy() == pytest.approx(1, abs=1e-5)  # type: ignore[index]


def test_a_matrix_of_models() -> None:
    clouds = np.random.default_rng(0).normal(size=(3, 60, 5))
    table = table_of(*clouds)
    matrix = to_matrix(table, "mutual_knn", 10)  # type: ignore[arg-type]
    assert matrix.shape == (3, 3)
    assert (np.diag(matrix) == 1).all()
    assert (matrix == matrix.T).all().all()
    with pytest.raises(BadItem, match="Unknown measure 'kka'"):
        to_matrix(table, "kka")  # type: ignore[arg-type]
    with pytest.raises(BadItem, match="known for k = 1, 10, not 7"):
        to_matrix(table, "mutual_knn", 7)  # type: ignore[arg-type]


def test_layers_of_two_models(make_embeddings: Make) -> None:
    one = {f"layer {i}": make_embeddings(40, 6, seed=i) for i in range(3)}
    other = {"same": one["layer 1"], "else": make_embeddings(40, 9, seed=8)}
    found = layer_similarity(one, other)
    assert found.shape == (3, 2)
    assert found.loc["layer 1", "same"] == pytest.approx(1)
    assert found.loc["layer 1", "else"] < 0.99
    with pytest.raises(BadItem, match="no layers"):
        layer_similarity({}, other)
    with pytest.raises(BadItem, match="Layer 'less' has different items"):
        layer_similarity(one, {"less": one["layer 0"].select(one["layer 0"].ids[:9])})

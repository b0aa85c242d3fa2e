from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from embedlab.analysis.neighbors import knn
from embedlab.analysis.projection import METHODS, NoteCode, project
from embedlab.analysis.quality import GRADE_WORDS, Quality, measure_quality
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem

Make = Callable[..., Embeddings]


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("k", [1, 5, 15])
def test_trustworthiness_equals_scikit_learn(make_embeddings: Make, metric: str, k: int) -> None:
    vectors = make_embeddings(200, 12).vectors
    coords = np.random.default_rng(1).normal(size=(200, 2)) + vectors[:, :2]
    quality = measure_quality(
        vectors, coords, k=k, metric=metric, true_neighbors=knn(vectors, k, metric).indices
    )
    expected = trustworthiness(vectors, coords, n_neighbors=k, metric=metric)
    assert quality.trustworthiness == pytest.approx(expected, abs=1e-6)


def test_trustworthiness_and_continuity_equal_zadu(make_embeddings: Make) -> None:
    zadu = pytest.importorskip("zadu.measures.trustworthiness_continuity")
    vectors = make_embeddings(150, 10).vectors
    coords = vectors[:, :2]
    quality = measure_quality(
        vectors, coords, k=10, metric="euclidean", true_neighbors=knn(vectors, 10, "euclidean").indices
    )
    expected = zadu.measure(vectors.astype(float), coords.astype(float), k=10)
    assert quality.trustworthiness == pytest.approx(expected["trustworthiness"], abs=1e-6)
    assert quality.continuity == pytest.approx(expected["continuity"], abs=1e-6)


def test_a_perfect_map_has_no_distortion_and_a_random_one_much(make_embeddings: Make) -> None:
    flat = make_embeddings(100, 2).vectors
    graph = knn(flat, 8, "euclidean").indices
    perfect = measure_quality(flat, flat * 3 + 1, k=8, metric="euclidean", true_neighbors=graph)
    assert perfect.trustworthiness == perfect.continuity == 1
    assert (perfect.distortion == 0).all()
    shuffled = measure_quality(
        flat, np.random.default_rng(0).permutation(flat), k=8, metric="euclidean", true_neighbors=graph
    )
    assert shuffled.trustworthiness < 0.7
    assert shuffled.distortion.mean() > 0.7


def test_distortion_is_the_share_of_neighbours_torn_away() -> None:
    """Five points on a line; the map moves the last one to the other end."""
    line = np.array([[0.0], [1.0], [2.1], [3.3], [4.6]])
    moved = np.array([[0.0, 0], [1.0, 0], [2.1, 0], [3.3, 0], [-9.0, 0]])
    graph = knn(line, 2, "euclidean").indices
    quality = measure_quality(line, moved, k=2, metric="euclidean", true_neighbors=graph)
    np.testing.assert_allclose(quality.distortion, [0, 0, 0, 0.5, 1])


@pytest.mark.parametrize(
    ("trustworthiness", "continuity", "grade"),
    [
        (0.99, 0.95, "good"), (0.99, 0.94, "fair"), (0.85, 1.0, "fair"), (0.84, 1.0, "poor"),
        (np.nan, np.nan, "unknown"),
    ],
)  # fmt: skip
def test_the_worse_score_grades_a_map(trustworthiness: float, continuity: float, grade: str) -> None:
    quality = Quality(trustworthiness, continuity, 5, np.zeros(3, np.float32), 3)
    assert quality.grade == grade
    assert quality.words == GRADE_WORDS[quality.grade]


def test_scores_of_a_large_map_are_estimated_near_the_full_value(
    make_embeddings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = make_embeddings(1500, 8).vectors
    graph = knn(vectors, 15).indices
    whole = measure_quality(vectors, vectors[:, :2], k=15, metric="cosine", true_neighbors=graph)
    monkeypatch.setattr("embedlab.analysis.quality.RANKED_UP_TO", 700)
    part = measure_quality(vectors, vectors[:, :2], k=15, metric="cosine", true_neighbors=graph)
    assert part.n_ranked == 700
    assert part.trustworthiness == pytest.approx(whole.trustworthiness, abs=0.03)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 10, 15, 16])
def test_few_items_work_or_are_placed_by_pca_and_said(make_embeddings: Make, method: str, n: int) -> None:
    proj = project(make_embeddings(n, 8), method)
    assert proj.coords.shape == (n, 2)
    assert np.isfinite(proj.coords).all()
    if n < 5 and method != "pca":
        assert proj.method == "pca"
        assert [note.code for note in proj.notes] == [NoteCode.PLACED_BY_PCA]
        assert proj.note == str(proj.notes[0])
    else:
        assert proj.method == method
        cut = method != "pca" and n <= 15
        assert [note.code for note in proj.notes] == [NoteCode.NEIGHBORS_CUT] * cut
    if n >= 4:
        assert 0 <= proj.quality.trustworthiness <= 1
    else:
        assert np.isnan(proj.quality.trustworthiness)


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_map(make_embeddings: Make, method: str) -> None:
    emb = make_embeddings(80, 8)
    np.testing.assert_array_equal(project(emb, method).coords, project(emb, method).coords)


@pytest.mark.parametrize("method", ["umap", "tsne"])
def test_other_seed_other_map(make_embeddings: Make, method: str) -> None:
    emb = make_embeddings(80, 8)
    assert not np.allclose(project(emb, method).coords, project(emb, method, random_state=1).coords)


@pytest.mark.parametrize("method", METHODS)
def test_separate_clouds_stay_separate(make_embeddings: Make, method: str) -> None:
    emb = make_embeddings(120, 16)
    proj = project(emb, method)
    nearest = knn(proj.coords, 1, "euclidean").indices[:, 0]
    labels = np.array(emb.items.labels)
    assert (labels[nearest] == labels).mean() > 0.9
    assert proj.quality.trustworthiness > 0.75


@pytest.mark.parametrize("method", METHODS)
def test_exact_copies_do_not_break_a_map(make_embeddings: Make, method: str) -> None:
    emb = make_embeddings(30, 8)
    assert np.isfinite(project(dataclasses.replace(emb, vectors=np.ones((30, 8))), method).coords).all()


def test_the_graph_is_computed_once_and_shared(make_embeddings: Make) -> None:
    emb = make_embeddings(50, 8)
    proj = project(emb, n_neighbors=7)
    np.testing.assert_array_equal(proj.neighbors.indices, knn(emb.vectors, 7).indices)
    assert proj.quality.k == 7


def test_one_dimensional_vectors_have_a_map(make_embeddings: Make) -> None:
    emb = make_embeddings(20, 1)
    assert project(emb, "pca", metric="euclidean").coords.shape == (20, 2)


def test_wrong_input_is_refused(make_embeddings: Make) -> None:
    emb = make_embeddings(20, 8)
    with pytest.raises(BadItem, match="isomap"):
        project(emb, "isomap")
    with pytest.raises(BadItem, match="at least 2"):
        project(emb, n_neighbors=1)
    with pytest.raises(BadItem, match="no items"):
        project(emb.select([]))
    with pytest.raises(BadItem, match="zeros"):
        project(dataclasses.replace(emb, vectors=np.zeros((20, 8))))


def test_pca_does_not_pay_for_umap() -> None:
    code = """
import sys
import numpy as np
from embedlab.catalog.registry import row
from embedlab.embeddings import Embeddings
from embedlab.items import Items
from embedlab.analysis.projection import project

items = Items.from_texts(["x"] * 50)
project(Embeddings(np.random.rand(50, 4), items, row("text/minilm").card, "", "", False), "pca")
paid = {"umap", "numba", "torch"} & set(sys.modules)
assert not paid, paid
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("method", ["umap", "pca", "tsne"])
def test_a_space_has_three_dimensions_and_may_keep_more(make_embeddings: Make, method: str) -> None:
    emb = make_embeddings(80, 6)
    plane, space = (project(emb, method, n_components=n) for n in (2, 3))  # type: ignore[arg-type]
    assert space.coords.shape == (80, 3)
    assert np.isfinite(space.coords).all()
    assert space.params["n_components"] == 3
    assert "n_components" not in plane.params
    if method != "tsne":  # here it finds no better space
        assert space.quality.trustworthiness > plane.quality.trustworthiness


def test_four_dimensions_are_no_map(make_embeddings: Make) -> None:
    with pytest.raises(BadItem, match=r"n_components must be 2 .* or 3"):
        project(make_embeddings(20, 6), n_components=4)

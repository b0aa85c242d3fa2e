"""The checks of lesson 07, and what its pictures are drawn from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from store_kit import cloud

import embedlab as el
from embedlab.lessons import check, lesson_07

MINILM = [pytest.mark.weights("text/minilm")]


@pytest.mark.parametrize(
    ("name", "answer", "state", "says"),
    [
        ("07/filter", 4, "right", "not at the vectors"),
        ("07/filter", 34, "wrong", "on any topic"),
        ("07/filter", 50, "wrong", "all notes about the sea"),
        ("07/filter", 6, "wrong", "not 15 itself"),
        ("07/filter", 5, "wrong", "store.count"),
        ("07/rrf", " b ", "right", "2/70 is more than 1/61"),
        ("07/rrf", "A", "wrong", "1/70 twice"),
        ("07/rrf", 2 / 70, "wrong", 'Answer "A" or "B"'),
        pytest.param("07/radius", 7, "right", "7 of 599", marks=MINILM),
        pytest.param("07/radius", 8, "wrong", "The note itself", marks=MINILM),
        pytest.param("07/radius", 5, "wrong", "ask for all 600", marks=MINILM),
        pytest.param("07/radius", 600, "wrong", "radius=0.3", marks=MINILM),
        pytest.param("07/cells", 4, "right", "4 of 24 cells", marks=MINILM),
        pytest.param("07/cells", 2, "wrong", "Look in more", marks=MINILM),
        pytest.param("07/cells", 12, "wrong", "a smaller number", marks=MINILM),
        pytest.param("07/cells", 600, "wrong", "from 1 to 24", marks=MINILM),
    ],
)
def test_the_checks(name: str, answer: object, state: str, says: str) -> None:
    verdict = check(name, answer)
    assert (verdict.state, says in verdict.message) == (state, True), verdict


def test_the_cells_table_is_that_of_searching_cell_by_cell() -> None:
    from sklearn.cluster import KMeans

    emb, asked = cloud(300, 16), cloud(20, 16, seed=4)
    table = lesson_07.cells_table(emb, asked, 8)
    cells = KMeans(8, n_init=1, random_state=0).fit(emb.vectors)
    for nprobe in (1, 3, 8):
        recall, compared = [], []
        for query in asked.vectors:
            near = np.argsort(-(cells.cluster_centers_ @ query))[:nprobe]
            rows = np.flatnonzero(np.isin(cells.labels_, near))
            found = rows[np.argsort(-(emb.vectors[rows] @ query))[:5]]
            best = np.argsort(-(emb.vectors @ query))[:5]
            recall.append(np.isin(best, found).mean())
            compared.append(8 + len(rows))
        assert table.loc[nprobe, "recall"] == pytest.approx(np.mean(recall))
        assert table.loc[nprobe, "compared"] == pytest.approx(np.mean(compared))
    assert table.loc[8, "recall"] == 1.0


def test_the_jittered_set_is_what_it_says() -> None:
    emb = cloud(50, 384)
    many = lesson_07.jittered(emb, 2000)
    assert (len(many), many.dim, many.model.name) == (2000, 384, "text/jittered")
    assert many.model.sha256 is None, "no model made these"
    np.testing.assert_allclose(np.linalg.norm(many.vectors, axis=1), 1, atol=1e-5)
    nearest = (many.vectors @ emb.vectors.T).max(axis=1)
    assert abs(nearest.mean() - 0.45) < 0.01
    assert np.array_equal(many.vectors, lesson_07.jittered(emb, 2000).vectors)


def test_first_hits_count_the_questions_that_are_answered_first(tmp_path: Path) -> None:
    texts = ["the kettle whistles", "a ferry at night", "snow on the roof"]
    emb = el.Embeddings(
        np.eye(3, 8), el.Items.from_texts(texts, ids=["a", "b", "c"]), cloud().model, "l", "p", True
    )
    questions = el.Items.from_texts(["whistles", "roof", "night", "nothing"], ids=list("wxyz"))
    questions.frame["answers"] = ["a|b", "c", "a", "c"]
    with el.VectorStore(tmp_path / "lab.db") as store:
        store.add("three", emb, full_text="content")
        assert lesson_07.first_hits(store, "three", questions, ["bm25"]).per_query.tolist() == [1, 1, 0, 0]

"""Rankings: what is relevant, and what is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from comparison_kit import fan, random_case, scores

import embedlab as el
from embedlab.comparison.retrieval import (
    match_column,
    mrr,
    rank,
    recall_at_k,
)
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, ProblemCode, WrongModel

Make = Callable[..., Embeddings]


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    queries, documents, relevant = random_case()
    others = [[(row + 1) % 150, (row + 60) % 150] for row in range(150)]
    whole = scores(queries, documents, relevant), scores(documents, documents, others)
    monkeypatch.setattr("embedlab.comparison.ranking._BLOCK_VALUES", 7 * 150)
    parts = scores(queries, documents, relevant), scores(documents, documents, others)
    for in_parts, at_once in zip(parts, whole, strict=True):
        for name, values in in_parts.items():
            assert values.tolist() == at_once[name].tolist(), name


def test_ids_row_numbers_and_dicts_mean_the_same(make_embeddings: Make) -> None:
    emb = make_embeddings(30)
    queries, documents = emb.select(emb.ids[:3]), emb.select(emb.ids[3:])
    expected = scores(queries, documents, [[4, 7], [1], [0, 2, 3]])
    by_id = {"i0002": ["i0003", "i0005", "i0006"], "i0000": ("i0007", "i0010", "i0010"), "i0001": "i0004"}
    for other in (
        by_id,
        [np.array([4, 7]), 1, {0, 2, 3}],
        [{"i0007": 1, "i0010": 1.0}, "i0004", pd.Series(["i0003", "i0005", "i0006"])],
    ):
        assert {n: v.tolist() for n, v in scores(queries, documents, other).items()} == {
            n: v.tolist() for n, v in expected.items()
        }


def test_a_query_does_not_find_itself(make_embeddings: Make) -> None:
    emb = make_embeddings(20, classes=4)
    by_label = match_column(emb.items, emb.items, "label")
    assert by_label[1] == ["i0005", "i0009", "i0013", "i0017"]
    assert recall_at_k(rank(emb, emb, by_label), 4).value > 0.9, (
        "a place taken by the query would cost 1 of 4"
    )
    array, by_rows = emb.vectors, [[int(id[1:]) for id in ids] for ids in by_label]
    assert (
        mrr(rank(array, array, by_rows)).per_query.tolist()
        == mrr(rank(emb, emb, by_label)).per_query.tolist()
    )
    assert mrr(rank(array, array.copy(), by_rows)).per_query.max() == 1 / 2, "a copy is other documents"
    with pytest.raises(BadItem, match="relevant to themselves") as circular:
        rank(emb, emb, range(20))
    assert list(circular.value.problems) == emb.ids[:20]


def test_relevant_by_matches_values_and_nothing_missing() -> None:
    captions = pd.DataFrame({"id": range(4), "content": list("abcd"), "pair": ["x", "y", None, "z"]})
    photos = pd.DataFrame({"id": range(4), "path": list("efgh"), "pair": ["x", "x", None, "y"]})
    texts, images = el.Items(captions, "text"), el.Items(photos, "image")
    # Caption 0 and photo 0 share an id, not a content: the photo is the answer, not the question.
    assert match_column(texts, images, "pair") == [["0", "1"], ["3"], [], []]
    numbers = el.Items(captions.assign(pair=[1.0, 2.0, np.nan, 3.0]), "text")
    assert match_column(numbers, numbers, "pair") == [[], [], [], []]
    with pytest.raises(BadItem, match=r"documents have no column 'topic'; they have .*'pair'"):
        match_column(el.Items(captions.assign(topic=1), "text"), images, "topic")


@pytest.mark.parametrize(
    ("queries", "documents", "relevant", "message"),
    [
        (np.ones((0, 3)), np.ones((2, 3)), [], r"query vectors have the shape \(0, 3\)"),
        (np.ones((1, 3)), np.ones((0, 3)), [[0]], r"document vectors have the shape \(0, 3\)"),
        (np.ones(3), np.ones((2, 3)), [[0]], r"query vectors have the shape \(3,\)"),
        (fan(0, np.nan), fan(0, 1), [[0], [1]], "vector of query '1' is not finite"),
        (fan(0), 0 * fan(0, 1), [[0]], "vector of document '0', '1' is all zeros"),
        (fan(0, 1), fan(0, 1), [[0]], "1 lists of relevant documents but 2 queries"),
        (fan(0, 1), fan(0, 1), [[], [1]], "No document is relevant to query '0'. Leave"),
        (fan(0, 1), fan(0, 1), {"1": {"0": 1}}, "No document is relevant to query '0'. Leave"),
        (fan(0, 1), fan(0, 1), [{0: 0}, [1]], "No document is relevant to query '0'. Leave"),
        (fan(0), fan(0, 1), [["0", "zebra", "gnu"]], "names document 'zebra', 'gnu'"),
        (fan(0), fan(0, 1), [[2]], "names document '2'"),
        (fan(0), fan(0, 1), [[-1]], "names document '-1'"),
        (fan(0), fan(0, 1), np.array([[True, False]]), "names document 'True'"),
        (fan(0), fan(0, 1), {"zebra": ["0"]}, "names query 'zebra'"),
        (fan(0), fan(0, 1), [{"1": -1}], "grades of query '0' must be"),
        (fan(0), fan(0, 1), [{"1": np.nan}], "grades of query '0' must be"),
    ],
)
def test_bad_questions_are_refused(
    queries: np.ndarray, documents: np.ndarray, relevant: object, message: str
) -> None:
    with pytest.raises(BadItem, match=message):
        rank(queries, documents, relevant)  # type: ignore[arg-type]


def test_queries_and_documents_of_two_models_are_refused() -> None:
    with pytest.raises(WrongModel, match="queries have 3 dimensions, but the documents 4"):
        rank(np.ones((1, 3)), np.ones((2, 4)), [[0]])


@pytest.mark.parametrize(
    ("queries", "relevant", "problems"),
    [
        (fan(0, np.nan), [[0], [1]], {"1": ProblemCode.DAMAGED}),
        (0 * fan(0, 1), [[0], [1]], {"0": ProblemCode.EMPTY, "1": ProblemCode.EMPTY}),
        (fan(0, 1), [[], [1]], {"0": ProblemCode.MISSING}),
        (fan(0), [["0", "zebra", "gnu"]], {"zebra": ProblemCode.MISSING, "gnu": ProblemCode.MISSING}),
        (fan(0), [{"1": -1}], {"0": ProblemCode.MALFORMED}),
    ],
)
def test_a_refusal_names_what_is_wrong(
    queries: np.ndarray, relevant: object, problems: dict[str, ProblemCode]
) -> None:
    with pytest.raises(BadItem) as error:
        rank(queries, fan(0, 1), relevant)  # type: ignore[arg-type]
    assert {id: problem.code for id, problem in error.value.problems.items()} == problems

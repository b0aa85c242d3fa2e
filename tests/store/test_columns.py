"""What stands beside the vectors comes back as it was, whatever it is, or is refused by name."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from refusals import refuses
from store_kit import CARD, cloud

from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, ProblemCode
from embedlab.items import Items
from embedlab.store import StoreErrorCode, VectorStore

ODD = [
    'say "hello"',
    "it's",
    "back\\slash",
    "a\\nb is not a line",
    "two\nlines",
    "carriage\rreturn",
    "tab\there",
    "größe 日本 🙂",
    "",
    "x" * 10_000,
    "]) or 1 == 1",
    "nul\x00",
    "<script>alert(1)</script>",
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VectorStore]:
    with VectorStore(tmp_path / "lab.db") as opened:
        yield opened


def test_any_text_comes_back_and_can_be_filtered_for(store: VectorStore) -> None:
    emb = cloud(len(ODD), label=ODD, note=ODD)
    store.add("notes", emb)
    assert store.get("notes", emb.ids)["note"].tolist() == ODD
    for row, text in enumerate(ODD):
        for column in ("label", "note") if text else ("note",):  # an empty label is none
            hits = store.search(
                "notes", emb.vectors[0], k=20, filter=f"{column} == {VectorStore.quote(text)}"
            )
            assert hits["id"].tolist() == [emb.ids[row]], (column, text[:20])


def test_any_text_can_be_an_id(store: VectorStore) -> None:
    ids = [text for text in ODD if text]  # an empty id is none
    frame = pd.DataFrame({"id": ids, "content": ids})
    vectors = np.random.default_rng(0).standard_normal((len(ids), 8))
    emb = Embeddings(vectors, Items(frame, "text", "odd"), CARD, "last_hidden_state", "mean", True)
    store.add("odd", emb)
    assert store.get("odd", ids)["content"].tolist() == ids
    for text in ids:
        hits = store.search("odd", item=text, k=50)
        assert sorted(hits["id"]) == sorted({*ids} - {text})
    store.add("odd", emb)
    assert store.count("odd") == len(ids)


def test_types_come_back_as_they_were(store: VectorStore) -> None:
    columns: dict[str, Any] = {
        "whole": [1, 2, 2**62],
        "whole_or_none": pd.array([1, None, 3], dtype="Int64"),
        "small": np.array([1, 2, 3], np.int8),
        "number": [0.5, np.nan, -1e300],
        "single": np.array([0.5, 1.5, 2.5], np.float32),
        "yes": [True, False, True],
        "yes_or_none": [True, None, False],
        "kind": pd.Categorical(["a", "b", None]),
        "tags": [["a", 1], [], None],
        "table": [{"a": [1, None]}, {}, {"b": {"c": "d"}}],
        "array": [np.arange(2), np.array([0.5]), None],
        "mixed": [1, "one", None],
        "nothing": [None, None, np.nan],
    }
    emb = cloud(3, **columns)
    store.add("notes", emb)
    back = store.get("notes", emb.ids)
    expected = {
        "whole": [1, 2, 2**62],
        "whole_or_none": [1, None, 3],
        "small": [1, 2, 3],
        "number": [0.5, None, -1e300],
        "single": [0.5, 1.5, 2.5],
        "yes": [True, False, True],
        "yes_or_none": [True, None, False],
        "kind": ["a", "b", None],
        "tags": [["a", 1], [], None],
        "table": [{"a": [1, None]}, {}, {"b": {"c": "d"}}],
        "array": [[0, 1], [0.5], None],
        "mixed": [1, "one", None],
        "nothing": [None, None, None],
    }
    for name, values in expected.items():
        missing = back[name].isna().tolist()
        assert [None if m else v for v, m in zip(back[name], missing, strict=True)] == values, name
    dtypes = {
        "whole": "int64",
        "whole_or_none": "Int64",
        "number": "float64",
        "yes": "bool",
        "yes_or_none": "boolean",
    }
    assert {name: str(back[name].dtype) for name in dtypes} == dtypes
    assert back["id"].tolist() == store.search("notes", emb.vectors[0])["id"].sort_values().tolist()


def test_dates_become_text_that_sorts(store: VectorStore) -> None:
    emb = cloud(
        3,
        stamp=pd.to_datetime(["2020-01-01 00:00", "2021-06-01 12:30", None]),
        day=[datetime.date(2020, 1, 1), datetime.date(1999, 12, 31), None],
        numpy=np.array(["2020-01-01", "2021-01-01", "2022-01-01"], "datetime64[s]"),
    )
    store.add("notes", emb)
    back = store.get("notes", emb.ids)
    assert back["stamp"].tolist() == ["2020-01-01T00:00:00", "2021-06-01T12:30:00", None]
    assert back["day"].tolist() == ["2020-01-01", "1999-12-31", None]
    assert store.search("notes", emb.vectors[0], filter='numpy >= "2021"')["id"].sort_values().tolist() == [
        "n001",
        "n002",
    ]


def test_filters_on_every_type(store: VectorStore) -> None:
    emb = cloud(6, label=[*"aabbc", None], year=range(6), weight=np.arange(6) / 2, ok=[True, False] * 3)
    emb.items.frame["tags"] = [["x"], ["x", "y"], [], None, ["y"], ["z"]]
    emb.items.frame["date taken"] = [*range(6)]
    store.add("notes", emb)
    for expression, rows in (
        ('label == "a" and year > 0', [1]),
        ('label in ["b", "c"]', [2, 3, 4]),
        ("label is null", [5]),
        ('label like "a%"', [0, 1]),
        ("weight >= 1.5 && not (year == 4)", [3, 5]),
        ("ok == true", [0, 2, 4]),
        ('json_contains(tags, "y")', [1, 4]),
        ('$meta["date taken"] <= 1', [0, 1]),
        ('id in ["n001", "n003"]', [1, 3]),
        ("year * 2 == 8 or year == 0", [0, 4]),
        ("  ", [0, 1, 2, 3, 4, 5]),
    ):
        hits = store.search("notes", emb.vectors[0], k=10, filter=expression)
        assert sorted(hits["id"]) == [f"n00{r}" for r in rows], expression


def test_columns_that_bear_the_names_of_hits(store: VectorStore) -> None:
    emb = cloud(3, score=[0.1, 0.2, 0.3], rank=[7, 8, 9])
    store.add("pairs", emb)
    hits = store.search("pairs", emb.vectors[2], k=1, filter="score > 0.15 and rank == 9")
    assert list(hits.columns) == ["rank", "id", "score", "content", "item_score", "item_rank"]
    assert hits.iloc[0].tolist()[3:] == ["text n002", 0.3, 9]
    assert hits["score"][0] == pytest.approx(1)


def test_other_columns_may_come_later(store: VectorStore) -> None:
    store.add("notes", cloud(3, year=[1, 2, 3], later=[None] * 3))
    store.add("notes", cloud(2, first=3, seed=1, label=["a", "b"], later=["x", "y"], new=[0.5, 1.5]))
    store.add(
        "notes", cloud(1, first=5, seed=2, year=[6.0], new=[2])
    )  # whole floats, whole numbers: nothing lost
    back = store.get("notes", [f"n00{i}" for i in range(6)])
    assert back["year"].tolist()[:3] == [1, 2, 3]
    assert back["year"].isna().tolist() == [False] * 3 + [True] * 2 + [False]
    assert back["label"].tolist() == [None] * 3 + ["a", "b", None]
    assert back["later"].tolist() == [None] * 3 + ["x", "y", None]
    assert back["new"].fillna(-1).tolist() == [-1] * 3 + [0.5, 1.5, 2.0]
    hits = store.search("notes", cloud().vectors[0], filter='new > 1 or label == "a"')
    assert sorted(hits["id"]) == ["n003", "n004", "n005"]


@pytest.mark.parametrize("values", [["about 1990"], [1990.5], [True], [[1990]]])
def test_a_column_of_another_type_is_refused(store: VectorStore, values: list[Any]) -> None:
    store.add("notes", cloud(3, year=[1, 2, 3]))
    with pytest.raises(BadItem, match="'year' of 'notes' holds int values") as caught:
        store.add("notes", cloud(1, year=values))
    assert {item_id: p.code for item_id, p in caught.value.problems.items()} == {
        "n000": ProblemCode.WRONG_KIND
    }


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("story", "é" * 40_000, ProblemCode.TOO_LONG),
        ("content", "x" * 65_536, ProblemCode.TOO_LONG),
        ("tags", ["x" * 70_000], ProblemCode.TOO_LONG),
        ("story", "half a pair: \ud800", ProblemCode.ENCODING),
        ("price", Decimal("1.5"), ProblemCode.WRONG_KIND),
        ("raw", b"bytes", ProblemCode.WRONG_KIND),
        ("huge", 2**63, ProblemCode.WRONG_KIND),
        ("odds", np.inf, ProblemCode.WRONG_KIND),
        ("lists", [[np.inf]], ProblemCode.WRONG_KIND),
    ],
)
def test_what_cannot_be_kept_is_refused_by_id(
    store: VectorStore, column: str, value: Any, code: ProblemCode
) -> None:
    emb = cloud(3)
    values = emb.items.frame[column].tolist() if column in emb.items.frame else [None] * 3
    values[1] = value
    emb.items.frame[column] = pd.Series(values, dtype=object)
    with pytest.raises(BadItem, match=f"'{column}' of item 'n001'") as caught:
        store.add("notes", emb)
    assert {item_id: p.code for item_id, p in caught.value.problems.items()} == {"n001": code}
    assert store.collections().empty


def test_every_text_that_is_too_long_is_named(store: VectorStore) -> None:
    emb = cloud(4, story=["é" * 40_000, "short", "x" * 70_000, None])
    with pytest.raises(BadItem, match="'n000' has 80,000 bytes, but Milvus holds at most 65,535") as caught:
        store.add("notes", emb)
    assert [*caught.value.problems] == ["n000", "n002"]


@pytest.mark.parametrize("column", ["vector", "$meta"])
def test_a_column_name_that_milvus_needs_is_refused(store: VectorStore, column: str) -> None:
    with pytest.raises(BadItem, match="Milvus needs the column name"):
        store.add("notes", cloud(3, **{column: [1, 2, 3]}))
    assert store.collections().empty


def test_the_longest_text_that_fits(store: VectorStore) -> None:
    store.add("notes", cloud(1, story=["x" * 65_535], tags=[["x" * 60_000]]))
    assert len(store.get("notes", "n000")["story"][0]) == 65_535


def test_column_names_milvus_cannot_parse(store: VectorStore) -> None:
    names = ["date.taken", "date taken", "größe", "like", "is", "1st", "a-b", 'q"q', "true", "_x"]
    emb = cloud(2, **{name: [i, None] for i, name in enumerate(names)})
    store.add("notes", emb)
    hits = store.search("notes", emb.vectors[0], k=1)
    assert [hits[name][0] for name in names] == [*range(len(names))]
    for i, name in enumerate(names):
        if name != "_x":
            found = store.search("notes", emb.vectors[1], filter=f"$meta[{VectorStore.quote(name)}] == {i}")
            assert found["id"].tolist() == ["n000"], name


def test_pictures_are_kept_by_their_path(store: VectorStore) -> None:
    frame = pd.DataFrame({"id": ["a", "b"], "path": [Path("x/a.png"), Path("x/b c.png")]})
    emb = Embeddings(np.eye(2, 8), Items(frame, "image", "photos"), CARD, "last_hidden_state", "mean", True)
    store.add("photos", emb)
    hits = store.search("photos", np.eye(8)[1])
    assert hits["path"].tolist() == [str(Path("x/b c.png")), str(Path("x/a.png"))]
    assert store.collections()["modality"].tolist() == ["image"]


def test_what_a_store_shows_is_escaped(tmp_path: Path) -> None:
    with VectorStore(tmp_path / "<b>&.db") as store:
        store.add("notes", cloud(model=CARD.__class__(**{**CARD.__dict__, "name": "text/<i>x"})))
        shown = store._repr_html_()
    assert "<b>&" not in shown
    assert "<i>" not in shown
    assert "&lt;i&gt;" in shown
    assert "closed" in store._repr_html_()
    with refuses(StoreErrorCode.CLOSED):
        store.collections()

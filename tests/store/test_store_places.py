"""One contract in three places: Milvus Lite, Milvus Lite's own server, a real Milvus standalone server."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from lesson_needs import unmet
from paths import KIT, ROOT
from pymilvus.client.types import ConsistencyLevel
from servers import NoServer, Server, lite_server, standalone
from store_kit import CARD, Answering, card, cloud, exact, moved

import embedlab as el
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem, WrongModel
from embedlab.items import Items
from embedlab.store import StoreError, VectorStore

OTHER = card(name="text/other", sha256="b" * 64, dim=4)
TEXTS = [
    "the sea at night",
    "a hill in rain",
    "rain on the sea",
    "money in a bank",
    "a bank of the river",
    "soup",
]


@pytest.fixture(scope="session")
def lite_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with lite_server(tmp_path_factory.mktemp("lite") / "lite.db") as server:
        yield server


@pytest.fixture(scope="session")
def real_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(standalone(tmp_path_factory.mktemp("milvus")))
        except NoServer as why:
            unmet(str(why))
        yield server


@pytest.fixture(params=["lite", "lite_place", "real_place"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorStore]:
    if request.param == "lite":
        opened = VectorStore(tmp_path / "lab.db")
    else:
        server = request.getfixturevalue(request.param)
        opened = VectorStore(server.uri, token=server.token)
        for name in opened.collections()["name"]:
            opened.drop(name)
    with opened:
        yield opened


def two_models(n: int = 60) -> tuple[Embeddings, Embeddings]:
    return cloud(n, label=["sea", "hill", "bank"] * (n // 3)), cloud(n, 4, seed=7, model=OTHER)


# -- the same everywhere -------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["COSINE", "IP", "L2"])
def test_hits_are_those_of_numpy(store: VectorStore, metric: str) -> None:
    emb = cloud(200, label=["sea", "hill"] * 100, year=range(200))
    assert store.add("notes", emb, metric=metric) == 200
    query = cloud(1, seed=5).vectors[0]
    hits = store.search("notes", query, k=7)
    ids, cosines = exact(emb, query, 7)
    assert hits["id"].tolist() == ids
    np.testing.assert_allclose(hits["score"], 2 - 2 * cosines if metric == "L2" else cosines, atol=1e-5)
    assert list(hits.columns) == ["rank", "id", "score", "label", "content", "year"]
    assert hits["year"].tolist() == [int(i[1:]) for i in ids]
    assert hits.attrs["place"] == store.place.name


@pytest.mark.parametrize("index", ["AUTOINDEX", "FLAT", "HNSW", "IVF_FLAT", "IVF_SQ8"])
def test_every_index_finds_what_is_there(store: VectorStore, index: str) -> None:
    emb = cloud(400)
    store.add("notes", emb, index=index)
    assert store.search("notes", emb.vectors[9], k=1)["id"].tolist() == ["n009"]
    assert store.collections()["index"].tolist() == [index]


def test_every_kind_of_column_comes_back_and_can_be_filtered(store: VectorStore) -> None:
    emb = cloud(6, label=[*"aabbc", None], year=range(6), weight=np.arange(6) / 2, ok=[True, False] * 3)
    emb.items.frame["tags"] = [["x"], ["x", "y"], [], None, ["y"], ["z"]]
    emb.items.frame["about"] = [{"n": i, "by": f"p{i}"} for i in range(6)]
    store.add("notes", emb)
    back = store.get("notes", emb.ids)
    assert back["label"].tolist() == [*"aabbc", None]
    assert back["weight"].tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert back["ok"].tolist() == [True, False] * 3
    assert [t if t is None else list(t) for t in back["tags"]] == [["x"], ["x", "y"], [], None, ["y"], ["z"]]
    assert back["about"].tolist()[3] == {"n": 3, "by": "p3"}
    for expression, rows in (
        ('label == "a" and year > 0', [1]),
        ('label in ["b", "c"]', [2, 3, 4]),
        ("weight >= 1.5 && not (year == 4)", [3, 5]),
        ("ok == true", [0, 2, 4]),
        ('json_contains(tags, "y")', [1, 4]),
        ('about["n"] >= 4', [4, 5]),
        ('about["by"] == "p2"', [2]),
        ('id in ["n001", "n003"]', [1, 3]),
        ('label == "nobody"', []),
    ):
        hits = store.search("notes", emb.vectors[0], k=10, filter=expression)
        assert sorted(hits["id"]) == [f"n00{r}" for r in rows], expression
        assert store.count("notes", expression) == len(rows), expression


ODD = ['say "hi"', "it's", "a\\b", "]) or 1 == 1", '" or id != "', "größe 日本 🙂", "two\nlines"]


def test_a_value_cannot_change_a_filter(store: VectorStore) -> None:
    emb = cloud(len(ODD) + 2, label=["plain", *ODD, "other"])
    store.add("notes", emb)
    for row, value in enumerate(ODD, 1):
        found = store.search("notes", emb.vectors[0], k=20, filter=f"label == {store.quote(value)}")
        assert found["id"].tolist() == [emb.ids[row]], value
        assert found["label"].tolist() == [value]
        assert store.count("notes", f"label in {store.quote(['other', value])}") == 2, value


def test_replace_delete_count_get(store: VectorStore) -> None:
    emb = cloud(100, label=["old"] * 100)
    store.add("notes", emb)
    new = moved(cloud(100, label=["new"] * 100), -emb.vectors)
    store.add("notes", new.select(new.ids[:50]))
    assert store.count("notes") == 100
    assert store.count("notes", 'label == "new"') == 50
    opposite = store.search("notes", emb.vectors[3], k=100).set_index("id")
    assert opposite["score"]["n003"] == pytest.approx(-1, abs=1e-5)
    assert store.delete("notes", ["n000", "n001", "nobody"]) == 2
    found = store.search("notes", item="n003", k=100)["id"]
    assert not {"n000", "n001"} & {*found}, "what was deleted is not found the moment after"
    assert store.delete("notes", filter='label == "new" and id > "n039"') == 10
    assert store.delete("notes", filter='label == "nobody"') == 0
    assert store.count("notes") == 88
    with pytest.raises(StoreError, match="no item with id 'n000'"):
        store.get("notes", "n000")
    assert "n001" not in set(store.search("notes", emb.vectors[1], k=88)["id"])
    for wrong in ({}, {"ids": ["a"], "filter": "year > 1"}, {"filter": " "}):
        with pytest.raises(StoreError, match="either ids or a filter"):
            store.delete("notes", **wrong)
    np.testing.assert_allclose(
        store.get("notes", "n060", vectors=True)["vector"][0], emb.vectors[60], atol=1e-6
    )


def test_pages_go_through_everything_once(store: VectorStore) -> None:
    emb = cloud(2500, label=["sea", "hill"] * 1250)
    store.add("notes", emb)
    pages = list(store.pages("notes", page_size=400, vectors=True))
    assert max(map(len, pages)) <= 400
    whole = pd.concat(pages).set_index("id").loc[emb.ids]
    assert len(whole) == 2500
    np.testing.assert_allclose(np.stack(whole["vector"].tolist()), emb.vectors, atol=1e-6)
    assert sum(map(len, store.pages("notes", filter='label == "sea"'))) == 1250
    assert not list(store.pages("notes", filter='label == "no"'))
    first, second = (store.search("notes", emb.vectors[0], k=5, offset=o, filter="") for o in (0, 5))
    assert [*first["id"], *second["id"]] == exact(emb, emb.vectors[0], 10)[0]
    assert second["rank"].tolist() == [6, 7, 8, 9, 10]
    near = [store.search("notes", item="n007", k=5, offset=offset) for offset in (0, 5, 10)]
    wanted = exact(emb, emb.vectors[7], 16)[0][1:]
    assert [id for page in near for id in page["id"]] == wanted, "none twice, none left out"
    assert near[1]["rank"].tolist() == [6, 7, 8, 9, 10]


def test_range_search(store: VectorStore) -> None:
    emb = cloud(300)
    store.add("notes", emb)
    ids, cosines = exact(emb, emb.vectors[0], 300)
    near = store.search("notes", emb.vectors[0], k=300, radius=0.5)
    assert near["id"].tolist() == [i for i, c in zip(ids, cosines, strict=True) if c > 0.5]
    ring = store.search("notes", emb.vectors[0], k=300, radius=0.5, range_filter=0.7)
    assert ring["id"].tolist() == [i for i, c in zip(ids, cosines, strict=True) if 0.5 < c <= 0.7]
    outer = store.search("notes", emb.vectors[0], k=2, radius=-1.0, range_filter=-0.6)
    assert outer["id"].tolist() == [i for i, c in zip(ids, cosines, strict=True) if c <= -0.6][:2]
    store.add("far", emb, metric="L2")
    near = store.search("far", emb.vectors[0], k=300, radius=0.8)
    assert near["id"].tolist() == [i for i, c in zip(ids, cosines, strict=True) if 2 - 2 * c < 0.8]
    nothing = store.search("notes", emb.vectors[0], radius=0.9999, range_filter=0.99999)
    assert nothing.empty
    assert list(nothing.columns) == ["rank", "id", "score", "content"]


def test_search_by_what_a_model_reads(store: VectorStore) -> None:
    emb = cloud()
    store.add("notes", emb)
    model = Answering(emb.vectors[4])
    from PIL import Image

    for query in ("a walk", Path("walk.png"), Image.new("RGB", (4, 4)), np.zeros((4, 4, 3), np.uint8)):
        assert store.search("notes", query, k=1, model=model)["id"].tolist() == ["n004"]
        assert model.asked[-1] is query
    assert store.search("notes", item="n007", k=3)["id"].tolist() == exact(emb, emb.vectors[7], 4)[0][1:]
    assert store.search("notes", emb.select(["n007"]), k=1)["id"].tolist() == ["n007"]


def test_refusals(store: VectorStore) -> None:
    emb = cloud(label=["sea"] * 30)
    store.add("notes", emb)
    zero = emb.vectors.copy()
    zero[3] = 0
    with pytest.raises(BadItem, match="'n003' has a vector of zeros"):
        store.add("notes", moved(emb, zero))
    frame = pd.DataFrame({"id": ["i" * 70_000], "content": ["x"]})
    with pytest.raises(BadItem, match=r"'id' of item 'iii.*has 70,000 bytes"):
        store.add(
            "notes",
            Embeddings(emb.vectors[:1], Items(frame, "text", "x"), CARD, CARD.layer, CARD.pooling, True),
        )
    with pytest.raises(WrongModel, match="holds 8 from text/made-up"):
        store.add("notes", cloud(3, 4, model=OTHER))
    with pytest.raises(StoreError, match="has 4 numbers"):
        store.search("notes", np.ones(4))
    with pytest.raises(StoreError, match="NaN"):
        store.search("notes", np.full(8, np.nan))
    with pytest.raises(StoreError, match="made with metric 'COSINE', not 'L2'"):
        store.add("notes", emb, metric="L2")
    with pytest.raises(StoreError, match=r"(?s)label ==\n.*\^"):
        store.search("notes", emb.vectors[0], filter="label == ")
    with pytest.raises(StoreError, match="uses 'lable'"):
        store.count("notes", 'lable == "sea"')
    assert store.count("notes") == 30


def test_a_wrong_filter_is_pointed_at(store: VectorStore) -> None:
    store.add("notes", cloud(label=["sea"] * 30, year=range(30)))
    with pytest.raises(StoreError) as told:
        store.search("notes", cloud().vectors[0], filter='label == "sea" and year > > 3')
    lines = str(told.value).splitlines()
    shown = next(i for i, line in enumerate(lines) if line.endswith('label == "sea" and year > > 3'))
    assert lines[shown + 1].index("^") - lines[shown].index("label") == len('label == "sea" and year > ')


# -- what only some places have ------------------------------------------------------------------------------


def test_two_models_in_one_collection(store: VectorStore) -> None:
    one, two = two_models()
    if not store.place.lite:
        with pytest.raises(
            StoreError, match=r"Milvus 2\.3\.5 lacks several models in one collection.*from version 2\.4"
        ):
            store.add("both", [one, two])
        assert store.collections().empty
        return
    shuffled = two.select(np.random.default_rng(0).permutation(two.ids).tolist())
    assert store.add("both", [one, shuffled]) == 60
    for query in (two.select(["n011"]), two.vectors[11]):
        hits = store.search("both", query, k=3)
        assert hits["id"].tolist() == exact(two, two.vectors[11], 3)[0]
        assert hits.attrs["model"].startswith("text/other")
    assert (
        store.search("both", item="n011", k=2, model="text/other")["id"].tolist()
        == exact(two, two.vectors[11], 3)[0][1:]
    )
    assert store.search("both", item="n011", k=2)["id"].tolist() == exact(one, one.vectors[11], 3)[0][1:]
    back = store.get("both", ["n005"], vectors=True)
    np.testing.assert_allclose(back["vector_text_other"][0], two.vectors[5], atol=1e-6)
    with pytest.raises(StoreError, match="no vectors of 'text/third'; there is: text/made-up, text/other"):
        store.search("both", one.vectors[0], model="text/third")
    with pytest.raises(WrongModel, match="vectors of 2 models"):
        store.add("both", one)
    with pytest.raises(BadItem, match="'n000' is in one of them alone"):
        store.add("both", [one, two.select(two.ids[1:])])


def fused(lists: list[list[str]], rrf_k: int = 60) -> dict[str, float]:
    """Reciprocal-rank fusion, written down."""
    scores: dict[str, float] = {}
    for ids in lists:
        for rank, id in enumerate(ids, 1):
            scores[id] = scores.get(id, 0) + 1 / (rrf_k + rank)
    return scores


def hybrid_store(store: VectorStore, monkeypatch: pytest.MonkeyPatch) -> tuple[Embeddings, Embeddings]:
    one, two = cloud(6), cloud(6, 4, seed=7, model=OTHER)
    for emb in (one, two):
        emb.items.frame["content"] = TEXTS
        emb.items.frame["year"] = range(6)
    answers = {"text/made-up": Answering(one.vectors[4]), "text/other": Answering(two.vectors[0], OTHER)}
    monkeypatch.setattr("embedlab.embedders.loading.load_again", lambda origin: answers[origin.model])
    store.add("both", [one, two], full_text="content")
    return one, two


def test_hybrid_search(store: VectorStore, monkeypatch: pytest.MonkeyPatch) -> None:
    if not store.place.lite:
        with pytest.raises(StoreError, match=r"lacks full-text search.*from version 2\.5"):
            store.add("words", cloud(), full_text="content")
        store.add("notes", cloud())
        with pytest.raises(StoreError, match="cannot be searched by 'bm25'"):
            store.hybrid_search("notes", "sea", ways=["bm25"])
        with pytest.raises(StoreError, match="lacks group_by"):
            store.search("notes", cloud().vectors[0], group_by="content")
        with pytest.raises(StoreError, match=r"lacks missing values in filters \(is null\)"):
            store.count("notes", "label is null")
        with pytest.raises(StoreError, match="lacks the index HNSW_SQ"):
            store.add("more", cloud(), index="HNSW_SQ")
        return
    one, two = hybrid_store(store, monkeypatch)
    words = store.hybrid_search("both", "rain sea", ways=["bm25"])
    assert words["id"].tolist()[0] == "n002", "both words"
    assert set(words["id"]) == {"n000", "n001", "n002"}
    assert (np.diff(words["score"]) <= 0).all()
    assert (words["score"] > 0).all()
    lists = [exact(one, one.vectors[4], 6)[0], exact(two, two.vectors[0], 6)[0]]
    hits = store.hybrid_search("both", "rain sea", k=6, ways=["text/made-up", "text/other"])
    assert hits.set_index("id")["score"].to_dict() == pytest.approx(fused(lists), abs=1e-6)
    hits = store.hybrid_search("both", "rain sea", k=6, rrf_k=1)
    wanted = fused([*lists, words["id"].tolist()], 1)
    assert hits.set_index("id")["score"].to_dict() == pytest.approx(wanted, abs=1e-6)
    some = store.hybrid_search("both", "rain sea", k=6, filter="year >= 2")
    assert set(some["id"]) == {"n002", "n003", "n004", "n005"}
    for wrong, told in ((["words"], "cannot be searched by 'words'"), ([], "at least one way")):
        with pytest.raises(StoreError, match=told):
            store.hybrid_search("both", "rain", ways=wrong)
    assert store.hybrid_search("both", "zebra", ways=["bm25"]).empty


def test_group_by(store: VectorStore) -> None:
    if not store.place.lite:
        return  # refused: see test_hybrid_search
    emb = cloud(300, label=[f"g{i % 7}" for i in range(300)], weight=np.ones(300))
    store.add("notes", emb)
    hits = store.search("notes", emb.vectors[0], k=20, group_by="label")
    ids, _ = exact(emb, emb.vectors[0], 300)
    firsts = list({f"g{int(i[1:]) % 7}": i for i in reversed(ids)}.values())
    assert sorted(hits["id"]) == sorted(firsts)
    assert hits["score"].is_monotonic_decreasing
    far = np.argsort(emb.vectors @ emb.vectors[0])[:3]
    rare = ["common"] * 300
    for row in far:
        rare[row] = "far away"
    store.add("notes", cloud(300, label=rare, weight=np.ones(300)))
    assert store.search("notes", emb.vectors[0], k=2, group_by="label")["id"].tolist() == [
        "n000",
        f"n{far[-1]:03d}",
    ], "the farthest few are a group, too"
    with pytest.raises(StoreError, match=r"cannot be grouped by 'weight'.*there is: content, label"):
        store.search("notes", emb.vectors[0], group_by="weight")


# -- moving --------------------------------------------------------------------------------------------------


def test_a_copy_is_the_same(store: VectorStore, tmp_path: Path) -> None:
    """From a laptop to each of the places, and back again."""
    emb = cloud(1500, label=["sea", None, "hill"] * 500, year=range(1500))
    emb.items.frame["tags"] = [["x", str(i)] for i in range(1500)]
    with VectorStore(tmp_path / "here.db") as here, VectorStore(tmp_path / "back.db") as back:
        here.add("notes", emb, index="HNSW", params={"M": 8, "efConstruction": 64})
        here.add("other", cloud(5, 4, model=OTHER))
        assert here.copy_to(store).values.tolist() == [["notes", 1500], ["other", 5]]
        assert store.copy_to(back, ["notes"]).values.tolist() == [["notes", 1500]]
        for there in (store, back):
            for row in (0, 700):
                was, now = (s.search("notes", emb.vectors[row], k=5) for s in (here, there))
                assert now["id"].tolist() == was["id"].tolist()
                np.testing.assert_allclose(now["score"], was["score"], atol=1e-5)
                pd.testing.assert_frame_equal(now.drop(columns="score"), was.drop(columns="score"))
            assert there.count("notes", 'label == "sea" and year < 30') == 10
            assert there.collections().set_index("name").loc["notes", "index"] == "HNSW"
        assert here.copy_to(store, ["notes"])["items"].tolist() == [1500], "a second copy replaces"
        here.drop("other")
        here.add("other", moved(cloud(5), cloud(5).vectors))
        with pytest.raises(StoreError, match="a collection 'other' already, with another vector"):
            here.copy_to(store, ["other"])


def test_a_copy_says_first_what_the_place_lacks(store: VectorStore, tmp_path: Path) -> None:
    if store.place.lite:
        return
    with VectorStore(tmp_path / "here.db") as here:
        here.add("plain", cloud())
        here.add("words", cloud(), full_text="content")
        with pytest.raises(StoreError, match="lacks full-text search"):
            here.copy_to(store)
        assert store.collections().empty, "nothing was copied by halves"


def test_parquet_piece_by_piece(store: VectorStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emb = cloud(1000, label=["sea", "hill"] * 500)
    path = emb.save(tmp_path / "emb.parquet")
    monkeypatch.setattr("embedlab.store.transfer.PIECE_BYTES", 300 * 4 * 8)
    monkeypatch.setattr("embedlab.store.transfer.PIECES_A_MARK", 1)
    real, calls = VectorStore._store, []

    def interrupted(self: VectorStore, *args: Any, **how: Any) -> int:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(self, *args, **how)

    monkeypatch.setattr(VectorStore, "_store", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.add_parquet("notes", path, index="HNSW")
    assert store.count("notes") == 600
    assert store.add_parquet("notes", path, index="HNSW") == 400, "it goes on where it was"
    assert store.count("notes") == 1000
    assert store.add_parquet("notes", path) == 0
    assert store.search("notes", emb.vectors[999], k=1)["id"].tolist() == ["n999"]
    more = dataclasses.replace(cloud(1200, seed=2), items=cloud(1200).items)
    assert store.add_parquet("notes", more.save(path)) == 1200, "another file of the same name"
    assert store.count("notes") == 1200
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BadItem, match="not a complete parquet file"):
        store.add_parquet("notes", path)
    with pytest.raises(BadItem, match="There is no file"):
        store.add_parquet("notes", tmp_path / "no.parquet")


# -- getting there -------------------------------------------------------------------------------------------


def test_tokens(
    real_place: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = real_place.uri
    for wrong in ("root:secret-and-wrong", ""):
        with pytest.raises(StoreError, match=r"does not accept the token.*MILVUS_TOKEN") as told:
            VectorStore(uri, token=wrong).collections()
        assert "secret-and-wrong" not in str(told.value)
    monkeypatch.setenv("MILVUS_URI", uri)
    monkeypatch.setenv("MILVUS_TOKEN", "root:Milvus")
    with VectorStore() as store:
        assert (store.where, store.place.name, store.place.lite) == (uri, "Milvus 2.3.5", False)
        assert "Milvus:" not in repr(store) + store._repr_html_()
        assert "root" not in repr(store) + store._repr_html_() + repr(vars(store))
    assert capsys.readouterr() == ("", "")


def test_the_token_of_the_environment_is_for_its_own_server(monkeypatch: pytest.MonkeyPatch) -> None:
    from embedlab.store.connection import server_of

    monkeypatch.setenv("MILVUS_URI", "https://mine.example")
    monkeypatch.setenv("MILVUS_TOKEN", "secret")
    assert server_of(None, None) == ("https://mine.example", "secret")
    assert server_of("https://other.example", None) == ("https://other.example", "")
    assert server_of("https://other.example", "theirs") == ("https://other.example", "theirs")
    with pytest.raises(StoreError, match="password out of the address") as told:
        server_of("https://me:hunter2@mine.example", None)
    assert "hunter2" not in str(told.value)
    monkeypatch.delenv("MILVUS_URI")
    assert server_of("https://mine.example", None) == ("https://mine.example", "secret")
    with pytest.raises(StoreError, match="MILVUS_URI"):
        server_of(None, None)


def test_a_server_that_goes_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that was acknowledged is lost; the same call again finishes the work."""
    from embedlab.store import connection, engine

    monkeypatch.setattr(connection, "PATIENCE", 3.0)
    monkeypatch.setattr(
        connection, "AT_FIRST", 60.0
    )  # gRPC waits before it tries an address again that failed
    whole, emb = engine.batches, cloud(2000)
    with ExitStack() as stack:
        server = stack.enter_context(lite_server(tmp_path / "lite.db"))
        port = int(server.uri.rsplit(":", 1)[1])

        def three(sizes: np.ndarray) -> Iterator[slice]:
            for n, rows in enumerate(whole(sizes, 10_000)):
                if n == 3:
                    server.kill()
                yield rows

        monkeypatch.setattr(engine, "batches", three)
        store = stack.enter_context(VectorStore(server.uri))
        with pytest.raises(
            StoreError, match=r"add to 'notes'.*The first ([\d,]+) of these 2,000 items are in"
        ):
            store.add("notes", emb)
        monkeypatch.setattr(engine, "batches", whole)
        again = stack.enter_context(lite_server(tmp_path / "lite.db", port))
        after = stack.enter_context(VectorStore(again.uri))
        assert 0 < after.count("notes") < 2000

        def three_and_back(sizes: np.ndarray) -> Iterator[slice]:
            for n, rows in enumerate(whole(sizes, 10_000)):
                if n == 3:
                    again.kill()
                    stack.enter_context(lite_server(tmp_path / "lite.db", port))
                yield rows

        monkeypatch.setattr(engine, "batches", three_and_back)
        monkeypatch.setattr(connection, "PATIENCE", 120.0)
        assert after.add("notes", emb) == 2000, "it waited for the server to be back"
        assert after.count("notes") == 2000


def test_a_search_waits_for_a_server_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call is patient, and a collection that the new server has not loaded is loaded."""
    from threading import Timer

    from embedlab.store import connection

    emb = cloud(50)
    with ExitStack() as stack:
        server = stack.enter_context(lite_server(tmp_path / "lite.db"))
        port = int(server.uri.rsplit(":", 1)[1])
        store = stack.enter_context(VectorStore(server.uri))
        store.add("notes", emb)
        server.kill()
        back = Timer(1.0, lambda: stack.enter_context(lite_server(tmp_path / "lite.db", port)))
        back.start()
        monkeypatch.setattr(connection, "PATIENCE", 120.0)
        assert store.search("notes", emb.vectors[9], k=1)["id"].tolist() == ["n009"]
        back.join()
        assert sum(map(len, store.pages("notes", page_size=20))) == 50
        assert store.collections()["items"].tolist() == [50]


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="limits the size of files as Linux does")
def test_a_full_disk(tmp_path: Path) -> None:
    import subprocess
    import sys

    body = f"""
import resource, signal, sys
sys.path[:0] = [{str(KIT)!r}, {str(ROOT)!r}]
from store_kit import cloud
from embedlab.store import StoreError, VectorStore
store = VectorStore({str(tmp_path / "lab.db")!r})
store.add("notes", cloud(50))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
try:
    store.add("notes", cloud(5000, 8, seed=1))
except StoreError as error:
    print(error)
import os
os._exit(0)
"""
    done = subprocess.run([sys.executable, "-c", body], capture_output=True, text=True, timeout=120)
    assert "the disk is full" in done.stdout, done.stdout + done.stderr
    with VectorStore(tmp_path / "lab.db") as store:
        assert store.count("notes") >= 50
        store.add("notes", cloud(5000, seed=1))
        assert store.count("notes") == 5000


# -- indexes measured on a server ----------------------------------------------------------------------------


def test_index_lab_measures_a_server_beside_lite_and_faiss(real_place: Server) -> None:
    server = real_place
    builds: dict[str, list[dict[str, int]]] = {
        "FLAT": [{}], "HNSW": [{"M": 4, "efConstruction": 8}], "HNSW_SQ": [{}], "IVF_FLAT": [{"nlist": 32}]
    }  # fmt: skip
    lab = el.index_lab(
        cloud(2000, 32), builds=builds, ef=(10, 300), nprobe=(1, 32), n_queries=30,
        server=server.uri, token=server.token,
    )  # fmt: skip
    assert [place.split()[0] for place in lab.places] == ["FAISS", "Milvus", "Milvus"]
    there = lab.measured[lab.measured["place"] == lab.places[2]]
    assert lab.places[2] == "Milvus 2.3.5"
    assert list(dict.fromkeys(there["index"])) == ["FLAT", "HNSW", "IVF_FLAT"], "it has no HNSW_SQ"
    found = there.set_index("index")["recall"]
    assert found["FLAT"] == 1.0
    assert found["HNSW"].iloc[0] < found["HNSW"].iloc[1]
    assert found["IVF_FLAT"].iloc[0] < 0.6, "one cell of 32 overlooks much: the index is in use"
    assert found["IVF_FLAT"].iloc[1] == 1.0
    with VectorStore(server.uri, token=server.token) as store:
        assert "embedlab_index_lab" not in set(store.collections()["name"])


def test_a_server_does_not_wait_before_it_answers(real_place: Server) -> None:
    with VectorStore(real_place.uri, token=real_place.token) as store:
        store.add("quick", cloud(50))
        told = store._connection.client.describe_collection("quick")
        store.drop("quick")
    assert told["consistency_level"] == ConsistencyLevel.Session, "Strong waits 200 ms before each search"


def test_many_rows_are_sealed_and_indexed_on_a_server_and_a_few_are_not(
    real_place: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embedlab.store import engine

    monkeypatch.setattr(engine, "SEALED_AT_ONCE", 1000)
    with VectorStore(real_place.uri, token=real_place.token) as store:
        store.add("rows", cloud(50), index="HNSW")
        client = store._connection.client
        assert int(client.get_collection_stats("rows")["row_count"]) == 0, "sealed rows are counted here"
        store.add("rows", cloud(2000))
        assert int(client.get_collection_stats("rows")["row_count"]) >= 2000
        assert store.count("rows") == 2000
        store.drop("rows")


@pytest.mark.slow
def test_what_a_server_acknowledged_survives_its_kill(tmp_path: Path) -> None:
    emb = cloud(100)
    with ExitStack() as stack:
        try:
            server = stack.enter_context(standalone(tmp_path))
        except NoServer as why:
            unmet(str(why))
        with VectorStore(server.uri, token=server.token) as store:
            store.add("notes", emb)
            store.delete("notes", ["n005"])
            server.kill()
        server = stack.enter_context(standalone(tmp_path))
        with VectorStore(server.uri, token=server.token) as store:
            assert store.count("notes") == 99
            assert store.search("notes", emb.vectors[9], k=1)["id"].tolist() == ["n009"]

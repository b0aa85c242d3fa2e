"""Measuring indexes: against exact search, with the index really in use, in a picture and in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pymilvus import MilvusClient
from pymilvus.exceptions import MilvusException
from refusals import refuses
from servers import Server
from store_kit import card, cloud, moved

import embedlab as el
from embedlab.errors import BadItem, WrongModel
from embedlab.store import Backend, StoreErrorCode, VectorStore, index_lab
from embedlab.store.index_lab import _exact, _recall
from embedlab.store.index_lab_backends import BuiltIndex
from embedlab.store.index_lab_result import IndexLab, pareto_front
from embedlab.store.provenance import CollectionRecord, Origin
from embedlab.store.schema import create_indexes

BUILDS = {"FLAT": [{}], "HNSW": [{"M": 4, "efConstruction": 20}], "IVF_FLAT": [{"nlist": 32}]}


@pytest.fixture(scope="module")
def lab() -> IndexLab:
    emb = cloud(2000, 32)
    return el.index_lab(emb, builds=BUILDS, ef=(10, 400), nprobe=(1, 8, 32), n_queries=50)


def test_what_is_exact_finds_all_and_what_is_not_overlooks_some(lab: IndexLab) -> None:
    found = lab.measured.set_index(["place", "index"])["recall"]
    assert [place.split()[0] for place in lab.places] == ["FAISS", "Milvus"]
    for place in lab.places:
        assert found[place, "FLAT"] == 1.0
        hnsw, ivf = found[place, "HNSW"].tolist(), found[place, "IVF_FLAT"].tolist()
        assert hnsw[0] < hnsw[1], "a higher ef finds more"
        assert ivf == sorted(ivf)
        assert ivf[0] < 0.6, "one cell of 32 overlooks much: the index is in use"
        assert ivf[-1] == 1.0, "all cells overlook nothing"
    assert (lab.measured["median_ms"] > 0).all()
    assert (lab.measured["p95_ms"] >= lab.measured["median_ms"]).all()
    assert (lab.n_items, lab.n_queries, lab.dim) == (1950, 50, 32), "queries are not among what is searched"
    assert lab.measured["size_mb"].between(0.2, 1.0).all(), "1,950 x 32 x 4 bytes are 0.25 MB"


def test_recall_counts_what_is_as_near_as_the_true_neighbours() -> None:
    base = np.eye(4, dtype=np.float32)[[0, 0, 1, 2]]
    (kth,), (scores,) = _exact(base, np.array([[1, 0.5, 0, 0]], np.float32), 1)
    assert _recall([1], kth, scores, 1) == 1.0, "the first two items are the same"
    assert _recall([2], kth, scores, 1) == 0.0
    assert _recall([], kth, scores, 1) == 0.0


def test_the_front_is_beaten_by_none() -> None:
    rng = np.random.default_rng(0)
    recall, ms = pd.Series(rng.integers(0, 6, 40) / 5), pd.Series(rng.integers(1, 6, 40).astype(float))
    for row, front in enumerate(pareto_front(recall, ms)):
        better = [
            recall[o] >= recall[row] and ms[o] <= ms[row] and (recall[o], ms[o]) != (recall[row], ms[row])
            for o in range(40)
        ]
        assert front == (not any(better))


def made_up(rows: list[tuple[str, float, float]], recall: float = 0.95) -> IndexLab:
    measured = pd.DataFrame(rows, columns=["index", "recall", "median_ms"]).assign(
        place="Milvus Lite 3", p95_ms=lambda t: 2 * t["median_ms"], build_s=1.0, size_mb=1.0
    )
    measured["build"], measured["search"] = [{}] * len(rows), [{}] * len(rows)
    return IndexLab(measured, 1000, 8, 10, 50, recall, "text/made-up", ("Milvus Lite 3",))


def test_the_proposal_is_the_quickest_that_is_good_enough() -> None:
    lab = made_up([("FLAT", 1.0, 9.0), ("HNSW", 0.96, 3.0), ("IVF_FLAT", 0.99, 3.1), ("IVF_SQ8", 0.9, 1.0)])
    assert lab.proposal()["index"] == "IVF_FLAT", "as quick as HNSW within a tenth, and finds more"
    assert "2.9 times as fast as comparing every vector (9.0 ms)" in lab.verdict[0]
    low = made_up([("HNSW", 0.5, 3.0), ("IVF_FLAT", 0.7, 4.0)])
    assert low.proposal()["index"] == "IVF_FLAT"
    assert "None of the settings reaches 0.95" in low.verdict[0]
    small = made_up([("FLAT", 1.0, 1.1), ("HNSW", 1.0, 1.0)])
    assert "an index hardly pays" in small.verdict[0]


def test_it_shows_itself(lab: IndexLab) -> None:
    page = lab._repr_html_()
    assert "data:image/png;base64," in page
    assert "Milvus Lite" in repr(lab)
    figure = lab.figure()
    assert [axes.get_title() for axes in figure.axes] == lab.places
    assert figure.axes[0].get_ylabel() == "recall@10"
    hostile = made_up([("FLAT", 1.0, 1.0)])
    hostile.measured["place"] = "<script>"
    object.__setattr__(hostile, "stores", ("<script>",))
    assert "<script>" not in hostile._repr_html_()


def test_what_cannot_be_measured_is_refused() -> None:
    emb = cloud(300)
    with pytest.raises(BadItem, match="40 items to search are too few"):
        el.index_lab(cloud(50))
    with refuses(StoreErrorCode.BAD_ARGUMENT, argument="index"):
        el.index_lab(emb, builds={"PQ": [{}]})
    with refuses(StoreErrorCode.BAD_ARGUMENT, argument="m"):
        el.index_lab(emb, builds={"HNSW": [{"m": 4}]})
    with pytest.raises(WrongModel):
        el.index_lab(emb, cloud(5, 4, model=card(name="text/other", dim=4)))
    zero = emb.vectors.copy()
    zero[3] = 0
    with pytest.raises(BadItem, match="all zeros") as caught:
        el.index_lab(moved(emb, zero), builds={"FLAT": [{}]})
    assert [*caught.value.problems] == ["n003"]


def test_nothing_is_left_on_a_server_if_a_search_fails(
    lite_mode_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, places = index_lab._measure, []

    def fail_on_the_third_place(built: BuiltIndex, *rest: Any) -> dict[str, float]:
        places.append(built.place)
        if len(places) == 3:
            raise KeyboardInterrupt
        return real(built, *rest)

    monkeypatch.setattr(index_lab, "_measure", fail_on_the_third_place)
    with pytest.raises(KeyboardInterrupt):
        el.index_lab(cloud(200), builds={"FLAT": [{}]}, n_queries=5, server=lite_mode_server.uri)
    with VectorStore(lite_mode_server.uri) as store:
        assert "embedlab_index_lab" not in set(store.collections()["name"])


class Slow:
    """A client whose engine built the index and was taken for lost meanwhile, as pymilvus tells it."""

    def __init__(self) -> None:
        self.asked = 0

    def prepare_index_params(self) -> Any:
        return MilvusClient.prepare_index_params()

    def create_index(self, *_: Any, **__: Any) -> None:
        self.asked += 1
        raise MilvusException(35, "index already exists for field 'vector'; call drop_index first")


def test_an_index_that_took_ten_minutes_is_no_error() -> None:
    origin, client = Origin.of(cloud(4, 8)), Slow()
    record = CollectionRecord({"vector": origin}, "text", "notes", "HNSW", "COSINE", {"M": 16})
    lite, server = Backend("Milvus Lite 3.2", True, (3, 2)), Backend("Milvus 2.5", False, (2, 5))
    create_indexes(client, "notes", record, lite)
    assert client.asked == 1
    with pytest.raises(MilvusException, match="already exists"):  # a server says it of another index
        create_indexes(client, "notes", record, server)

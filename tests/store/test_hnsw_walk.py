"""The HNSW walk: it finds what FAISS finds in as many comparisons, and its pictures show it."""

from __future__ import annotations

import io
import json
from pathlib import Path

import faiss
import numpy as np
import pytest
from PIL import Image
from refusals import refuses
from store_kit import card, cloud, moved

import embedlab as el
from embedlab.errors import BadItem, WrongModel
from embedlab.store import StoreErrorCode
from embedlab.store.hnsw_walk import HnswGraph, Step, build_graph, walk
from embedlab.store.hnsw_walk_scene import make_scene


def answers(graph: HnswGraph, query: np.ndarray, k: int, ef: int) -> tuple[list[int], int]:
    """What FAISS's own search finds in this graph, and how many distances it computed.

    FAISS does not count the distance to the entry point.
    """
    graph.index.hnsw.efSearch = ef
    faiss.cvar.hnsw_stats.reset()
    rows = graph.index.search(query[None], k)[1][0].tolist()
    return rows, faiss.cvar.hnsw_stats.ndis + 1


def same_as_faiss(units: np.ndarray, queries: np.ndarray, *, M: int, ef: int) -> list[Step]:
    graph = build_graph(units, M=M, ef_construction=40)
    last = []
    for query in queries:
        last.append(list(walk(graph, units, query, ef))[-1])
        assert (list(last[-1].best[:5]), last[-1].compared) == answers(graph, query, 5, ef)
    return last


@pytest.mark.parametrize(("n", "dim", "M", "ef"), [(300, 8, 4, 8), (2000, 32, 8, 16), (2000, 32, 4, 5)])
def test_on_clouds_it_finds_what_faiss_finds_in_as_many_comparisons(
    n: int, dim: int, M: int, ef: int
) -> None:
    units, queries = cloud(n, dim).vectors, cloud(30, dim, seed=1).vectors
    last = same_as_faiss(units, queries, M=M, ef=ef)
    assert max(step.compared for step in last) < n
    exact = np.argsort(-(queries @ units.T), axis=1)[:, :5]
    recall = np.mean([np.isin(e, s.best[:5]).mean() for e, s in zip(exact, last, strict=True)])
    assert 0.1 < recall < 1, "these settings overlook some: what is compared is not exact search"


@pytest.mark.weights("text/minilm")
def test_on_notes_it_finds_what_faiss_finds_in_as_many_comparisons() -> None:
    notes = el.embed(el.load_dataset("notes"), "text/minilm")
    questions = el.embed(el.load_dataset("notes-questions"), "text/minilm")
    last = same_as_faiss(notes.vectors, questions.vectors[::3], M=8, ef=16)
    assert np.mean([step.compared for step in last]) < 300, "less than half of the 600"


def test_the_loop_opens_what_it_says() -> None:
    emb = cloud(500, 16)
    graph = build_graph(emb.vectors, M=6, ef_construction=40)
    query = cloud(1, 16, seed=3).vectors[0]
    steps = list(walk(graph, emb.vectors, query, 10))
    assert [steps[0].kind, steps[-1].kind] == ["enter", "end"]
    layers = [step.layer for step in steps]
    assert layers == sorted(layers, reverse=True)
    assert {*layers} == {*range(graph.n_layers)}
    similar = emb.vectors @ query
    for step in steps[1:-1]:
        links = {*graph.neighbors(step.row, step.layer).tolist()}
        assert {*step.looked} <= links
        if step.kind == "move":
            assert similar[step.best[0]] > similar[step.row]
            assert step.best[0] in links
        if step.kind == "down":
            assert similar[list(links)].max(initial=-1) <= similar[step.row]
    opened = [step.row for step in steps if step.kind == "open"]
    assert len(opened) == len({*opened})
    assert {*steps[-1].best} <= {*opened}, "it ends when all of the ef best were opened"
    assert sum(len(step.looked) for step in steps) == steps[-1].compared


@pytest.mark.parametrize("n", [1, 2, 7])
def test_few_items(n: int) -> None:
    walked = el.hnsw_walk(cloud(n), cloud(1, seed=9).vectors[0], k=5)
    assert (len(walked.rows), walked.recall) == (min(n, 5), 1.0)
    assert walked.rows == walked.exact_rows.tolist()


def test_the_same_call_walks_the_same_way() -> None:
    emb, query = cloud(400, 16), cloud(1, 16, seed=9).vectors[0]
    one, other = el.hnsw_walk(emb, query), el.hnsw_walk(emb, 3 * query)
    assert one.trace == other.trace, "the length of a query does not matter"


def test_its_tables() -> None:
    emb, query = cloud(400, 16), cloud(1, 16, seed=9).vectors[0]
    walked = el.hnsw_walk(emb, query, k=4, ef=8)
    assert walked.found["rank"].tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(walked.found["score"], emb.vectors[walked.rows] @ query, atol=1e-6)
    assert walked.found["true"].mean() == walked.recall
    steps = walked.steps
    assert steps["compared"].iloc[-1] == walked.compared == steps["looked"].sum()
    assert steps["compared"].is_monotonic_increasing
    assert "exact search needs 400" in steps["words"].iloc[-1]
    assert f"{walked.compared} comparisons" in repr(walked)


def test_more_ef_finds_more_and_compares_more() -> None:
    emb, queries = cloud(1500, 32), cloud(6, 32, seed=5).vectors
    few = [el.hnsw_walk(emb, q, ef=5, M=4) for q in queries]
    many = [el.hnsw_walk(emb, q, ef=200, M=4) for q in queries]
    assert np.mean([w.recall for w in few]) < np.mean([w.recall for w in many])
    assert max(w.compared for w in few) < min(w.compared for w in many)


def test_what_is_not_possible_is_refused() -> None:
    emb, query = cloud(50), cloud(1, seed=9).vectors[0]
    with refuses(StoreErrorCode.BAD_ARGUMENT, argument="ef"):
        el.hnsw_walk(emb, query, ef=3)
    with refuses(StoreErrorCode.BAD_ARGUMENT, argument="M"):
        el.hnsw_walk(emb, query, M=1)
    with refuses(StoreErrorCode.BAD_QUERY):
        el.hnsw_walk(emb, query[:7])
    with pytest.raises(WrongModel):
        el.hnsw_walk(emb, cloud(1, model=card(sha256="b" * 64)))
    zero = emb.vectors.copy()
    zero[3] = 0
    with pytest.raises(BadItem):
        el.hnsw_walk(moved(emb, zero), query)
    with pytest.raises(BadItem, match="0 items"):
        el.hnsw_walk(emb.select([]), query)


# -- pictures ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def walked() -> el.HnswWalk:
    hostile = [f"<script>alert({i})</script> $x_{i} & “”" for i in range(300)]
    emb = cloud(300, 16, label=["a", "b"] * 150)
    emb.items.frame["content"] = hostile
    return el.hnsw_walk(el.project(emb, "pca"), cloud(1, 16, seed=9).vectors[0], ef=8)


def test_the_moving_picture_has_a_frame_for_each_step_and_rests_on_the_last(
    walked: el.HnswWalk, tmp_path: Path
) -> None:
    still = Image.open(walked.to_png(tmp_path / "still.png")).convert("RGB")
    moving = Image.open(io.BytesIO(walked.to_png(tmp_path / "moving.png", moving=True).read_bytes()))
    gif = Image.open(io.BytesIO(walked.to_gif(tmp_path / "moving.gif").read_bytes()))
    assert gif.n_frames == moving.n_frames - 1 == len(walked.trace)  # the first of a PNG is the still picture
    assert np.array_equal(np.asarray(moving.convert("RGB")), np.asarray(still))
    for place in (0, len(walked.trace) // 2, len(walked.trace) - 1):
        moving.seek(place + 1)
        gif.seek(place)
        assert np.array_equal(np.asarray(moving.convert("RGB")), np.asarray(gif.convert("RGB"))), place
    assert np.array_equal(np.asarray(moving.convert("RGB")), np.asarray(still))


def test_it_shows_itself_live_and_stored(walked: el.HnswWalk) -> None:
    shown, _ = walked._repr_mimebundle_()
    assert shown.keys() == {"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"}
    assert walked._repr_mimebundle_()[0] == shown, "one view, however often it is shown"
    told = json.loads(walked._view.scene)
    assert [step["compared"] for step in told["steps"]] == walked.steps["compared"].tolist()


def test_the_page_asks_nobody_and_escapes(walked: el.HnswWalk, tmp_path: Path) -> None:
    text = walked.to_html(tmp_path / "walk.html").read_text("utf-8")
    assert "<script>alert" not in text
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "https://" not in text
    assert len(text) < 200_000


def test_a_large_map_is_thinned_and_keeps_what_the_walk_meets() -> None:
    emb = cloud(3000, 8)
    scene = make_scene(el.hnsw_walk(el.project(emb, "pca"), cloud(1, 8, seed=9).vectors[0]))
    assert len(scene.places) < 2500
    assert scene.layers[-1].n == 3000
    met = {row for step in scene.steps for row in (step.row, *step.looked)}
    assert met <= scene.places.keys()

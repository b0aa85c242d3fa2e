from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import embedlab as el
from embedlab.comparison.caveats import Caveat, CaveatCode
from embedlab.comparison.compare import compare
from embedlab.comparison.cost import CostStatus
from embedlab.comparison.evaluation import Task
from embedlab.comparison.inputs import shorten_names
from embedlab.comparison.page import render_page
from embedlab.comparison.result import Comparison
from embedlab.comparison.scores import bootstrap
from embedlab.comparison.verdict import format_score
from embedlab.embeddings import Embeddings, EmbedReport
from embedlab.errors import BadItem, ProblemCode, WrongModel

Make = Callable[..., Embeddings]
HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>'


def renamed(emb: Embeddings, name: str, **changes: object) -> Embeddings:
    return dataclasses.replace(emb, model=dataclasses.replace(emb.model, name=name, **changes))


def codes(found: Comparison) -> list[CaveatCode]:
    return [caveat.code for caveat in found.caveats]


def caveat(found: Comparison, code: CaveatCode) -> Caveat:
    [found_caveat] = [each for each in found.caveats if each.code == code]
    return found_caveat


def noisy(emb: Embeddings, amount: float, seed: int = 5) -> Embeddings:
    noise = np.random.default_rng(seed).normal(size=emb.vectors.shape)
    return dataclasses.replace(emb, vectors=emb.vectors + amount * noise)


@pytest.fixture
def two(make_embeddings: Make) -> list[Embeddings]:
    """A good model and a bad one, on 120 items of 4 labels."""
    good = make_embeddings(120, 16, 4)
    return [renamed(good, "by/good"), renamed(noisy(good, 6), "by/bad")]


@pytest.fixture
def compared(two: list[Embeddings]) -> Comparison:
    return compare(two, cost=False)


# -- what is found ------------------------------------------------------------------------------------------


def test_a_good_model_is_clearly_ahead_of_a_bad_one(compared: Comparison) -> None:
    assert compared.names == ["good", "bad"]
    rows = compared.differences.set_index("measure")
    assert set(rows.index) == {"1-NN accuracy", "linear probe", "silhouette"}
    assert (rows["better"] == "good").all()
    assert rows["clear"].all()
    assert (rows["p_adjusted"] >= rows["p_value"]).all()
    choice, standing, *_ = compared.verdict
    assert choice.startswith("Choose good")
    assert "clear difference (p < 0.001)" in standing
    assert "On 120 items of “texts”" in standing
    assert compared.copies.n_items == 0
    assert compared.caveats == []
    assert compared.warnings == []


@pytest.fixture
def twins(two: list[Embeddings]) -> list[Embeddings]:
    """Two models that are as good as each other, and err in different places."""
    return [renamed(noisy(two[0], 3, seed), name) for seed, name in ((1, "by/one"), (2, "by/twin"))]


def test_models_that_are_as_good_are_not_ranked(twins: list[Embeddings]) -> None:
    found = compare(twins, cost=False)
    assert not found.differences["clear"].any()
    choice, standing, elsewhere, *_ = found.verdict
    assert choice.startswith("Take any of ")
    assert "are not distinguishable here (p = " in standing
    assert elsewhere == "None of 2 other comparisons shows a clear difference."
    assert "not distinguishable: +" in render_page(found)


def test_of_equals_the_cheaper_is_chosen(twins: list[Embeddings]) -> None:
    for small, large in (twins, twins[::-1]):
        found = compare(
            [renamed(large, "by/large", params=9_000_000), renamed(small, "by/small", params=1_000_000)],
            cost=False,
        )
        assert found.verdict[0].startswith(
            ("Choose small, unless a gain of at most", "Choose small: none is clearly better")
        )
        assert "small is the smallest, with 1.0 million parameters" in found.verdict[0]


def test_when_the_better_one_costs_more_both_are_weighed(two: list[Embeddings]) -> None:
    found = compare([two[0], renamed(noisy(two[0], 3.5), "by/bad")], cost=False)
    found.cost["items_per_second"] = [10.0, 80.0]
    assert "unless cost matters more than" in found.verdict[0]
    assert "bad is 8.0 times as fast" in found.verdict[0]
    assert "Speed was measured on this machine." in found.verdict[-1]


def test_measures_that_disagree_are_said(two: list[Embeddings]) -> None:
    found = compare(two, cost=False)
    rows = found.differences
    turned = rows["measure"] == "silhouette"
    rows.loc[turned, ["better", "worse"]] = ["bad", "good"]
    assert "But bad is clearly ahead of good in silhouette: decide first" in " ".join(found.verdict)


def test_without_labels_and_queries_nobody_is_better(two: list[Embeddings]) -> None:
    bare = [dataclasses.replace(emb, items=el.Items.from_texts(emb.items.contents)) for emb in two]
    found = compare(bare, cost=False)
    assert found.tasks == ()
    assert found.verdict[0].startswith("Nothing here says which model is better")
    assert "by chance" in found.verdict[1]
    assert found.scores.empty
    with pytest.raises(BadItem, match="Pass labels, queries or pairs"):
        found.figure("scores")
    assert "embedlab-compare" in render_page(found)


def test_queries_labels_and_pairs_at_once(two: list[Embeddings]) -> None:
    rng = np.random.default_rng(0)
    asked = [
        Embeddings(
            emb.vectors[:30] + 0.5 * rng.normal(size=(30, 16)),
            el.Items.from_texts([f"question {i}" for i in range(30)]),
            emb.model, emb.layer, emb.pooling, False,
        )
        for emb in two
    ]  # fmt: skip
    relevant = [[id] for id in two[0].ids[:30]]
    pairs = pd.DataFrame({"a": two[0].ids[:40], "b": two[0].ids[40:80], "score": rng.uniform(size=40)})
    found = compare(two, queries=asked, relevant=relevant, pairs=pairs, k=5, cost=False)
    assert [task.measure for task in found.tasks] == [
        "success@1", "recall@5", "MRR", "nDCG@5", "Spearman", "1-NN accuracy", "linear probe", "silhouette",
    ]  # fmt: skip
    assert found.tasks[0].scores["good"].n == 30
    assert "On 30 queries to 120 items" in " ".join(found.verdict)
    few = [caveat for caveat in found.caveats if caveat.code == CaveatCode.FEW_QUESTIONS]
    assert [each.n for each in few] == [30, 40]
    assert found.warnings[0] == "Only 30 queries: one more or less is 3.3 points."
    assert "recall@5 of the queries" in render_page(found)
    assert set(found.smaller["n_queries"]) == {30}


def test_three_models_and_their_matrix(make_embeddings: Make, two: list[Embeddings]) -> None:
    found = compare([*two, renamed(make_embeddings(120, 9, 4, seed=4), "by/third")], cost=False)
    assert found.matrix("cka").shape == (3, 3)
    assert found.matrix("mutual_knn", 1).loc["good", "good"] == 1
    assert len(found.differences) == 9
    assert "corrected for 9 comparisons (Holm)" in found.verdict[-1]
    assert list(found.table.index) == ["good", "bad", "third"]
    assert {"1-NN accuracy", "two_nn", "dim", "file_mb"} <= set(found.table.columns)


def test_copies_do_not_count_and_are_reported(make_embeddings: Make) -> None:
    emb = make_embeddings(60, 16, 4)
    labels = np.random.default_rng(0).permutation(emb.items.labels).tolist()
    frame = emb.items.frame.assign(label=labels)
    both = el.Items(pd.concat([frame, frame.assign(id=frame["id"] + "-again")]), "text", "doubled")
    models = [
        renamed(dataclasses.replace(emb, vectors=np.vstack([v, v]), items=both), name)
        for name, v in (("by/one", emb.vectors), ("by/two", noisy(emb, 1).vectors))
    ]
    found = compare(models, cost=False)
    assert found.copies.n_items == 120
    assert found.copy_leakage["one"].with_copies == 1
    assert found.copy_leakage["one"].without_copies < 0.5
    copies = caveat(found, CaveatCode.COPIES)
    assert (copies.n, copies.ids) == (120, ("i0000", "i0000-again"))
    assert "120 items have a copy among the others, for example i0000 = i0000-again." in copies.text
    leakage = caveat(found, CaveatCode.COPY_LEAKAGE)
    assert leakage.text.startswith(
        "With copies allowed the 1-NN accuracy would look like: one 1.00 instead of 0."
    )
    assert CaveatCode.CONFLICTING_COPIES not in codes(found)


def test_truncated_items_are_mentioned(two: list[Embeddings]) -> None:
    short = dataclasses.replace(two[1], report=EmbedReport(truncated=("i0003", "i0004")))
    truncated = caveat(compare([two[0], short], cost=False), CaveatCode.TRUNCATED)
    assert (truncated.model, truncated.n, truncated.ids) == ("bad", 2, ("i0003", "i0004"))


def test_a_cost_that_was_not_measured_is_a_caveat_unless_nobody_asked(two: list[Embeddings]) -> None:
    assert set(compare(two, cost=False).cost["status"]) == {CostStatus.NOT_REQUESTED}
    found = [each for each in compare(two).caveats if each.code == CaveatCode.NOT_MEASURED]
    assert [(each.model, each.status) for each in found] == [
        ("good", CostStatus.NOT_LOADABLE), ("bad", CostStatus.NOT_LOADABLE),
    ]  # fmt: skip
    assert found[0].text == "Speed of good: not in the catalogue, so it cannot be loaded by name."


def test_the_same_numbers_again(two: list[Embeddings], compared: Comparison) -> None:
    again = compare(two, cost=False)
    pd.testing.assert_frame_equal(again.table, compared.table)
    pd.testing.assert_frame_equal(again.differences, compared.differences)
    pd.testing.assert_frame_equal(again.similarity, compared.similarity)


# -- bad input ----------------------------------------------------------------------------------------------


def test_embeddings_are_joined_by_id(two: list[Embeddings]) -> None:
    good, bad = two
    backwards = bad.select(bad.ids[::-1])
    pd.testing.assert_frame_equal(
        compare([good, backwards], cost=False).table, compare([good, bad], cost=False).table
    )


def test_items_that_do_not_match_are_listed(two: list[Embeddings]) -> None:
    good, bad = two
    with pytest.raises(BadItem, match=r"3 are missing from by/bad.*'i0000', 'i0001'.*select") as three:
        compare([good, bad.select(bad.ids[3:])])
    assert list(three.value.problems) == good.ids[:3]
    with pytest.raises(BadItem, match=r"30 are missing .*'i0018', 'i0019' and 10 more") as thirty:
        compare([good, bad.select(bad.ids[30:])])
    assert list(thirty.value.problems) == good.ids[:30]
    with pytest.raises(BadItem, match=r"1 are only in by/bad.*'i0119'") as extra:
        compare([good.select(good.ids[:-1]), bad])
    assert list(extra.value.problems) == ["i0119"]
    other = bad.items.frame.assign(content=bad.items.frame["content"].str.replace("number 7", "other"))
    with pytest.raises(BadItem, match="different contents") as differing:
        compare([good, dataclasses.replace(bad, items=el.Items(other, "text"))])
    assert differing.value.problems["i0007"].code == ProblemCode.CONFLICT


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"labels": "colour"}, "no column 'colour'"),
        ({"labels": ["x"]}, "1 labels but 120 items"),
        ({"k": 0}, "k must be at least 1"),
        ({"queries": []}, "0 embeddings of queries, but 2 models"),
        ({"queries": "two"}, "embedded once, but 2 models"),
        ({"relevant": [["i0001"]]}, "there are none. Pass queries="),
        ({"pairs": pd.DataFrame({"a": ["i0001"]})}, "no column b, score"),
        (
            {"pairs": pd.DataFrame({"a": ["i0001"] * 4, "b": ["i0002"] * 4, "score": 1})},
            "All pairs have the same score",
        ),
    ],
)
def test_bad_arguments_are_named(two: list[Embeddings], wrong: dict[str, object], why: str) -> None:
    if wrong.get("queries") == "two":
        wrong = {"queries": two[0]}
    with pytest.raises(BadItem, match=why):
        compare(two, cost=False, **wrong)  # type: ignore[arg-type]


def test_one_model_or_three_items_are_too_few(two: list[Embeddings]) -> None:
    for few in (two[0], [two[0]], []):
        with pytest.raises(BadItem, match="needs two embeddings or more"):
            compare(few)  # type: ignore[arg-type]
    for no_embeddings in ("ab", [emb.vectors for emb in two]):
        with pytest.raises(BadItem, match=r"takes embeddings, as el.embed returns them, not (str|ndarray)"):
            compare(no_embeddings)  # type: ignore[arg-type]
    with pytest.raises(BadItem, match="3 items are too few"):
        compare([emb.select(emb.ids[:3]) for emb in two])


def test_queries_nobody_can_embed_or_answer(two: list[Embeddings]) -> None:
    with pytest.raises(BadItem, match="by/good cannot be loaded by name"):
        compare(two, queries=el.Items.from_texts(["what?"]), cost=False)
    asked = [emb.select(emb.ids[:5]) for emb in two]
    bare = [dataclasses.replace(emb, items=el.Items.from_texts([f"q{i}" for i in range(5)])) for emb in asked]
    with pytest.raises(BadItem, match="unknown what the queries should find"):
        compare(two, queries=bare, cost=False)
    other = [
        bare[0],
        dataclasses.replace(bare[1], items=el.Items.from_texts(["a", "b", "c", "d", "e"], ids=list("vwxyz"))),
    ]
    with pytest.raises(BadItem, match="queries of bad have other ids"):
        compare(two, queries=other, cost=False)


@pytest.mark.weights("text/minilm")
def test_queries_of_another_model_are_refused(make_embeddings: Make) -> None:
    emb = make_embeddings(20, 384)
    with pytest.raises(WrongModel, match="sha256"):
        compare(
            [renamed(emb, "text/minilm", sha256="0" * 64)] * 2,
            queries=el.Items.from_texts(["what?"]),
            relevant=[["i0000"]],
            cost=False,
        )


def test_labels_of_any_of_the_models_will_do(two: list[Embeddings]) -> None:
    good, bad = two
    bare = dataclasses.replace(
        good, items=el.Items(good.items.frame.drop(columns="label"), "text", good.items.name)
    )
    found = compare([bare, bad], cost=False)
    pd.testing.assert_frame_equal(found.table, compare(two, cost=False).table)
    assert "embedlab-compare" in render_page(found)


def test_labels_that_say_nothing_are_not_asked(two: list[Embeddings]) -> None:
    for labels, code in (
        (["x"] * 120, CaveatCode.ONE_LABEL),
        ([str(i) for i in range(120)], CaveatCode.UNIQUE_LABELS),
    ):
        found = compare(two, labels=labels, cost=False)
        assert found.tasks == ()
        assert codes(found) == [code]
        assert found.verdict[0].startswith("Nothing here says which model is better")
    some = [None if i % 3 else f"{i % 2}" for i in range(119)] + ["alone"]
    found = compare(two, labels=some, cost=False)
    assert found.tasks[0].scores["good"].n == 41
    rare = caveat(found, CaveatCode.RARE_LABELS)
    assert (rare.n, rare.text) == (1, "1 item with a label that no other has: no neighbour can share it.")


def test_queries_that_are_items_word_for_word(two: list[Embeddings]) -> None:
    texts = [two[0].items.contents[3], *(f"question {i}" for i in range(9))]
    items = el.Items.from_texts(texts, ids=[f"q{i}" for i in range(10)])
    asked = [dataclasses.replace(emb.select(emb.ids[:10]), items=items) for emb in two]
    found = compare(two, queries=asked, relevant=[[id] for id in two[0].ids[:10]], cost=False)
    copied = caveat(found, CaveatCode.QUERY_IS_ITEM)
    assert (copied.n, copied.ids) == (1, ("q0", "i0003"))


def test_a_model_that_tells_nothing_apart(two: list[Embeddings]) -> None:
    flat = renamed(dataclasses.replace(two[1], vectors=np.ones((120, 5))), "by/flat")
    pairs = pd.DataFrame({"a": two[0].ids[:40], "b": two[0].ids[40:80], "score": range(40)})
    found = compare([two[0], flat], pairs=pairs, cost=False)
    assert caveat(found, CaveatCode.IDENTICAL_VECTORS).model == "flat"
    assert found.tasks[0].scores["flat"].value == 0
    assert np.isnan(found.matrix("cka").loc["good", "flat"])
    assert "nan" not in " ".join(found.verdict)
    assert "embedlab-compare" in render_page(found)


def test_one_number_for_each_item(two: list[Embeddings]) -> None:
    thin = [dataclasses.replace(emb, vectors=emb.vectors[:, :1]) for emb in two]
    assert set(compare(thin, cost=False).smaller["way"]) == {"float32", "float16", "int8", "binary"}


def test_k_is_at_most_the_others(two: list[Embeddings]) -> None:
    found = compare([emb.select(emb.ids[:12]) for emb in two], k=500, cost=False)
    assert found.k == 11
    assert found.matrix("jaccard_knn").loc["good", "bad"] == 1
    assert "nearest neighbours" not in " ".join(found.verdict), "all of them are"


# -- words --------------------------------------------------------------------------------------------------


def test_a_model_against_itself(two: list[Embeddings]) -> None:
    text = " ".join(compare([two[0], two[0]], cost=False).verdict)
    assert "Take any of good #1 and good #2." in text
    assert "Both answer every one of them alike." in text
    assert "good #1 and good #2 name the same neighbours for every item: for a search they are one." in text


def test_models_no_better_than_chance_are_not_recommended(two: list[Embeddings]) -> None:
    noise = [noisy(emb, 1000, seed) for seed, emb in enumerate(two)]
    choice, _, _, alike, _ = compare(noise, cost=False).verdict
    assert choice == (
        "Choose none of these by these data: in 1-NN accuracy no model is clearly better than chance (24 %)."
    )
    assert alike.endswith("no more than two that have nothing in common.")


def test_too_few_to_tell_is_said_first(twins: list[Embeddings]) -> None:
    found = compare([emb.select(emb.ids[:12]) for emb in twins], cost=False)
    assert not found.differences["clear"].any()
    assert found.tasks[0].scores["one"].low > found.tasks[0].chance
    assert found.verdict[0].startswith("12 items are too few to tell: ")
    assert "Until you have more, take" in found.verdict[0]


def test_all_right_is_not_certain() -> None:
    def said(share: float, n: int) -> str:
        task = Task("1-NN accuracy", "", 0.5, {"m": bootstrap(np.full(n, share))}, "items")
        return format_score(task, "m")

    assert said(1, 10) == "100 % (at least 69 %)", "10 of 10: Clopper and Pearson's bound"
    assert said(0, 10) == "0 % (at most 31 %)"
    assert said(1, 240) == "100 ± 1 %"


def test_all_of_three_are_told_apart(two: list[Embeddings]) -> None:
    found = compare([*two, renamed(noisy(two[0], 7, 9), "by/worse")], cost=False)
    assert "good is clearly ahead of all others (p < 0.001)." in found.verdict[1]
    assert "are the least alike. They share" in " ".join(found.verdict)
    assert render_page(found).count("<td>silhouette</td>") == 3, "a line for every two models"


# -- names --------------------------------------------------------------------------------------------------


def test_names_tell_models_apart(make_embeddings: Make) -> None:
    emb = make_embeddings(5)
    layers = [dataclasses.replace(emb, layer=layer) for layer in ("first", "last")]
    assert shorten_names(layers) == ["minilm, first", "minilm, last"]
    pools = [dataclasses.replace(emb, pooling=pooling) for pooling in ("mean", "cls")]
    assert shorten_names(pools) == ["minilm, mean", "minilm, cls"]
    assert shorten_names([emb, emb]) == ["minilm #1", "minilm #2"]
    assert shorten_names([renamed(emb, "a/x"), renamed(emb, "b/x")]) == ["a/x", "b/x"]
    assert shorten_names([renamed(emb, "a/x"), renamed(emb, "b/y")]) == ["x", "y"]


def test_one_model_at_two_layers_can_be_compared_and_explored(make_embeddings: Make) -> None:
    emb = make_embeddings(30, 6, 3)
    found = compare([emb, dataclasses.replace(noisy(emb, 1), layer="first")], cost=False)
    assert found.names == ["minilm, last_hidden_state", "minilm, first"]
    explorer = found.explore(method="pca")
    assert [p.embeddings.model.name for p in explorer.projections] == found.names


# -- how it looks -------------------------------------------------------------------------------------------


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_well_formed_and_safe(two: list[Embeddings], tmp_path: Path) -> None:
    good, bad = two
    frame = good.items.frame.assign(label=[HOSTILE, "b"] * 60, id=[f"{HOSTILE}{i}" for i in range(120)])
    items = el.Items(pd.concat([frame, frame.iloc[:2].assign(id=[HOSTILE, "z"])]), "text", HOSTILE)
    rows = [*range(120), 0, 1]
    hostile = [
        renamed(dataclasses.replace(emb, vectors=emb.vectors[rows], items=items), name)
        for emb, name in ((good, f"by {HOSTILE}"), (bad, "by/bad"))
    ]
    found = compare(hostile, cost=False)
    text = found.to_html(tmp_path / "page.html").read_text(encoding="utf-8")
    tags = Tags()
    tags.feed(text)
    assert not tags.open
    assert "script" not in tags.seen
    assert tags.seen.count("img") == 2, "both pictures are ours"
    assert "Content-Security-Policy" in text
    assert "&lt;script&gt;alert(2)" in text


def test_a_notebook_gets_the_live_page_and_a_still_one(compared: Comparison) -> None:
    bundle, _ = compared._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "application/vnd.jupyter.widget-view+json"}
    assert "Comparison of good and bad on 120 items" in bundle["text/plain"]
    assert len(bundle["text/html"]) < 150_000
    for value in ("1-NN accuracy", "CKA (debiased)", "TwoNN", "bytes of one vector", "Apache-2.0"):
        assert value in bundle["text/html"]


def test_on_colab_the_maps_to_come_are_let_in(compared: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    """Colab cannot run here; this stands in for the one function of it that is called."""
    from embedlab.comparison.widget import comparison_widget

    called: list[str] = []
    colab = types.ModuleType("google.colab.output")
    colab.enable_custom_widget_manager = lambda: called.append("let in")  # type: ignore[attr-defined]
    comparison_widget(compared)
    assert called == []
    monkeypatch.setitem(sys.modules, "google.colab.output", colab)
    comparison_widget(compared)
    assert called == ["let in"]


def test_the_button_opens_the_linked_maps(compared: Comparison) -> None:
    from embedlab.comparison.widget import comparison_widget

    live = comparison_widget(compared)
    _, button, place = live.children
    button.click()
    assert [type(child).__name__ for child in place.children] == ["Explorer"]
    assert len(place.children[0].projections) == 2


def test_maps_use_the_neighbours_that_are_known(
    compared: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embedlab.analysis import projection

    fresh = el.explore(list(compared.embeddings.values()), method="pca").projections
    monkeypatch.setattr(projection, "knn", None)  # looking them up again would break
    reused = compared.explore(method="pca").projections
    for one, other in zip(fresh, reused, strict=True):
        assert (one.neighbors.indices == other.neighbors.indices).all()
        assert one.quality.trustworthiness == other.quality.trustworthiness
    with pytest.raises(BadItem, match="graph of 120 items, but there are 60 embeddings"):
        el.project(compared.embeddings["good"].select(compared.items.ids[:60]), neighbors=reused[0].neighbors)


def test_a_name_with_dollars_is_no_formula(two: list[Embeddings], tmp_path: Path) -> None:
    odd = [renamed(emb, f"by/{name}") for emb, name in zip(two, (r"a$\frac$", r"b$_$"), strict=True)]
    found = compare(odd, cost=False)
    assert r"a$\frac$" in render_page(found)
    for what in ("scores", "similarity"):
        found.figure(what).savefig(tmp_path / "figure.png")  # type: ignore[arg-type]


def test_very_few_items_still_make_a_page(two: list[Embeddings]) -> None:
    found = compare([emb.select(emb.ids[:5]) for emb in two], cost=False)
    assert caveat(found, CaveatCode.FEW_QUESTIONS).n == 5
    assert caveat(found, CaveatCode.BIASED_CKA).n == 5
    assert "embedlab-compare" in render_page(found)


@pytest.mark.parametrize("what", ["scores", "similarity", "shape", "smaller"])
def test_figures(compared: Comparison, what: str, tmp_path: Path) -> None:
    figure = compared.figure(what)  # type: ignore[arg-type]
    figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5_000
    with pytest.raises(BadItem, match="Unknown figure 'else'"):
        compared.figure("else")  # type: ignore[arg-type]


# -- real models --------------------------------------------------------------------------------------------


@pytest.mark.weights("text/minilm")
@pytest.mark.weights("text/mpnet")
def test_the_notes_and_their_questions() -> None:
    notes = el.load_dataset("notes")
    models = [el.embed(notes, name) for name in ("text/minilm", "text/mpnet")]
    found = el.compare(models, queries=el.load_dataset("notes-questions"), cost=False)
    scores = found.scores.set_index(["measure", "model"])["value"]
    assert scores["success@1", "mpnet"] == pytest.approx(0.775, abs=0.02)
    assert scores["success@1", "minilm"] == pytest.approx(0.617, abs=0.02)
    assert scores["1-NN accuracy", "mpnet"] == pytest.approx(0.798, abs=0.01)
    assert found.differences["clear"].all()
    assert found.verdict[0].startswith("Choose mpnet, unless cost matters more than")


@pytest.mark.weights("multimodal/aligned-minilm")
def test_models_that_read_words_are_asked_for_names() -> None:
    photos = el.load_dataset("photos")
    few = photos.select(photos.frame["view"].isin(["as it is", "mirrored", "darker"]))
    names = ("image/efficientnet-lite0", "multimodal/aligned-minilm")
    found = el.compare([el.embed(few, name) for name in names], cost=False)
    task = found.tasks[-1]
    assert (task.measure, list(task.scores)) == ("zero-shot accuracy", ["aligned-minilm"])
    assert task.scores["aligned-minilm"].low > task.chance
    assert "only one model can do this" in render_page(found)

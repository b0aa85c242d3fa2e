"""Lesson 12: the plan of a project, its checks, and the review."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import embedlab as el
from embedlab.comparison.scores import bootstrap
from embedlab.embeddings import Embeddings, EmbedReport
from embedlab.errors import EmbedlabError
from embedlab.lessons import check, lesson_12
from embedlab.lessons.project import look, plan
from embedlab.lessons.review import Review, review

QUESTION = "Which model finds a note on the same topic?"
THREE = "Only notes in English. Nobody else wrote labels here. Two models were not tried at all."
PRAISE = "It works very well here. It is fast and small. We are happy with that."
GOOD = {"question": QUESTION, "data": "notes", "models": ["text/minilm", "text/mpnet"]}


def items(n: int = 120, labels: int = 4, copies: int = 0) -> el.Items:
    """Texts with labels in turn; the last ones are copies of the first."""
    texts = [f"text {i}" for i in range(n - copies)] + [f"text {i}" for i in range(copies)]
    return el.Items.from_frame(
        pd.DataFrame({"text": texts, "topic": [f"topic {i % labels}" for i in range(n)]}),
        modality="text", content="text", label="topic",
    )  # fmt: skip


def cloud(of: el.Items, seed: int, *, sharp: float = 2.0, name: str | None = None) -> Embeddings:
    """Vectors in which the labels stand apart, the more the sharper."""
    rng = np.random.default_rng(seed)
    kinds, codes = np.unique([str(v) for v in of.labels or []], return_inverse=True)
    vectors = rng.normal(size=(len(of), 16)) + sharp * np.eye(16)[codes % len(kinds)] * 3
    card = el.ModelCard(
        name=name or f"test/model-{seed}", modality="text", dim=16, params=1, licence="none", summary="",
        layer="x", pooling="none", normalized=False, sha256=f"{seed:064d}",
    )  # fmt: skip
    return Embeddings(vectors.astype(np.float32), of, card, layer="x", pooling="none", normalized=False)


def compared(of: el.Items, **changes: object) -> el.Comparison:
    pair = [dataclasses.replace(cloud(of, seed), **changes) for seed in (0, 1)]
    return el.compare(pair, cost=False)


def point(found: Review, what: str) -> tuple[bool, str]:
    (only,) = [(p.passed, p.message) for p in found.points if p.topic == what]
    return only


# -- the plan --------------------------------------------------------------------------------------------


def test_without_an_answer_the_skeleton_is_the_plan() -> None:
    made = plan(...)
    assert len(made.items) == 600
    assert made.models == ("text/minilm", "text/mpnet")


def test_another_column_may_be_the_label() -> None:
    made = plan(
        {
            "question": "?",
            "data": "voices",
            "models": ["audio/speaker", "audio/whisper-base"],
            "label": "voice",
        }
    )
    assert len(set(made.items.labels or [])) == 10


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"models": ["text/minilm"]}, "two models at least"),
        ({"models": ["text/minilm", "text/minilm"]}, "two models at least"),
        ({"models": "text/minilm"}, "two models at least"),
        ({"models": ["text/minilm", "audio/speaker"]}, "audio/speaker does not read text; these do:"),
        ({"models": ["text/minilm", "text/none"]}, "text/none"),
        ({"data": "nots"}, "nots"),
        ({"label": "colour"}, "no column 'colour'"),
        ({"data": el.Items.from_texts(["a", "b"])}, "no labels"),
    ],
)
def test_a_plan_that_cannot_work_says_why(change: dict[str, object], says: str) -> None:
    with pytest.raises(EmbedlabError, match=says.replace("?", r"\?")):
        plan(GOOD | change)
    assert check("12/plan", GOOD | change).state == "wrong"


def test_a_first_look_counts_labels_and_copies() -> None:
    facts = look(items(60, labels=3, copies=10))[""]
    assert facts["items"] == 60
    assert facts["exact copies"] == 10
    assert facts["items of the rarest label"] == 20


# -- the checks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "answer", "state", "says"),
    [
        ("plan", GOOD, "right", "600 items, 2 models"),
        ("plan", GOOD | {"question": "Which?"}, "wrong", "a visitor could ask"),
        ("plan", {"data": "notes"}, "wrong", "lacks question and models"),
        ("data", items(120), "right", "no label is rare"),
        ("data", items(120, copies=7), "wrong", "7 items are copies"),
        ("data", items(30), "wrong", "one more or less right is 3 points"),
        ("data", items(120, labels=60), "wrong", "fewer than 3"),
        ("decision", "I choose MPNet, which is right in 0.80 [0.77, 0.83] of the cases.", "right", "doubt"),
        ("decision", "MPNet is right in 0.80 of all cases, so I choose it.", "wrong", "How sure"),
        ("decision", "I choose MPNet because it is clearly the better of them.", "wrong", "its number"),
        ("decision", "MPNet", "wrong", "a sentence or two"),
        ("search", bootstrap([0.2, 0.4, 1.0] * 20), "right", "n = 60"),
        ("search", bootstrap([0, 1, 1]), "wrong", "3 questions are few"),
        ("search", bootstrap([1, 4, 5] * 20), "wrong", "divide"),
        ("search", 0.53, "wrong", "A bare number"),
        ("limits", THREE, "right", "Better that you wrote them"),
        ("limits", "Only notes in English were read.", "wrong", "1 of 3 sentences"),
        ("limits", PRAISE, "wrong", "*not* show"),
    ],
)  # fmt: skip
def test_the_checks_of_the_project(name: str, answer: object, state: str, says: str) -> None:
    verdict = check(f"12/{name}", answer)
    assert (verdict.state, says in verdict.message) == (state, True), verdict


def test_maps_must_be_able_to_disagree() -> None:
    one, other = cloud(items(), 0), cloud(items(), 1)
    pca = el.project(one, "pca")
    maps = {
        "one": [pca],
        "twice the same": [pca, el.project(one, "pca")],
        "two models": [pca, el.project(other, "pca")],
        "two methods": [pca, el.project(one, "tsne")],
    }
    said = {name: check("12/maps", each) for name, each in maps.items()}
    assert [v.state for v in said.values()] == ["wrong", "wrong", "wrong", "right"]
    assert "the same map" in said["twice the same"].message
    assert "different models" in said["two models"].message


def test_of_copies_the_first_is_kept() -> None:
    kept = lesson_12.without_copies(items(20, copies=5))
    assert kept.ids == items(20, copies=5).ids[:15]


def test_a_share_of_every_label_is_held_out_and_always_the_same() -> None:
    of = items(80, labels=4)
    chosen = lesson_12.held_out(of)
    assert chosen.sum() == 20
    assert set(np.array(of.labels)[chosen]) == set(of.labels or [])
    assert np.array_equal(chosen, lesson_12.held_out(of))
    assert not np.array_equal(chosen, lesson_12.held_out(of, random_state=1))


# -- the review ------------------------------------------------------------------------------------------


def test_a_sound_project_has_no_objections() -> None:
    of = items()
    emb = cloud(of, 0)
    maps = [el.project(emb, "pca"), el.project(emb, "tsne")]
    shelf, asked = of.select(np.arange(120) >= 40), of.select(np.arange(120) < 40)
    found = review(compared(of), maps=maps, search=bootstrap([1.0, 0.0] * 20), shelf=shelf, asked=asked)
    assert [w for w in found.objections if "trustworthiness" not in w] == []
    assert len(found.points) == 11
    assert repr(found).count("\n") == 10


def test_the_review_finds_the_usual_mistakes() -> None:
    few = items(30, copies=6)
    report = EmbedReport(truncated=("1", "2"))
    vague = dataclasses.replace(cloud(few, 0).model, sha256="")
    found = review(
        compared(few, report=report, model=vague),
        maps=[el.project(cloud(few, 0), "pca")],
        search=bootstrap([1, 0, 1]),
        shelf=few,
        asked=few.select(np.arange(30) < 5),
    )
    mistakes = {p.topic for p in found.points if not p.passed}
    assert {
        "enough items",
        "copies",
        "read whole",
        "maps",
        "search",
        "questions apart",
        "reproducible",
    } <= mistakes
    assert all(words.endswith(".") for words in found.objections), "they are sentences"
    assert "5 questions lie in the store" in point(found, "questions apart")[1]
    assert "12 items have a copy" in point(found, "copies")[1]


def test_the_review_sees_noise_and_unequal_labels() -> None:
    of = items(100, labels=2)
    frame = of.frame.assign(label=["dry"] * 90 + ["wet"] * 10)
    noise = [cloud(el.Items(frame, "text"), seed, sharp=0.0) for seed in (0, 1)]
    found = review(el.compare(noise, cost=False))
    assert point(found, "balance") == (False, "Always to say the most frequent label would be right for 90%.")
    assert not point(found, "better than chance")[0]
    assert not point(found, "search")[0]


def test_the_review_wants_something_scored_and_escapes_what_it_shows() -> None:
    bare = el.Items.from_texts([f"<b>{i}</b>" for i in range(60)])
    emb = [dataclasses.replace(cloud(items(60), s, name=f"<i>{s}</i>"), items=bare) for s in (0, 1)]
    found = review(el.compare(emb, cost=False))
    assert point(found, "uncertainty")[1].startswith("Nothing was scored")
    assert "<i>" not in found._repr_html_()

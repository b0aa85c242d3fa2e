"""The machinery of the lessons: checks, solutions, and the rules that stored notebooks keep."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sample_exercise  # noqa: F401
import torch
from nbformat.v4 import new_code_cell, new_notebook, new_output

from embedlab import lessons
from embedlab.errors import EmbedlabError
from embedlab.lessons import check, exercise, hint, lab
from embedlab.lessons.run import execute

EXERCISES = [name for name in lessons.exercise_names() if name < "90"]  # without those of tests


def test_an_open_exercise_passes_and_says_so() -> None:
    assert repr(check("99/double", ...)).startswith("○ Not answered yet")


def test_right_and_wrong_answers() -> None:
    assert repr(check("99/double", 4)) == "✓ Twice four is eight."
    assert repr(check("99/double", 5)) == "✗ Not quite. Half of eight."


class Unfriendly:
    """An object that answers every question with an error."""

    def _no(self, *_: object) -> None:
        raise RuntimeError("<script>alert(1)</script>")

    __eq__ = __len__ = __float__ = __str__ = __repr__ = __iter__ = __array__ = __bool__ = _no  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


ODD = {
    "None": None,
    "nan": float("nan"),
    "numpy nan": np.float32("nan"),
    "nan in an array": np.array([1.0, np.nan]),
    "nan in a list": [[float("nan")]],
    "nan in words": " NaN ",
    "infinity": float("inf"),
    "markup": "<script>alert(1)</script>",
    "empty list": [],
    "empty text": "",
    "dict": {},
    "function": len,
    "huge": 10**400,
    "negative": -1,
    "object": object(),
    "frame": pd.DataFrame({"a": [1]}),
    "strings": np.array(["a", "b"]),
    "unfriendly": Unfriendly(),
    "ellipsis in a list": [...],
}


@pytest.fixture(autouse=True)
def own_vector_cache() -> None:
    """The checks embed what the lessons embed: they use the cache that the kernels of nbval use."""


def with_weights(name: str) -> object:
    """An exercise, marked with the models its lesson needs."""
    return pytest.param(name, marks=[pytest.mark.weights(m) for m in lab.find_lesson(int(name[:2])).models])


@pytest.mark.parametrize("name", ["99/double", *map(with_weights, EXERCISES)])
@pytest.mark.parametrize("answer", ODD.values(), ids=ODD.keys())
def test_an_odd_answer_gets_a_hint_never_a_traceback(name: str, answer: object) -> None:
    verdict = check(name, answer)
    assert isinstance(verdict, lessons.Verdict)
    assert verdict.state == "wrong"
    assert len(verdict.message) < 400
    assert "<script>" not in verdict._repr_html_()
    assert repr(check(name, answer)) == repr(verdict), "what nbval compares must not change"


@pytest.mark.parametrize("name", EXERCISES)
def test_every_exercise_may_be_left_open(name: str) -> None:
    assert check(name, ...).state == "open"


def test_what_the_package_says_is_passed_on() -> None:
    @exercise("99/needs weights")
    def checker(answer: object) -> lessons.Verdict:
        raise EmbedlabError("No source has the weights:\n  - and a long list")

    try:
        words = check("99/needs weights", 1).message
    finally:
        del lessons._EXERCISES["99/needs weights"]
    assert words.endswith("This could not be checked: No source has the weights:")


def test_words_are_escaped_and_follow_the_theme() -> None:
    html = hint('a < b & "c"')._repr_html_()
    assert "a &lt; b &amp; &quot;c&quot;" in html
    assert not re.search(r"[;\"](color|background)", html), "text and ground are the theme's"


def test_an_unknown_exercise_names_the_nearest() -> None:
    with pytest.raises(lessons.UnknownExercise, match="99/double"):
        check("99/doubel", 4)
    with pytest.raises(EmbedlabError, match="No exercise '77/x'"):
        check("77/x", ...)
    for odd in ("", "/", "../run", "2/x", "²/x", None):
        with pytest.raises(lessons.UnknownExercise):
            check(odd, ...)  # type: ignore[arg-type]


def test_executing_again_forgets_the_old_outputs(tmp_path: Path) -> None:
    cell = new_code_cell(
        "1 + 1", outputs=[new_output("display_data", data={"text/plain": "old"})], execution_count=7
    )
    notebook = new_notebook(cells=[cell])
    assert execute(notebook, tmp_path)
    assert [o.data["text/plain"] for o in notebook.cells[0].outputs] == ["2"]
    assert notebook.cells[0].execution_count == 1


@pytest.mark.parametrize("answer", [4, 4.0, "4", np.int64(4), torch.tensor(4), [4]])
def test_a_number_counts_in_whatever_it_comes(answer: object) -> None:
    assert check("02/padding", answer).state == "right"


@pytest.mark.parametrize("answer", [4.5, "4.5", torch.tensor(3.9)])
def test_a_number_is_not_rounded_into_the_right_one(answer: object) -> None:
    assert check("02/padding", answer).state == "wrong"


def test_an_answer_may_change_the_vectors_it_is_given() -> None:
    def nearest(vectors: np.ndarray, row: int) -> int:
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        cosine = vectors @ vectors[row]
        cosine[row] = -1
        return int(cosine.argmax())

    assert check("01/neighbour", nearest).state == "right"


@pytest.mark.weights("text/minilm")
@pytest.mark.parametrize("apostrophe", ["'", "’"])
def test_a_typographic_apostrophe_negates_as_well(apostrophe: str) -> None:
    pair = ("The library is open on Sundays.", f"The library isn{apostrophe}t open on Sundays.")
    assert "say no" not in check("02/opposites", pair).message, "the negation was seen"


PHOTOS = [pytest.mark.network, pytest.mark.weights("image/efficientnet-lite0")]
PAIR = [*PHOTOS, pytest.mark.weights("text/minilm")]
HEARD = [pytest.mark.weights("video/frames+sound")]
VIDEO = [pytest.mark.weights("image/efficientnet-lite0")]
AUDIO = [pytest.mark.weights("audio/whisper-base"), pytest.mark.weights("audio/speaker")]


@pytest.mark.parametrize(
    ("name", "answer", "state", "says"),
    [
        ("06/numbers", 1_236_224, "right", "70 times fewer bytes"),
        ("06/numbers", 1_204_224, "wrong", "do not forget the sound"),
        ("06/numbers", 32_000, "wrong", "That is the sound"),
        ("06/numbers", 5, "wrong", "frames.size counts"),
        ("06/shuffled", "motion", "right", "but not which way"),
        ("06/shuffled", "picture", "wrong", "in which order"),
        ("06/shuffled", "sound", "wrong", "Only the frames were"),
        ("06/shuffled", 3, "wrong", "name of a part"),
        pytest.param("06/direction", 0.698, "right", "The pooling had thrown", marks=VIDEO),
        pytest.param("06/direction", 0.78, "wrong", "looks[:, -1]", marks=VIDEO),
        ("06/direction", 0.26, "wrong", "another vector"),
        ("06/direction", 70, "wrong", "A share from 0 to 1"),
        pytest.param("06/alike", 7, "right", "a star and a moon are the same", marks=HEARD),
        pytest.param("06/alike", 8, "wrong", "leave out the clip itself", marks=HEARD),
        ("06/alike", 1, "wrong", 'In the collection "seen"'),
        ("05/frames", 37, "right", "37 of 1,500: 2%"),
        ("05/frames", 1500, "wrong", "How many of them hear"),
        ("05/frames", 11_800, "wrong", "Those are the samples"),
        ("05/frames", 36, "wrong", "a frame that has begun"),
        ("05/voice", "audio/speaker", "right", "depends on the question"),
        ("05/voice", "audio/whisper-base", "wrong", "Look at the bars"),
        ("05/voice", "resnet", "wrong", "Answer with the name of a model"),
        pytest.param("05/others", 0.279, "right", "0.28, where Whisper has 1.00", marks=AUDIO),
        pytest.param("05/others", 0.892, "wrong", "Leave out the clips", marks=AUDIO),
        pytest.param("05/others", 1.0, "wrong", "That is Whisper", marks=AUDIO),
        pytest.param("05/others", 28, "wrong", "A share from 0 to 1", marks=AUDIO),
        pytest.param("05/others", 0.5, "wrong", "among clips of other voices", marks=AUDIO),
        ("04/bridge", 491_520, "right", "far more unknowns"),
        ("04/bridge", 1664, "wrong", "You added the two sides"),
        ("04/bridge", 1280, "wrong", "one side of it"),
        ("04/bridge", 7, "wrong", "rows times columns"),
        pytest.param("04/words", "handwriting", "right", "ahead of every other name", marks=PAIR),
        pytest.param("04/words", "text", "wrong", "'bricks' has 0.10", marks=PAIR),
        pytest.param("04/words", "Bricks", "wrong", "the name of another photo", marks=PAIR),
        pytest.param("04/words", 7, "wrong", "words in quotation marks", marks=PAIR),
        pytest.param("04/first", 10, "right", "9 titles come first", marks=PAIR),
        pytest.param("04/first", 9, "wrong", "places begin at 1", marks=PAIR),
        pytest.param("04/first", 1, "wrong", "That is a title", marks=PAIR),
        pytest.param("04/first", 4, "wrong", "Ask for all 30", marks=PAIR),
        ("04/dropout", 0.12, "right", "about half"),
        ("04/dropout", 0.28, "wrong", "That is the adapter with dropout"),
        ("04/dropout", 12, "wrong", "A share from 0 to 1"),
        ("04/dropout", 0.0, "wrong", "recall_at_k"),
        ("03/head", torch.tensor(1_281_000), "right", "more than a quarter"),
        ("03/head", 1_280_000, "wrong", "its bias"),
        ("03/head", 4_652_008, "wrong", "the whole network"),
        ("03/head", 1280, "wrong", "join each with each"),
        pytest.param("03/view", "few pixels", "right", "mosaic", marks=PHOTOS),
        pytest.param("03/view", " 'Few Pixels' ", "right", "mosaic", marks=PHOTOS),
        pytest.param("03/view", "as it is", "wrong", "the photo itself", marks=PHOTOS),
        pytest.param("03/view", "blurred", "wrong", "one view has less", marks=PHOTOS),
        pytest.param("03/found", 8, "right", "no other photo is nearer", marks=PHOTOS),
        pytest.param("03/found", 8 / 15, "wrong", "A share", marks=PHOTOS),
        pytest.param("03/found", 15, "wrong", "leave out the mosaics", marks=PHOTOS),
        pytest.param("03/found", 240, "wrong", "There are 15 photos", marks=PHOTOS),
        pytest.param("03/twin", "tissue", "right", "close to 1", marks=PHOTOS),
        pytest.param("03/twin", "coffee", "wrong", "coffee: 0.98", marks=PHOTOS),
        pytest.param("03/twin", "mirrored", "wrong", "label of a photo", marks=PHOTOS),
    ],
)
def test_the_checks_of_the_image_lesson(name: str, answer: object, state: str, says: str) -> None:
    verdict = check(name, answer)
    assert (verdict.state, says in verdict.message) == (state, True), verdict

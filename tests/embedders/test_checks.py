"""Checks before a model runs: problems have codes, and errors carry them."""

from __future__ import annotations

import pytest

import embedlab as el
from embedlab.embedders.checks import check_arguments, drop_unusable, problem_of, text_problem
from embedlab.errors import Argument, BadItem, Problem, ProblemCode

ITEMS = el.Items.from_texts(list("abcdefgh"), ids=list("abcdefgh"))
DAMAGED = Problem(ProblemCode.DAMAGED, "the file ends too early")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("", ProblemCode.EMPTY),
        (" \n", ProblemCode.EMPTY),
        ("half \ud800", ProblemCode.ENCODING),
        (None, ProblemCode.WRONG_KIND),
        (7, ProblemCode.WRONG_KIND),
    ],
)
def test_a_text_that_cannot_be_embedded_has_a_code(content: object, code: ProblemCode) -> None:
    problem = text_problem(content)
    assert problem is not None
    assert problem.code is code


def test_a_text_has_no_problem() -> None:
    assert text_problem("🎉 fine") is None


def test_unusable_items_are_left_out_or_named_with_the_argument_that_helps() -> None:
    problems = dict.fromkeys("abcdefg", DAMAGED)
    assert drop_unusable(ITEMS, problems, "skip").ids == ["h"]
    assert drop_unusable(ITEMS, {}, "raise") is ITEMS
    with pytest.raises(BadItem, match=r"7 of 8 items .*'e': the file ends too early and 2 more") as caught:
        drop_unusable(ITEMS, problems, "raise")
    assert caught.value.problems == problems
    assert Argument("on_error", "skip") in caught.value.parts
    assert "cached" not in str(caught.value)
    with pytest.raises(BadItem, match="The vectors of the others are cached"):
        drop_unusable(ITEMS, problems, "raise", cached=True)


def test_an_error_about_one_item_gives_its_problem() -> None:
    assert problem_of(BadItem("cut.jpg cannot be read.", problems={"cut.jpg": DAMAGED})) is DAMAGED
    made = problem_of(BadItem("It has no sound."))
    assert (made.code, made.reason) == (ProblemCode.UNREADABLE, "It has no sound")


@pytest.mark.parametrize(("argument", "value"), [("batch_size", 0), ("on_error", "ignore")])
def test_arguments_out_of_range_are_refused(argument: str, value: object) -> None:
    arguments = {"batch_size": 1, "on_error": "raise", argument: value}
    with pytest.raises(BadItem, match=argument):
        check_arguments(ITEMS, "text/minilm", ("text",), **arguments)  # type: ignore[arg-type]


def test_items_of_another_modality_are_refused_with_the_model() -> None:
    with pytest.raises(BadItem, match="embeds image or video, but these items are text") as caught:
        check_arguments(ITEMS, "video/x", ("image", "video"), 1, "raise")
    assert caught.value.model == "video/x"

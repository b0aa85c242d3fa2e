"""Errors carry data, and each front end writes the arguments that they name in its own way."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from embedlab.errors import Argument, BadItem, EmbedlabError, MissingExtra, Problem, ProblemCode, require
from embedlab.io.atomic import CannotWrite


def test_an_argument_is_written_as_python_does() -> None:
    assert str(Argument("on_error", "skip")) == 'on_error="skip"'
    assert str(Argument("token_limit", 5)) == "token_limit=5"
    assert str(Argument("encoding")) == "encoding=…"


def test_each_front_end_names_arguments_in_its_own_way() -> None:
    error = EmbedlabError("Fix it, or pass ", Argument("on_error", "skip"), " {as it is} 100 %.")
    assert str(error) == 'Fix it, or pass on_error="skip" {as it is} 100 %.'
    assert error.text(lambda a: f"--{a.name.replace('_', '-')} {a.value}") == (
        "Fix it, or pass --on-error skip {as it is} 100 %."
    )


@pytest.mark.parametrize("kind", [EmbedlabError, BadItem, CannotWrite, MissingExtra])
def test_facts_survive_a_process_border(kind: type[EmbedlabError]) -> None:
    problem = Problem(ProblemCode.ENCODING, "not utf-8", "encoding", "latin-1")
    error = kind("a", Argument("n", 1), problems={"x": problem}, path="a/b", model="m", status=429)
    for one in (error, pickle.loads(pickle.dumps(error))):
        assert str(one) == "an=1"
        assert one.problems == {"x": problem}
        assert one.problems["x"].argument == Argument("encoding", "latin-1")
        assert (one.path, one.model, one.status) == (Path("a/b"), "m", 429)


def test_a_missing_extra_names_itself() -> None:
    with pytest.raises(MissingExtra) as caught:
        require("no_such_module_at_all", "openai")
    assert caught.value.extra == "openai"

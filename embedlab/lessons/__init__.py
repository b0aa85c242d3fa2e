"""What the lessons use: checks for the exercises, and where the notebooks lie.

An exercise cell ends in ``check("01/width", answer)``. While the answer is still ``...`` the check passes and
says so; a wrong answer gets a hint, never a traceback. Each lesson's checks live in ``lesson_NN.py``.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from html import escape
from pathlib import Path
from typing import Literal

from embedlab.errors import EmbedlabError

_MARKS = {"open": "○", "right": "✓", "wrong": "✗"}
_COLOURS = {"open": "#777777", "right": "#117733", "wrong": "#CC6677"}
_UNANSWERED = "Not answered yet: replace the ... above and run the cell again."


@dataclass(frozen=True)
class Verdict:
    """What a check says: its state (``open``, ``right``, ``wrong``) and one or two sentences."""

    state: Literal["open", "right", "wrong"]
    words: str

    def __repr__(self) -> str:
        return f"{_MARKS[self.state]} {self.words}"

    def _repr_html_(self) -> str:
        return (
            f'<div style="border-left:4px solid {_COLOURS[self.state]};padding:4px 12px;font-size:14px">'
            f"<b>{_MARKS[self.state]}</b>&nbsp; {escape(self.words)}</div>"
        )


Checker = Callable[[object], Verdict]
_EXERCISES: dict[str, Checker] = {}


def right(why: str) -> Verdict:
    """The answer is right; ``why`` says what makes it so."""
    return Verdict("right", why)


def hint(words: str) -> Verdict:
    """The answer is not right yet; ``words`` help to go on."""
    return Verdict("wrong", f"Not quite. {words}")


def exercise(name: str) -> Callable[[Checker], Checker]:
    """Register a checker, a function from the answer to a verdict, under ``"NN/name"``."""

    def register(checker: Checker) -> Checker:
        _EXERCISES[name] = checker
        return checker

    return register


def check(name: str, answer: object) -> Verdict:
    """Check the answer to an exercise.

    Parameters
    ----------
    name : str
        Lesson number and exercise, ``"01/width"``.
    answer : object
        The learner's answer; ``...`` means not answered yet.

    Returns
    -------
    Verdict
        Shown by the notebook: open, right, or wrong with a hint.

    Raises
    ------
    EmbedlabError
        When there is no such exercise.
    """
    checker = find(name)
    if answer is ...:
        return Verdict("open", _UNANSWERED)
    try:
        return checker(answer)
    except Exception as error:  # a learner's answer may be anything; a traceback would teach nothing
        return hint(f"This answer could not be read ({type(error).__name__}: {error}).")


def find(name: str) -> Checker:
    """The checker of an exercise; raises :class:`EmbedlabError` with the nearest names when there is none."""
    lesson = name.partition("/")[0]
    if name not in _EXERCISES and lesson.isdigit():
        module = f"embedlab.lessons.lesson_{lesson}"
        if importlib.util.find_spec(module):
            importlib.import_module(module)
    if name not in _EXERCISES:
        near = ", ".join(get_close_matches(name, _EXERCISES, n=3))
        raise EmbedlabError(f"No exercise {name!r}." + (f" Did you mean {near}?" if near else ""))
    return _EXERCISES[name]


def folder() -> Path:
    """The lessons: ``notebooks/`` of the checkout, or the copy inside the installed package."""
    package = Path(__file__).parents[1]
    installed = package / "_notebooks"
    return installed if installed.is_dir() else package.parent / "notebooks"


def in_checkout() -> bool:
    """True when the lessons are those of a checkout, to be opened where they are."""
    return folder().name == "notebooks"

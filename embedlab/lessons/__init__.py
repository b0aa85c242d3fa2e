"""Checks for the exercises of the lessons.

An exercise cell ends in ``check("01/width", answer)``. While the answer is still ``...`` the check says that
it is open; a wrong answer gets a hint, never a traceback. ``lesson_NN.py`` has the checks, pictures and data
of one lesson.
"""

from __future__ import annotations

import importlib
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


class UnknownExercise(EmbedlabError, LookupError):
    """There is no exercise of this name; the message suggests similar ones."""


@dataclass(frozen=True)
class Verdict:
    """The result of a check, which a notebook displays.

    Attributes
    ----------
    state : {"open", "right", "wrong"}
    message : str
        One or two sentences for the learner.
    """

    state: Literal["open", "right", "wrong"]
    message: str

    def __repr__(self) -> str:
        """Return the mark of the state and the message."""
        return f"{_MARKS[self.state]} {self.message}"

    def _repr_html_(self) -> str:
        # Text and background keep the colours of the theme, light or dark.
        return (
            f'<div style="border-left:4px solid {_COLOURS[self.state]};padding:4px 12px;font-size:14px">'
            f"<b>{_MARKS[self.state]}</b>&nbsp; {escape(self.message)}</div>"
        )


Checker = Callable[[object], Verdict]
_EXERCISES: dict[str, Checker] = {}


def right(why: str) -> Verdict:
    """Return the verdict for a right answer, with the reason."""
    return Verdict("right", why)


def hint(text: str) -> Verdict:
    """Return the verdict for a wrong answer, with a hint."""
    return Verdict("wrong", f"Not quite. {text}")


def exercise(name: str) -> Callable[[Checker], Checker]:
    """Register a function that checks an answer, under ``"NN/name"``."""

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
    UnknownExercise
        If there is no such exercise.
    """
    checker = find_checker(name)
    if answer is ...:
        return Verdict("open", _UNANSWERED)
    try:
        if _has_nan(answer):
            return hint("This answer is, or holds, NaN (not a number). Somewhere 0 was divided by 0.")
        return checker(answer)
    except EmbedlabError as error:
        return hint(f"This could not be checked: {str(error).splitlines()[0]}")
    except Exception as error:  # an answer may be anything, and a traceback would not help a learner
        # The type only: the message of an unknown object may be long, or differ from run to run.
        return hint(
            f"An answer of this kind ({type(answer).__name__}) cannot be read here ({type(error).__name__})."
        )


def as_number(answer: object) -> float:
    """Return the number in an answer: ``4``, ``"4"``, ``[4]``, or an array or tensor of one element."""
    import numpy as np

    if hasattr(answer, "detach"):
        answer = answer.detach()
    return float(answer if isinstance(answer, str) else np.asarray(answer).item())


def _has_nan(answer: object) -> bool:
    """Whether an answer is or contains NaN, which passes every check of the form ``abs(x - y) > e``."""
    import numpy as np

    if isinstance(answer, (list, tuple)):
        return any(map(_has_nan, answer))
    if isinstance(answer, str):
        return answer.strip().lower() == "nan"
    if hasattr(answer, "detach"):  # a torch tensor, which may require gradients
        answer = answer.detach()
    if not isinstance(answer, (float, complex)) and not hasattr(answer, "__array__"):
        return False
    numbers = np.asarray(answer)
    return numbers.dtype.kind in "fc" and bool(np.isnan(numbers).any())


def find_checker(name: str) -> Checker:
    """Return the function that checks an exercise.

    Raises
    ------
    UnknownExercise
        If there is none; the message suggests similar names.
    """
    lesson = name.partition("/")[0] if isinstance(name, str) else ""
    if name not in _EXERCISES and lesson in _numbers():
        importlib.import_module(f"embedlab.lessons.lesson_{lesson}")
    if name not in _EXERCISES:
        near = " or ".join(get_close_matches(str(name), exercise_names(), n=3))
        raise UnknownExercise(f"No exercise {name!r}." + (f" Did you mean {near}?" if near else ""))
    return _EXERCISES[name]


def exercise_names(lesson: str | None = None) -> list[str]:
    """Return the names of all exercises, or of those of one lesson (``"01"``)."""
    for number in _numbers():
        if lesson in (None, number):
            importlib.import_module(f"embedlab.lessons.lesson_{number}")
    return sorted(n for n in _EXERCISES if lesson is None or n.startswith(f"{lesson}/"))


def _numbers() -> list[str]:
    """Return the numbers of the lessons that have checks: ``["01", "02"]``."""
    return sorted(p.stem.removeprefix("lesson_") for p in Path(__file__).parent.glob("lesson_[0-9]*.py"))

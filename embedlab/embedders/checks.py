"""Checks before a model runs: arguments, modality, and the items that cannot be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from embedlab.errors import Argument, BadItem, OnError, Problem, ProblemCode
from embedlab.items import Items

_LISTED = 5  # problems written out in a message; `problems` has all of them


def check_arguments(items: Items, model: str, accepts: Sequence[str], batch_size: int, on_error: str) -> None:
    """Refuse items of another modality, and arguments out of range.

    Raises
    ------
    BadItem
        With the modality of the items and those that the model accepts, or with the value refused.
    """
    if items.modality not in accepts:
        raise BadItem(
            f"{model} embeds {' or '.join(accepts)}, but these items are {items.modality}. "
            "Choose a model for this modality with el.models().",
            model=model,
        )
    if batch_size < 1:
        raise BadItem(f"batch_size must be at least 1, not {batch_size}.")
    if on_error not in ("raise", "skip"):
        raise BadItem(f"on_error must be 'raise' or 'skip', not {on_error!r}.")


def drop_unusable(
    items: Items, problems: Mapping[str, Problem], on_error: OnError, *, cached: bool = False
) -> Items:
    """Leave out the items that have a problem, or raise an error that names them.

    Parameters
    ----------
    items : Items
    problems : mapping of str to Problem
        By item id.
    on_error : {"raise", "skip"}
    cached : bool
        Whether the vectors of the other items are in the cache already, which the error then says.

    Raises
    ------
    BadItem
        With ``problems``, when there are any and ``on_error="raise"``.
    """
    if not problems:
        return items
    if on_error == "raise":
        listed = "; ".join(f"{item!r}: {problem}" for item, problem in list(problems.items())[:_LISTED])
        more = f" and {len(problems) - _LISTED} more" if len(problems) > _LISTED else ""
        raise BadItem(
            f"{len(problems)} of {len(items)} items cannot be embedded ({listed}{more}). ",
            "The vectors of the others are cached. " if cached else "",
            "Fix them, or pass ",
            Argument("on_error", "skip"),
            " to leave them out.",
            problems=problems,
        )
    return items.select(np.array([item not in problems for item in items.ids], dtype=bool))


def problem_of(error: BadItem) -> Problem:
    """Return the problem that an error about one item carries, or make one of its message."""
    if len(error.problems) == 1:
        return next(iter(error.problems.values()))
    return Problem(ProblemCode.UNREADABLE, str(error).rstrip("."))


def text_problem(content: object) -> Problem | None:
    """Return why a content cannot be embedded as a text, or None."""
    if not isinstance(content, str):
        return Problem(ProblemCode.WRONG_KIND, f"a text was expected, not {type(content).__name__}")
    try:
        content.encode("utf-8")
    except UnicodeEncodeError:
        return Problem(ProblemCode.ENCODING, "the text contains a lone surrogate")
    return None if content.strip() else Problem(ProblemCode.EMPTY, "empty text")

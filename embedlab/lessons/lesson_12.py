"""Check the exercises of lesson 12, the final project."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

import embedlab as el
from embedlab.analysis.projection import Projection
from embedlab.comparison.scores import Score
from embedlab.errors import EmbedlabError
from embedlab.lessons import Verdict, exercise, hint, right
from embedlab.lessons.project import MIN_ITEMS, Plan, look, plan
from embedlab.lessons.review import Review, review

__all__ = ["Plan", "Review", "look", "plan", "review", "without_copies"]

_UNCERTAIN = re.compile(r"±|interval|\bp [<=>]|not distinguishable|cannot be told apart|\[\d", re.IGNORECASE)


def without_copies(items: el.Items) -> el.Items:
    """Return the items without exact copies; the first of each group is kept."""
    _, first = np.unique(np.array([digest.hex() for digest in items.content_hashes()]), return_index=True)
    return items.take(np.sort(first))


@exercise("12/plan")
def planned(answer: object) -> Verdict:
    """Check a plan: a question, data, and two models that can read them."""
    if not isinstance(answer, dict) or not answer:
        return hint('Write a dict: {"question": "…?", "data": "sounds", "models": ["…", "…"]}.')
    try:
        made = plan(answer)
    except EmbedlabError as error:
        return hint(str(error).splitlines()[0])
    if "?" not in made.question or len(made.question.split()) < 5:
        return hint("The question is a sentence with a question mark, that a visitor could ask.")
    return right(
        f"A question, {len(made.items)} items, {len(made.models)} models. Write down now what would change "
        "your mind; later you will want to forget it."
    )


@exercise("12/data")
def data(answer: object) -> Verdict:
    """Check that items are enough, have no copies, and no rare label."""
    if not isinstance(answer, el.Items):
        return hint("The answer is the items that you will work with, for example answer = items.")
    copies = len(answer) - len(without_copies(answer))
    if copies:
        return hint(
            f"{copies} items are copies of others. lesson_12.without_copies(items) keeps one of each."
        )
    if len(answer) < MIN_ITEMS:
        return hint(
            f"{len(answer)} items: one more or less right is {100 / len(answer):.0f} points. Take more, or "
            "write under the limits that nothing smaller than that can be seen."
        )
    counts = np.unique([str(v) for v in answer.labels or [] if v is not None], return_counts=True)[1]
    if len(counts) and counts.min() < 3:
        return hint("A label has fewer than 3 items: too few to be found by one another. Join or drop it.")
    return right(f"{len(answer)} items, each there once, and no label is rare.")


@exercise("12/decision")
def decision(answer: object) -> Verdict:
    """Check a decision: it needs a number and a statement of uncertainty."""
    if not isinstance(answer, str) or len(answer.split()) < 8:
        return hint("Write the decision as a sentence or two, in quotation marks.")
    if not re.search(r"\d", answer):
        return hint("Say it with its number: how often is each model right?")
    if not _UNCERTAIN.search(answer):
        return hint("How sure is that? Give an interval, a ±, or a p value, or say: not distinguishable.")
    return right("A choice with its number and its doubt. Would you still make it if the data were new?")


@exercise("12/maps")
def maps(answer: object) -> Verdict:
    """Check two different maps of the same vectors."""
    if not isinstance(answer, (list, tuple)) or not all(isinstance(m, Projection) for m in answer):
        return hint("The answer is a list of maps, each made by el.project.")
    if len(answer) < 2:
        return hint("One map cannot contradict itself. Draw a second one.")
    if len({m.embeddings.model.name for m in answer}) > 1:
        return hint("These show different models. Draw one model twice: what stays is worth a sentence.")
    if len({(m.method, str(sorted(m.params.items()))) for m in answer}) < len(answer):
        return hint("Two of these are the same map. Change the random_state, the n_neighbors or the method.")
    trust = ", ".join(f"{m.quality.trustworthiness:.1f}" for m in answer)
    return right(f"Trustworthiness {trust}. Write only of what you see in all of them.")


@exercise("12/search")
def search(answer: object) -> Verdict:
    """Check a score of the search, with its interval."""
    if isinstance(answer, (float, np.floating)):
        return hint("A bare number. bootstrap(…) of the values of all questions gives it an interval.")
    if not isinstance(answer, Score):
        return hint("The answer is bootstrap(…) of one value for each question.")
    if answer.n < 20:
        return hint(f"{answer.n} questions are few: hold out more items.")
    if not 0 <= answer.value <= 1:
        return hint("A precision is a share: divide by the number of hits.")
    return right(f"{answer!r}. The interval belongs to the number wherever you write it.")


@exercise("12/limits")
def limits(answer: object) -> Verdict:
    """Check three sentences on what the project does not show."""
    if not isinstance(answer, str):
        return hint("Write three sentences, in quotation marks.")
    sentences = [s for s in re.split(r"[.!?]+(?:\s|$)", answer) if len(s.split()) >= 4]
    if len(sentences) < 3:
        return hint(
            f"{len(sentences)} of 3 sentences. Whose data are missing? What did you not try? What could be "
            "luck?"
        )
    if not re.search(r"\bnot?\b|\bnever\b|\bonly\b|n't\b|\bno\b", answer, re.IGNORECASE):
        return hint("These sound like results. What does the project *not* show?")
    return right("Whoever reads your result will find these sooner or later. Better that you wrote them.")


def held_out(items: el.Items, share: float = 0.25, random_state: int = 0) -> np.ndarray:
    """Choose the items to hold out as questions: about a share of each label.

    Returns
    -------
    ndarray of bool, shape (n_items,)
    """
    rng, chosen = np.random.default_rng(random_state), np.zeros(len(items), bool)
    labels = np.array([str(v) for v in items.labels or [""] * len(items)])
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        chosen[rng.choice(rows, max(1, round(share * len(rows))), replace=False)] = True
    return chosen


def show_maps(maps: Sequence[Projection]) -> None:
    """Show maps side by side."""
    from embedlab.lessons import lesson_09

    words = {"n_neighbors": "{} neighbours", "random_state": "seed {}"}
    named: dict[str, Projection] = {}
    for each in maps:
        params = [words[key].format(value) for key, value in each.params.items() if key in words]
        named[", ".join([each.method, *params])] = each
    lesson_09.grid(named, columns=min(len(maps), 3))

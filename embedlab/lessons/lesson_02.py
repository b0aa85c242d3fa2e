"""Check the exercises of lesson 02, text."""

from __future__ import annotations

import numpy as np

import embedlab as el
from embedlab.lessons import Verdict, as_number, exercise, hint, right

_NEGATIONS = {"not", "no", "never", "nobody", "nothing", "none", "neither", "nor", "without", "cannot"}


@exercise("02/padding")
def padding(answer: object) -> Verdict:
    """Check the number of padding tokens in the batch of three sentences: 2 + 0 + 2."""
    number = as_number(answer)
    if number == 23:
        return hint("That is the number of real tokens, where the mask is 1. Count the zeros.")
    if number == 27:
        return hint("That is every box in the picture: 3 rows of 9. Count only the grey ones.")
    if number != 4:
        return hint(
            'The mask is 0 where a place is only filled up: count the zeros in batch["attention_mask"].'
        )
    return right(
        "4 of the 27 places are padding. The network computes a vector for each of them all the same."
    )


@exercise("02/recall")
def recall(answer: object) -> Verdict:
    """Check the share of questions with an answer among the five nearest notes, for MiniLM."""
    given = as_number(answer)
    at = {k: recall_at(k) for k in (1, 5)}
    if given > 1:
        return hint("It is a share between 0 and 1: divide by the number of questions.")
    if abs(given - at[1]) < 0.005:
        return hint("That is success@1. Look at the first five notes in each row of the ranking.")
    if abs(given - at[5]) > 0.005:
        return hint(
            "For each question: is any of its answers among ids[ranking[row, :5]]? Then take the mean."
        )
    return right(
        f"Success@5 is {at[5]:.2f}, beside {at[1]:.2f} for success@1. For many questions the answer was "
        "near, only not nearest: five hits on a page forgive what one hit does not."
    )


@exercise("02/opposites")
def opposites(answer: object) -> Verdict:
    """Check two sentences with a cosine above 0.90 of which exactly one contains a negation."""
    if (
        not isinstance(answer, (tuple, list))
        or len(answer) != 2
        or not all(isinstance(s, str) for s in answer)
    ):
        return hint('The answer is a pair of sentences: ("…", "…").')
    first, second = answer
    negated = [bool(_words(text) & _NEGATIONS or "n't" in text.replace("’", "'").lower()) for text in answer]
    if negated[0] == negated[1]:
        return hint("Let exactly one of the two sentences say no: not, never, nobody, without …")
    vectors = el.embed(el.Items.from_texts([first, second]), "text/minilm").normalize().vectors
    cosine = float(vectors[0] @ vectors[1])
    if cosine <= 0.9:
        return hint(
            f"The cosine is {cosine:.2f}; get above 0.90. Share more words, and make the sentence longer."
        )
    return right(f"Cosine {cosine:.2f}, and yet only one of them can be true.")


def recall_at(k: int, model: str = "text/minilm") -> float:
    """Return the share of the sample questions with an answer among their ``k`` nearest notes."""
    notes, questions = el.load_dataset("notes"), el.load_dataset("notes-questions")
    similarity = el.embed(questions, model).vectors @ el.embed(notes, model).vectors.T
    ranking = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    ids = np.array(notes.ids)
    answers = [set(text.split("|")) for text in questions.metadata["answers"]]
    return float(np.mean([bool(set(ids[row]) & good) for row, good in zip(ranking, answers, strict=True)]))


def _words(text: str) -> set[str]:
    return {"".join(c for c in word if c.isalpha()) for word in text.lower().split()}

"""Measure below which score a question should get no answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embedlab.applications.retrieval import rank_sentences, retrieve_passages
from embedlab.errors import BadItem
from embedlab.items import Items
from embedlab.store import VectorStore

MIN_QUESTIONS = 5


@dataclass(frozen=True)
class Threshold:
    """A score below which a question gets no answer, and how well it separates.

    Attributes
    ----------
    value : float
        Cosine.
    kept, refused : float
        Share of the questions that keep their answer if its source is in the collection, and that get none
        if it is not.
    auc : float
        Area under the ROC curve: how often a question with its source scores above one without, both drawn
        at random; 0.5 is chance.
    n : int
        Questions.
    """

    value: float
    kept: float
    refused: float
    auc: float
    n: int


def measure_threshold(
    store: VectorStore, name: str, questions: Items, *, source: str, k: int = 4
) -> Threshold:
    """Measure where to stop answering: search each question with and without its source.

    Parameters
    ----------
    store : VectorStore
    name : str
        A collection of passages from :func:`chunk`.
    questions : Items
    source : str
        Column of the questions with the id of the text that holds the answer; questions without a value are
        left out.
    k : int
        As in :func:`ask`.

    Returns
    -------
    Threshold
        As :func:`separate_scores` finds it. Both shares are measured on the questions that chose the
        threshold, so they are a little too good for other questions.

    Raises
    ------
    BadItem
        If there is no such column, or fewer than five questions have a source.
    """
    if source not in questions.frame.columns:
        raise BadItem(f"The questions have no column {source!r}.")
    known = questions.select(questions.frame[source].notna().to_numpy())
    if len(known) < MIN_QUESTIONS:
        raise BadItem(f"Only {len(known)} questions have a source; at least {MIN_QUESTIONS} are needed.")
    answerable: list[float] = []
    unanswerable: list[float] = []
    for question, id in zip(known.contents, known.frame[source], strict=True):
        without_source = f"source != {store.quote(str(id))}"
        for scores, filter in ((answerable, None), (unanswerable, without_source)):
            passages = retrieve_passages(store, name, question, k=k, filter=filter)
            ranked = rank_sentences(store, name, question, passages)["score"]
            scores.append(float(ranked.max()) if len(ranked) else -1.0)
    return separate_scores(np.array(answerable), np.array(unanswerable))


def separate_scores(answerable: np.ndarray, unanswerable: np.ndarray) -> Threshold:
    """Find the threshold that separates two sets of scores best.

    Parameters
    ----------
    answerable, unanswerable : ndarray, shape (n_questions,)
        Best scores of the same questions with and without their source.

    Returns
    -------
    Threshold
        Half-way between two scores, where kept + refused is largest [1]_.

    References
    ----------
    .. [1] Youden 1950, "Index for rating diagnostic tests", Cancer 3.
    """
    levels = np.unique(np.concatenate([answerable, unanswerable]))
    candidates = np.concatenate([[levels[0] - 1e-6], (levels[1:] + levels[:-1]) / 2])
    sums = [(answerable >= value).mean() + (unanswerable < value).mean() for value in candidates]
    value = float(candidates[int(np.argmax(sums))])
    pairs = answerable[:, None]
    auc = (pairs > unanswerable).mean() + (pairs == unanswerable).mean() / 2
    kept, refused = (answerable >= value).mean(), (unanswerable < value).mean()
    return Threshold(value, float(kept), float(refused), float(auc), len(answerable))

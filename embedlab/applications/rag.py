"""Retrieval for question answering: find passages, answer from them alone, and say where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from embedlab.applications.answer import Answer, Passage
from embedlab.applications.chat import Chat
from embedlab.applications.chunking import sentences
from embedlab.applications.prompting import NO_ANSWER, cited, messages, problems
from embedlab.errors import BadItem
from embedlab.items import Items
from embedlab.store import VectorStore

NOTHING = "Nothing here answers this."


def ask(
    store: VectorStore,
    name: str,
    question: str,
    *,
    k: int = 4,
    filter: str | None = None,
    chat: Chat | None = None,
    threshold: Threshold | float | None = None,
    n_sentences: int = 1,
) -> Answer:
    """Answer a question from the passages in a collection, with its sources.

    Parameters
    ----------
    store : VectorStore
    name : str
        A collection of texts, best of passages made by :func:`chunk`.
    question : str
    k : int
        How many passages to find. They are found by meaning, and also by words where the collection was made
        with ``full_text="content"`` and the place can join both.
    filter : str, optional
        As in :meth:`VectorStore.search`.
    chat : Chat, optional
        A language model that writes the answer. Without one, the answer is the sentence nearest to the
        question, word for word.
    threshold : Threshold or float, optional
        Cosine below which even the nearest sentence is no answer. Measure it on your own questions with
        :func:`measure_threshold`; another collection or model needs another. With a chat model, no request is
        sent below it.
    n_sentences : int
        How many sentences to quote.

    Returns
    -------
    Answer

    Raises
    ------
    BadItem
        For an empty question, or a collection without texts.
    ChatError
        When the chat server gives no answer.
    StoreError
        As :meth:`VectorStore.search`.
    """
    if not isinstance(question, str) or not question.strip():
        raise BadItem("A question is a text that is not empty.")
    limit = threshold.value if isinstance(threshold, Threshold) else threshold
    passages = retrieve(store, name, question, k=k, filter=filter)
    quotes = nearest_sentences(store, name, question, passages).head(n_sentences)
    told = messages(question, passages)
    enough = len(quotes) > 0 and (limit is None or quotes["score"].iloc[0] >= limit)
    wrong: list[str] = []
    if not enough:
        text, by, numbers = NOTHING, "extract", []
    elif chat is None:
        by, numbers = "extract", list(dict.fromkeys(quotes["number"].tolist()))
        text = " ".join(f"{row.sentence} [{row.number}]" for row in quotes.itertuples())
    else:
        text, by = chat.complete(told), chat.model
        wrong = problems(text, passages)
        numbers = [n for n in cited(text) if 1 <= n <= len(passages)]
        enough = NO_ANSWER.rstrip(".").lower() not in text.lower()
    return Answer(
        question, text, enough, by, tuple(passages), tuple(numbers), quotes.reset_index(drop=True),
        limit, tuple(wrong), tuple(told),
    )  # fmt: skip


def retrieve(
    store: VectorStore, name: str, question: str, *, k: int = 4, filter: str | None = None
) -> list[Passage]:
    """The passages nearest to a question; by meaning and words together where that can be had."""
    record = store.record(name)
    if "content" not in record.columns:
        raise BadItem(f"{name!r} holds no texts: it has the columns {', '.join(record.columns)}.")
    if record.full_text and store.place.has("hybrid search"):
        hits = store.hybrid_search(name, question, k=k, filter=filter)
    else:
        hits = store.search(name, question, k=k, filter=filter)
    found: list[Passage] = []
    for row in hits.to_dict("records"):
        text = row["content"]
        if not isinstance(text, str):
            continue
        own = isinstance(row.get("source"), str) and not pd.isna(row.get("start", None))
        source, start = (row["source"], int(row["start"])) if own else (row["id"], 0)
        place = (len(found) + 1, row["id"], source, text, start, start + len(text), float(row["score"]))
        found.append(Passage(*place))
    return found


def nearest_sentences(store: VectorStore, name: str, question: str, passages: list[Passage]) -> pd.DataFrame:
    """Every sentence of the passages, the nearest to the question first.

    Returns
    -------
    DataFrame
        ``number`` (of the passage), ``sentence``, ``score`` (cosine), ``start`` and ``end`` (characters
        of the source). A sentence that two passages share stands in the first of them.
    """
    rows = []
    for passage in passages:
        for a, b in sentences(passage.text):
            place = (passage.start + a, passage.start + b)
            rows.append((passage.number, passage.text[a:b], *place, passage.source))
    table = pd.DataFrame(rows, columns=["number", "sentence", "start", "end", "source"])
    table = table.drop_duplicates(["source", "start", "end"]).drop(columns="source")
    if not len(table):
        return table.assign(score=np.empty(0))
    model: Any = store.model(name)
    emb = model.embed(Items.from_texts(table["sentence"].tolist()), progress=False).normalize()
    query = np.asarray(model.embed_query(question))
    table["score"] = emb.vectors @ (query / np.linalg.norm(query))
    return table.sort_values("score", ascending=False, kind="stable")[
        ["number", "sentence", "score", "start", "end"]
    ]


@dataclass(frozen=True)
class Threshold:
    """A score below which there is no answer, and how well it tells.

    Attributes
    ----------
    value : float
    kept, refused : float
        Share of the questions that keep their answer when it is there, and that get none when it is not.
    auc : float
        How often a question with its source scores above one without, drawn at random; 0.5 is chance.
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
    """Where to stop answering: each question is asked twice, with its source and with that taken away.

    Parameters
    ----------
    store, name
        A collection of passages from :func:`chunk`.
    questions : Items
    source : str
        The column of the questions with the id of the text that answers; where it is missing, the question is
        left out.
    k : int
        As in :func:`ask`.

    Returns
    -------
    Threshold
        Half-way between two scores, where kept + refused is largest (Youden 1950). Both shares are of the
        questions it was chosen on, so other questions will fare a little worse.

    Raises
    ------
    BadItem
        Without such a column, or fewer than five questions with a source.
    """
    if source not in questions.frame.columns:
        raise BadItem(f"The questions have no column {source!r}.")
    known = questions.select(questions.frame[source].notna().to_numpy())
    if len(known) < 5:
        raise BadItem(f"Only {len(known)} questions have a source; at least 5 are needed.")
    there: list[float] = []
    gone: list[float] = []
    for question, id in zip(known.contents, known.frame[source], strict=True):
        without = f"source != {store.quote(str(id))}"
        for scores, filter in ((there, None), (gone, without)):
            found = retrieve(store, name, question, k=k, filter=filter)
            best = nearest_sentences(store, name, question, found)["score"]
            scores.append(float(best.max()) if len(best) else -1.0)
    return best_threshold(np.array(there), np.array(gone))


def best_threshold(there: np.ndarray, gone: np.ndarray) -> Threshold:
    """The cut between two sets of scores where the shares above and below it add up to most."""
    levels = np.unique(np.concatenate([there, gone]))
    cuts = np.concatenate([[levels[0] - 1e-6], (levels[1:] + levels[:-1]) / 2])
    gain = [(there >= cut).mean() + (gone < cut).mean() for cut in cuts]
    value = float(cuts[int(np.argmax(gain))])
    above = (there[:, None] > gone).mean() + (there[:, None] == gone).mean() / 2
    return Threshold(
        value, float((there >= value).mean()), float((gone < value).mean()), float(above), len(there)
    )

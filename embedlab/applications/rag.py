"""Retrieval-augmented generation: find passages, answer from them alone, and cite them."""

from __future__ import annotations

from embedlab.applications.answer import Answer
from embedlab.applications.chat import Chat
from embedlab.applications.prompting import build_messages, check_citations, is_refusal, parse_citations
from embedlab.applications.retrieval import rank_sentences, retrieve_passages
from embedlab.applications.threshold import Threshold
from embedlab.errors import BadItem
from embedlab.store import VectorStore

NO_ANSWER_FOUND = "Nothing here answers this."


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
        A collection of texts, preferably passages from :func:`chunk`.
    question : str
    k : int
        Number of passages to find, by meaning. If the collection was made with ``full_text="content"`` and
        the backend can combine both, the search is by words as well.
    filter : str, optional
        As in :meth:`VectorStore.search`.
    chat : Chat, optional
        A language model that writes the answer. Without one, the answer is the sentence nearest to the
        question, word for word.
    threshold : Threshold or float, optional
        Cosine of the nearest sentence below which the question counts as not answered; no request is then
        sent to ``chat``. Measure it on your own questions with :func:`measure_threshold`: it differs between
        collections and between models.
    n_sentences : int
        Number of sentences to quote.

    Returns
    -------
    Answer

    Raises
    ------
    BadItem
        If the question is empty, or the collection holds no texts.
    ChatError
        If the chat server gives no answer.
    StoreError
        As :meth:`VectorStore.search`.
    """
    if not isinstance(question, str) or not question.strip():
        raise BadItem("The question is empty. Pass a text that is not empty.")
    limit = threshold.value if isinstance(threshold, Threshold) else threshold
    passages = retrieve_passages(store, name, question, k=k, filter=filter)
    quotes = rank_sentences(store, name, question, passages).head(n_sentences)
    messages = build_messages(question, passages)
    answered = len(quotes) > 0 and (limit is None or quotes["score"].iloc[0] >= limit)
    problems: list[str] = []
    if not answered:
        text, by, cited = NO_ANSWER_FOUND, "extract", []
    elif chat is None:
        by, cited = "extract", list(dict.fromkeys(quotes["number"].tolist()))
        text = " ".join(f"{row.sentence} [{row.number}]" for row in quotes.itertuples())
    else:
        text, by = chat.complete(messages), chat.model
        problems = check_citations(text, passages)
        cited = [n for n in parse_citations(text) if 1 <= n <= len(passages)]
        answered = not is_refusal(text)
    return Answer(
        question, text, answered, by, tuple(passages), tuple(cited), quotes.reset_index(drop=True),
        limit, tuple(problems), tuple(messages),
    )  # fmt: skip

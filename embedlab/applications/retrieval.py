"""Find the passages nearest to a question, and rank their sentences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from embedlab.applications.answer import Passage
from embedlab.applications.chunking import split_sentences
from embedlab.errors import BadItem
from embedlab.items import Items
from embedlab.store import Feature, VectorStore

_QUOTE_COLUMNS = ["number", "sentence", "score", "start", "end"]


def retrieve_passages(
    store: VectorStore, name: str, question: str, *, k: int = 4, filter: str | None = None
) -> list[Passage]:
    """Find the ``k`` passages nearest to a question.

    The search is hybrid (by meaning and by words) if the collection has a full-text index and the backend can
    combine both; otherwise it is by meaning alone.

    Raises
    ------
    BadItem
        If the collection holds no texts.
    StoreError
        As :meth:`VectorStore.search`.
    """
    record = store.record(name)
    if "content" not in record.columns:
        raise BadItem(f"{name!r} holds no texts: it has the columns {', '.join(record.columns)}.")
    if record.full_text and store.backend.has(Feature.HYBRID_SEARCH):
        hits = store.hybrid_search(name, question, k=k, filter=filter)
    else:
        hits = store.search(name, question, k=k, filter=filter)
    passages: list[Passage] = []
    for row in hits.to_dict("records"):
        text = row["content"]
        if not isinstance(text, str):
            continue
        is_chunk = isinstance(row.get("source"), str) and not pd.isna(row.get("start", None))
        source, start = (row["source"], int(row["start"])) if is_chunk else (row["id"], 0)
        number, end = len(passages) + 1, start + len(text)
        passages.append(Passage(number, row["id"], source, text, start, end, float(row["score"])))
    return passages


def rank_sentences(store: VectorStore, name: str, question: str, passages: list[Passage]) -> pd.DataFrame:
    """Rank every sentence of the passages by its cosine to the question, the nearest first.

    Returns
    -------
    DataFrame
        ``number`` (of the passage), ``sentence``, ``score`` (cosine), ``start`` and ``end`` (characters of
        the source). A sentence that two passages share is listed under the first of them.
    """
    rows = [
        (passage.number, passage.text[start:end], passage.start + start, passage.start + end, passage.source)
        for passage in passages
        for start, end in split_sentences(passage.text)
    ]
    table = pd.DataFrame(rows, columns=["number", "sentence", "start", "end", "source"])
    table = table.drop_duplicates(["source", "start", "end"]).drop(columns="source")
    if not len(table):
        return table.assign(score=np.empty(0))
    model: Any = store.model(name)
    emb = model.embed(Items.from_texts(table["sentence"].tolist()), progress=False).normalize()
    query = np.asarray(model.embed_query(question))
    table["score"] = emb.vectors @ (query / np.linalg.norm(query))
    return table.sort_values("score", ascending=False, kind="stable")[_QUOTE_COLUMNS]

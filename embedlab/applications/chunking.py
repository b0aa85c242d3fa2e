"""Cut long texts into passages that fit a model's token limit, each with its position in the source."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pandas as pd

from embedlab.embedders import Embedder, load_model
from embedlab.errors import BadItem, EmbedlabError, Problem, ProblemCode
from embedlab.items import Items

N_SPECIAL_TOKENS = 2  # added around a text: [CLS] and [SEP]

# A sentence ends with its mark and closing quotes, followed by a space and no lower-case letter. Languages
# written without spaces have marks of their own. An empty line ends a sentence, too.
_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s+[^\sa-z])|[。！？]+[」』”]*|\n(?=\s*\n)")
# A full stop after these does not end a sentence: "Dr. Watt", "approx. 5 km", an initial.
_ABBREVIATION = re.compile(
    r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|Jr|Sr|vs|etc|cf|No|Nos|Fig|Eq|approx|ca|e\.g|i\.e|a\.m|p\.m)|\b[A-Z])\.$"
)


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Split a text into sentences by rules.

    A few abbreviations are known; others may cut a sentence in two.

    Returns
    -------
    list of (int, int)
        Start and end of each sentence: ``text[start:end]``, without surrounding whitespace.
    """
    ends = [
        match.end()
        for match in _SENTENCE_END.finditer(text)
        if not _ABBREVIATION.search(text, max(0, match.end() - 12), match.end())
    ]
    spans = (_trim(text, start, end) for start, end in pairwise([0, *ends, len(text)]))
    return [(start, end) for start, end in spans if start < end]


def chunk(
    items: Items,
    *,
    model: Embedder | str = "text/minilm",
    max_tokens: int | None = None,
    overlap: int = 0,
) -> Items:
    """Cut texts into passages of whole sentences that fit a model's token limit.

    Parameters
    ----------
    items : Items
        Texts.
    model : Embedder or str
        The text model whose tokenizer counts.
    max_tokens : int, optional
        Most tokens in a passage; by default, and at most, the model's limit.
    overlap : int
        Tokens. Whole sentences of at most this length in total are repeated at the start of the next
        passage.

    Returns
    -------
    Items
        Ids ``"doc#1"``, ``"doc#2"``, …; further columns ``source`` (the text's id), ``start`` and ``end``
        (characters: ``text[start:end]`` is the passage), ``tokens``, and the columns of the texts.

    Raises
    ------
    BadItem
        If the items are not texts, a text is empty, or a parameter is out of range.
    EmbedlabError
        If the model has no tokenizer that gives the positions of its tokens.

    Notes
    -----
    A sentence longer than ``max_tokens`` is cut between two words; a longer word is cut between tokens.
    """
    if items.modality != "text":
        raise BadItem(f"Only texts can be cut into passages; the items have the modality {items.modality!r}.")
    tokenizer, token_limit = get_tokenizer(model)
    budget = token_limit if max_tokens is None else int(max_tokens)
    if not 1 <= budget <= token_limit:
        raise BadItem(
            f"max_tokens is {budget}. This model reads 1 to {token_limit} (and {N_SPECIAL_TOKENS} special "
            "tokens)."
        )
    if not 0 <= overlap < budget:
        raise BadItem(f"overlap is {overlap} tokens. It must be at least 0 and below max_tokens, {budget}.")
    rows = []
    for row in items.frame.to_dict("records"):
        text = row["content"]
        if not isinstance(text, str) or not text.strip():
            raise BadItem(
                f"Item {row['id']!r} has no text to cut. Leave it out.",
                problems={row["id"]: Problem(ProblemCode.EMPTY, "it has no text")},
            )
        for number, (start, end, tokens) in enumerate(_passages(text, tokenizer, budget, overlap), 1):
            passage = {"id": f"{row['id']}#{number}", "content": text[start:end], "source": row["id"]}
            rows.append(row | passage | {"start": start, "end": end, "tokens": tokens})
    return Items(pd.DataFrame(rows), "text", f"{items.name} in passages")


def get_tokenizer(model: Embedder | str) -> tuple[Any, int]:
    """Return a text model's tokenizer, and its token limit without special tokens.

    Raises
    ------
    EmbedlabError
        If it has none, or one that does not give the positions of its tokens.
    """
    loaded = load_model(model) if isinstance(model, str) else model
    reader: Any = getattr(loaded, "text", loaded)  # the text tower of a dual encoder
    tokenizer = getattr(getattr(reader, "network", None), "tokenizer", None)
    if not getattr(tokenizer, "is_fast", False):
        name = getattr(getattr(reader, "card", None), "name", type(reader).__name__)
        raise EmbedlabError(
            f"{name} has no tokenizer that gives the positions of its tokens. Count with that of another "
            'text model, which comes close: chunk(items, model="text/minilm").',
            model=name,
        )
    return tokenizer, int(reader.max_tokens) - N_SPECIAL_TOKENS


def _passages(text: str, tokenizer: Any, budget: int, overlap: int) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, number of tokens) of each passage."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    offsets = [(a, b) for a, b in encoded["offset_mapping"] if a < b]
    begins = [a for a, _ in offsets]

    def length(start: int, end: int) -> int:
        return bisect_left(begins, end) - bisect_left(begins, start)

    pieces = [
        p for start, end in split_sentences(text) for p in _split_long(text, start, end, begins, budget)
    ]
    first = 0
    while first < len(pieces):
        start, last = pieces[first][0], first
        while last + 1 < len(pieces) and length(start, pieces[last + 1][1]) <= budget:
            last += 1
        end = pieces[last][1]
        yield start, end, length(start, end)
        if last + 1 == len(pieces):
            return
        # Repeat sentences that fit into the overlap, yet leave room for the next sentence.
        following = pieces[last + 1][1]
        first = last + 1
        while (
            first - 1 > bisect_left(pieces, (start, -1))
            and length(pieces[first - 1][0], end) <= overlap
            and length(pieces[first - 1][0], following) <= budget
        ):
            first -= 1


def _split_long(text: str, start: int, end: int, begins: list[int], budget: int) -> Iterator[tuple[int, int]]:
    """Yield a sentence, or its parts if it is longer than the budget."""
    first, stop = bisect_left(begins, start), bisect_left(begins, end)
    while stop - first > budget:
        cut = first + budget
        # Move the cut back to the start of a word, unless one word fills the whole passage.
        while cut > first and not text[begins[cut] - 1].isspace():
            cut -= 1
        cut = cut if cut > first else first + budget
        part = _trim(text, start, begins[cut])
        if part[0] < part[1]:
            yield part
        start, first = begins[cut], cut
    yield _trim(text, start, end)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Narrow a span so that it neither starts nor ends with whitespace."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end

"""Cut long texts into passages that a model reads whole, each with its place in the text it came from."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pandas as pd

from embedlab.errors import BadItem, EmbedlabError
from embedlab.items import Items

SPECIAL = 2  # tokens that the tokenizer adds around a text: [CLS] and [SEP]

# A sentence ends with its mark, and what closes a quotation; then comes space, and no small letter. Languages
# that write without spaces have marks of their own. An empty line ends one, too.
_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s+[^\sa-z])|[。！？]+[」』”]*|\n(?=\s*\n)")
# After these, a full stop ends no sentence: "Dr. Watt", "approx. 5 km", an initial.
_ABBREVIATION = re.compile(
    r"(?:\b(?:Dr|Mr|Mrs|Ms|Prof|St|Jr|Sr|vs|etc|cf|No|Nos|Fig|Eq|approx|ca|e\.g|i\.e|a\.m|p\.m)|\b[A-Z])\.$"
)


def sentences(text: str) -> list[tuple[int, int]]:
    """Where the sentences of a text begin and end: ``text[start:end]`` has no space around it.

    Rules, not a model: a few abbreviations are known, others may cut a sentence in two.
    """
    ends = [
        found.end()
        for found in _END.finditer(text)
        if not _ABBREVIATION.search(text, max(0, found.end() - 12), found.end())
    ]
    found = (_trimmed(text, start, end) for start, end in pairwise([0, *ends, len(text)]))
    return [(start, end) for start, end in found if start < end]


def chunk(
    items: Items,
    *,
    model: Any = "text/minilm",
    max_tokens: int | None = None,
    overlap: int = 0,
) -> Items:
    """Cut texts into passages of whole sentences, none longer than a model reads.

    Parameters
    ----------
    items : Items
        Texts.
    model : Embedder or str
        Whose tokenizer counts.
    max_tokens : int, optional
        Most tokens of a passage; by default, and at most, what the model reads.
    overlap : int
        Tokens: whole sentences of at most this length are repeated at the start of the next passage.

    Returns
    -------
    Items
        Ids ``"doc#1"``, ``"doc#2"``, …; further columns ``source`` (the text's id), ``start`` and ``end``
        (characters: ``text[start:end]`` is the passage), ``tokens``, and those that the texts had.

    Raises
    ------
    BadItem
        For items that are no texts, an empty text, or settings that do not fit.
    EmbedlabError
        When the model has no tokenizer that tells where its tokens are.

    Notes
    -----
    A sentence longer than ``max_tokens`` is cut between two words, a word longer than that between tokens.
    """
    if items.modality != "text":
        raise BadItem(f"Only texts can be cut into passages, not items of {items.modality!r}.")
    tokenizer, longest = tokenizer_of(model)
    budget = longest if max_tokens is None else int(max_tokens)
    if not 1 <= budget <= longest:
        raise BadItem(f"max_tokens is {budget}; this model reads 1 to {longest} (and {SPECIAL} of its own).")
    if not 0 <= overlap < budget:
        raise BadItem(f"overlap is {overlap} tokens; it must be at least 0 and below max_tokens, {budget}.")
    rows = []
    for row in items.frame.to_dict("records"):
        text = row["content"]
        if not isinstance(text, str) or not text.strip():
            raise BadItem(f"Item {row['id']!r} has no text to cut.")
        for number, (start, end, tokens) in enumerate(_passages(text, tokenizer, budget, overlap), 1):
            own = {"id": f"{row['id']}#{number}", "content": text[start:end], "source": row["id"]}
            rows.append(row | own | {"start": start, "end": end, "tokens": tokens})
    return Items(pd.DataFrame(rows), "text", f"{items.name} in passages")


def tokenizer_of(model: Any) -> tuple[Any, int]:
    """A text model's tokenizer, and how many tokens of a text the model reads.

    Raises
    ------
    EmbedlabError
        When it has none, or one that does not tell where its tokens are.
    """
    if isinstance(model, str):
        from embedlab.embedders import load_model

        model = load_model(model)
    model = getattr(model, "text", model)  # of a pair of towers, the one that reads
    tokenizer = getattr(getattr(model, "network", None), "tokenizer", None)
    if not getattr(tokenizer, "is_fast", False):
        name = getattr(getattr(model, "card", None), "name", type(model).__name__)
        raise EmbedlabError(
            f"{name} has no tokenizer that tells where its tokens are. Count with another text model's, "
            'which comes close: chunk(items, model="text/minilm").'
        )
    return tokenizer, int(model.max_tokens) - SPECIAL


def _passages(text: str, tokenizer: Any, budget: int, overlap: int) -> Iterator[tuple[int, int, int]]:
    """(start, end, tokens) of each passage."""
    told = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    offsets = [(a, b) for a, b in told["offset_mapping"] if a < b]
    begins = [a for a, _ in offsets]

    def length(start: int, end: int) -> int:
        return bisect_left(begins, end) - bisect_left(begins, start)

    pieces = [p for start, end in sentences(text) for p in _fitting(text, start, end, begins, budget)]
    first = 0
    while first < len(pieces):
        start, last = pieces[first][0], first
        while last + 1 < len(pieces) and length(start, pieces[last + 1][1]) <= budget:
            last += 1
        end = pieces[last][1]
        yield start, end, length(start, end)
        if last + 1 == len(pieces):
            return
        # Go back over what fits into the overlap, yet leave room for the sentence that is next.
        following = pieces[last + 1][1]
        first = last + 1
        while (
            first - 1 > bisect_left(pieces, (start, -1))
            and length(pieces[first - 1][0], end) <= overlap
            and length(pieces[first - 1][0], following) <= budget
        ):
            first -= 1


def _fitting(text: str, start: int, end: int, begins: list[int], budget: int) -> Iterator[tuple[int, int]]:
    """A sentence, or the parts of one that is longer than the budget."""
    first, stop = bisect_left(begins, start), bisect_left(begins, end)
    while stop - first > budget:
        cut = first + budget
        # Back to the beginning of a word, unless one word fills the whole passage.
        while cut > first and not text[begins[cut] - 1].isspace():
            cut -= 1
        cut = cut if cut > first else first + budget
        part = _trimmed(text, start, begins[cut])
        if part[0] < part[1]:
            yield part
        start, first = begins[cut], cut
    yield _trimmed(text, start, end)


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end

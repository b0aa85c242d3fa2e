"""An answer with the passages it is based on, and its HTML for notebooks."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from embedlab.io.html import render


@dataclass(frozen=True)
class Passage:
    """A retrieved passage and its position in the text it comes from.

    Attributes
    ----------
    number : int
        The number it is cited by, from 1.
    id, source : str
        Id of the passage, and of the text it comes from.
    text : str
    start, end : int
        Its first character in that text, and the one after its last.
    score : float
        Cosine to the question; after a hybrid search the sum of reciprocal ranks.
    """

    number: int
    id: str
    source: str
    text: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, eq=False)
class Answer:
    """An answer and what it is based on; a notebook shows it with its sources.

    Attributes
    ----------
    question, text : str
    answered : bool
        False if none of the passages answers the question.
    by : str
        ``"extract"`` (sentences of the passages, word for word), or the name of the chat model.
    passages : tuple of Passage
        The retrieved passages, the nearest first.
    cited : tuple of int
        Numbers of the given passages that the answer cites.
    quotes : DataFrame
        The sentences nearest to the question: ``number``, ``sentence``, ``score``, ``start``, ``end`` (in the
        source).
    threshold : float or None
        If the nearest sentence scores lower, there is no answer; None if no threshold was given.
    problems : tuple of str
        What is wrong with its citations, for example a source that was not given.
    messages : tuple of dict
        The prompt for a language model, also if none was asked.
    """

    question: str
    text: str
    answered: bool
    by: str
    passages: tuple[Passage, ...]
    cited: tuple[int, ...]
    quotes: pd.DataFrame
    threshold: float | None
    problems: tuple[str, ...]
    messages: tuple[dict[str, str], ...]

    @property
    def score(self) -> float:
        """Cosine of the question and the nearest sentence; NaN if no sentence was found."""
        return float(self.quotes["score"].max()) if len(self.quotes) else float("nan")

    @property
    def prompt(self) -> str:
        """The messages joined to one text."""
        return "\n\n".join(message["content"] for message in self.messages)

    def __str__(self) -> str:
        names = "".join(f"\n[{p.number}] {p.id}" for p in self.passages if p.number in self.cited)
        return f"{self.text}{names}"

    def __repr__(self) -> str:
        return f"Answer(by {self.by}, {'answered' if self.answered else 'not answered'}: {self.text[:70]!r})"

    def _repr_html_(self) -> str:
        if self.by == "extract":
            limit = "no threshold" if self.threshold is None else f"threshold {self.threshold:.2f}"
            origin = f"Word for word from the sources; nearest sentence {self.score:.2f}, {limit}."
        else:
            origin = f"Written by {self.by} from the sources below. Check it against them."
        values = {
            "question": self.question,
            "text": self.text,
            "notes": [*self.problems, origin],
            "passages": [
                {
                    "number": passage.number,
                    "place": f"{passage.source}, characters {passage.start} to {passage.end}",
                    "is_cited": passage.number in self.cited,
                    "pieces": self._mark_quotes(passage),
                }
                for passage in self.passages
            ],
        }
        return render("embedlab.applications", "answer.html", values)

    def _mark_quotes(self, passage: Passage) -> list[tuple[str, bool]]:
        """Split a passage into pieces of text, each with whether it is quoted."""
        pieces, position = [], 0
        rows = self.quotes[self.quotes["number"] == passage.number].sort_values("start")
        for start, end in zip(rows["start"] - passage.start, rows["end"] - passage.start, strict=True):
            pieces += [(passage.text[position:start], False), (passage.text[start:end], True)]
            position = end
        return [*pieces, (passage.text[position:], False)]

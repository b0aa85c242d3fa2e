"""An answer with the passages it rests on, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import pandas as pd


@dataclass(frozen=True)
class Passage:
    """A passage that was found, with its place in the text it comes from.

    Attributes
    ----------
    number : int
        How it is cited, from 1.
    id, source : str
        Of the passage, and of the text it comes from.
    text : str
    start, end : int
        Its characters in that text.
    score : float
        Cosine to the question, or the sum of reciprocal ranks where several ways were joined.
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
    """An answer and what it rests on. A notebook shows it with its sources.

    Attributes
    ----------
    question, text : str
    answered : bool
        False when nothing that was found answers the question.
    by : str
        Who answered: ``"extract"`` (sentences of the passages, word for word), or the chat model.
    passages : tuple of Passage
        What was found, the nearest first.
    cited : tuple of int
        Numbers of the passages that the answer names and that were given.
    quotes : DataFrame
        The sentences nearest to the question: ``number``, ``sentence``, ``score``, ``start``, ``end`` (in the
        source).
    threshold : float or None
        Below this score of the nearest sentence, there is no answer; None when none was measured.
    problems : tuple of str
        What is wrong with it, such as a citation of a source that was not given.
    messages : tuple of dict
        The prompt: what a language model is, or would be, told.
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
        """Cosine of the question and the nearest sentence that was found; NaN when none was."""
        return float(self.quotes["score"].max()) if len(self.quotes) else float("nan")

    @property
    def prompt(self) -> str:
        """The prompt as one text."""
        return "\n\n".join(message["content"] for message in self.messages)

    def __str__(self) -> str:
        names = "".join(f"\n[{p.number}] {p.id}" for p in self.passages if p.number in self.cited)
        return f"{self.text}{names}"

    def __repr__(self) -> str:
        return f"Answer(by {self.by}, {'answered' if self.answered else 'not answered'}: {self.text[:70]!r})"

    def _repr_html_(self) -> str:
        notes = [*self.problems]
        if self.by == "extract":
            limit = "no threshold" if self.threshold is None else f"threshold {self.threshold:.2f}"
            notes.append(f"Word for word from the sources; nearest sentence {self.score:.2f}, {limit}.")
        else:
            notes.append(f"Written by {self.by} from the sources below. Check it against them.")
        small = "".join(f'<p style="opacity:.75;margin:2px 0">{escape(n)}</p>' for n in notes)
        sources = "".join(self._source(p) for p in self.passages)
        return (
            f'<div style="max-width:60em;font-size:14px"><p><i>{escape(self.question)}</i></p>'
            f'<p style="font-size:16px">{escape(self.text)}</p>{small}{sources}</div>'
        )

    def _source(self, passage: Passage) -> str:
        """A passage under its number, the quoted sentences marked; open where it is cited."""
        text, shown, at = passage.text, "", 0
        rows = self.quotes[self.quotes["number"] == passage.number].sort_values("start")
        for start, end in zip(rows["start"] - passage.start, rows["end"] - passage.start, strict=True):
            shown += f"{escape(text[at:start])}<b><u>{escape(text[start:end])}</u></b>"
            at = end
        shown += escape(text[at:])
        place = f"{passage.source}, characters {passage.start} to {passage.end}"
        is_open = " open" if passage.number in self.cited else ""
        return (
            f'<details{is_open} style="margin:4px 0"><summary><b>[{passage.number}]</b> {escape(place)}'
            f'</summary><p style="margin:4px 16px;white-space:pre-wrap">{shown}</p></details>'
        )

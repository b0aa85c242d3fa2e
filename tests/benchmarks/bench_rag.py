"""Passages of what length: how often is the right paragraph found, and is the answer in the quoted sentence?

XQuAD en (240 paragraphs, 1,190 questions, ``../shared/data``) and the handbook of this kit, with text/minilm,
by cosine alone. No time is measured here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import embedlab as el
from embedlab.applications.chunking import chunk, split_sentences
from embedlab.applications.threshold import separate_scores
from embedlab.comparison.scores import bootstrap

XQUAD = Path(__file__).parents[3] / "shared" / "data" / "text" / "xquad_en.json"
SETTINGS = ((None, 0), (128, 0), (128, 32), (64, 0), (64, 16), (32, 0))
K = 4


def main() -> None:
    model = el.load_model("text/minilm")
    for name, articles, questions, sources, answers in _data():
        print(f"{name}: {len(articles)} texts, {len(questions)} questions, text/minilm, 95 % intervals")
        asked = _vectors(model, questions)
        print("| passages of | overlap | n | R@1 | R@10 | answer in 4 passages | in the sentence quoted |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        _row("whole texts", 0, articles, model, asked, sources, answers, whole=True)
        for tokens, overlap in SETTINGS:
            passages = chunk(articles, model=model, max_tokens=tokens, overlap=overlap)
            _row(f"{tokens or 254} tokens", overlap, passages, model, asked, sources, answers)
        print()


def _data() -> list[tuple[str, el.Items, list[str], list[str], list[list[str]]]]:
    questions = el.load_dataset("handbook-questions")
    known = questions.frame[questions.frame["article"].notna()]
    found = [
        (
            "handbook",
            el.load_dataset("handbook"),
            known["content"].tolist(),
            known["article"].tolist(),
            [[answer] for answer in known["answer"]],
        )
    ]
    if not XQUAD.is_file():
        print("XQuAD is not there (../shared/data): left out.\n")
        return found
    about: dict[str, Any] = json.loads(XQUAD.read_text("utf-8"))
    texts = el.Items.from_texts([d["text"] for d in about["docs"]], [d["id"] for d in about["docs"]])
    asked = about["queries"]
    rows = (
        [q["question"] for q in asked],
        [q["relevant"] for q in asked],
        [[q["answer"]] for q in asked],
    )
    return [*found, ("XQuAD en", texts, *rows)]


def _vectors(model: Any, texts: Sequence[str]) -> np.ndarray:
    vectors: np.ndarray = model.embed(el.Items.from_texts(list(texts)), progress=False).vectors
    return vectors


def _row(
    name: str,
    overlap: int,
    passages: el.Items,
    model: Any,
    asked: np.ndarray,
    sources: Sequence[str],
    answers: Sequence[Sequence[str]],
    whole: bool = False,
) -> None:
    near = asked @ _vectors(model, passages.contents).T
    source = passages.frame["id" if whole else "source"].to_numpy()
    texts = sorted(set(source))
    # A text is as near as its nearest passage.
    best = np.stack([near[:, source == text].max(axis=1) for text in texts], axis=1)
    own = np.array([texts.index(s) for s in sources])
    place = (best > best[np.arange(len(own)), own][:, None]).sum(axis=1)
    lines = [(row, text[a:b]) for row, text in enumerate(passages.contents) for a, b in split_sentences(text)]
    of_passage = np.array([row for row, _ in lines])
    likeness = asked @ _vectors(model, [line for _, line in lines]).T
    held, quoted, there, gone = [], [], [], []
    for q, (row, gold) in enumerate(zip(near, answers, strict=True)):
        top = np.argsort(-row)[:K]
        held.append(any(g in passages.contents[i] for i in top for g in gold))
        scores = np.where(np.isin(of_passage, top), likeness[q], -1)
        quoted.append(any(g in lines[int(scores.argmax())][1] for g in gold))
        there.append(scores.max())
        rest = np.argsort(-np.where(source == sources[q], -2, row))[:K]
        gone.append(np.where(np.isin(of_passage, rest), likeness[q], -1).max())
    values = [place < 1, place < 10, held, quoted]
    shown = [f"{s.value:.3f} [{s.low:.2f}, {s.high:.2f}]" for s in map(bootstrap, values)]
    print(f"| {name} | {overlap} | {len(passages)} | " + " | ".join(shown) + " |")
    if name.startswith("128") and not overlap:
        limit = separate_scores(np.array(there), np.array(gone))
        note = f"threshold {limit.value:.2f}: kept {limit.kept:.2f}, refused {limit.refused:.2f}"
        print(f"| ({note}, AUC {limit.auc:.2f}) | | | | | | |")


if __name__ == "__main__":
    main()

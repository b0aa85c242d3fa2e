"""The sample data ``notes``: form, counts and coherence of the committed files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from statistics import median
from typing import Any

import pytest
from paths import ROOT

FOLDER = ROOT / "data" / "notes"
TOPICS = [
    "sea", "weather", "cooking", "garden", "money", "music",
    "body", "space", "animals", "travel", "computers", "repair",
]  # fmt: skip
KINDS = {
    "paraphrase", "reordered", "double negative", "detail", "number", "entity", "word order", "negation",
    "antonym", "same topic", "homonym", "unrelated",
}  # fmt: skip
# Words that mean one thing in one topic and another in the next.
AMBIGUOUS = [
    "bank", "crane", "pitch", "bass", "sound", "seal", "net", "bridge", "scale", "mouse", "python",
    "bug", "virus", "cloud", "cookie", "root", "cell", "mercury", "note", "bat", "branch", "bark",
    "trunk", "drum", "organ", "horn", "vessel", "iris", "palm", "patch", "bolt", "beat", "tip",
    "thread", "joint", "shower", "stream",
]  # fmt: skip


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / name).read_text("utf-8").splitlines()]


def normalised(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


NOTES, QUESTIONS, PAIRS = rows("notes.jsonl"), rows("questions.jsonl"), rows("pairs.jsonl")


@pytest.mark.parametrize(
    ("table", "keys", "prefix", "count"),
    [
        pytest.param(NOTES, {"id", "topic", "text"}, "n", 600, id="notes"),
        pytest.param(QUESTIONS, {"id", "text", "answers"}, "q", 120, id="questions"),
        pytest.param(PAIRS, {"id", "a", "b", "score", "kind"}, "p", 150, id="pairs"),
    ],
)
def test_keys_and_ids(table: list[dict[str, Any]], keys: set[str], prefix: str, count: int) -> None:
    assert [row["id"] for row in table] == [f"{prefix}{i:03d}" for i in range(1, count + 1)]
    assert all(set(row) == keys for row in table)


@pytest.mark.parametrize("name", ["notes.jsonl", "questions.jsonl", "pairs.jsonl"])
def test_plain_ascii_and_unix_lines(name: str) -> None:
    content = (FOLDER / name).read_bytes()
    assert content.isascii()
    assert b"\r" not in content
    assert content.endswith(b"}\n")


def test_texts_are_tidy() -> None:
    texts = [row["text"] for row in NOTES + QUESTIONS] + [row[side] for row in PAIRS for side in "ab"]
    assert [text for text in texts if text != " ".join(text.split())] == []
    assert [text for text in texts if not (text[0].isupper() or text[0].isdigit())] == []


def test_fifty_notes_a_topic() -> None:
    assert Counter(note["topic"] for note in NOTES) == dict.fromkeys(TOPICS, 50)


def test_lengths_of_the_notes() -> None:
    lengths = [len(note["text"].split()) for note in NOTES]
    assert min(lengths) >= 4
    assert max(lengths) <= 90
    assert 20 <= median(lengths) <= 26


def test_no_text_twice() -> None:
    texts = Counter(normalised(row["text"]) for row in NOTES + QUESTIONS)
    assert [text for text, n in texts.items() if n > 1] == []
    sentences = Counter(frozenset(normalised(row[side]) for side in "ab") for row in PAIRS)
    assert [pair for pair, n in sentences.items() if n > 1] == []


def test_ambiguous_words_cross_topics() -> None:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for note in NOTES:
        for word in AMBIGUOUS:
            if re.search(rf"\b{word}s?\b", note["text"], re.IGNORECASE):
                found[word].append(note)
    assert [word for word in AMBIGUOUS if len({note["topic"] for note in found[word]}) < 2] == []
    assert len({note["id"] for notes in found.values() for note in notes}) >= 60


def test_answers_are_notes() -> None:
    known = {note["id"] for note in NOTES}
    for question in QUESTIONS:
        answers = question["answers"]
        assert 1 <= len(answers) <= 4, question["id"]
        assert answers == sorted(set(answers)), question["id"]
        assert set(answers) <= known, question["id"]


def test_questions_cover_the_topics() -> None:
    topic = {note["id"]: note["topic"] for note in NOTES}
    asked = Counter(topic[question["answers"][0]] for question in QUESTIONS)
    assert set(asked) == set(TOPICS)
    assert min(asked.values()) >= 7


def test_grades_are_spread() -> None:
    scores = [pair["score"] for pair in PAIRS]
    assert all(0 <= score <= 5 and float(score * 2).is_integer() for score in scores)
    for whole in range(6):
        assert sum(whole - 0.5 <= score < whole + 0.5 for score in scores) >= 12, whole


def test_kinds_and_their_grades() -> None:
    grades: dict[str, list[float]] = defaultdict(list)
    for pair in PAIRS:
        grades[pair["kind"]].append(pair["score"])
    assert set(grades) == KINDS
    assert len(grades["negation"]) >= 20
    assert len(grades["word order"]) >= 15
    assert all(1 <= grade <= 2 for grade in grades["negation"])
    assert all(grade <= 0.5 for grade in grades["unrelated"] + grades["homonym"])
    assert all(grade >= 3.5 for grade in grades["paraphrase"])


def test_swapped_pairs_use_the_same_words() -> None:
    swaps = [pair for pair in PAIRS if pair["kind"] == "word order"]
    changed = [
        p["id"] for p in swaps if sorted(normalised(p["a"]).split()) != sorted(normalised(p["b"]).split())
    ]
    assert len(changed) <= 3, changed


def test_manifest_fits() -> None:
    done = subprocess.run(
        [sys.executable, FOLDER / "manifest.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr

"""Load the sample data sets whose files are part of this project: texts, and short sounds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from embedlab.items import Items


def load_notes(path: Path) -> Items:
    """Load the notes; the label is their topic."""
    frame = _read_jsonl(path)
    return Items.from_frame(frame, modality="text", content="text", id="id", label="topic", name="notes")


def load_note_questions(path: Path) -> Items:
    """Load the questions about the notes, with ``answers``: the ids of the notes, joined by ``|``."""
    frame = _read_jsonl(path)
    frame = frame.assign(answers=["|".join(ids) for ids in frame["answers"]])
    return Items.from_frame(frame, modality="text", content="text", id="id", name="notes-questions")


def load_note_pairs(path: Path) -> Items:
    """Load the graded sentence pairs, two items per pair."""
    frame = _read_jsonl(path)
    sides = [
        pd.DataFrame(
            {
                "id": frame["id"] + side,
                "content": frame[side],
                "pair": frame["id"],
                "side": side,
                "score": frame["score"].astype(float),
                "kind": frame["kind"],
            }
        )
        for side in ("a", "b")
    ]
    return Items(pd.concat(sides).sort_values("id", kind="stable"), "text", "notes-pairs")


def load_handbook(path: Path) -> Items:
    """Load the articles of the handbook."""
    return Items.from_frame(_read_jsonl(path), modality="text", content="text", id="id", name="handbook")


def load_handbook_questions(path: Path) -> Items:
    """Load the questions about the handbook."""
    frame = _read_jsonl(path)
    return Items.from_frame(frame, modality="text", content="text", id="id", name="handbook-questions")


def load_voices(path: Path) -> Items:
    """Load the synthesised voices; the label is the word."""
    return _load_sounds(path, label="word", name="voices")


def load_sounds(path: Path) -> Items:
    """Load the computed everyday sounds; the label is their kind."""
    return _load_sounds(path, label="kind", name="sounds")


def _load_sounds(path: Path, label: str, name: str) -> Items:
    """Load sound files listed in a CSV file; the id of a sound is its file name without the extension."""
    frame = pd.read_csv(path)
    frame.insert(0, "id", [Path(file).stem for file in frame["file"]])
    frame["file"] = [str(path.parent / file) for file in frame["file"]]
    return Items.from_frame(frame, modality="audio", content="file", id="id", label=label, name=name)


def _read_jsonl(path: Path) -> pd.DataFrame:
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]
    return pd.DataFrame(rows)

"""JSON lines: a file with one JSON object a line."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from reader_kit import codes, write_table

from embedlab.errors import BadItem, ProblemCode
from embedlab.items import Items


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_an_address_stays_one_and_is_told_from_a_path(tmp_path: Path, kind: str) -> None:
    frame = pd.DataFrame({"file": ["http://example.org/a.png", "gone.png"]})
    path = tmp_path / f"a.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    items = Items.from_path(path, modality="image", content="file")
    assert items.contents == ["http://example.org/a.png", str(tmp_path / "gone.png")]
    problems = items.summary().problems
    assert codes(problems) == {"0": ProblemCode.NOT_A_FILE, "1": ProblemCode.MISSING}
    assert problems["0"].reason.endswith("an address must be downloaded first")


def test_json_lines_keep_what_is_nested_and_name_a_broken_line(tmp_path: Path) -> None:
    rows = [
        {"id": 7, "text": "a", "tags": ["x", {"y": 1}], "n": 1, "mixed": 1},
        {"id": 8, "text": None, "n": 2.5, "mixed": "two", "label": "\ud800 half"},
    ]
    path = write_table(tmp_path / "a.jsonl", "\n".join(json.dumps(row) for row in rows) + "\n\n")
    items = Items.from_jsonl(path, modality="text", content="text", id="id")
    assert items.ids == ["7", "8"]
    assert items.contents == ["a", ""]
    assert items.labels == [None, "� half"]
    assert json.loads(items.metadata["tags"][0]) == ["x", {"y": 1}]
    assert items.metadata["n"].tolist() == [1, 2.5]
    assert items.metadata["mixed"].tolist() == ["1", "two"]
    with path.open("ab") as file:
        file.write(b'{"id": 9, "text": "cut of\n[1]\n{"id": 10, "text": "\xe9"}\n')
    with pytest.raises(BadItem, match=r"3 lines of a\.jsonl cannot be read") as caught:
        Items.from_jsonl(path, modality="text", content="text", id="id")
    assert codes(caught.value.problems) == {
        "line 4": ProblemCode.MALFORMED,
        "line 5": ProblemCode.MALFORMED,
        "line 6": ProblemCode.ENCODING,
    }
    assert len(Items.from_jsonl(path, modality="text", content="text", id="id", on_error="skip")) == 2


def test_one_json_list_is_told_from_json_lines(tmp_path: Path) -> None:
    with pytest.raises(BadItem, match=r"one JSON list.*read_json"):
        Items.from_jsonl(
            write_table(tmp_path / "a.jsonl", '[{"text": "a"}]'), modality="text", content="text"
        )


def test_a_text_with_half_a_character_is_kept_for_the_summary_to_name(tmp_path: Path) -> None:
    path = write_table(tmp_path / "a.jsonl", '{"text": "\\ud83d"}\n{"text": "fine"}\n')
    items = Items.from_jsonl(path, modality="text", content="text")
    assert list(items.summary().problems) == ["0"]

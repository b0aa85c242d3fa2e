"""Cutting texts into passages: nothing is lost, nothing is longer than the model reads, places are right."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import embedlab as el
from embedlab.applications.chunking import chunk, get_tokenizer, split_sentences
from embedlab.errors import BadItem, EmbedlabError, ProblemCode

pytestmark = pytest.mark.weights("text/minilm")

ODD = {
    "plain": "One sentence. Another one! A third? Yes.",
    "no end": "words without any mark " * 60,
    "one word": "x" * 5000,
    "long word list": ",".join(f"word{i}" for i in range(900)),
    "lines": "A heading\n\nA paragraph that follows. And more.\n\n\n\n- a list\n- of things\n",
    "chinese": "星星很亮。月亮也很亮！你看见了吗？" * 40,
    "emoji": "Look 🔭 there. " * 80,
    "combining": "e\u0301te\u0301. " * 200,
    "spaces": "  \t first. \u00a0\u2003 second.  \n ",
    "zero width": "a\u200bb. \ufeffCd. " * 50,
    "code": "def f(x):\n    return x ** 2\n" * 60,
    "dots": "Wait... what?! " * 90,
}


def cut(text: str, **settings: int) -> el.Items:
    return chunk(el.Items.from_texts([text], ids=["doc"]), **settings)


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize(("max_tokens", "overlap"), [(None, 0), (40, 0), (40, 15), (7, 3), (1, 0)])
def test_all_is_there_in_place_and_fits(text: str, max_tokens: int | None, overlap: int) -> None:
    found = cut(text, max_tokens=max_tokens, overlap=overlap).frame
    tokenizer, longest = get_tokenizer("text/minilm")
    seen = np.zeros(len(text), bool)
    for row in found.itertuples():
        assert row.content == text[row.start : row.end]
        assert row.content == row.content.strip() != ""
        assert 0 <= row.tokens <= (max_tokens or longest)
        seen[row.start : row.end] = True
    # What is alone on its own is read anew: between words no token can come about by the cut.
    if not {"x", "\u0301"} & set(text):
        for row in found.itertuples():
            alone = len(tokenizer(row.content, add_special_tokens=False, verbose=False)["input_ids"])
            assert alone <= (max_tokens or longest) + ("word899" in text)
    assert "".join(c for c, there in zip(text, seen, strict=True) if not there).strip() == ""
    assert found["start"].is_monotonic_increasing
    assert found["start"].is_unique
    assert found["id"].tolist() == [f"doc#{i}" for i in range(1, len(found) + 1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Watt came. She left.", ["Dr. Watt came.", "She left."]),
        ("It is 3.5 km, approx. 4 at most. Go!", ["It is 3.5 km, approx. 4 at most.", "Go!"]),
        ('He said: "No." Then he went.', ['He said: "No."', "Then he went."]),
        ("A title\n\nThe text.", ["A title", "The text."]),
        ("See e.g. the sea. it goes on. End", ["See e.g. the sea. it goes on.", "End"]),
        ("亮。暗。", ["亮。", "暗。"]),
        ("", []),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert [text[a:b] for a, b in split_sentences(text)] == expected


def test_a_passage_takes_as_many_sentences_as_fit() -> None:
    text = "One two three four. Five six seven eight. Nine ten eleven twelve."
    assert cut(text, max_tokens=10).contents == [text[:41], text[42:]]
    assert cut(text, max_tokens=15).contents == [text]


def test_overlap_repeats_whole_sentences() -> None:
    text = " ".join(f"Number {word} is here." for word in ("one", "two", "three", "four", "five", "six"))
    parts = cut(text, max_tokens=15, overlap=5).contents
    for before, after in pairwise(parts):
        assert before.rpartition("Number")[2] == after.split("Number")[1].rstrip() or before.endswith(
            "Number" + after.split("Number")[1].rstrip()
        )
    assert len(parts) > len(cut(text, max_tokens=15).contents)


def test_columns_and_labels_stay() -> None:
    texts = el.Items.from_texts(["First. Second.", "Third."], ids=["a", "b/c"], labels=["x", "y"])
    found = chunk(texts, max_tokens=2)
    assert found.ids == ["a#1", "a#2", "b/c#1"]
    assert found.labels == ["x", "x", "y"]
    assert found.frame["source"].tolist() == ["a", "a", "b/c"]


def test_no_passage_of_the_handbook_is_truncated() -> None:
    articles = el.load_dataset("handbook")
    whole = el.embed(articles, "text/minilm")
    assert len(whole.report.truncated) == 12, "each article is longer than the model reads"
    assert el.embed(el.chunk(articles), "text/minilm").report.truncated == ()


def test_what_cannot_be_cut_is_refused() -> None:
    texts = el.Items.from_texts(["One.", " \n"], ids=["a", "b"])
    with pytest.raises(BadItem) as caught:
        chunk(texts)
    assert {id: problem.code for id, problem in caught.value.problems.items()} == {"b": ProblemCode.EMPTY}
    with pytest.raises(BadItem, match="reads 1 to 254"):
        cut("x", max_tokens=255)
    with pytest.raises(BadItem, match="below max_tokens, 10"):
        cut("x", max_tokens=10, overlap=10)
    with pytest.raises(BadItem, match="'image'"):
        chunk(el.Items(texts.frame.rename(columns={"content": "path"}), "image"))
    with pytest.raises(EmbedlabError, match="has no tokenizer"):
        chunk(texts, model=object())

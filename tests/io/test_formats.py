"""Sizes, durations and lists as people read them."""

from __future__ import annotations

import pytest

from embedlab.io.formats import format_bytes, format_seconds, listed


@pytest.mark.parametrize(
    ("amount", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_234_567, "1.2 MB"), (12_345_678, "12 MB"), (3.5e9, "3.5 GB")],
)
def test_bytes_in_words(amount: float, words: str) -> None:
    assert format_bytes(amount) == words


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (0.04, "0.0 s"),
        (9.96, "10 s"),
        (59.7, "1 min"),
        (95, "1 min 35 s"),
        (3599.6, "1 h"),
        (7_500, "2 h 5 min"),
    ],
)
def test_seconds_in_words(amount: float, words: str) -> None:
    assert format_seconds(amount) == words


@pytest.mark.parametrize(
    ("values", "text"),
    [([], ""), (["a"], "'a'"), ([1, 2], "'1', '2'"), (range(7), "'0', '1', '2', '3', '4' and 2 more")],
)
def test_a_list_shows_five_and_counts_the_rest(values: list[object], text: str) -> None:
    assert listed(values) == text

"""Pairs of models for the tests of comparisons."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from comparison_kit import noisy, renamed

from embedlab.comparison.compare import compare
from embedlab.comparison.result import Comparison
from embedlab.embeddings import Embeddings

Make = Callable[..., Embeddings]


@pytest.fixture
def two(make_embeddings: Make) -> list[Embeddings]:
    """A good model and a bad one, on 120 items of 4 labels."""
    good = make_embeddings(120, 16, 4)
    return [renamed(good, "by/good"), renamed(noisy(good, 6), "by/bad")]


@pytest.fixture
def compared(two: list[Embeddings]) -> Comparison:
    return compare(two, cost=False)


@pytest.fixture
def twins(two: list[Embeddings]) -> list[Embeddings]:
    """Two models that are as good as each other, and err in different places."""
    return [renamed(noisy(two[0], 3, seed), name) for seed, name in ((1, "by/one"), (2, "by/twin"))]

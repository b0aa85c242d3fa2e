"""The figures of a comparison."""

from __future__ import annotations

from pathlib import Path

import pytest
from comparison_kit import renamed

from embedlab.comparison.compare import compare
from embedlab.comparison.page import render_page
from embedlab.comparison.result import Comparison
from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem


def test_a_name_with_dollars_is_no_formula(two: list[Embeddings], tmp_path: Path) -> None:
    odd = [renamed(emb, f"by/{name}") for emb, name in zip(two, (r"a$\frac$", r"b$_$"), strict=True)]
    found = compare(odd, cost=False)
    assert r"a$\frac$" in render_page(found)
    for what in ("scores", "similarity"):
        found.figure(what).savefig(tmp_path / "figure.png")  # type: ignore[arg-type]


@pytest.mark.parametrize("what", ["scores", "similarity", "shape", "smaller"])
def test_figures(compared: Comparison, what: str, tmp_path: Path) -> None:
    figure = compared.figure(what)  # type: ignore[arg-type]
    figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 5_000
    with pytest.raises(BadItem, match="Unknown figure 'else'"):
        compared.figure("else")  # type: ignore[arg-type]

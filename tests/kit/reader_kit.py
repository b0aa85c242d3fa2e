"""Files to read as items, and what the errors about them say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from embedlab.errors import Problem, ProblemCode


def write_table(path: Path, text: str, encoding: str = "utf-8") -> Path:
    """Write a text in an encoding; lone surrogates become the bytes that they stand for."""
    path.write_bytes(text.encode(encoding, "surrogateescape"))
    return path


def codes(problems: Mapping[str, Problem]) -> dict[str, ProblemCode]:
    """Return the code of each problem."""
    return {name: problem.code for name, problem in problems.items()}

"""A long check is skipped only as long as nothing that it checks has changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from verified import fingerprint

PROJECT = """
[build-system]
requires = ["hatchling"]
[project]
requires-python = ">=3.11"
dependencies = ["{}"]
[tool.ruff]
line-length = {}
"""


def test_a_fingerprint_follows_the_content_and_the_names(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("1")
    first = fingerprint(("*.py",), tmp_path)
    assert fingerprint(("*.py",), tmp_path) == first
    (tmp_path / "a.py").write_text("2")
    second = fingerprint(("*.py",), tmp_path)
    (tmp_path / "b.py").write_text("")
    assert len({first, second, fingerprint(("*.py",), tmp_path)}) == 3


def test_of_pyproject_only_what_is_installed_counts(tmp_path: Path) -> None:
    def with_project(dependency: str, length: int) -> str:
        (tmp_path / "pyproject.toml").write_text(PROJECT.format(dependency, length))
        return fingerprint(("pyproject.toml",), tmp_path)

    assert with_project("numpy", 88) == with_project("numpy", 110)
    assert with_project("numpy", 88) != with_project("numpy>=2", 88)


def test_a_pattern_that_matches_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing"):
        fingerprint(("nothing/*.py",), tmp_path)

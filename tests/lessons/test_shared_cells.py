"""A lesson that nbval does not run holds what its solution holds, cell by cell, and open exercises.

Eleven lessons share all cells with their solutions except the exercises. The solutions run under nbval, which
fails if a stored output no longer matches; these tests carry that guarantee over to the lessons.
"""

from __future__ import annotations

import re
import symtable
from pathlib import Path

import nbformat
import pytest
from IPython.core.formatters import DisplayFormatter
from lesson_needs import stands_for

from embedlab import lessons
from embedlab.tools import build

IGNORED = "nbval-ignore-output"  # nbval compares nothing there either
PAIRS = [(lesson, solution) for lesson in build.lessons() if (solution := stands_for(lesson))]
EACH_PAIR = pytest.mark.parametrize(("lesson", "solution"), PAIRS, ids=lambda path: path.stem)


def code(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_the_pairs_are_the_lessons_that_have_a_solution() -> None:
    assert [lesson.name[:2] for lesson, _ in PAIRS] == [f"{number:02}" for number in range(1, 12)]


@EACH_PAIR
def test_all_but_the_exercises_are_the_same(lesson: Path, solution: Path) -> None:
    ours, theirs = code(lesson), code(solution)
    assert len(ours) == len(theirs)
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True), 1):
        tags = one.metadata.get("tags", [])
        assert tags == other.metadata.get("tags", []), f"cell {number}"
        if "exercise" not in tags:
            assert one.source == other.source, f"cell {number}"
            assert IGNORED in tags or one.outputs == other.outputs, (
                f"cell {number}: python -m embedlab.tools.build"
            )


@EACH_PAIR
def test_open_exercises_show_what_the_check_says_today(lesson: Path, solution: Path) -> None:
    for cell in code(lesson):
        if "exercise" in cell.metadata.get("tags", []):
            name = re.search(r'check\("([^"]+)"', cell.source)[1]  # type: ignore[index]
            shown, _ = DisplayFormatter().format(lessons.check(name, ...))
            stored = cell.outputs[-1].data
            assert {kind: shown[kind] for kind in stored} == dict(stored), name
            assert len(cell.outputs) == 1, name


def defined(source: str) -> set[str]:
    """Names that a cell leaves behind in the notebook."""
    table = symtable.symtable(source, "cell", "exec")
    return {name.get_name() for name in table.get_symbols() if name.is_assigned() or name.is_imported()}


def needed(source: str) -> set[str]:
    """Names that a cell, or a function in it, takes from the notebook."""
    tables, found = [symtable.symtable(source, "cell", "exec")], set[str]()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        top = table.get_type() == "module"
        found |= {n.get_name() for n in table.get_symbols() if n.is_referenced() and (top or n.is_global())}
    return found - defined(source)


@EACH_PAIR
def test_no_cell_needs_what_only_an_answer_defines(lesson: Path, solution: Path) -> None:
    """Learners who leave an exercise open run the rest all the same."""
    only_answered: set[str] = set()
    for one, other in zip(code(lesson)[1:], code(solution)[1:], strict=True):
        if "exercise" in one.metadata.get("tags", []):
            only_answered |= defined(other.source) - defined(one.source)
        else:
            assert not needed(one.source) & only_answered, one.source
            only_answered -= defined(one.source)

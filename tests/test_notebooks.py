"""What is stored in the lessons: rules that running them does not see.

nbval runs them and compares the outputs; it passes over a cell that was never run, so that is checked here.
"""

from __future__ import annotations

import re
import statistics
from pathlib import Path

import nbformat
import pytest

from embedlab import catalog, lessons
from embedlab.lessons import build

LESSONS = build.lessons()
SOLUTIONS = sorted(lessons.folder().glob("solutions/*.ipynb"))
EACH = pytest.mark.parametrize("path", [*LESSONS, *SOLUTIONS], ids=lambda p: f"{p.parent.name}/{p.stem}")
EACH_LESSON = pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_lessons_and_solutions() -> None:
    assert {"00_start_here", "01_what_is_an_embedding", "02_text"} <= {p.stem for p in LESSONS}
    assert {"01_what_is_an_embedding", "02_text"} <= {p.stem for p in SOLUTIONS}


@EACH
def test_it_was_run_from_top_to_bottom_and_is_clean(path: Path) -> None:
    notebook = read(path)
    assert build.problems(notebook) == []
    assert "widgets" not in notebook.metadata
    assert path.stat().st_size <= build.LARGEST
    assert not any(build.WIDGET in o.get("data", {}) for c in code(notebook) for o in c.outputs)


@EACH
def test_no_path_of_a_machine_is_stored(path: Path) -> None:
    for cell in code(read(path)):
        for output in cell.outputs:
            shown = "".join(str(v) for k, v in output.get("data", {}).items() if not k.startswith("image/"))
            assert not re.search(
                r"(/home/|/root/|/tmp/|/work/|/Users/|[A-Z]:\\)", shown + str(output.get("text", ""))
            )


@EACH_LESSON
def test_cells_are_short(path: Path) -> None:
    lines = [len(cell.source.splitlines()) for cell in code(read(path))]
    assert max(lines) <= 15
    assert statistics.median(lines) <= 5


@EACH_LESSON
def test_every_code_cell_shows_something(path: Path) -> None:
    quiet = [cell.source for cell in code(read(path)) if not cell.outputs]
    allowed = [source for source in quiet if re.match(r"(import|from|#|def |class |%)", source)]
    assert quiet == allowed, "a cell without a visible value, and not only imports or a definition"


@EACH_LESSON
def test_prose_stands_around_the_code(path: Path) -> None:
    cells = read(path).cells
    kinds = [cell.cell_type for cell in cells]
    assert kinds[0] == "markdown"
    assert not re.search(r"code( code){3}", " ".join(kinds)), "more than three code cells without a word"


@EACH_LESSON
def test_the_first_cells_say_what_to_expect(path: Path) -> None:
    opening = "\n".join(c.source for c in read(path).cells[:3] if c.cell_type == "markdown")
    for needed in ("# ", "ou will be able to", "Prerequisites", "Minutes", "Download"):
        assert needed in opening


@EACH_LESSON
def test_the_metadata_declare_number_minutes_and_models(path: Path) -> None:
    about = read(path).metadata["embedlab"]
    assert about["lesson"] == int(path.name[:2])
    assert about["minutes"] > 0
    megabytes = sum((catalog.row(m).weights.wheel_bytes for m in about["models"]), start=0) / 1e6
    assert about["downloads_mb"] == pytest.approx(megabytes, abs=2)


@EACH_LESSON
def test_exercises_are_open_in_the_lesson_and_right_in_the_solutions(path: Path) -> None:
    notebook = read(path)
    for index in build.exercises(notebook):
        cell = notebook.cells[index]
        name = re.search(r'check\("([^"]+)"', cell.source)
        assert name
        lessons.find(name.group(1))
        assert "○" in cell.outputs[-1].data["text/plain"]
    assert not build.out_of_step(path), "run: python -m embedlab.lessons.build"
    if build.exercises(notebook):
        assert build._unsolved(read(build.solution_path(path))) == []

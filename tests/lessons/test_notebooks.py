"""What is stored in the lessons: rules that running them does not see.

nbval runs them and compares the outputs; it passes over a cell that was never run, so that is checked here.
"""

from __future__ import annotations

import platform
import re
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from paths import ROOT

from embedlab import lessons, settings
from embedlab.catalog import registry
from embedlab.tools import build

LESSONS = build.lessons()
SOLUTIONS = sorted(settings.notebooks_folder().glob("solutions/*.ipynb"))
TEMPLATES = build.templates()
EVERY = [*LESSONS, *SOLUTIONS, *TEMPLATES]
EACH = pytest.mark.parametrize("path", EVERY, ids=lambda p: f"{p.parent.name}/{p.stem}")
EACH_LESSON = pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_there_are_lessons_and_solutions() -> None:
    assert {
        "00_start_here",
        "01_what_is_an_embedding",
        "02_text",
        "03_image",
        "04_multimodal",
        "05_audio",
        "06_video",
        "11_your_own_data",
    } <= {p.stem for p in LESSONS}
    assert {"01_what_is_an_embedding", "02_text", "03_image", "04_multimodal", "05_audio", "06_video"} <= {
        p.stem for p in SOLUTIONS
    }


def test_the_template_is_short_and_runs_on_sample_data_as_it_is() -> None:
    """nbval runs it like a lesson; here: what it asks of whoever copies it stands in its first code cell."""
    [path] = TEMPLATES
    assert path.name == "template_your_own_data.ipynb"
    cells = code(read(path))
    filled_in = [line.split(" = ")[0] for line in cells[0].source.splitlines() if " = " in line]
    assert filled_in == ["SOURCE", "MODALITY", "COLUMNS", "MODELS", "RESULTS"]
    assert max(len(cell.source.splitlines()) for cell in cells) <= 15
    assert len(cells) <= 14


@EACH
def test_it_was_run_from_top_to_bottom_and_is_clean(path: Path) -> None:
    notebook = read(path)
    assert build.find_problems(notebook) == []
    assert "widgets" not in notebook.metadata
    assert path.stat().st_size <= build.MAX_BYTES
    assert not any(build.WIDGET in o.get("data", {}) for c in code(notebook) for o in c.outputs)


HERE = {str(Path.home()), str(ROOT), str(ROOT.parent), sys.prefix, tempfile.gettempdir(), platform.node()}
ANYWHERE = re.compile(r"/home/|/root/|/tmp/|/Users/|site-packages|\b[A-Z]:\\|\b0x[0-9a-f]{8,}")


def shown(notebook: nbformat.NotebookNode) -> Iterator[str]:
    """All text that is stored as output."""
    for cell in code(notebook):
        for output in cell.outputs:
            yield str(output.get("text", ""))
            yield from (str(v) for k, v in output.get("data", {}).items() if not k.startswith("image/"))


@EACH
def test_nothing_of_the_machine_is_stored(path: Path) -> None:
    notebook = read(path)
    for text in shown(notebook):
        assert not ANYWHERE.search(text)
        assert not [name for name in HERE if len(name) > 4 and name in text]
    names = {key for cell in notebook.cells for key in cell.metadata}
    assert names <= {"tags"}
    assert set(notebook.metadata) <= {"kernelspec", "language_info", "embedlab"}
    assert notebook.metadata.kernelspec.name == "python3"


@EACH
def test_nbval_can_compare_what_is_stored(path: Path) -> None:
    """It runs cells without history, so a semicolon hides nothing; and of pictures it knows PNG and JPEG."""
    for cell in code(read(path)):
        assert not cell.source.rstrip().endswith(";")
        assert not re.search(r"^[%!]", cell.source, re.MULTILINE)
        assert not any("svg" in kind for o in cell.outputs for kind in o.get("data", {}))


@EACH
def test_pictures_in_the_prose_are_there(path: Path) -> None:
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            sources = re.findall(r"!\[[^\]]*\]\(([^)\s]+)", cell.source)
            sources += re.findall(r"<img[^>]*src=[\"']([^\"']+)", cell.source)
            for source in sources:
                assert not source.startswith(("http:", "https:", "//")), "a lesson works without a network"
                assert source.startswith("attachment:") or (path.parent / source).is_file()
            assert "](http://" not in cell.source, "https"


@EACH_LESSON
def test_cells_are_short(path: Path) -> None:
    lines = [len(cell.source.splitlines()) for cell in code(read(path))]
    assert max(lines) <= 15
    assert statistics.median(lines) <= 5


def test_a_check_is_called_in_exercises_only() -> None:
    for path in LESSONS:
        notebook = read(path)
        calls = [i for i, c in enumerate(notebook.cells) if c.cell_type == "code" and "check(" in c.source]
        assert calls == build.exercises(notebook), "tag the cell: exercise"


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
    megabytes = sum((registry.row(m).download_bytes for m in about["models"]), start=0) / 1e6
    assert about["downloads_mb"] == pytest.approx(megabytes, abs=2)


@EACH_LESSON
def test_exercises_are_open_in_the_lesson_and_right_in_the_solutions(path: Path) -> None:
    notebook = read(path)
    for index in build.exercises(notebook):
        cell = notebook.cells[index]
        name = re.search(r'check\("([^"]+)"', cell.source)
        assert name
        lessons.find_checker(name.group(1))
        assert "○" in cell.outputs[-1].data["text/plain"]
    assert not build.is_outdated(path), "run: python -m embedlab.tools.build"
    used = {re.search(r'check\("([^"]+)"', notebook.cells[i].source)[1] for i in build.exercises(notebook)}
    assert used == set(lessons.exercise_names(path.name[:2])), (
        "each check belongs to an exercise, and the reverse"
    )
    if build.exercises(notebook):
        assert build.find_unsolved(read(build.solution_path(path))) == []

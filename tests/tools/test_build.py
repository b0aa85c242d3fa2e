"""The build of the lessons: what is stored, and how solutions are made."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from paths import KIT, ROOT

from embedlab.errors import EmbedlabError
from embedlab.tools import build

SOLUTION = "<details><summary>Solution</summary>\n\n```python\n{}\n```\n\n</details>"


def lesson(answer: str = "answer = 4", **changes: object) -> nbformat.NotebookNode:
    cells = [
        new_markdown_cell("# A lesson"),
        new_code_cell("from sample_exercise import check"),
        new_code_cell("answer = ...\ncheck('99/double', answer)", metadata={"tags": ["exercise"]}),
        new_markdown_cell(SOLUTION.format(answer)),
    ]
    return new_notebook(cells=cells, metadata={"embedlab": {"lesson": 99}, **changes})


def write(notebook: nbformat.NotebookNode, path: Path) -> Path:
    nbformat.write(notebook, path)
    return path


@pytest.fixture(autouse=True)
def kernels_find_the_exercise(monkeypatch: pytest.MonkeyPatch) -> None:
    folders = [KIT, ROOT]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, folders)))


def test_the_solution_is_made_from_the_lesson() -> None:
    made = build.solve(lesson(), "x")
    assert made is not None
    assert made.cells[2].source == "answer = 4\ncheck('99/double', answer)"
    assert len(made.cells) == 3, "the collapsed solution is dropped"


def test_a_lesson_without_exercises_has_no_solutions() -> None:
    assert build.solve(new_notebook(cells=[new_markdown_cell("# x")]), "x") is None


def test_an_exercise_without_solution_is_refused() -> None:
    notebook = lesson()
    del notebook.cells[3]
    with pytest.raises(EmbedlabError, match="solution after it"):
        build.solve(notebook, "x")


def test_build_stores_the_lesson_unanswered_and_the_solution_answered(tmp_path: Path) -> None:
    path = write(lesson(widgets={"state": 1}), tmp_path / "99_x.ipynb")
    assert build.build(path) == []
    stored, made = (nbformat.read(p, as_version=4) for p in (path, build.solution_path(path)))
    assert "○" in stored.cells[2].outputs[0].data["text/plain"]
    assert "✓" in made.cells[2].outputs[0].data["text/plain"]
    assert "widgets" not in stored.metadata
    assert stored.metadata["embedlab"] == {"lesson": 99}
    assert [c.execution_count for c in stored.cells if c.cell_type == "code"] == [1, 2]
    assert not build.is_outdated(path)
    stored.cells[0].source = "# Another title"
    write(stored, path)
    assert build.is_outdated(path)


def test_a_wrong_solution_is_not_stored(tmp_path: Path) -> None:
    path = write(lesson("answer = 5"), tmp_path / "99_x.ipynb")
    before = path.read_bytes()
    assert "not accepted" in build.build(path)[0]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("import warnings; warnings.warn('mind the gap')", "mind the gap"),
        ("1 / 0", "ZeroDivisionError"),
        ("print('x' * 600_000)", "bytes"),
    ],
)
def test_warnings_errors_and_heavy_outputs_are_not_stored(
    tmp_path: Path, source: str, complaint: str
) -> None:
    path = write(new_notebook(cells=[new_code_cell(source)]), tmp_path / "99_x.ipynb")
    assert complaint in build.build(path)[0]


def test_a_widget_gives_way_to_its_picture() -> None:
    widget = {build.WIDGET: {"model_id": "x"}, "image/png": "abc", "text/plain": "a map"}
    bare = {build.WIDGET: {"model_id": "x"}, "text/plain": "VBox()"}
    cell = new_code_cell("x", outputs=[new_output("display_data", data=d) for d in (widget, bare)])
    notebook = new_notebook(cells=[cell])
    build.clean(notebook)
    assert [dict(o.data) for o in cell.outputs] == [{"image/png": "abc", "text/plain": "a map"}]


def test_building_drops_trailing_whitespace_and_joins_what_was_printed(tmp_path: Path) -> None:
    source = "for i in range(2):   \n    print(i, flush=True)\n\n"
    cells = [new_markdown_cell("a line break  \nhere  \n"), new_code_cell(source)]
    path = write(new_notebook(cells=cells), tmp_path / "99_x.ipynb")
    assert build.build(path) == []
    prose, code = nbformat.read(path, as_version=4).cells
    assert prose.source == "a line break  \nhere"
    assert code.source == "for i in range(2):\n    print(i, flush=True)"
    assert [o.text for o in code.outputs] == ["0\n1\n"]


def test_building_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    path = write(lesson(), tmp_path / "99_x.ipynb")
    stored = []
    for _ in range(2):
        assert build.build(path) == []
        stored.append((path.read_bytes(), build.solution_path(path).read_bytes()))
    assert stored[0] == stored[1]


def test_the_command_compares_without_running(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(lesson(), tmp_path / "99_x.ipynb")
    before = path.read_bytes()
    assert build.main(["--check", str(path)]) == 1
    assert "outdated" in capsys.readouterr().err
    solution = build.solve(lesson(), path.name)
    assert solution is not None
    build.solution_path(path).parent.mkdir()
    write(solution, build.solution_path(path))
    assert build.main(["--check", str(path)]) == 0
    assert path.read_bytes() == before
    assert build.main([str(tmp_path / "missing.ipynb")]) == 1
    assert "There is no notebook" in capsys.readouterr().err

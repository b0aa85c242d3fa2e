"""The machinery of the lessons: checks, solutions, and the rules that stored notebooks keep."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from embedlab import lessons
from embedlab.errors import EmbedlabError
from embedlab.lessons import build, check, exercise, hint, right
from embedlab.lessons.run import execute

SOLUTION = "<details><summary>Solution</summary>\n\n```python\n{}\n```\n\n</details>"


@exercise("99/double")
def double(answer: object) -> lessons.Verdict:
    if answer * 2 == 8:  # type: ignore[operator]
        return right("Twice four is eight.")
    return hint("Half of eight.")


def test_an_open_exercise_passes_and_says_so() -> None:
    assert repr(check("99/double", ...)).startswith("○ Not answered yet")


def test_right_and_wrong_answers() -> None:
    assert repr(check("99/double", 4)) == "✓ Twice four is eight."
    assert repr(check("99/double", 5)) == "✗ Not quite. Half of eight."


@pytest.mark.parametrize("answer", [None, "<script>", float("nan"), [], object()])
def test_an_odd_answer_gets_a_hint_never_a_traceback(answer: object) -> None:
    verdict = check("99/double", answer)
    assert verdict.state == "wrong"
    assert "<script>" not in verdict._repr_html_()


def test_an_unknown_exercise_names_the_nearest() -> None:
    with pytest.raises(EmbedlabError, match="99/double"):
        check("99/doubel", 4)
    with pytest.raises(EmbedlabError, match="No exercise '77/x'"):
        check("77/x", ...)


def lesson(answer: str = "answer = 4", **changes: object) -> nbformat.NotebookNode:
    cells = [
        new_markdown_cell("# A lesson"),
        new_code_cell("from test_lessons import check"),
        new_code_cell("answer = ...\ncheck('99/double', answer)", metadata={"tags": ["exercise"]}),
        new_markdown_cell(SOLUTION.format(answer)),
    ]
    return new_notebook(cells=cells, metadata={"embedlab": {"lesson": 99}, **changes})


def write(notebook: nbformat.NotebookNode, path: Path) -> Path:
    nbformat.write(notebook, path)
    return path


@pytest.fixture(autouse=True)
def kernels_find_this_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


def test_the_solution_is_made_from_the_lesson() -> None:
    made = build.solved(lesson(), "x")
    assert made is not None
    assert made.cells[2].source == "answer = 4\ncheck('99/double', answer)"
    assert len(made.cells) == 3, "the collapsed solution is dropped"


def test_a_lesson_without_exercises_has_no_solutions() -> None:
    assert build.solved(new_notebook(cells=[new_markdown_cell("# x")]), "x") is None


def test_an_exercise_without_solution_is_refused() -> None:
    notebook = lesson()
    del notebook.cells[3]
    with pytest.raises(EmbedlabError, match="solution after it"):
        build.solved(notebook, "x")


def test_build_stores_the_lesson_unanswered_and_the_solution_answered(tmp_path: Path) -> None:
    path = write(lesson(widgets={"state": 1}), tmp_path / "99_x.ipynb")
    assert build.build(path) == []
    stored, made = (nbformat.read(p, as_version=4) for p in (path, build.solution_path(path)))
    assert "○" in stored.cells[2].outputs[0].data["text/plain"]
    assert "✓" in made.cells[2].outputs[0].data["text/plain"]
    assert "widgets" not in stored.metadata
    assert stored.metadata["embedlab"] == {"lesson": 99}
    assert [c.execution_count for c in stored.cells if c.cell_type == "code"] == [1, 2]
    assert not build.out_of_step(path)
    stored.cells[0].source = "# Another title"
    write(stored, path)
    assert build.out_of_step(path)


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


def test_executing_again_forgets_the_old_outputs(tmp_path: Path) -> None:
    cell = new_code_cell(
        "1 + 1", outputs=[new_output("display_data", data={"text/plain": "old"})], execution_count=7
    )
    notebook = new_notebook(cells=[cell])
    assert execute(notebook, tmp_path)
    assert [o.data["text/plain"] for o in notebook.cells[0].outputs] == ["2"]
    assert notebook.cells[0].execution_count == 1

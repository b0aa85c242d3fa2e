"""How the set-up cell and the links are put into the lessons."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from embedlab.errors import EmbedlabError
from embedlab.tools import build, course

LESSONS = build.lessons()
FIT = "run: python -m embedlab.tools.course"


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def test_the_links_of_a_lesson_name_its_neighbours() -> None:
    first, second, third = LESSONS[:3]
    line = course.links(second, LESSONS)
    assert line.startswith(f"[← 00 Start here]({first.name}) · [02 Text →]({third.name})")
    assert "←" not in course.links(first, LESSONS)
    assert "→" not in course.links(LESSONS[-1], LESSONS)


def test_nothing_is_left_to_fit() -> None:
    assert course.main(["--check"]) == 0, FIT


def lesson(*cells: nbformat.NotebookNode) -> nbformat.NotebookNode:
    return new_notebook(cells=[new_markdown_cell("# 7 · Shells: on the beach"), *cells])


@pytest.mark.parametrize(
    "old",
    [
        "[← an older link](x.ipynb)",
        "← [06 · Video](06_video.ipynb) · [08](08_compare_models.ipynb) →",
        "[06 · Video](06_video.ipynb) ← · → [08](08_compare_models.ipynb)",
        "[Glossary](glossary.md) · [Common mistakes](common_mistakes.ipynb)",
    ],
)
def test_older_links_are_replaced_also_in_a_cell_of_their_own(old: str) -> None:
    for before in ("", "## Quiz\n\nSee [it](x.ipynb), soon.\n\n"):
        notebook = lesson(new_markdown_cell(before + old))
        course.fit(notebook, "[new](x.ipynb)")
        assert notebook.cells[-1].source == before + "[new](x.ipynb)"


def test_fitting_adds_cell_and_links_once_and_counts_anew() -> None:
    ran = new_code_cell("1 + 1", execution_count=1)
    ran.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "2"}, execution_count=1)]
    notebook = lesson(ran, new_markdown_cell("## Quiz\n\n[← an older link](x.ipynb)"))
    for _ in range(2):
        course.fit(notebook, "[← 06 Video](06_video.ipynb)")
        assert [c.source for c in notebook.cells[1:3]] == [course.SETUP, "1 + 1"]
        assert [c.execution_count for c in notebook.cells[1:3]] == [1, 2]
        assert notebook.cells[2].outputs[0].execution_count == 2
        assert notebook.cells[-1].source == "## Quiz\n\n[← 06 Video](06_video.ipynb)"
    nbformat.validate(notebook)


def test_a_lesson_that_ends_in_code_is_refused() -> None:
    with pytest.raises(EmbedlabError, match="must end in prose"):
        course.fit(lesson(new_code_cell("1")), "x")


def test_an_update_keeps_outputs_and_runs_nothing(tmp_path: Path) -> None:
    exercise = new_code_cell("answer = ...\nprint(answer)", metadata={"tags": ["exercise"]})
    solution = new_markdown_cell(
        "<details><summary>Solution</summary>\n\n```python\nanswer = 4\n```\n\n</details>"
    )
    path = tmp_path / "07_shells.ipynb"
    nbformat.write(lesson(exercise, solution, new_markdown_cell("See [it](08_x.ipynb).")), path)
    assert "embedlab.tools.build" in course.update(path, [path])[0]
    assert read(path).cells[1].source == course.SETUP, "the lesson is fitted all the same"
    solved = build.solve(read(path), path.name)
    assert solved is not None
    solved.cells[2].outputs = [nbformat.v4.new_output("stream", name="stdout", text="4\n")]
    solved.cells[2].execution_count = 1
    place = build.solution_path(path)
    place.parent.mkdir()
    nbformat.write(solved, place)
    assert course.update(path, [path]) == []
    made = read(place)
    assert made.cells[1].source == course.SETUP
    assert (made.cells[2].outputs[0].text, made.cells[2].execution_count) == ("4\n", 2)
    assert "See [it](../08_x.ipynb)." in made.cells[-1].source
    assert "(../07_shells.ipynb)" in made.cells[0].source
    assert course.update(path, [path], check=True) == []
    changed = read(path)
    changed.cells[2].source = "answer = ...\nprint(answer + 1)"
    nbformat.write(changed, path)
    assert "solutions of 07_shells.ipynb are outdated" in course.update(path, [path])[0]


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("[a](03_image.ipynb)", "[a](../03_image.ipynb)"),
        ("![a](pictures/x.png)", "![a](../pictures/x.png)"),
        ("[a](https://example.org)", "[a](https://example.org)"),
        ("[a](#quiz)", "[a](#quiz)"),
        ("[a](../README.md)", "[a](../../README.md)"),
    ],
)
def test_links_in_solutions_lead_where_they_led(given: str, made: str) -> None:
    assert build._RELATIVE_LINK.sub("](../", given) == made


@pytest.mark.parametrize("folder", ["a kit/notebooks", "a kit/notebooks/solutions", "a kit", "."])
def test_the_set_up_cell_installs_the_checkout_and_nothing_else(tmp_path: Path, folder: str) -> None:
    """What pip would be asked for where embedlab is missing, by IPython's own reading of the cell."""
    checkout = tmp_path / "a kit"
    (checkout / "embedlab" / "lessons").mkdir(parents=True)
    here, away = tmp_path / folder, tmp_path / "away" / "in" / "colab"
    for each in (here, away):
        each.mkdir(parents=True, exist_ok=True)
    script = (
        "import sys, importlib.util\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.register_magic_function(lambda line: print('pip', line), magic_name='pip')\n"
        "if sys.argv[2] == 'missing':\n"
        "    importlib.util.find_spec = lambda name: None\n"
        "shell.run_cell(sys.argv[1]).raise_error()\n"
    )

    def run(cwd: Path, state: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", script, course.SETUP, state]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True)

    assert run(here, "missing").stdout.strip() == f'pip install -q "{checkout.resolve()}"'
    lost = run(away, "missing")
    assert "Clone the repository first" in lost.stderr
    assert "pip install" not in lost.stdout, "the name would be looked for on the index"
    assert run(away, "there").stdout == ""

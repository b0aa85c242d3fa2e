"""Build the lessons: run them, store clean outputs, and make the solutions.

    python -m embedlab.tools.build [NOTEBOOK…]     all lessons, or those named
    python -m embedlab.tools.build --check         only: are the solutions in step with the lessons?

The lesson is the one source. A solution notebook is the lesson with each ``answer = ...`` replaced by the
code in the ``<details>`` cell that follows it, run so that every check says it is right.
"""

from __future__ import annotations

import argparse
import copy
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from embedlab.errors import EmbedlabError
from embedlab.lessons.run import CellRun, execute, read, write
from embedlab.settings import notebooks_folder

_SUMMARY = "Run the lessons, store clean outputs, and make the solutions."
WIDGET = "application/vnd.jupyter.widget-view+json"
LARGEST = 500_000  # bytes
_ANSWER = re.compile(r"^answer = \.\.\.$", re.MULTILINE)
_LINK = re.compile(r"\]\((?![a-z]+:|#|/)")  # the beginning of a relative link
_SOLUTION = re.compile(
    r"<details>\s*<summary>Solution</summary>.*?```python\n(.*?)```.*?</details>", re.DOTALL
)


def lessons() -> list[Path]:
    """All lesson notebooks, in order."""
    return sorted(notebooks_folder().glob("[0-9]*.ipynb"))


def extras() -> list[Path]:
    """What lies beside the lessons: the common mistakes, the glossary."""
    folder = notebooks_folder()
    return sorted(p for p in [*folder.glob("[a-z]*.ipynb"), *folder.glob("*.md")])


def templates() -> list[Path]:
    """Notebooks to copy for one's own data."""
    return sorted(notebooks_folder().glob("template_*.ipynb"))


def solution_path(lesson: Path) -> Path:
    """Where the solution of a lesson lies."""
    return lesson.parent / "solutions" / lesson.name


def exercises(notebook: NotebookNode) -> list[int]:
    """Indices of the exercise cells."""
    return [i for i, cell in enumerate(notebook.cells) if "exercise" in cell.metadata.get("tags", [])]


def solved(lesson: NotebookNode, name: str) -> NotebookNode | None:
    """The lesson with its answers filled in and the solution cells dropped; None without exercises.

    Raises
    ------
    EmbedlabError
        When an exercise has no ``answer = ...`` line or no solution after it.
    """
    notebook = copy.deepcopy(lesson)
    chosen = exercises(notebook)
    if not chosen:
        return None
    for index in chosen:
        cell, after = notebook.cells[index], notebook.cells[index + 1 : index + 2]
        found = _SOLUTION.search(after[0].source) if after else None
        if found is None or not _ANSWER.search(cell.source):
            raise EmbedlabError(
                f"{name}, cell {index}: an exercise needs 'answer = ...' and a solution after it."
            )
        code = found.group(1).strip()
        cell.source = cell.source.replace("answer = ...", code, 1)
    for index in reversed(chosen):
        del notebook.cells[index + 1]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            # Solutions lie one folder below: all that the prose links to lies above.
            cell.source = _LINK.sub("](../", cell.source)
    notebook.cells[0].source += f"\n\n*These are the solutions. The [lesson itself](../{name}) asks first.*"
    return notebook


def tidy(notebook: NotebookNode) -> None:
    """Drop trailing whitespace from the sources (in prose only at the end: two spaces there break a line)."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = "\n".join(line.rstrip() for line in cell.source.splitlines())
        cell.source = cell.source.strip("\n").rstrip()


def clean(notebook: NotebookNode) -> None:
    """Keep what readers need: no widget state, no timestamps, a picture where a widget was."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        **{key: notebook.metadata[key] for key in ("embedlab",) if key in notebook.metadata},
    }
    for cell in notebook.cells:
        cell.metadata = {key: cell.metadata[key] for key in ("tags",) if key in cell.metadata}
        if cell.cell_type == "code":
            cell.outputs = _joined([out for out in map(_without_widget, cell.outputs) if out is not None])


def _without_widget(output: NotebookNode) -> NotebookNode | None:
    data = output.get("data", {})
    if WIDGET in data:
        del data[WIDGET]
        if not {"image/png", "text/html"} & data.keys():
            return None
    return output


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Merge what was printed piece by piece: where the pieces are cut depends on timing.

    nbclient could do it, but takes minutes for one long line.
    """
    joined: list[NotebookNode] = []
    for output in outputs:
        if joined and output.get("name") and output.get("name") == joined[-1].get("name"):
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def problems(notebook: NotebookNode) -> list[str]:
    """What must not be in a stored lesson: warnings, errors, cells that did not run in order."""
    found = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        found.append("code cells did not run in order from 1")
    for number, cell in enumerate(code, 1):
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"cell {number} failed: {output.ename}: {output.evalue}")
            if output.get("name") == "stderr":
                found.append(f"cell {number} wrote to stderr: {output.text[:300]}")
    size = len(nbformat.writes(notebook).encode())
    if size > LARGEST:
        found.append(f"{size:,} bytes; at most {LARGEST:,} are allowed")
    return found


def build(lesson: Path) -> list[str]:
    """Run one lesson and its solutions and store both; returns what went wrong (then nothing is stored)."""
    notebook = read(lesson)
    tidy(notebook)
    pairs = [(notebook, lesson)]
    answers = solved(notebook, lesson.name)
    if answers is not None:
        pairs.append((answers, solution_path(lesson)))
    for each, path in pairs:
        path.parent.mkdir(exist_ok=True)
        execute(each, path.parent, on_cell=_say)
        clean(each)
        wrong = problems(each)
        if each is answers:
            wrong += _unsolved(each)
        if wrong:
            return [f"{path.name}: {line}" for line in wrong]
    for each, path in pairs:
        write(each, path)
    return []


def _unsolved(notebook: NotebookNode) -> list[str]:
    """Exercises whose check does not say that the solution is right."""
    return [
        f"cell {i}: the solution is not accepted"
        for i in exercises(notebook)
        if not any("✓" in out.get("data", {}).get("text/plain", "") for out in notebook.cells[i].outputs)
    ]


def out_of_step(lesson: Path) -> bool:
    """Whether the stored solution was made from another version of the lesson."""
    expected = solved(read(lesson), lesson.name)
    path = solution_path(lesson)
    if expected is None or not path.is_file():
        return expected is not None or path.is_file()
    return [c.source for c in expected.cells] != [c.source for c in read(path).cells]


def _say(cell: CellRun) -> None:
    sys.stderr.write(
        f"  {cell.number}/{cell.total} {cell.seconds:6.1f} s  {cell.error or cell.first_line[:80]}\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, or with ``--check`` compare; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m embedlab.tools.build", description=_SUMMARY)
    parser.add_argument("notebook", nargs="*", type=Path, help="lessons (default: all, and the template)")
    parser.add_argument("--check", action="store_true", help="only compare the solutions with the lessons")
    given = parser.parse_args(arguments)
    wrong: list[str] = []
    for lesson in given.notebook or [*lessons(), *templates()]:
        try:
            if given.check:
                wrong += [f"{lesson.name}: the solutions are out of step"] if out_of_step(lesson) else []
            else:
                sys.stderr.write(f"{lesson.name}\n")
                wrong += build(lesson)
        except EmbedlabError as error:
            wrong.append(str(error))
    sys.stderr.write("".join(f"{line}\n" for line in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())

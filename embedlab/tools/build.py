"""Build the lessons: run them, store clean outputs, and make the solutions.

    python -m embedlab.tools.build [NOTEBOOK…]     build all lessons, or some
    python -m embedlab.tools.build --check         only check that the solutions match the lessons

The lesson is the only source. A solution notebook is the lesson with each ``answer = ...`` replaced by the
code in the ``<details>`` cell that follows it; every check must accept it.
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
MAX_BYTES = 500_000
_ANSWER = re.compile(r"^answer = \.\.\.$", re.MULTILINE)
_RELATIVE_LINK = re.compile(r"\]\((?![a-z]+:|#|/)")
_SOLUTION = re.compile(
    r"<details>\s*<summary>Solution</summary>.*?```python\n(.*?)```.*?</details>", re.DOTALL
)


def lessons() -> list[Path]:
    """Return all lesson notebooks, in order."""
    return sorted(notebooks_folder().glob("[0-9]*.ipynb"))


def extras() -> list[Path]:
    """Return the pages beside the lessons: the common mistakes, the glossary."""
    folder = notebooks_folder()
    return sorted(p for p in [*folder.glob("[a-z]*.ipynb"), *folder.glob("*.md")])


def templates() -> list[Path]:
    """Return the notebooks to copy for one's own data."""
    return sorted(notebooks_folder().glob("template_*.ipynb"))


def solution_path(lesson: Path) -> Path:
    """Return the path of the solution of a lesson."""
    return lesson.parent / "solutions" / lesson.name


def exercises(notebook: NotebookNode) -> list[int]:
    """Return the indices of the exercise cells."""
    return [i for i, cell in enumerate(notebook.cells) if "exercise" in cell.metadata.get("tags", [])]


def solve(lesson: NotebookNode, name: str) -> NotebookNode | None:
    """Return the lesson with answers instead of solution cells; None without exercises.

    Raises
    ------
    EmbedlabError
        If an exercise has no ``answer = ...`` line or no solution after it.
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
                f"{name}, cell {index}: the exercise is incomplete. Add a line 'answer = ...', and a cell "
                "with the solution after it."
            )
        code = found.group(1).strip()
        cell.source = cell.source.replace("answer = ...", code, 1)
    for index in reversed(chosen):
        del notebook.cells[index + 1]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            # Solutions are one folder deeper, so that relative links need another "../".
            cell.source = _RELATIVE_LINK.sub("](../", cell.source)
    notebook.cells[0].source += f"\n\n*These are the solutions. The [lesson itself](../{name}) asks first.*"
    return notebook


def tidy(notebook: NotebookNode) -> None:
    """Remove trailing whitespace from sources; in prose only at the end, as two spaces break a line."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = "\n".join(line.rstrip() for line in cell.source.splitlines())
        cell.source = cell.source.strip("\n").rstrip()


def clean(notebook: NotebookNode) -> None:
    """Remove widget state, timestamps and unknown metadata; keep the pictures of widgets."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        **{key: notebook.metadata[key] for key in ("embedlab",) if key in notebook.metadata},
    }
    for cell in notebook.cells:
        cell.metadata = {key: cell.metadata[key] for key in ("tags",) if key in cell.metadata}
        if cell.cell_type == "code":
            cell.outputs = _join_streams(
                [out for out in map(_without_widget, cell.outputs) if out is not None]
            )


def _without_widget(output: NotebookNode) -> NotebookNode | None:
    data = output.get("data", {})
    if WIDGET in data:
        del data[WIDGET]
        if not {"image/png", "text/html"} & data.keys():
            return None
    return output


def _join_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Merge the pieces of printed text, whose boundaries depend on timing.

    nbclient can do it, but takes minutes for one long line.
    """
    joined: list[NotebookNode] = []
    for output in outputs:
        if joined and output.get("name") and output.get("name") == joined[-1].get("name"):
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def find_problems(notebook: NotebookNode) -> list[str]:
    """Return what a stored lesson must not have: warnings, errors, cells that ran out of order."""
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
    if size > MAX_BYTES:
        found.append(f"{size:,} bytes; at most {MAX_BYTES:,} are allowed")
    return found


def build(lesson: Path) -> list[str]:
    """Run one lesson and its solutions and store both; return the problems, with which nothing is stored."""
    notebook = read(lesson)
    tidy(notebook)
    pairs = [(notebook, lesson)]
    answers = solve(notebook, lesson.name)
    if answers is not None:
        pairs.append((answers, solution_path(lesson)))
    for made, path in pairs:
        path.parent.mkdir(exist_ok=True)
        execute(made, path.parent, on_cell=_print_cell)
        clean(made)
        problems = find_problems(made)
        if made is answers:
            problems += find_unsolved(made)
        if problems:
            return [f"{path.name}: {problem}" for problem in problems]
    for made, path in pairs:
        write(made, path)
    return []


def find_unsolved(notebook: NotebookNode) -> list[str]:
    """Return the exercises whose check does not accept the solution."""
    return [
        f"cell {i}: the solution is not accepted"
        for i in exercises(notebook)
        if not any("✓" in out.get("data", {}).get("text/plain", "") for out in notebook.cells[i].outputs)
    ]


def is_outdated(lesson: Path) -> bool:
    """Whether the stored solution was made from another version of the lesson."""
    expected = solve(read(lesson), lesson.name)
    path = solution_path(lesson)
    if expected is None or not path.is_file():
        return expected is not None or path.is_file()
    return [c.source for c in expected.cells] != [c.source for c in read(path).cells]


def _print_cell(cell: CellRun) -> None:
    sys.stderr.write(
        f"  {cell.number}/{cell.total} {cell.seconds:6.1f} s  {cell.error or cell.first_line[:80]}\n"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, or with ``--check`` compare; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m embedlab.tools.build", description=_SUMMARY)
    parser.add_argument("notebook", nargs="*", type=Path, help="Lessons (default: all, and the template).")
    parser.add_argument("--check", action="store_true", help="Only compare the solutions with the lessons.")
    options = parser.parse_args(arguments)
    problems: list[str] = []
    for lesson in options.notebook or [*lessons(), *templates()]:
        try:
            if options.check:
                problems += [f"{lesson.name}: the solutions are outdated"] if is_outdated(lesson) else []
            else:
                sys.stderr.write(f"{lesson.name}\n")
                problems += build(lesson)
        except EmbedlabError as error:
            problems.append(str(error))
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())

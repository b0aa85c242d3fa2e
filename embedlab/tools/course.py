"""Put the set-up cell and the links to the neighbours into every lesson and its solutions.

    python -m embedlab.tools.course [--check]

Nothing is run: the cell prints nothing and prose has no outputs, so that stored outputs stay valid.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from embedlab.errors import EmbedlabError
from embedlab.lessons.run import read, write
from embedlab.tools import build

# The second cell of every lesson and every solution. It looks for umap to know whether the dependencies are
# installed: a kernel that was started in a checkout can import the folder embedlab without them. A kernel
# that was started above the checkout (after git clone on Colab) finds a folder of that name, which has no
# origin. The package index is not asked for "embedlab": the owner of that name could run code on every
# machine.
SETUP = """\
# Does nothing where embedlab is installed. In Colab, in Binder or in a new kernel it installs the checkout.
from importlib.util import find_spec
from pathlib import Path

if not (getattr(find_spec("embedlab"), "origin", None) and find_spec("umap")):
    near = [Path(".."), Path("../.."), Path(), *Path().iterdir()]
    checkout = [folder.resolve() for folder in near if (folder / "embedlab/lessons").is_dir()]
    assert checkout, "Clone the repository first, in a cell above this one: !git clone and its address"
    %pip install -q "{checkout[0]}"
""".strip()
_SETUP = re.compile(r"^# Does nothing where embedlab is installed\.")
_ONE = r"\[[^\]\n]*\]\([^)\n]*\)"
_LINKS = re.compile(
    rf"\n+(?:[^\n]*(?:←|→)[^\n]*{_ONE}[^\n]*|[^\n]*{_ONE}[^\n]*(?:←|→)|{_ONE}(?: · {_ONE})*)$"
)
EXTRAS = {"Glossary": "glossary.md", "Common mistakes": "common_mistakes.ipynb"}
_SUMMARY = "Put the set-up cell and the links to the neighbours into every lesson, without running it."


def short_title(path: Path) -> str:
    """Return the number of a lesson and its title up to the colon: ``"03 Images"``."""
    title = read(path).cells[0].source.splitlines()[0]
    return f"{path.name[:2]} {title.partition('·')[2].partition(':')[0].strip()}"


def links(path: Path, lessons: Sequence[Path]) -> str:
    """Return the last line of a lesson: ``← previous · next → · glossary``.

    Parameters
    ----------
    path : Path
        A lesson, or an extra page such as the common mistakes, which has no neighbours.
    lessons : sequence of Path
        All lessons, in order.
    """
    found = []
    names = [lesson.name for lesson in lessons]
    if path.name in names:
        index = names.index(path.name)
        if index:
            before = lessons[index - 1]
            found.append(f"[← {short_title(before)}]({before.name})")
        if index + 1 < len(lessons):
            after = lessons[index + 1]
            found.append(f"[{short_title(after)} →]({after.name})")
    else:
        found.append(f"[← {short_title(lessons[0])}]({lessons[0].name})")
    found += [f"[{title}]({name})" for title, name in EXTRAS.items() if name != path.name]
    return " · ".join(found)


def fit(notebook: NotebookNode, last_line: str) -> NotebookNode:
    """Put the set-up cell in second place and the links at the end of a lesson, in place."""
    cells = [c for c in notebook.cells if not (c.cell_type == "code" and _SETUP.match(c.source))]
    setup = new_code_cell(SETUP, execution_count=1)
    setup.id = "setup"
    notebook.cells = [cells[0], setup, *cells[1:]]
    last = notebook.cells[-1]
    if last.cell_type != "markdown":
        raise EmbedlabError("The last cell is code. A lesson must end in prose: its quiz.")
    rest = _LINKS.sub("", f"\n{last.source.rstrip()}").lstrip("\n")
    last.source = f"{rest}\n\n{last_line}" if rest else last_line
    renumber(notebook)
    return notebook


def renumber(notebook: NotebookNode) -> None:
    """Count the executed code cells from 1, as a run from top to bottom does."""
    count = 0
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.execution_count is not None:
            count += 1
            cell.execution_count = count
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = count


def update(path: Path, lessons: Sequence[Path], *, check: bool = False) -> list[str]:
    """Fit one lesson and its solutions.

    Returns
    -------
    list of str
        Problems; with ``check`` also the files that would change.
    """
    old, new = read(path), fit(read(path), links(path, lessons))
    pairs, problems = [(old, new, path)], []
    answers = build.solve(new, path.name) if path in lessons else None
    if answers is not None:
        target = build.solution_path(path)
        stored = read(target) if target.is_file() else None
        if stored is not None and _copy_outputs(stored, answers):
            pairs.append((stored, answers, target))
        else:
            problems = [f"the solutions of {path.name} are outdated: run python -m embedlab.tools.build"]
    changed = [(made, target) for before, made, target in pairs if not _has_same_cells(before, made)]
    if check:
        return problems + [f"{target.parent.name}/{target.name} would change" for _, target in changed]
    for made, target in changed:
        write(made, target)
    return problems


def _copy_outputs(stored: NotebookNode, notebook: NotebookNode) -> bool:
    """Copy the outputs of the same cells from a stored notebook; return whether it has all of them."""
    there = {c.source: c for c in stored.cells if c.cell_type == "code"}
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source != SETUP:
            if cell.source not in there:
                return False
            same = there[cell.source]
            cell.outputs, cell.execution_count = same.outputs, same.execution_count
    renumber(notebook)
    return True


def _has_same_cells(first: NotebookNode, second: NotebookNode) -> bool:
    return [(c.source, c.get("execution_count")) for c in first.cells] == [
        (c.source, c.get("execution_count")) for c in second.cells
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit all lessons, or with ``--check`` list those that would change; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m embedlab.tools.course", description=_SUMMARY)
    parser.add_argument("--check", action="store_true", help="Only list what would change.")
    options = parser.parse_args(arguments)
    lessons = build.lessons()
    extras = [path for path in build.extras() if path.name in EXTRAS.values() and path.suffix == ".ipynb"]
    problems: list[str] = []
    for path in [*lessons, *extras]:
        try:
            problems += update(path, lessons, check=options.check)
        except EmbedlabError as error:
            problems.append(f"{path.name}: {error}")
    sys.stderr.write("".join(f"{problem}\n" for problem in problems))
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())

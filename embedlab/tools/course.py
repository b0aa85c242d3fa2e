"""What the lessons have in common: a set-up cell on top, and links to their neighbours at the end.

    python -m embedlab.tools.course [--check]     put both into every lesson and its solutions

Nothing is run for it: the cell prints nothing and prose has no outputs, so what is stored stays true.
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

# The second cell of every lesson and every solution. umap stands for the packages that embedlab needs: a
# kernel that was started in a checkout sees the folder embedlab, and may have nothing else. Started above the
# checkout (after git clone on Colab) it sees a folder of that name, which has no origin. Nothing is asked of
# the package index by the name embedlab: whoever owned it there could run code on every learner's machine.
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
    """``"03 Images"``: the number of a lesson, and its title up to the colon."""
    title = read(path).cells[0].source.splitlines()[0]
    return f"{path.name[:2]} {title.partition('·')[2].partition(':')[0].strip()}"


def links(path: Path, lessons: Sequence[Path]) -> str:
    """The last line of a lesson: ``← previous · next → · glossary``.

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
        place = names.index(path.name)
        if place:
            before = lessons[place - 1]
            found.append(f"[← {short_title(before)}]({before.name})")
        if place + 1 < len(lessons):
            after = lessons[place + 1]
            found.append(f"[{short_title(after)} →]({after.name})")
    else:
        found.append(f"[← {short_title(lessons[0])}]({lessons[0].name})")
    found += [f"[{title}]({name})" for title, name in EXTRAS.items() if name != path.name]
    return " · ".join(found)


def fitted(notebook: NotebookNode, last_line: str) -> NotebookNode:
    """A lesson with the set-up cell in second place and the links as its last line; changed in place."""
    cells = [c for c in notebook.cells if not (c.cell_type == "code" and _SETUP.match(c.source))]
    setup = new_code_cell(SETUP, execution_count=1)
    setup.id = "setup"
    notebook.cells = [cells[0], setup, *cells[1:]]
    last = notebook.cells[-1]
    if last.cell_type != "markdown":
        raise EmbedlabError("A lesson ends in prose: its quiz.")
    rest = _LINKS.sub("", f"\n{last.source.rstrip()}").lstrip("\n")
    last.source = f"{rest}\n\n{last_line}" if rest else last_line
    number(notebook)
    return notebook


def number(notebook: NotebookNode) -> None:
    """Count the code cells that ran from 1, as they would be after a run from top to bottom."""
    count = 0
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.execution_count is not None:
            count += 1
            cell.execution_count = count
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.execution_count = count


def update(path: Path, lessons: Sequence[Path], *, check: bool = False) -> list[str]:
    """Fit one lesson and its solutions; returns what could not be done, or with ``check`` what is to do."""
    old, new = read(path), fitted(read(path), links(path, lessons))
    pairs, wrong = [(old, new, path)], []
    answers = build.solved(new, path.name) if path in lessons else None
    if answers is not None:
        place = build.solution_path(path)
        kept = read(place) if place.is_file() else None
        if kept is not None and _take_outputs(answers, kept):
            pairs.append((kept, answers, place))
        else:
            wrong = [
                f"the solutions of {path.name} are not those of its code: python -m embedlab.tools.build"
            ]
    changed = [(made, place) for before, made, place in pairs if not _same(before, made)]
    if check:
        return wrong + [
            f"{place.parent.name}/{place.name} is not as it would be made" for _, place in changed
        ]
    for made, place in changed:
        write(made, place)
    return wrong


def _take_outputs(notebook: NotebookNode, stored: NotebookNode) -> bool:
    """Give the cells the outputs that a stored notebook has for them; False when it lacks one."""
    there = {c.source: c for c in stored.cells if c.cell_type == "code"}
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.source != SETUP:
            if cell.source not in there:
                return False
            same = there[cell.source]
            cell.outputs, cell.execution_count = same.outputs, same.execution_count
    number(notebook)
    return True


def _same(one: NotebookNode, other: NotebookNode) -> bool:
    return [(c.source, c.get("execution_count")) for c in one.cells] == [
        (c.source, c.get("execution_count")) for c in other.cells
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit all lessons, or with ``--check`` say which are not; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m embedlab.tools.course", description=_SUMMARY)
    parser.add_argument("--check", action="store_true", help="only say what would be changed")
    given = parser.parse_args(arguments)
    lessons = build.lessons()
    extras = [path for path in build.extras() if path.name in EXTRAS.values() and path.suffix == ".ipynb"]
    wrong: list[str] = []
    for path in [*lessons, *extras]:
        try:
            wrong += update(path, lessons, check=given.check)
        except EmbedlabError as error:
            wrong.append(f"{path.name}: {error}")
    sys.stderr.write("".join(f"{line}\n" for line in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())

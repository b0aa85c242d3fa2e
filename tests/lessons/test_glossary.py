"""The glossary, and the terms that lessons introduce."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from embedlab import settings
from embedlab.tools import build

FOLDER = settings.notebooks_folder()
LESSONS = build.lessons()
TERM = re.compile(r"^- \*\*(.+?)\*\*: (.+) \[Lesson (\d\d)\]\((\d\d_\w+\.ipynb)\)$")


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def prose(path: Path) -> str:
    """All that a page says: the whole of a Markdown file, or the prose cells of a notebook."""
    if path.suffix == ".md":
        return path.read_text("utf-8")
    return "\n\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


# Bold for the weight of a word, not because it is a term.
EMPHASIS = set(
    re.split(
        r"\s*\|\s*",
        """
against | exact | filter first | hnsw walks | all three | already stored | and | averaged |
backwards | bold | brute force wins |
click | colour by | data | distances | download | draw it twice | draw nothing |
embed, explore, search | end to end | exercises | few neighbours | first | first numbers |
home and away | hover | key | limits | lists | look for copies | many neighbours | map | mean |
measure | minutes | motion | much worse | negation | not clip | not distinguishable | one |
other | pages | paraphrase | picture | play | prerequisites | question | ranks | raw pixels |
recall@10 | replaced | reproducible | sea | search | second process | sound | sounds |
line 101 | line 401 | labels to unite | cannot be embedded | copies | nearly the same | largest |
range | kept | mpnet |
stay | synthetic | tenth | text | texts | trained networks | two | two models | unrelated |
untrained | untrained network | value | voices | word order | wrong colour
""".strip(),
    )
)


def terms() -> list[re.Match[str]]:
    lines = (FOLDER / "glossary.md").read_text("utf-8").splitlines()
    found = [TERM.match(line) for line in lines if line.startswith("- ")]
    assert all(found), "- **term**: words. [Lesson 02](02_text.ipynb)"
    return [each for each in found if each]


def test_the_glossary_is_in_order_and_short() -> None:
    names = [each[1].lower() for each in terms()]
    assert names == sorted(set(names))
    assert len(names) > 80
    assert max(len(each[2].split()) for each in terms()) <= 45


@pytest.mark.parametrize("entry", terms(), ids=lambda e: e[1])
def test_a_term_is_met_in_the_lesson_that_the_glossary_names(entry: re.Match[str]) -> None:
    term, _, number, file = entry.groups()
    assert file.startswith(number)
    notebook = read(FOLDER / file)
    shown = [
        str(o.get("data", {}).get("text/plain", o.get("text", "")))
        for c in notebook.cells
        for o in c.get("outputs", [])
    ]
    text = f"{prose(FOLDER / file)}\n{' '.join(shown)}".lower()
    assert re.search(rf"\b{re.escape(term.lower().split('@')[0])}", text)


def test_what_a_lesson_introduces_in_bold_is_in_the_glossary() -> None:
    covered = {each[4] for each in terms()}
    known = EMPHASIS | {form for each in terms() for form in _forms(each[1])}
    unknown = []
    for path in (path for path in LESSONS if path.name in covered):
        for words in re.findall(r"\*\*([^*\n]{2,40})\*\*", prose(path).partition("\n## Quiz")[0]):
            name = words.lower().removeprefix("the ")
            if (
                name[-1] not in ".!?:"
                and len(name.split()) <= 3
                and known.isdisjoint({name, name.rstrip("s")})
            ):
                unknown.append(f"{path.stem}: {words}")
    assert unknown == []


def _forms(term: str) -> set[str]:
    """A term as it may stand in a lesson: ``success@k`` as ``success@1``, ``pooling`` as ``mean pooling``."""
    low = term.lower()
    numbered = {low.replace("@k", at) for at in ("@1", "@5")}
    return {low, f"mean {low}", f"last {low}", f"{low}es", low.split(" (")[0]} | numbered

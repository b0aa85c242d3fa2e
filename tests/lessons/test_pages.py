"""The lessons as one course: their order, links, set-up cell, quizzes and story."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import nbformat
import pytest

from embedlab import settings
from embedlab.tools import build, course

FOLDER = settings.notebooks_folder()
LESSONS = build.lessons()
SOLUTIONS = sorted(FOLDER.glob("solutions/*.ipynb"))
EXTRAS = build.extras()
NOTEBOOKS = [*LESSONS, *SOLUTIONS, FOLDER / "common_mistakes.ipynb"]
EACH = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: f"{p.parent.name}/{p.stem}")
EACH_LESSON = pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem)
FIT = "run: python -m embedlab.tools.course"
LINK = re.compile(r"\]\(([^)\s]+)\)")
OPTION = re.compile(r"^ *(?:[-*] |[a-dA-D][.)] )", re.MULTILINE)
ANSWER = re.compile(r"<details>\s*<summary>Answer</summary>(.*?)</details>", re.DOTALL)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def prose(path: Path) -> str:
    """All that a page says: the whole of a Markdown file, or the prose cells of a notebook."""
    if path.suffix == ".md":
        return path.read_text("utf-8")
    return "\n\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


def quiz(path: Path) -> str:
    """The quiz of a lesson, without what comes after its last answer."""
    text = prose(path)
    assert text.count("\n## Quiz") == 1, "one section: ## Quiz"
    return text.partition("\n## Quiz")[2].rpartition("</details>")[0] + "</details>"


def test_the_lessons_are_numbered_without_a_double() -> None:
    numbers = [path.name[:2] for path in LESSONS]
    assert numbers == sorted(set(numbers))
    assert (numbers[0], numbers[-1]) == ("00", "12")
    assert {"glossary.md", "common_mistakes.ipynb"} <= {path.name for path in EXTRAS}


@pytest.mark.parametrize("path", [*LESSONS, *SOLUTIONS, *EXTRAS], ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    for target in LINK.findall(re.sub(r"```.*?```", "", prose(path), flags=re.DOTALL)):
        if not re.match(r"[a-z]+:|#", target):
            assert (path.parent / target.partition("#")[0]).is_file(), target


@EACH
def test_the_set_up_cell_is_the_second_and_always_the_same(path: Path) -> None:
    cells = read(path).cells
    assert cells[0].cell_type == "markdown"
    assert cells[1].source == course.SETUP, FIT
    assert cells[1].outputs == []
    assert [c.source for c in cells].count(course.SETUP) == 1


@EACH_LESSON
def test_it_ends_in_links_to_its_neighbours(path: Path) -> None:
    assert prose(path).rstrip().splitlines()[-1] == course.links(path, LESSONS), FIT


@EACH_LESSON
def test_the_story_goes_on(path: Path) -> None:
    told = read(path).cells[0].source
    assert re.search(r"\barchive", told), (
        "one or two sentences at the start: who comes to the archive, and why"
    )


@EACH_LESSON
def test_the_quiz_has_three_questions_with_reasons(path: Path) -> None:
    text = quiz(path)
    answers = [answer.strip() for answer in ANSWER.findall(text)]
    assert len(answers) == 3
    for answer in answers:
        assert len(answer.split()) >= 15, f"an answer says why: {answer}"
    for asked in ANSWER.split(text)[::2][:3]:
        assert 3 <= len(OPTION.findall(asked)) <= 4, f"three or four options: {asked}"
        assert "```python" not in asked, "a quiz needs no running"


@EACH_LESSON
def test_the_quiz_comes_last(path: Path) -> None:
    after = prose(path).partition("\n## Quiz")[2]
    assert "\n## " not in after
    assert "\n### Exercise" not in after


EXERCISED = [path for path in LESSONS if build.exercises(read(path))]


def test_every_lesson_but_the_first_has_exercises() -> None:
    assert [path.stem for path in EXERCISED] == [path.stem for path in LESSONS[1:]]


@pytest.mark.parametrize("path", EXERCISED, ids=lambda p: p.stem)
def test_exercises_grow_in_difficulty(path: Path) -> None:
    """Roughly: an exercise stands where its subject is, and an easy one may follow one of two stars."""
    levels = [len(stars) for stars in re.findall(r"^### Exercise (★+): ", prose(path), re.MULTILINE)]
    assert len(levels) == len(build.exercises(read(path))), "every exercise has its level"
    assert levels[0] < 3, "no lesson begins with an experiment"
    assert max(levels[len(levels) // 2 :]) == max(levels), "the hardest comes in the second half"
    assert all(after >= before - 1 for before, after in itertools.pairwise(levels))

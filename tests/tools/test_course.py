"""The lessons as one course: their order, links, set-up cell, quizzes, story and glossary."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from embedlab import settings
from embedlab.errors import EmbedlabError
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
TERM = re.compile(r"^- \*\*(.+?)\*\*: (.+) \[Lesson (\d\d)\]\((\d\d_\w+\.ipynb)\)$")


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


# -- the whole -------------------------------------------------------------------------------------------


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


def test_the_links_of_a_lesson_name_its_neighbours() -> None:
    first, second, third = LESSONS[:3]
    line = course.links(second, LESSONS)
    assert line.startswith(f"[← 00 Start here]({first.name}) · [02 Text →]({third.name})")
    assert "←" not in course.links(first, LESSONS)
    assert "→" not in course.links(LESSONS[-1], LESSONS)


def test_nothing_is_left_to_fit() -> None:
    assert course.main(["--check"]) == 0, FIT


@EACH_LESSON
def test_the_story_goes_on(path: Path) -> None:
    told = read(path).cells[0].source
    assert re.search(r"\barchive", told), (
        "one or two sentences at the start: who comes to the archive, and why"
    )


# -- quizzes ---------------------------------------------------------------------------------------------


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


# -- the glossary ----------------------------------------------------------------------------------------

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


# -- how lessons are fitted ------------------------------------------------------------------------------


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

"""The teacher's guide: its plans add up, it knows every lesson, its table of minutes can be made again."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

from embedlab.lessons import lab
from embedlab.settings import notebooks_folder
from embedlab.tools import minutes

GUIDE = notebooks_folder() / "teacher"
PLANS = ["half_day.md", "full_day.md"]


def rows(name: str) -> list[tuple[int, int, str]]:
    """Start and length in minutes, and what is done."""
    text = (GUIDE / name).read_text("utf-8")
    found = re.findall(r"^\| (\d):(\d\d) \| (\d+) \| ([^|]+?) \|", text, re.MULTILINE)
    return [(60 * int(hours) + int(rest), int(length), what) for hours, rest, length, what in found]


@pytest.mark.parametrize(("name", "hours"), [("half_day.md", 4), ("full_day.md", 8)])
def test_a_plan_adds_up(name: str, hours: int) -> None:
    planned = rows(name)
    ends = [start + length for start, length, _ in planned]
    assert [start for start, *_ in planned] == [0, *ends[:-1]]
    assert ends[-1] == 60 * hours
    assert f"Together: {60 * hours} minutes" in (GUIDE / name).read_text("utf-8")
    since, longest = 0, 0
    for _, length, what in planned:
        since = 0 if what in ("Break", "Lunch") else since + length
        longest = max(longest, since)
    assert longest <= 120, "nobody sits for more than two hours"


def test_every_lesson_has_its_place_in_the_guide() -> None:
    headings = re.findall(r"^### (\d\d) (.+)$", (GUIDE / "README.md").read_text("utf-8"), re.MULTILINE)
    titles = dict(headings)
    for lesson in lab.all_lessons():
        title = minutes.title_of(nbformat.read(lesson.path, as_version=4))
        assert titles[f"{lesson.number:02}"].startswith(title)
    for name in PLANS:
        for _, _, what in rows(name):
            for number, title in re.findall(r"(\d\d) ([A-Z][^|]*)", what.replace(" or ", "|")):
                assert titles[number].startswith(title)


def test_the_commands_in_the_guide_are_real() -> None:
    from typer.testing import CliRunner

    from embedlab.cli.app import app

    text = "".join((GUIDE / name).read_text("utf-8") for name in ("README.md", *PLANS))
    for command, options in re.findall(r"embedlab (bundle|doctor|lab)\b([^`\n]*)", text):
        known = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).output
        for option in re.findall(r"--[a-z-]+", options):
            assert option in known, f"embedlab {command} {option}"


def test_links_in_the_guide_lead_somewhere() -> None:
    for page in GUIDE.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_guide_is_copied_with_the_lessons(tmp_path: Path) -> None:
    done = lab.copy_lessons(tmp_path, {0})
    assert {"teacher/README.md", "teacher/half_day.md", "00_start_here.ipynb"} <= set(done.written)
    assert not [name for name in done.written if name.startswith("01")]


def test_minutes_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prose = "# 7 · Counting: one, two\n\nOne two three.\n<details>not these</details>"
    cells = [
        nbformat.v4.new_markdown_cell(prose),
        nbformat.v4.new_code_cell("sum(range(30_000_000))"),
        nbformat.v4.new_code_cell("answer = ...", metadata={"tags": ["exercise"]}),
    ]
    about = {"embedlab": {"lesson": 7, "minutes": 12}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=about), tmp_path / "07_count.ipynb")
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path / "cache"))
    found = minutes.measure(tmp_path / "07_count.ipynb")
    assert (found.title, found.planned, found.n_exercises, found.n_words) == ("Counting", 12, 1, 7)
    assert found.cpu_seconds > 0.2
    assert found.longest_cell == "sum(range(30_000_000))"
    assert found.longest_share > 0.5
    page = minutes.compose_page({"07": found.row()})
    assert "| 07 Counting | 12 | 7 |" in page
    described = minutes.describe(tmp_path / "07_count.ipynb").row()
    assert minutes.compose_page({"07": minutes._keep_measurements(described, page)}) == page, (
        "what was measured stays"
    )
    assert "not measured yet" in minutes._keep_measurements(described, "")


def test_the_table_of_minutes_knows_every_lesson() -> None:
    listed = re.findall(r"^\| (\d\d) ", (GUIDE / "minutes.md").read_text("utf-8"), re.MULTILINE)
    assert listed == [f"{lesson.number:02}" for lesson in lab.all_lessons()], (
        "run: python -m embedlab.tools.minutes --no-run"
    )


TOLD = (GUIDE / "README.md").read_text("utf-8")
SECTIONS = re.findall(r"^### (\d\d) [^\n]+\n(.*?)(?=^##)", TOLD, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("number", "told"), SECTIONS, ids=[number for number, _ in SECTIONS])
def test_numbers_that_the_guide_quotes_stand_in_the_lesson(number: str, told: str) -> None:
    """Shares, and whole numbers from 100: they are measured, so a lesson that is rebuilt may change them."""
    (path,) = notebooks_folder().glob(f"{number}_*.ipynb")
    said = []
    for cell in nbformat.read(path, as_version=4).cells:
        said.append(cell.source)
        for shown in cell.get("outputs", []):
            said.append(shown.get("text", shown.get("data", {}).get("text/plain", "")))
    numbers = re.findall(r"\d\.\d\d|\d,\d{3}|\d{3,}", told)
    text = "\n".join(said)
    assert [n for n in numbers if not re.search(rf"(?<![\d.]){re.escape(n)}(?!\d)", text)] == []

"""How long each lesson takes, on the machine that this runs on: for the teacher's guide.

    python -m embedlab.tools.minutes                 runs all lessons, rewrites notebooks/teacher/minutes.md
    python -m embedlab.tools.minutes NOTEBOOK…       only these; the rows of the others stay
    python -m embedlab.tools.minutes --no-run        runs none: rows for new lessons, those measured stay

What the machine works and what people read are told apart. The first is measured, with weights and sample
data on the disk and no vector computed before: as in a class whose machines were prepared the day before.
Processor seconds are counted, not those on the clock: other work on the machine does not change them much.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from nbformat import NotebookNode

from embedlab import settings
from embedlab.errors import EmbedlabError
from embedlab.lessons.run import CellRun, execute, read
from embedlab.settings import notebooks_folder
from embedlab.tools import build

WORDS_A_MINUTE = 180  # slower than a novel: it is read between pictures and code
_NOT_RUN = "not measured yet"
_HEAD = (
    "lesson",
    "minutes planned",
    "words",
    "to read them",
    "the machine works",
    "the longest cell",
    "exercises",
)


@dataclass(frozen=True)
class Timing:
    """One lesson: what its author plans, what is in it, and what was measured.

    ``works`` in seconds of one processor core, None where it was not run; ``longest`` is the share of the
    longest cell, 0 to 1.
    """

    name: str
    title: str
    planned: int
    words: int
    exercises: int
    works: float | None = None
    longest: float = 0.0
    where: str = ""
    load: float = 0.0

    def row(self) -> str:
        """A row of the table in ``minutes.md``."""
        cells = (
            f"{self.name[:2]} {self.title}",
            f"{self.planned}",
            f"{self.words:,}",
            f"{self.words / WORDS_A_MINUTE:.0f} min",
            _NOT_RUN if self.works is None else f"{self.works:.0f} s, load {self.load:.0f}",
            "" if self.works is None else f"{self.longest:.0%}: `{self.where.replace('|', '/')}`",
            f"{self.exercises}",
        )
        return f"| {' | '.join(cells)} |"


def describe(path: Path) -> Timing:
    """What can be told of a lesson without running it."""
    notebook = read(path)
    planned = int(notebook.metadata.get("embedlab", {}).get("minutes", 0))
    words, exercises = words_in(notebook), len(build.exercises(notebook))
    return Timing(path.stem, title_of(notebook), planned, words, exercises)


def words_in(notebook: NotebookNode) -> int:
    """Words of prose; the folded solutions do not count."""
    prose = [c.source for c in notebook.cells if c.cell_type == "markdown"]
    return sum(len(re.findall(r"\w+", re.sub(r"<details>.*?</details>", "", p, flags=re.S))) for p in prose)


def title_of(notebook: NotebookNode) -> str:
    """``"Text"`` of ``# 2 · Text: from a sentence to a vector``."""
    first = notebook.cells[0].source.splitlines()[0]
    return re.sub(r"^#\s*\d*\s*·?\s*", "", first).split(":")[0].strip()


def measure(path: Path) -> Timing:
    """Run one lesson from top to bottom; nothing is stored.

    Raises
    ------
    EmbedlabError
        When a cell fails.
    """
    notebook, cells = read(path), list[CellRun]()
    # Threads that wait for each other on a busy machine count as work, and are none.
    os.environ["OMP_NUM_THREADS"] = "1"
    before = _children()
    with no_vectors():
        good = execute(notebook, path.parent, on_cell=cells.append)
    if not good:
        raise EmbedlabError(f"{path.name}: {cells[-1].first_line}: {cells[-1].error}")
    longest = max(cells, key=lambda cell: cell.seconds)
    share = longest.seconds / sum(cell.seconds for cell in cells)
    works = _children() - before
    return replace(describe(path), works=works, longest=share, where=longest.first_line[:40], load=_load())


def _children() -> float:
    """Seconds that ended child processes, kernels here, have spent on a processor; POSIX only."""
    times = os.times()
    return times.children_user + times.children_system


@contextmanager
def no_vectors() -> Iterator[None]:
    """A cache in which weights and sample data lie, and no vectors."""
    real, before = settings.cache_root(), os.environ.get("EMBEDLAB_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        for part in ("weights", "datasets"):
            (real / part).mkdir(parents=True, exist_ok=True)
            Path(folder, part).symlink_to(real / part, target_is_directory=True)
        os.environ["EMBEDLAB_CACHE"] = folder
        try:
            yield
        finally:
            os.environ.pop("EMBEDLAB_CACHE")
            if before is not None:
                os.environ["EMBEDLAB_CACHE"] = before


def _load() -> float:
    """How many programs wanted a processor in the last quarter of an hour; 0 where that is not told."""
    return os.getloadavg()[2] if hasattr(os, "getloadavg") else 0.0


def page(rows: dict[str, str]) -> str:
    """The text of ``minutes.md``; ``rows`` by the number of the lesson."""
    system = (
        f"{platform.system()}, {os.cpu_count()} processor cores, no GPU, Python {platform.python_version()}"
    )
    table = [f"| {' | '.join(_HEAD)} |", "|" + " --- |" * len(_HEAD), *(rows[key] for key in sorted(rows))]
    return "\n".join(
        [
            "# Minutes",
            "",
            "Measured by `python -m embedlab.tools.minutes` on a machine as small as a laptop",
            f"({system}), with weights and",
            "sample data on the disk and no vector computed before.",
            "",
            "- *Minutes planned* is what the lesson says of itself, exercises included.",
            f"- *To read them* is its prose at {WORDS_A_MINUTE} words a minute.",
            "- *The machine works* counts seconds of one processor core, with one thread, over all cells and",
            "  the start of Python; two cores take between half of that and all of it.",
            "  *Load* is how many programs wanted a processor at the time: above the number of cores, the",
            "  seconds are somewhat too many.",
            "- *The longest cell* has its share of the lesson's waiting beside it.",
            "",
            "Learners read while the machine works, so the two do not add up.",
            "",
            *table,
            "",
        ]
    )


def _kept(row: str, old: str) -> str:
    """A row of a lesson that was not run now, with what was measured of it before."""
    cells = row.split(" | ")
    before = re.search(rf"^{re.escape(cells[0][:4])} .*$", old, re.MULTILINE)
    if before:
        cells[4:6] = before[0].split(" | ")[4:6]
    return " | ".join(cells)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and rewrite ``notebooks/teacher/minutes.md``; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m embedlab.tools.minutes", description=__doc__.splitlines()[0]
    )
    parser.add_argument("notebook", nargs="*", type=Path, help="lessons (default: all)")
    parser.add_argument("--no-run", action="store_true", help="measure nothing; only complete the table")
    given = parser.parse_args(arguments)
    target = notebooks_folder() / "teacher" / "minutes.md"
    old = target.read_text("utf-8") if target.is_file() else ""
    rows = {path.name[:2]: _kept(describe(path).row(), old) for path in build.lessons()}
    target.parent.mkdir(exist_ok=True)
    target.write_text(page(rows), encoding="utf-8", newline="\n")
    wrong = False
    for path in [] if given.no_run else given.notebook or build.lessons():
        try:
            timing = measure(path)
        except EmbedlabError as error:
            wrong = True
            sys.stderr.write(f"{error}\n")
            continue
        sys.stderr.write(f"{path.name}: {timing.works:.0f} s of a core\n")
        rows[path.name[:2]] = timing.row()
        target.write_text(page(rows), encoding="utf-8", newline="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())

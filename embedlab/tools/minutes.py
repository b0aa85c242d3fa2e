"""Measure how long each lesson takes on this machine, for the teacher's guide.

    python -m embedlab.tools.minutes                 run all lessons, rewrite notebooks/teacher/minutes.md
    python -m embedlab.tools.minutes NOTEBOOK…       only these; the rows of the others stay
    python -m embedlab.tools.minutes --no-run        run none: add rows for new lessons, keep the others

Reading and computing are reported separately. Computing is measured with weights and sample data on the disk
and without cached vectors, as in a class whose machines were prepared the day before. It is counted in
processor seconds, which other work on the machine changes little.
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

WORDS_PER_MINUTE = 180  # slower than a novel: the prose is read between pictures and code
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
    """What a lesson contains and what was measured.

    Attributes
    ----------
    name, title : str
    planned : int
        Minutes that its author plans.
    n_words, n_exercises : int
    cpu_seconds : float or None
        Seconds of one processor core; None if it was not run.
    longest_share : float
        The share of the longest cell in the running time, 0 to 1.
    longest_cell : str
        The beginning of that cell.
    load : float
        The load average of the machine after the run.
    """

    name: str
    title: str
    planned: int
    n_words: int
    n_exercises: int
    cpu_seconds: float | None = None
    longest_share: float = 0.0
    longest_cell: str = ""
    load: float = 0.0

    def row(self) -> str:
        """Return a row of the table in ``minutes.md``."""
        cells = (
            f"{self.name[:2]} {self.title}",
            f"{self.planned}",
            f"{self.n_words:,}",
            f"{self.n_words / WORDS_PER_MINUTE:.0f} min",
            _NOT_RUN if self.cpu_seconds is None else f"{self.cpu_seconds:.0f} s, load {self.load:.0f}",
            "" if self.cpu_seconds is None else f"{self.longest_share:.0%}: `{self._cell()}`",
            f"{self.n_exercises}",
        )
        return f"| {' | '.join(cells)} |"

    def _cell(self) -> str:
        return self.longest_cell.replace("|", "/")


def describe(path: Path) -> Timing:
    """Describe a lesson without running it."""
    notebook = read(path)
    planned = int(notebook.metadata.get("embedlab", {}).get("minutes", 0))
    n_exercises = len(build.exercises(notebook))
    return Timing(path.stem, title_of(notebook), planned, count_words(notebook), n_exercises)


def count_words(notebook: NotebookNode) -> int:
    """Count the words of prose, without the folded solutions."""
    prose = [c.source for c in notebook.cells if c.cell_type == "markdown"]
    return sum(len(re.findall(r"\w+", re.sub(r"<details>.*?</details>", "", p, flags=re.S))) for p in prose)


def title_of(notebook: NotebookNode) -> str:
    """Return ``"Text"`` for ``# 2 · Text: from a sentence to a vector``."""
    first = notebook.cells[0].source.splitlines()[0]
    return re.sub(r"^#\s*\d*\s*·?\s*", "", first).split(":")[0].strip()


def measure(path: Path) -> Timing:
    """Run one lesson from top to bottom, without storing it.

    Raises
    ------
    EmbedlabError
        If a cell fails.
    """
    notebook, cells = read(path), list[CellRun]()
    # Threads that wait for each other on a busy machine would count as work.
    os.environ["OMP_NUM_THREADS"] = "1"
    before = _child_seconds()
    with empty_vector_cache():
        good = execute(notebook, path.parent, on_cell=cells.append)
    if not good:
        raise EmbedlabError(f"{path.name}: {cells[-1].first_line}: {cells[-1].error}")
    longest = max(cells, key=lambda cell: cell.seconds)
    share = longest.seconds / sum(cell.seconds for cell in cells)
    return replace(
        describe(path),
        cpu_seconds=_child_seconds() - before,
        longest_share=share,
        longest_cell=longest.first_line[:40],
        load=_load(),
    )


def _child_seconds() -> float:
    """Return the processor seconds of ended child processes, here the kernels; POSIX only."""
    times = os.times()
    return times.children_user + times.children_system


@contextmanager
def empty_vector_cache() -> Iterator[None]:
    """Use a temporary cache that has the weights and the sample data but no vectors."""
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
    """Return the load average of the last 15 minutes; 0 on systems without one."""
    return os.getloadavg()[2] if hasattr(os, "getloadavg") else 0.0


def compose_page(rows: dict[str, str]) -> str:
    """Compose the text of ``minutes.md``; ``rows`` by the number of the lesson."""
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
            f"- *To read them* is its prose at {WORDS_PER_MINUTE} words a minute.",
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


def _keep_measurements(row: str, old: str) -> str:
    """Return a row with the measurements that the old page has for its lesson."""
    cells = row.split(" | ")
    before = re.search(rf"^{re.escape(cells[0][:4])} .*$", old, re.MULTILINE)
    if before:
        cells[4:6] = before[0].split(" | ")[4:6]
    return " | ".join(cells)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and rewrite ``notebooks/teacher/minutes.md``; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m embedlab.tools.minutes", description=__doc__.splitlines()[0]
    )
    parser.add_argument("notebook", nargs="*", type=Path, help="Lessons (default: all).")
    parser.add_argument("--no-run", action="store_true", help="Measure nothing; only complete the table.")
    options = parser.parse_args(arguments)
    target = notebooks_folder() / "teacher" / "minutes.md"
    old = target.read_text("utf-8") if target.is_file() else ""
    rows = {path.name[:2]: _keep_measurements(describe(path).row(), old) for path in build.lessons()}
    target.parent.mkdir(exist_ok=True)
    target.write_text(compose_page(rows), encoding="utf-8", newline="\n")
    failed = False
    for path in [] if options.no_run else options.notebook or build.lessons():
        try:
            timing = measure(path)
        except EmbedlabError as error:
            failed = True
            sys.stderr.write(f"{error}\n")
            continue
        sys.stderr.write(f"{path.name}: {timing.cpu_seconds:.0f} s of a core\n")
        rows[path.name[:2]] = timing.row()
        target.write_text(compose_page(rows), encoding="utf-8", newline="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Write the pages and scripts of a bundle: START.html, the start scripts, and THIRD_PARTY.md."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from embedlab.bundle import closure, manifest, third_party
from embedlab.bundle.targets import Target
from embedlab.bundle.wheels import TargetWheels
from embedlab.io.html import render
from embedlab.lessons.lab import Lesson

_START = Path(__file__).with_name("start")


@dataclass(frozen=True)
class Facts:
    """What the pages say about a bundle; ``size`` is that of all other files, in bytes."""

    lessons: list[Lesson]
    targets: list[Target]
    gathered: list[TargetWheels]
    models: list[str]
    datasets: list[str]
    size: int


def write_pages(out: Path, facts: Facts) -> list[manifest.Entry]:
    """Write the licences, START.html and the start scripts; return their entries."""
    wheels = [wheel for found in facts.gathered for wheel in found.wheels]
    text = third_party.compose_page(wheels, facts.models, facts.datasets)
    written = [_write(out / "THIRD_PARTY.md", text), _write(out / "START.html", _start_page(facts))]
    for name in ("start.py", "start.sh", "start.bat"):
        # Windows misreads a batch file with LF line ends, and a shell misreads a script with CRLF.
        lines = (_START / name).read_text(encoding="utf-8")
        written.append(_write(out / name, lines, newline="\r\n" if name.endswith(".bat") else "\n"))
    (out / "start.sh").chmod(0o755)
    return [manifest.make_entry(out, path, "how to start", "embedlab", "Apache-2.0") for path in written]


def _start_page(facts: Facts) -> str:
    largest = max(map(installed_bytes, facts.gathered))
    values = {
        "lessons": ", ".join(f"{lesson.number:02}" for lesson in facts.lessons),
        "size": f"{facts.size / 1e9:.1f} GB",
        "room": f"{math.ceil((facts.size + largest) / 1e9)} GB",
        "first": facts.lessons[0].path.name,
        "pythons": " or ".join(sorted({t.python for t in facts.targets})),
        "systems": " or ".join(dict.fromkeys(f"{t.system} ({t.machine})" for t in facts.targets)),
        "models": ", ".join(facts.models) or "no model",
    }
    return f"{render('embedlab.bundle', 'START.html', values)}\n"


def installed_bytes(gathered: TargetWheels) -> int:
    """Estimate the space that installing takes: unpacked wheels, plus 35 % for bytecode and disk blocks."""
    return int(1.35 * sum(map(closure.unpacked_bytes, gathered.wheels)))


def _write(path: Path, text: str, newline: str = "\n") -> Path:
    path.write_text(text, encoding="utf-8", newline=newline)
    return path

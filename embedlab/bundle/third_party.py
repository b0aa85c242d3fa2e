"""``THIRD_PARTY.md``: what in a bundle others have made, and under which licence."""

from __future__ import annotations

from collections.abc import Iterable
from email.message import Message

from embedlab.bundle.closure import Wheel
from embedlab.catalog import registry
from embedlab.samples.datasets import find_dataset

_OSI = "License :: OSI Approved :: "
_SEE = "see the licence files in its wheel"


def licence_of(about: Message) -> str:
    """A package's licence in a few words, as its own metadata give it."""
    if expression := about.get("License-Expression"):
        return str(expression)
    named = [c.removeprefix(_OSI) for c in about.get_all("Classifier") or () if c.startswith(_OSI)]
    if named:
        return " and ".join(named)
    lines = str(about.get("License") or "").strip().splitlines()
    # Some packages put the whole text there, or nothing.
    return lines[0].strip() if len(lines) == 1 and len(lines[0]) <= 80 else _SEE


def homepage_of(about: Message) -> str:
    """The address that a package gives for itself; empty where it gives none."""
    if page := about.get("Home-page"):
        return str(page) if str(page) != "UNKNOWN" else ""
    pairs = [str(url).partition(",") for url in about.get_all("Project-URL") or ()]
    wanted = ("homepage", "source", "repository", "github", "source code", "documentation")
    found = {label.strip().lower(): url.strip() for label, _, url in pairs}
    return next((found[label] for label in wanted if label in found), "")


def page(wheels: Iterable[Wheel], models: list[str], datasets: list[str]) -> str:
    """The text of ``THIRD_PARTY.md``."""
    packages = {(w.name, str(w.version)): w for w in wheels if w.name != "embedlab"}
    lines = [
        "# What others have made",
        "",
        "embedlab itself, its texts and its sounds are under Apache-2.0 and CC0-1.0. Everything else in this",
        "folder belongs to those who are named here, and comes under their licences. Each wheel is a zip",
        "that carries its own licence files; what stands here is what its metadata say.",
        "",
        "## Weights",
        "",
        "| model | licence | described at |",
        "| --- | --- | --- |",
    ]
    for name in models:
        card = registry.row(name).card
        lines.append(f"| `{name}` | {card.licence} | {card.homepage} |")
    if datasets:
        lines += ["", "## Sample data", "", "| set | licence | what it is |", "| --- | --- | --- |"]
        rows = map(find_dataset, datasets)
        lines += [f"| `{row.name}` | {row.licence} | {_cell(row.summary)} |" for row in rows]
        lines += [
            "",
            "Who made each picture and film stands in the columns `credit` and `licence` of the items.",
        ]
    lines += ["", "## Packages", "", "Some wheels carry libraries of others, such as FFmpeg in `av`.", ""]
    lines += ["| package | version | licence | homepage |", "| --- | --- | --- | --- |"]
    for (name, version), wheel in sorted(packages.items()):
        lines.append(
            f"| {name} | {version} | {_cell(licence_of(wheel.about))} | {_cell(homepage_of(wheel.about))} |"
        )
    return "\n".join(lines) + "\n"


def _cell(text: object) -> str:
    """Text of strangers in a cell of a table: one line, and no bar that would begin another cell."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")

"""Write ``THIRD_PARTY.md``: the work of others in a bundle, with licences."""

from __future__ import annotations

from collections.abc import Iterable
from email.message import Message

from embedlab.bundle.closure import Wheel
from embedlab.catalog import registry
from embedlab.samples.datasets import find_dataset

_OSI = "License :: OSI Approved :: "
_SEE_FILES = "see the licence files in its wheel"


def licence_of(metadata: Message) -> str:
    """Return the licence of a package in a few words, from its metadata."""
    if expression := metadata.get("License-Expression"):
        return str(expression)
    named = [c.removeprefix(_OSI) for c in metadata.get_all("Classifier") or () if c.startswith(_OSI)]
    if named:
        return " and ".join(named)
    lines = str(metadata.get("License") or "").strip().splitlines()
    # Some packages put the whole licence text there, or nothing.
    return lines[0].strip() if len(lines) == 1 and len(lines[0]) <= 80 else _SEE_FILES


def homepage_of(metadata: Message) -> str:
    """Return the address of a package, from its metadata; empty if they name none."""
    if page := metadata.get("Home-page"):
        return str(page) if str(page) != "UNKNOWN" else ""
    pairs = [str(url).partition(",") for url in metadata.get_all("Project-URL") or ()]
    labels = ("homepage", "source", "repository", "github", "source code", "documentation")
    found = {label.strip().lower(): url.strip() for label, _, url in pairs}
    return next((found[label] for label in labels if label in found), "")


def compose_page(wheels: Iterable[Wheel], models: list[str], datasets: list[str]) -> str:
    """Compose the text of ``THIRD_PARTY.md``."""
    packages = {(w.name, str(w.version)): w for w in wheels if w.name != "embedlab"}
    lines = [
        "# Third-party content",
        "",
        "embedlab itself, its texts and its sounds are under Apache-2.0 and CC0-1.0. Everything else in this",
        "folder belongs to the authors named here and is under their licences. Each wheel is a zip with its",
        "own licence files; this page repeats what its metadata say.",
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
            "The columns `credit` and `licence` of the items name the author of each picture and film.",
        ]
    lines += ["", "## Packages", "", "Some wheels contain other libraries, such as FFmpeg in `av`.", ""]
    lines += ["| package | version | licence | homepage |", "| --- | --- | --- | --- |"]
    for (name, version), wheel in sorted(packages.items()):
        licence, homepage = licence_of(wheel.metadata), homepage_of(wheel.metadata)
        lines.append(f"| {name} | {version} | {_cell(licence)} | {_cell(homepage)} |")
    return "\n".join(lines) + "\n"


def _cell(text: object) -> str:
    """Escape untrusted text for a cell of a Markdown table."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")

"""Write a summary as lines of text and as HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from embedlab.errors import Argument, ProblemCode, Speaker
from embedlab.io.formats import format_bytes, format_seconds
from embedlab.io.html import render
from embedlab.io.text import clip

if TYPE_CHECKING:
    from embedlab.inspection.findings import Findings
    from embedlab.inspection.forecast import Forecast
    from embedlab.items import ReadReport

Line = tuple[str, str]

_EXAMPLES = 5  # in a line
_MAX_LISTED = 500  # in the folded list of the HTML
_MAX_LINE = 2000  # characters
_UNITS = {"text": "characters", "image": "pixels on the shorter side", "audio": "seconds", "video": "seconds"}
_NEARLY = {
    "text": "they differ in case, spaces or punctuation only",
    "image": "their 8 × 8 differences of brightness agree",
}


def lines(findings: Findings, speaker: Speaker = str) -> list[Line]:
    """Return pairs of a heading and its text."""
    items = findings.items
    found = [("items", f"{len(items):,} {items.modality}")]
    if items.origin:
        found.append(("read from", items.origin.description))
        if items.origin.left_out:
            found.append(
                ("left out in reading", _reasons(items.origin.left_out) + _advice(items.origin, speaker))
            )
    found.append(("size", _sizes(findings)))
    if items.labels is not None:
        found += _labels(findings)
    found.append(("cannot be embedded", _reasons(findings.problems) if findings.problems else "none"))
    if items.modality != "text" and not findings.full:
        decode = speaker(Argument("full", True))
        found.append(("not looked at", f"the rest of each file after its beginning; {decode} decodes it"))
    if findings.notes:
        found.append(("odd", _reasons(findings.notes)))
    found.append(("copies", _copies(findings)))
    if findings.near_copies:
        nearly = f"{_groups(findings.near_copies)}; {_NEARLY.get(items.modality, '')}"
        found.append(("nearly the same", nearly))
    if findings.forecast:
        found += _forecast(findings.forecast, speaker)
    return found


def text(findings: Findings, speaker: Speaker = str) -> str:
    """Return the lines as one string, their texts aligned."""
    found = lines(findings, speaker)
    width = max(len(heading) for heading, _ in found)
    shown = (f"  {heading:<{width}}  {clip(line, _MAX_LINE)}" for heading, line in found)
    return "\n".join([f"Summary of {clip(findings.items.name, 60)!r}", *shown])


def html(findings: Findings) -> str:
    """Return the lines as a table, and all problems as lists to unfold."""
    origin = findings.items.origin
    lists = [
        ("What cannot be embedded, and why", findings.problems),
        ("What was left out in reading, and why", origin.left_out if origin else {}),
    ]
    values = {
        "name": clip(findings.items.name, 60),
        "lines": [(heading, clip(line, _MAX_LINE)) for heading, line in lines(findings)],
        "lists": [
            (title, len(reasons), list(reasons.items())[:_MAX_LISTED])
            for title, reasons in lists
            if len(reasons) > _EXAMPLES
        ],
    }
    return render("embedlab.inspection", "summary.html", values)


def _sizes(findings: Findings) -> str:
    known = findings.sizes[np.isfinite(findings.sizes)]
    if not len(known):
        return format_bytes(findings.n_bytes)
    largest = clip(findings.items.ids[int(np.nanargmax(findings.sizes))], 40)
    unit = _UNITS.get(findings.items.modality, "")
    low, median, high, most = np.percentile(known, [25, 50, 75, 100])
    if unit == "seconds":
        total = f", {format_seconds(float(known.sum()))} in all"
        low, median, high, most = map(format_seconds, (low, median, high, most))
        unit = ""
    else:
        total = ""
        low, median, high, most = (f"{size:,.0f}" for size in (low, median, high, most))
    half = f"half of them have {low} to {high}{f' {unit}' if unit else ''}, the middle one {median}"
    return f"{format_bytes(findings.n_bytes)}{total}; {half}, the largest {most} ({largest})"


def _labels(findings: Findings) -> Iterator[Line]:
    counts = findings.labels
    n_without = len(findings.items) - int(counts.sum())
    n_single = int((counts == 1).sum())
    examples = ", ".join(f"{clip(name, 30)} {n:,}" for name, n in counts.head(_EXAMPLES).items())
    line = f"{len(counts):,}: {examples}{_more(len(counts))}" if len(counts) else "none"
    line += f"; without one: {n_without:,} items" if n_without else ""
    line += f"; with a single item: {n_single:,}" if n_single else ""
    yield "labels", line
    if similar := findings.similar_labels:
        groups = "; ".join(
            " = ".join(clip(repr(name), 32) for name in group) for group in similar[:_EXAMPLES]
        )
        yield "labels to unite", groups + _more(len(similar))


def _copies(findings: Findings) -> str:
    if not findings.copies:
        return "none"
    n_repeated = sum(len(group) - 1 for group in findings.copies)
    line = f"{n_repeated:,} to leave out: {_groups(findings.copies)}"
    if findings.label_conflicts:
        line += f"; with different labels: {_groups(findings.label_conflicts)}"
    return line


def _forecast(forecast: Forecast, speaker: Speaker) -> Iterator[Line]:
    yield "model", forecast.model + (f", {forecast.licence}" if forecast.licence else "")
    if forecast.download_bytes:
        yield "download", f"{format_bytes(forecast.download_bytes)}, once"
    yield "time", forecast.time_text(speaker)
    yield "result", forecast.size_text()
    if truncation := forecast.truncation_text():
        yield "long texts", truncation


def _more(n: int) -> str:
    return f" … and {n - _EXAMPLES:,} more" if n > _EXAMPLES else ""


def _reasons(reasons: Mapping[str, object]) -> str:
    """Return how many there are, and the first with their reasons."""
    first = list(reasons.items())[:_EXAMPLES]
    examples = "; ".join(f"{clip(id, 60)}: {clip(reason, 300)}" for id, reason in first)
    return f"{len(reasons):,} – {examples}{_more(len(reasons))}"


def _advice(origin: ReadReport, speaker: Speaker) -> str:
    """Return what to do about texts in another encoding, if there are any."""
    problems = [p for p in origin.left_out.values() if p.code is ProblemCode.ENCODING]
    argument = problems[0].argument if problems else None
    # In a table whose other rows are fine the encoding is right, and these lines are wrong.
    if argument is None or (origin.separator and len(problems) <= origin.n_rows):
        return ""
    return f"; save as UTF-8, or pass {speaker(argument)}, or the encoding they are in"


def _groups(groups: tuple[tuple[str, ...], ...]) -> str:
    examples = []
    for group in groups[:_EXAMPLES]:
        more = f" = … {len(group)}" if len(group) > 3 else ""
        examples.append(" = ".join(clip(id, 40) for id in group[:3]) + more)
    return ", ".join(examples) + _more(len(groups))

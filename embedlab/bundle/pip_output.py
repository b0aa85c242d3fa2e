"""Translate the output of pip into a failure that code can decide on.

pip has no machine-readable form for errors: its exit status is 1 for all of them, and ``--report`` is written
only on success. This module is the one place that reads its words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_NO_DISTRIBUTION = re.compile(r"No matching distribution found for (\S[^\n]*)")
_UNREACHABLE = re.compile(r"Retrying \(|ConnectionError|in name resolution")
_CONFLICT = re.compile(r"conflict is caused by:\n\s*([^\n]*)")


class FailureKind(StrEnum):
    """Why pip failed."""

    STALLED = "stalled"  # nothing arrived for too long, and pip was stopped
    UNREACHABLE = "unreachable"  # the package index does not answer
    NO_WHEEL = "no_wheel"  # a requirement of the root has no wheel that fits
    CONFLICT = "conflict"  # a requirement of another package has none
    OTHER = "other"


@dataclass(frozen=True)
class Failure:
    """A failure of pip; ``detail`` is the requirement concerned, or the last line of pip's output."""

    kind: FailureKind
    detail: str = ""


def classify(output: str, exit_status: int) -> Failure:
    """Classify the output of a pip that failed."""
    if found := _NO_DISTRIBUTION.search(output):
        if _UNREACHABLE.search(output):
            return Failure(FailureKind.UNREACHABLE)
        return Failure(FailureKind.NO_WHEEL, found[1].strip())
    if found := _CONFLICT.search(output):
        return Failure(FailureKind.CONFLICT, found[1].strip())
    lines = output.strip().splitlines() or [f"exit status {exit_status}"]
    last = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1])
    return Failure(FailureKind.OTHER, last[:300])

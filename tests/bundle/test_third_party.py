"""The licences in THIRD_PARTY.md."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundle_kit import wheel

from embedlab.bundle import closure, third_party


@pytest.mark.parametrize(
    ("lines", "licence"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: something\n", "MIT OR Apache-2.0"),
        ("Classifier: License :: OSI Approved :: BSD License\n", "BSD License"),
        ("License: Apache 2.0\n", "Apache 2.0"),
        ("License: Long\n        text of it\n", "see the licence files in its wheel"),
        ("", "see the licence files in its wheel"),
    ],
)
def test_licences_are_read_from_the_wheels(tmp_path: Path, lines: str, licence: str) -> None:
    metadata = closure.read_wheel(wheel(tmp_path, "thing", extra=lines)).metadata
    assert third_party.licence_of(metadata) == licence


def test_names_of_strangers_do_not_break_the_table(tmp_path: Path) -> None:
    odd = closure.read_wheel(wheel(tmp_path, "thing", extra="License: a | b <script>\n"))
    [row] = [
        line for line in third_party.compose_page([odd], [], []).splitlines() if line.startswith("| thing")
    ]
    assert row == "| thing | 1.0 | a \\| b &lt;script> |  |"

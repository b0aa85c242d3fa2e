"""Checks that take minutes run again when what they check has changed.

A test marked ``verified_for("embedlab/bundle/**/*.py", …)`` is skipped as long as the files that it names are
those with which it last passed. Their fingerprints are in ``tests/verified.json``. ``pytest --full`` runs
such tests whatever the fingerprint, and records those that pass.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Generator
from pathlib import Path

import pytest
from paths import ROOT, TESTS

RECORD = TESTS / "verified.json"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--full``."""
    parser.addoption(
        "--full", action="store_true", help="run checks of unchanged parts too, and record that they passed"
    )


def fingerprint(patterns: tuple[str, ...], root: Path = ROOT) -> str:
    """Hash the files that the patterns match; of pyproject.toml only what decides on an installation.

    Raises
    ------
    ValueError
        If a pattern matches no file: the check would never run again.
    """
    total = hashlib.sha256()
    for pattern in patterns:
        paths = sorted(path for path in root.glob(pattern) if path.is_file() and path.suffix != ".pyc")
        if not paths:
            raise ValueError(f"no file matches {pattern!r}")
        for path in paths:
            total.update(path.relative_to(root).as_posix().encode())
            total.update(_content(path))
    return total.hexdigest()


def _content(path: Path) -> bytes:
    if path.name != "pyproject.toml":
        return path.read_bytes()
    about = tomllib.loads(path.read_text("utf-8"))
    needed = ("requires-python", "dependencies")
    return json.dumps([about["build-system"], *(about["project"][key] for key in needed)]).encode()


def _recorded() -> dict[str, str]:
    found: dict[str, str] = json.loads(RECORD.read_text("utf-8")) if RECORD.is_file() else {}
    return found


def _patterns(item: pytest.Item) -> tuple[str, ...]:
    marker = item.get_closest_marker("verified_for")
    return marker.args if marker else ()


def skip_if_unchanged(item: pytest.Item) -> None:
    """Skip a test that passed with the same files, unless ``--full`` was given."""
    patterns = _patterns(item)
    if not patterns or item.config.getoption("--full"):
        return
    if _recorded().get(item.nodeid) == fingerprint(patterns):
        pytest.skip(f"passed with the same {', '.join(patterns)}; pytest --full runs it again")


def record(item: pytest.Item) -> None:
    """Remember with which files a test passed."""
    if _patterns(item) and item.config.getoption("--full"):
        known = _recorded() | {item.nodeid: fingerprint(_patterns(item))}
        RECORD.write_text(json.dumps(dict(sorted(known.items())), indent=2) + "\n", encoding="utf-8")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that no worker is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path.suffix != ".ipynb", item.path not in slow))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Record a marked test that passed."""
    report = yield
    if report.when == "call" and report.passed:
        record(item)
    return report

"""``embedlab run``."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from cli_kit import call, notebook


def test_run_prints_a_line_per_cell_and_keeps_the_original(tmp_path: Path) -> None:
    path = notebook(tmp_path / "good.ipynb", "x = 1", "", "x + 1")
    before = path.read_bytes()
    result = call("run", str(path), "--to", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert re.search(r"ok\s+1/2 .* x = 1", result.output)
    assert re.search(r"ok\s+2/2 .* x \+ 1", result.output)
    assert path.read_bytes() == before
    done = nbformat.read(tmp_path / "out" / "good.ipynb", as_version=4)
    assert done.cells[2].outputs[0].data["text/plain"] == "2"


def test_run_stops_at_the_first_error(tmp_path: Path) -> None:
    path = notebook(tmp_path / "bad.ipynb", "1 + 1", "1 / 0", "print('never')")
    result = call("run", str(path))
    assert result.exit_code == 1
    assert re.search(r"fail\s+2/3", result.output)
    assert "----> 1 1 / 0\nZeroDivisionError: division by zero" in result.output
    assert "3/3" not in result.output


def test_run_shows_the_line_of_the_notebook_not_those_of_a_library(tmp_path: Path) -> None:
    path = notebook(tmp_path / "deep.ipynb", "import json\njson.loads('{')")
    output = call("run", str(path)).output
    assert "----> 2 json.loads('{')\nJSONDecodeError" in output
    assert "raw_decode" not in output


def test_run_changes_a_notebook_only_when_told_to(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", "6 * 7")
    before = path.read_bytes()
    refused = call("run", str(path), "--to", str(tmp_path))
    assert refused.exit_code == 1
    assert "--in-place" in refused.output
    assert path.read_bytes() == before
    assert call("run", str(path), "--in-place").exit_code == 0
    assert nbformat.read(path, as_version=4).cells[0].outputs[0].data["text/plain"] == "42"
    assert "exclude each other" in call("run", str(path), "--in-place", "--to", str(tmp_path / "out")).output


def test_run_refuses_two_copies_of_one_name(tmp_path: Path) -> None:
    first, second = notebook(tmp_path / "x" / "a.ipynb", "1"), notebook(tmp_path / "y" / "a.ipynb", "2")
    result = call("run", str(first), str(second), "--to", str(tmp_path / "out"))
    assert result.exit_code == 1
    assert "would both be copied" in result.output
    assert not (tmp_path / "out").exists()


def test_run_names_the_kernels_there_are(tmp_path: Path) -> None:
    result = call("run", str(notebook(tmp_path / "a.ipynb", "1")), "--kernel", "no-such-kernel")
    assert result.exit_code == 1
    assert re.search(r"no Jupyter kernel 'no-such-kernel'\. Choose from: .*python3", result.output)


def test_run_shows_no_noise_of_the_kernel(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", "1")
    command = [sys.executable, "-c", "from embedlab.cli.app import app; app()", "run", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_run_gives_up_on_a_cell_that_takes_too_long(tmp_path: Path) -> None:
    path = notebook(tmp_path / "slow.ipynb", "import time; time.sleep(60)")
    result = call("run", str(path), "--timeout", "2")
    assert result.exit_code == 1
    assert "--timeout" in result.output


@pytest.mark.parametrize("content", ["", "not json", '{"cells": 7}'])
def test_run_refuses_what_is_not_a_notebook(tmp_path: Path, content: str) -> None:
    path = tmp_path / "odd.ipynb"
    path.write_text(content)
    result = call("run", str(path))
    assert result.exit_code == 1
    assert "is not a notebook" in result.output
    assert "There is no notebook" in call("run", str(tmp_path / "missing.ipynb")).output

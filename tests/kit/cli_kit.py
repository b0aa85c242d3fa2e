"""Call the command line in this process."""

from __future__ import annotations

from pathlib import Path

import nbformat
from typer.testing import CliRunner, Result

from embedlab.cli.app import app


def call(*arguments: object, **options: object) -> Result:
    """Run ``embedlab`` with arguments, without colours, in a terminal of 200 columns."""
    env = {"NO_COLOR": "1", "COLUMNS": "200"}
    return CliRunner().invoke(app, [str(a) for a in arguments], env=env, **options)


def notebook(path: Path, *cells: str) -> Path:
    """Write a notebook with code cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    nbformat.write(content, path)
    return path

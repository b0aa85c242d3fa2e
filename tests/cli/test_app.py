"""The command ``embedlab`` itself."""

from __future__ import annotations

import subprocess
import sys

from cli_kit import call

import embedlab


def test_version() -> None:
    assert call("--version").output.strip() == f"embedlab {embedlab.__version__}"


def test_the_command_line_starts_without_torch() -> None:
    code = "import sys, embedlab.cli.app; assert not {'torch', 'umap', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

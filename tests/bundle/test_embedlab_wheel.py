"""The wheel of embedlab itself."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from bundle_kit import wheel

from embedlab.bundle import embedlab_wheel


def test_an_installed_embedlab_is_packed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed without a checkout: the wheel is made of its files, and pip takes it."""
    site = tmp_path / "site"
    built = wheel(tmp_path / "built", "embedlab", "9.9", content="word = 'ä'\n")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet", "--target"]
    subprocess.run([*command, str(site), str(built)], check=True)
    [about] = site.glob("*.dist-info")
    whole = embedlab_wheel.metadata.PathDistribution(about)
    monkeypatch.setattr(embedlab_wheel.metadata, "distribution", lambda _: whole)
    packed = embedlab_wheel._repack(tmp_path)
    again = tmp_path / "again"
    subprocess.run([*command, str(again), str(packed)], check=True)
    assert (again / "embedlab" / "__init__.py").read_text("utf-8") == "word = 'ä'\n"
    names = zipfile.ZipFile(packed).namelist()
    assert not [n for n in names if "__pycache__" in n or n.endswith(("INSTALLER", "direct_url.json"))]

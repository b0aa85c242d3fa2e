"""Small wheels in place of real ones, and a bundle that is made of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bundle_kit import LESSON, call, wheel

import embedlab
from embedlab.bundle import make, wheels


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index with small wheels, some for Windows alone."""
    folder = tmp_path / "index"
    wheel(folder, "thing", "1.0", 'only-there; os_name == "nt"', 'only-here; sys_platform == "linux"')
    wheel(folder, "thing", "2.0", 'only-there; os_name == "nt"', 'only-here; sys_platform == "linux"')
    wheel(folder, "only-there", tags="cp312-cp312-win_amd64")
    wheel(folder, "only-here", tags="py3-none-manylinux_2_17_x86_64")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def small(tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """embedlab's own wheel is a small one too; returns the folder of the bundle."""

    def write_embedlab_wheel(folder: Path) -> Path:
        return wheel(folder, "embedlab", embedlab.__version__, "thing>=1")

    monkeypatch.setattr(make, "write_embedlab_wheel", write_embedlab_wheel)
    monkeypatch.setattr(wheels, "USUAL_BYTES", 1_000_000)
    return tmp_path / "out"


@pytest.fixture
def bundle(small: Path) -> Path:
    result = call("--lessons", LESSON, str(small))
    assert result.exit_code == 0, result.output
    return small

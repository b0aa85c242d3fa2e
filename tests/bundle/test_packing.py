"""A bundle as one file."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest
from bundle_kit import LESSON, call

from embedlab.bundle import content, manifest


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_bundle_as_one_file(bundle: Path, tmp_path: Path, kind: str) -> None:
    result = call("--lessons", LESSON, "--archive", kind, str(bundle))
    assert result.exit_code == 0, result.output
    packed = bundle.with_name(f"out.{kind}")
    noted = packed.with_name(f"out.{kind}.sha256").read_text().split()
    assert noted == [content.verify.sha256_of(packed), packed.name]
    if kind == "zip":
        assert "none is damaged" in call("--check", str(packed)).output
        raw = packed.read_bytes().replace(b"embedlab", b"embedbad", 40)
        packed.write_bytes(raw)
        assert call("--check", str(packed)).exit_code == 1
    else:
        with tarfile.open(packed) as archive:
            archive.extractall(tmp_path / "unpacked", filter="data")
        assert manifest.check(tmp_path / "unpacked" / "out") == []
        assert os.access(tmp_path / "unpacked" / "out" / "start.sh", os.X_OK)

"""A damaged copy of a bundle is found."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from bundle_kit import LESSON, call

from embedlab.bundle import manifest
from embedlab.bundle.manifest import DamageKind


def test_a_damaged_copy_is_found_and_made_again(bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "stick"
    shutil.copytree(bundle, copy)
    assert "none is damaged" in call("--check", str(copy)).output
    (copy / "start.py").write_text("other")
    (copy / "THIRD_PARTY.md").unlink()
    lesson = copy / "notebooks" / "01_what_is_an_embedding.ipynb"
    content_ = lesson.read_bytes()
    lesson.write_bytes(content_[:-1] + b" ")
    assert {damage.path: damage.kind for damage in manifest.check(copy)} == {
        "THIRD_PARTY.md": DamageKind.MISSING,
        "start.py": DamageKind.CHANGED,
        "notebooks/01_what_is_an_embedding.ipynb": DamageKind.CHANGED,
    }
    told = call("--check", str(copy))
    assert told.exit_code == 1
    assert re.search(r"fail\s+THIRD_PARTY\.md: missing", told.output)
    assert re.search(r"fail\s+start\.py: changed: sha256", told.output)
    assert re.search(r"fail\s+notebooks/01_what\S+: changed", told.output)
    assert call("--lessons", LESSON, str(copy)).exit_code == 0
    assert lesson.read_bytes() == content_
    assert call("--check", str(copy)).exit_code == 0


def test_a_bundle_that_is_none() -> None:
    result = call("--check", str(Path(__file__).parent))
    assert result.exit_code == 1
    assert "is not a complete bundle" in result.output

"""What is in a bundle, and what happens when making it is interrupted or impossible."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from bundle_kit import HERE, LESSON, call, isolation, wheel

from embedlab.bundle import content, make, manifest
from embedlab.errors import EmbedlabError


def test_what_is_in_a_bundle(bundle: Path) -> None:
    about, entries = manifest.read(bundle)
    assert about["lessons"] == [LESSON]
    [target] = about["targets"]
    assert (target["python"], target["lock"]) == (HERE.python, f"wheels/{HERE.name}.txt")
    there = {p.relative_to(bundle).as_posix() for p in bundle.rglob("*") if p.is_file() and p.name[0] != "."}
    assert there == {each.path for each in entries} | {manifest.NAME}
    assert {"START.html", "start.py", "start.sh", "start.bat", "THIRD_PARTY.md"} <= there
    assert {
        "notebooks/01_what_is_an_embedding.ipynb",
        "notebooks/solutions/01_what_is_an_embedding.ipynb",
    } <= there
    assert not [path for path in there if "02_text" in path], "only the lesson that was chosen"
    assert all(len(each.sha256) == 64 and each.what for each in entries)
    page = (bundle / "START.html").read_text("utf-8")
    assert "{{" not in page
    assert HERE.python in page
    assert b"\r\n" in (bundle / "start.bat").read_bytes()
    assert b"\r" not in (bundle / "start.sh").read_bytes()
    assert os.access(bundle / "start.sh", os.X_OK)


def test_a_run_that_was_killed_leaves_no_whole_bundle_and_the_next_one_goes_on(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(content, "copy", killed)
        call("--lessons", LESSON, str(bundle))
    with pytest.raises(EmbedlabError, match="not a complete bundle"):
        manifest.read(bundle)
    before = {p: p.stat().st_mtime_ns for p in (bundle / "notebooks").rglob("*.ipynb")}
    assert call("--lessons", LESSON, str(bundle)).exit_code == 0
    assert {p: p.stat().st_mtime_ns for p in before} == before, "what was whole was not copied again"


def test_somebody_elses_folder_is_left_alone(small: Path) -> None:
    small.mkdir()
    (small / "thesis.txt").write_text("mine")
    result = call("--lessons", LESSON, str(small))
    assert result.exit_code == 1
    assert "is not empty and not a bundle" in result.output
    assert [p.name for p in small.iterdir()] == ["thesis.txt"]


def test_a_full_disk_is_said_before(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    result = call("--lessons", LESSON, str(small))
    assert result.exit_code == 1
    assert re.search(r"Not enough disk space .* 2 MB are needed, 0 MB are free", result.output)


def test_wheels_of_another_machine_are_dropped_when_the_plan_changes(bundle: Path, index: Path) -> None:
    old = wheel(bundle / "wheels", "left-over")
    assert call("--lessons", LESSON, str(bundle)).exit_code == 0
    assert not old.exists()


def test_what_a_stick_cannot_hold_is_said() -> None:
    large = manifest.Entry("models/m.safetensors", 2**32, "0" * 64, "m")
    [words] = make._find_warnings([large])
    assert "FAT32" in words
    deep = manifest.Entry("cache/" + "d" * 160, 1, "0" * 64, "d")
    assert "is long for Windows" in make._find_warnings([deep])[0]


def test_what_only_the_hub_has_is_left_out_and_said(
    small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def none_here(name: str, progress: object) -> None:
        raise EmbedlabError(f"No source has the sample data {name}:\n  - hub: it is blocked.")

    monkeypatch.setattr(content, "dataset_files", none_here)
    monkeypatch.setattr(content, "datasets_of", lambda chosen: ["digits"])
    result = call("--lessons", LESSON, str(small))
    assert result.exit_code == 0
    assert (
        "digits are left out: No source has the sample data digits. The lessons work without" in result.output
    )
    assert "digits" not in (small / "THIRD_PARTY.md").read_text("utf-8")


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.weights("text/minilm")
@pytest.mark.timeout(1800)
@pytest.mark.verified_for("pyproject.toml", "embedlab/bundle/**/*.py", "embedlab/weights/download_child.py")
def test_a_bundle_installs_and_runs_a_lesson_where_there_is_no_network(tmp_path: Path) -> None:
    """Real packages and weights, a new environment, and a namespace that has no way out."""
    alone = isolation()
    if isinstance(alone, str):
        pytest.skip(alone)  # also in CI: a machine that cannot do this cannot be made to
    out = tmp_path / "bundle"
    made = call("--lessons", "00", str(out))
    assert made.exit_code == 0, made.output
    laptop = tmp_path / "laptop with a space" / "embedlab"
    shutil.move(out, laptop)
    empty = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home"), "LANG": "C"}
    (tmp_path / "home").mkdir()

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [*alone, sys.executable, str(laptop / "start.py"), *words]
        return subprocess.run(command, env=empty, capture_output=True, text=True, encoding="utf-8")

    try:
        lesson = run("run", "notebooks/00_start_here.ipynb")
        assert lesson.returncode == 0, lesson.stdout + lesson.stderr
        assert "Installing, once." in lesson.stderr
        assert len(re.findall(r"^ok", lesson.stdout, re.MULTILINE)) >= 11
        again = run("models", "text/minilm")
        assert "Installing" not in again.stderr
        assert f"{laptop / 'models' / 'text' / 'minilm'} (folder)" in again.stdout
        assert manifest.check(laptop) == [], "the bundle itself is not written to"
    finally:
        shutil.rmtree(laptop, ignore_errors=True)  # two gigabytes

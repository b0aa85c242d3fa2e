"""Other machines, as far as this one can tell: are there wheels of everything for Windows and for Macs?

Nothing is run there. pip resolves all dependencies with the tags and the markers of the other machine; a
package without a wheel is named. The same for other Pythons:
``embedlab bundle --dry-run --platform windows,macos --python 3.11,3.12,3.13 anywhere``.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from paths import ROOT

from embedlab.bundle import targets, wheels
from embedlab.bundle.embedlab_wheel import write_embedlab_wheel


@pytest.mark.network
@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.verified_for("pyproject.toml")
@pytest.mark.parametrize("platform", ["windows", "macos"])
def test_there_is_a_wheel_of_everything(tmp_path: Path, platform: str) -> None:
    target = targets.Target(platform, "3.12")
    found = {p.name: p.wheel for p in wheels.resolve(write_embedlab_wheel(tmp_path), target, tmp_path)}
    assert {"torch", "embedlab", "milvus-lite", "faiss-cpu", "av", "resvg-py"} <= found.keys()
    assert ("pywinpty" in found) == (platform == "windows"), "the markers are the other machine's"
    assert not [name for name in found if name.startswith("nvidia")]
    tag = "win_amd64" if platform == "windows" else "macosx_"
    assert tag in found["torch"]


OURS = [*ROOT.glob("embedlab/**/*.py"), *ROOT.glob("data/**/*.py")]


@pytest.mark.parametrize("path", OURS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_text_is_read_and_written_as_utf8(path: Path) -> None:
    """Windows would take its own code page, in which no emoji and no arrow can be written."""
    for call in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(call, ast.Call) and _text(call):
            assert "utf" in ast.unparse(call), f"{path.name}: {ast.unparse(call)}"


def _text(call: ast.Call) -> bool:
    """Whether a call opens a file as text."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    mode = next((a.value for a in call.args[:2] if isinstance(a, ast.Constant)), None)
    first_is_mode = bool(call.args) and isinstance(call.args[0], ast.Constant)
    opens = isinstance(call.func, ast.Name) or first_is_mode or not (call.args or call.keywords)
    text = mode in (None, "r", "w", "a", "x")
    return name in ("read_text", "write_text") or (name == "open" and opens and text)


def test_a_letter_that_the_terminal_lacks_ends_nothing() -> None:
    """Windows writes into a pipe with its code page, which has no arrow."""
    code = "from embedlab.cli.app import app; app()"
    for encoding in ("cp1252", "ascii"):
        env = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
        command = [sys.executable, "-c", f"from embedlab.cli import doctor\n{DOCTOR}\n{code}", "doctor"]
        done = subprocess.run(command, env=env, capture_output=True)
        assert done.returncode == 0, done.stderr
        assert b"warn a: b" in done.stdout
        assert b"do this" in done.stdout


DOCTOR = (
    "from embedlab.cli.findings import Finding; "
    "doctor.examine = lambda *_: iter([Finding('a', 'warn', 'b', 'do this')])"
)


def test_no_name_of_a_file_is_forbidden_on_windows() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    names = listed.stdout.decode().split("\0")
    reserved = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
    for name in filter(None, names):
        assert not re.search(r'[<>:"\\|?*\x00-\x1f]|[ .](/|$)', name), name
        assert not any(reserved.match(part) for part in name.split("/")), name
        assert len(name) < 140, name
    folded = [name.lower() for name in names]
    assert len(folded) == len(set(folded)), "two names that differ in case only are one file there"


def test_binder_installs_what_environment_yml_says() -> None:
    binder = yaml.safe_load((ROOT / ".binder" / "environment.yml").read_text("utf-8"))
    ours = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    assert binder["channels"] == ours["channels"]
    pip = next(d["pip"] for d in binder["dependencies"] if isinstance(d, dict))
    assert pip[-1] == "-e .."
    fetched = (ROOT / ".binder" / "postBuild").read_text("utf-8")
    assert "embedlab fetch" in fetched

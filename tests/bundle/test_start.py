"""``start.py``, also on machines that are not this one."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from bundle_kit import wheel

from embedlab.bundle import make, manifest


@pytest.fixture
def start(bundle: Path) -> dict[str, object]:
    import runpy

    return runpy.run_path(str(bundle / "start.py"))


OTHERS = [
    {"system": "Windows", "machine": "AMD64", "python": "3.12"},
    {"system": "Darwin", "machine": "arm64", "python": "3.11"},
    {"system": "Linux", "machine": "x86_64", "python": "3.11"},
]


def test_start_finds_what_fits_and_says_what_does_not(start: dict) -> None:
    assert start["targets_for"](OTHERS, "Windows", "AMD64") == OTHERS[:1]
    assert start["targets_for"](OTHERS, "Windows", "x86_64") == OTHERS[:1], "one processor, two names"
    assert start["targets_for"](OTHERS, "Darwin", "x86_64") == [], "an old Mac"
    old = start["explain_no_target"](OTHERS, "Windows", "AMD64", "3.9")
    assert "Install Python 3.12 beside yours" in old
    assert "Ask your teacher" in start["explain_no_target"](OTHERS, "Darwin", "x86_64", "3.11")


def test_start_counts_the_letters_of_windows_paths(start: dict) -> None:
    assert not start["path_too_long"]("C:\\embedlab\\venv", 171)
    assert start["path_too_long"](
        "C:\\Users\\somebody\\OneDrive - A Long Name\\Documents\\course\\embedlab\\venv", 171
    )
    assert start["program"]("python", True).parts[-2:] == ("Scripts", "python.exe")


def test_start_forgets_what_the_user_has_set(start: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    env = start["make_environment"]()
    assert not {"PIP_INDEX_URL", "PYTHONPATH"} & set(env)
    assert env["EMBEDLAB_OFFLINE"] == "1"
    assert Path(env["EMBEDLAB_MODELS"]).name == "models"


def test_start_names_what_was_not_copied(bundle: Path) -> None:
    (bundle / "wheels" / "thing-2.0-py3-none-any.whl").unlink()
    done = subprocess.run([sys.executable, "start.py"], cwd=bundle, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Copy them again:\n  wheels/thing-2.0-py3-none-any.whl" in done.stderr
    (bundle / manifest.NAME).write_text("{")
    done = subprocess.run([sys.executable, "start.py"], cwd=bundle, capture_output=True, text=True)
    assert "the copy of the folder is incomplete" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_environment_that_was_moved_is_made_anew(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real pip, small wheels: installed once, not twice, and again in another place."""

    def install(folder: Path) -> str:
        code = (
            "import runpy, sys; s = runpy.run_path('start.py'); m = s['read_manifest']();"
            "s['install'](m['targets'][0], sys.platform == 'win32')"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stderr

    assert "Installing, once." in install(bundle)
    assert install(bundle) == ""
    moved = bundle.with_name("moved")
    bundle.rename(moved)
    assert "Starting again." in install(moved)
    shutil.rmtree(moved / "venv")
    wheel(moved / "wheels", "thing", "2.0", content="other = 1")
    with pytest.raises(AssertionError, match="copy the folder wheels again"):
        install(moved)


def test_an_old_python_can_read_start_py() -> None:
    source = (Path(make.__file__).with_name("start") / "start.py").read_text("utf-8")
    ast.parse(source, feature_version=(3, 8))
    imported = {n.names[0].name for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Import)}
    assert imported <= sys.stdlib_module_names

"""Wheels are gathered with real pip, from an index in a folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from bundle_kit import HERE, wheel
from packaging.version import Version

from embedlab.bundle import wheels
from embedlab.bundle.pip_output import FailureKind
from embedlab.bundle.targets import Target
from embedlab.cli.messages import format_error


def gather(root: Path, target: Target, **options: bool) -> wheels.TargetWheels:
    options = {"allow_large": False, **options}
    return wheels.gather(root, target, root.parent, on_bytes=lambda _: None, **options)


def test_wheels_for_windows_are_gathered_on_any_machine(tmp_path: Path, index: Path) -> None:
    one = wheel(tmp_path / "wheels", "embedlab", "1.0", "thing>=1")
    got = gather(one, Target("windows", "3.12"))
    assert [(w.name, w.version) for w in got.wheels] == [
        ("embedlab", Version("1.0")),
        ("only-there", Version("1.0")),
        ("thing", Version("2.0")),
    ]
    lines = got.lock.read_text().splitlines()[1:]
    assert all(re.fullmatch(r"[a-z-]+==[\d.]+ --hash=sha256:[0-9a-f]{64}", line) for line in lines)


def test_the_package_that_has_no_wheel_is_named(tmp_path: Path, index: Path) -> None:
    one = wheel(tmp_path / "wheels", "embedlab", "1.0", "thing>=1")
    with pytest.raises(wheels.PipFailed, match=r"windows-py311: there is no wheel") as failed:
        gather(one, Target("windows", "3.11"))
    assert failed.value.failure.kind == FailureKind.CONFLICT
    assert "only-there" in failed.value.failure.detail


def test_what_is_there_is_not_fetched_again_and_what_is_damaged_is(
    tmp_path: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, folder = Target("windows", "3.12"), tmp_path / "wheels"
    one = wheel(folder, "embedlab", "1.0", "thing>=1")
    gather(one, target)
    with monkeypatch.context() as patched:
        patched.setattr(wheels.subprocess_download, "run", lambda *a, **k: pytest.fail("pip was asked"))
        gather(one, target)
    thing = folder / "thing-2.0-py3-none-any.whl"
    whole = thing.read_bytes()
    thing.unlink()
    gather(one, target)
    assert thing.read_bytes() == whole


def test_whole_wheels_of_an_interrupted_run_are_kept(tmp_path: Path) -> None:
    """pip holds all back until the last has arrived; a killed run leaves it in its temporary folder."""
    folder = tmp_path / "wheels"
    whole = wheel(folder / ".passing" / "tmp" / "pip-unpack-1", "thing")
    half = folder / ".passing" / "tmp" / "pip-unpack-2" / "torch-2.0-py3-none-any.whl"
    half.parent.mkdir()
    half.write_bytes(whole.read_bytes()[:100])
    wheels._keep_complete_wheels(folder / ".passing", folder)
    assert [p.name for p in folder.iterdir()] == [whole.name]


def test_gigabytes_for_graphics_cards_are_refused(tmp_path: Path, index: Path) -> None:
    wheel(index, "nvidia-blas", content="x" * 1000)
    wheel(index, "thing", "3.0", "nvidia-blas")
    one = wheel(tmp_path / "wheels", "embedlab", "1.0", "thing>=1")
    with pytest.raises(wheels.TooLarge, match=r"build for processors.*allow_large=True") as refused:
        gather(one, HERE)
    assert refused.value.wheel
    assert refused.value.wheel.startswith("nvidia_blas")
    assert "--allow-large" in format_error(refused.value)
    assert len(gather(one, HERE, allow_large=True).wheels) == 3

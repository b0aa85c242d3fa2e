"""Whether the wheels in a folder are complete for a target."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundle_kit import HERE, wheel
from packaging.version import Version

from embedlab.bundle import closure
from embedlab.bundle.closure import MissingRequirement
from embedlab.bundle.targets import Target
from embedlab.errors import EmbedlabError


def test_conditions_are_those_of_the_other_machine(tmp_path: Path) -> None:
    """pip on Linux would leave out what only Windows needs, and ask for what only Linux needs."""
    needs = ('only-there; os_name == "nt"', 'only-here; sys_platform == "linux"', "both[fast]>=2")
    wheel(tmp_path, "embedlab", "1.0", *needs)
    wheel(tmp_path, "both", "2.1", "plain", 'extra-one; extra == "fast"')
    for name in ("plain", "extra-one", "only-here"):
        wheel(tmp_path, name)
    there = closure.find_closure(tmp_path, Target("windows", "3.12"))
    assert there.missing == (MissingRequirement("only-there", "embedlab"),)
    assert [w.name for w in there.wheels] == ["both", "embedlab", "extra-one", "plain"]
    here = closure.find_closure(tmp_path, Target("linux", "3.12"))
    assert here.missing == ()
    assert "only-here" in [w.name for w in here.wheels]


@pytest.mark.parametrize(
    ("platform", "python", "tags", "fits"),
    [
        ("windows", "3.11", "cp311-cp311-win_amd64", True),
        ("windows", "3.12", "cp311-cp311-win_amd64", False),
        ("windows", "3.12", "cp39-abi3-win_amd64", True),
        ("windows", "3.12", "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64", False),
        ("linux", "3.12", "cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64", True),
        ("linux", "3.12", "cp312-cp312-manylinux_2_34_x86_64", False),
        ("linux", "3.12", "cp312-cp312-manylinux_2_28_aarch64", False),
        ("linux-arm64", "3.12", "cp312-cp312-manylinux_2_28_aarch64", True),
        ("macos", "3.12", "cp312-cp312-macosx_11_0_arm64", True),
        ("macos", "3.12", "cp312-cp312-macosx_10_13_universal2", True),
        ("macos", "3.12", "cp312-cp312-macosx_10_13_x86_64", False),
        ("macos", "3.12", "cp312-cp312-macosx_15_0_arm64", False),
    ],
)
def test_which_wheels_can_be_installed_where(
    tmp_path: Path, platform: str, python: str, tags: str, fits: bool
) -> None:
    path = wheel(tmp_path, "thing", tags=tags)
    assert bool(closure.compatible_wheels([path], Target(platform, python))) == fits


def test_a_wheel_that_is_too_old_is_named_with_both_versions(tmp_path: Path) -> None:
    wheel(tmp_path, "embedlab", "1.0", "thing>=3")
    wheel(tmp_path, "thing", "2.0")
    [missing] = closure.find_closure(tmp_path, HERE).missing
    assert missing == MissingRequirement("thing>=3", "embedlab", Version("2.0"))
    assert str(missing) == "thing>=3, but 2.0 is there (for embedlab)"


def test_a_damaged_wheel_is_named(tmp_path: Path) -> None:
    (tmp_path / "embedlab-1.0-py3-none-any.whl").write_bytes(b"half")
    with pytest.raises(EmbedlabError, match="is damaged or not a wheel") as refused:
        closure.find_closure(tmp_path, HERE)
    assert refused.value.path == tmp_path / "embedlab-1.0-py3-none-any.whl"

"""The machines that a bundle can be for."""

from __future__ import annotations

import pytest
from bundle_kit import HERE

from embedlab.bundle import targets
from embedlab.errors import EmbedlabError


def test_what_machines_and_pythons_there_are() -> None:
    assert [t.name for t in targets.parse_targets("windows,macos", "3.11, 3.12")] == [
        "windows-py311",
        "windows-py312",
        "macos-py311",
        "macos-py312",
    ]
    assert targets.parse_targets(None, None) == [HERE]
    with pytest.raises(EmbedlabError, match=r"Unknown platform amiga\. Choose from linux"):
        targets.parse_targets("windows,amiga", None)
    with pytest.raises(EmbedlabError, match=r"Unknown Python 2\.7"):
        targets.parse_targets(None, "2.7")


def test_the_markers_here_are_those_that_packaging_finds() -> None:
    from packaging.markers import default_environment

    real, ours = default_environment(), HERE.markers
    assert set(ours) == set(real)
    told = {
        "os_name",
        "sys_platform",
        "platform_system",
        "platform_machine",
        "python_version",
        "implementation_name",
    }
    assert {key: ours[key] for key in told} == {key: real[key] for key in told}

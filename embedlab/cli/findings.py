"""What ``embedlab doctor`` reports."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from packaging.requirements import Requirement

from embedlab.cli.console import Status


class Check(StrEnum):
    """The checks of the doctor, as it prints them."""

    PYTHON = "Python"
    PACKAGES = "packages"
    CACHE = "cache"
    NETWORK = "network"
    HUB = "model hub"
    INDEX = "package index"
    WEIGHTS = "weights"
    JUPYTER = "JupyterLab"
    KERNEL = "kernel"
    STORE = "Milvus Lite"
    MAPS = "UMAP"


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes
    ----------
    check : str
        A :class:`Check`, or the name of a model.
    status : {"ok", "warn", "fail"}
    message : str
        What was found.
    fix : str
        What to do about it; empty if nothing is wrong.
    """

    check: str
    status: Status
    message: str
    fix: str = ""


def reinstall_command(requirements: Iterable[Requirement]) -> str:
    """Return the command that installs packages again, within the versions that embedlab needs."""
    names = " ".join(f'"{r.name}{r.specifier}"' for r in requirements)
    return f"{Path(sys.executable).name} -m pip install --force-reinstall {names}"

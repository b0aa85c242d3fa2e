"""The machines that a bundle is for: what pip must be told about each, and what its markers say."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms

from embedlab.errors import EmbedlabError

# manylinux names a version of glibc; 2.28 is that of Debian 10, Ubuntu 20.04 and everything since.
_GLIBC = (28, 27, 26, 24, 17, 12, 5)
_OLD_NAMES = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_MACOS = (14, 0)
PYTHONS = ("3.11", "3.12", "3.13")


def _linux_tags(machine: str) -> tuple[str, ...]:
    """pip takes the newest name only, and does not know by itself that older ones run there too."""
    tags = []
    for minor in _GLIBC:
        tags.append(f"manylinux_2_{minor}_{machine}")
        if minor in _OLD_NAMES:
            tags.append(f"{_OLD_NAMES[minor]}_{machine}")
    return (*tags, f"linux_{machine}")


@dataclass(frozen=True)
class _Platform:
    pip_tags: tuple[str, ...]
    os_name: str
    sys_platform: str
    system: str
    machine: str


_PLATFORMS = {
    "linux": _Platform(_linux_tags("x86_64"), "posix", "linux", "Linux", "x86_64"),
    "linux-arm64": _Platform(_linux_tags("aarch64"), "posix", "linux", "Linux", "aarch64"),
    "windows": _Platform(("win_amd64",), "nt", "win32", "Windows", "AMD64"),
    # Apple's own processors; torch has had no wheels for Macs with Intel processors since 2.3.
    "macos": _Platform((f"macosx_{_MACOS[0]}_{_MACOS[1]}_arm64",), "posix", "darwin", "Darwin", "arm64"),
}
PLATFORMS = tuple(_PLATFORMS)


@dataclass(frozen=True)
class Target:
    """A kind of machine: ``platform`` (``"windows"``) and ``python`` (``"3.12"``)."""

    platform: str
    python: str

    @property
    def name(self) -> str:
        """``"windows-py312"``."""
        return f"{self.platform}-py{self.python.replace('.', '')}"

    @property
    def _of(self) -> _Platform:
        return _PLATFORMS[self.platform]

    @property
    def system(self) -> str:
        """What ``platform.system()`` says there."""
        return self._of.system

    @property
    def machine(self) -> str:
        """What ``platform.machine()`` says there."""
        return self._of.machine

    @property
    def pip_options(self) -> list[str]:
        """What makes pip choose wheels for this machine, whichever it runs on itself."""
        platforms = [f"--platform={tag}" for tag in self._of.pip_tags]
        return ["--only-binary=:all:", "--implementation=cp", f"--python-version={self.python}", *platforms]

    @property
    def markers(self) -> dict[str, str]:
        """The conditions of requirements (``os_name == "nt"``) as they are there."""
        there = self._of
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": there.os_name,
            "platform_machine": there.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": there.system,
            "platform_version": "",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": there.sys_platform,
        }

    def tags(self) -> frozenset[Tag]:
        """The tags of wheels that can be installed there."""
        version = tuple(map(int, self.python.split(".")))
        platforms = self._of.pip_tags
        if self.platform == "macos":
            platforms = tuple(mac_platforms(_MACOS, "arm64"))
        short = f"cp{self.python.replace('.', '')}"
        return frozenset(
            [*cpython_tags(version, platforms=platforms), *compatible_tags(version, short, platforms)]
        )


def here() -> Target:
    """This machine.

    Raises
    ------
    EmbedlabError
        When it is none of :data:`PLATFORMS`.
    """
    system, machine = platform.system(), platform.machine()
    for name, there in _PLATFORMS.items():
        if (there.system, there.machine) == (system, machine):
            return Target(name, f"{sys.version_info.major}.{sys.version_info.minor}")
    raise EmbedlabError(
        f"No wheels can be gathered for a machine like this one ({system}, {machine}). "
        f"Say for which: --platform, one of {', '.join(PLATFORMS)}."
    )


def chosen(platforms: str | None, pythons: str | None) -> list[Target]:
    """The targets that two comma-separated lists name; None means this machine's.

    Raises
    ------
    EmbedlabError
        For a name that is not known, with those that are.
    """
    names = _split(platforms, PLATFORMS, "platform") if platforms else [here().platform]
    versions = _split(pythons, PYTHONS, "Python") if pythons else [f"3.{sys.version_info.minor}"]
    return [Target(name, version) for name in names for version in versions]


def _split(given: str, known: tuple[str, ...], what: str) -> list[str]:
    words = [word.strip() for word in given.split(",") if word.strip()]
    wrong = [word for word in words if word not in known]
    if wrong or not words:
        raise EmbedlabError(f"No {what} {', '.join(wrong) or repr(given)}; there are {', '.join(known)}.")
    return list(dict.fromkeys(words))

"""The machines that a bundle is for: options for pip, wheel tags, and the values of environment markers."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms

from embedlab.errors import Argument, EmbedlabError

# The minor versions of glibc in manylinux tags; 2.28 is that of Debian 10, Ubuntu 20.04 and everything since.
_GLIBC_MINORS = (28, 27, 26, 24, 17, 12, 5)
_LEGACY_TAGS = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
_MACOS = (14, 0)
PYTHONS = ("3.11", "3.12", "3.13")


def _linux_tags(machine: str) -> tuple[str, ...]:
    """Return all manylinux tags: pip takes ``--platform`` literally and does not add older ones."""
    tags = []
    for minor in _GLIBC_MINORS:
        tags.append(f"manylinux_2_{minor}_{machine}")
        if minor in _LEGACY_TAGS:
            tags.append(f"{_LEGACY_TAGS[minor]}_{machine}")
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
    # Apple processors only: torch has had no wheels for Macs with Intel processors since 2.3.
    "macos": _Platform((f"macosx_{_MACOS[0]}_{_MACOS[1]}_arm64",), "posix", "darwin", "Darwin", "arm64"),
}
PLATFORMS = tuple(_PLATFORMS)


@dataclass(frozen=True)
class Target:
    """A kind of machine.

    Attributes
    ----------
    platform : str
        One of :data:`PLATFORMS`, for example ``"windows"``.
    python : str
        One of :data:`PYTHONS`, for example ``"3.12"``.
    """

    platform: str
    python: str

    @property
    def name(self) -> str:
        """A name for files and messages, for example ``"windows-py312"``."""
        return f"{self.platform}-py{self.python.replace('.', '')}"

    @property
    def _platform(self) -> _Platform:
        return _PLATFORMS[self.platform]

    @property
    def system(self) -> str:
        """The value of ``platform.system()`` on the target."""
        return self._platform.system

    @property
    def machine(self) -> str:
        """The value of ``platform.machine()`` on the target."""
        return self._platform.machine

    @property
    def pip_options(self) -> list[str]:
        """The options with which pip chooses wheels for the target."""
        platforms = [f"--platform={tag}" for tag in self._platform.pip_tags]
        return ["--only-binary=:all:", "--implementation=cp", f"--python-version={self.python}", *platforms]

    @property
    def markers(self) -> dict[str, str]:
        """The values of environment markers (``os_name == "nt"``) on the target."""
        there = self._platform
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
        """Return the tags of the wheels that can be installed on the target."""
        version = tuple(map(int, self.python.split(".")))
        platforms = self._platform.pip_tags
        if self.platform == "macos":
            platforms = tuple(mac_platforms(_MACOS, "arm64"))
        interpreter = f"cp{self.python.replace('.', '')}"
        return frozenset(
            [*cpython_tags(version, platforms=platforms), *compatible_tags(version, interpreter, platforms)]
        )


def this_machine() -> Target:
    """Return the target that this machine is.

    Raises
    ------
    EmbedlabError
        If it is none of :data:`PLATFORMS`.
    """
    system, machine = platform.system(), platform.machine()
    for name, spec in _PLATFORMS.items():
        if (spec.system, spec.machine) == (system, machine):
            return Target(name, f"{sys.version_info.major}.{sys.version_info.minor}")
    raise EmbedlabError(
        f"Bundles for a machine like this one ({system}, {machine}) are not supported. Choose another with ",
        Argument("platform"),
        f", one of {', '.join(PLATFORMS)}.",
    )


def parse_targets(platforms: str | None, pythons: str | None) -> list[Target]:
    """Return the targets that two comma-separated lists name; None stands for this machine.

    Raises
    ------
    EmbedlabError
        For an unknown name; the message lists the known ones.
    """
    names = _parse_list(platforms, PLATFORMS, "platform") if platforms else [this_machine().platform]
    versions = _parse_list(pythons, PYTHONS, "Python") if pythons else [f"3.{sys.version_info.minor}"]
    return [Target(name, version) for name in names for version in versions]


def _parse_list(text: str, known: tuple[str, ...], what: str) -> list[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in known]
    if unknown or not words:
        raise EmbedlabError(
            f"Unknown {what} {', '.join(unknown) or repr(text)}. Choose from {', '.join(known)}."
        )
    return list(dict.fromkeys(words))

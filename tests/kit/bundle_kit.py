"""Small wheels for the tests of bundles, and a place without a network to install the real ones in."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from typer.testing import CliRunner, Result

from embedlab.bundle import targets
from embedlab.bundle.targets import Target
from embedlab.cli.app import app

HERE = targets.this_machine() if sys.platform != "cygwin" else Target("linux", "3.11")
LESSON = "01"  # needs neither weights nor sample data

# Brings the loopback interface up, which is down in a new namespace; Jupyter talks to its kernels over it.
_LOOPBACK = """
import fcntl, socket, struct, subprocess, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 0x1))  # SIOCSIFFLAGS, IFF_UP
routes = open("/proc/net/route").read().splitlines()[1:]
assert not routes, "there is a way out"
sys.exit(subprocess.call(sys.argv[1:]))
"""


def wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    *requires: str,
    tags: str = "py3-none-any",
    extra: str = "",
    content: str = "",
) -> Path:
    """Write a wheel of one module; ``extra`` are more lines of its metadata."""
    plain = name.replace("-", "_")
    path, about = folder / f"{plain}-{version}-{tags}.whl", f"{plain}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {need}" for need in requires]
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{plain}/__init__.py", content)
        archive.writestr(f"{about}/METADATA", "\n".join(lines) + "\n" + extra)
        pure = "true" if tags.endswith("-none-any") else "false"
        archive.writestr(f"{about}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: {pure}\nTag: {tags}\n")
        archive.writestr(f"{about}/RECORD", "")
    return path


def isolation() -> list[str] | str:
    """The command that runs another without any network; or, in words, why that is not possible here."""
    if not sys.platform.startswith("linux"):
        return "network namespaces are Linux's"
    for options in (["-n"], ["-rn"]):
        command = ["unshare", *options, sys.executable, "-c", _LOOPBACK]
        try:
            tried = subprocess.run([*command, "true"], capture_output=True, timeout=30)
        except OSError:
            return "the program unshare is not installed"
        if tried.returncode == 0:
            return command
    return "a network namespace may not be made here (neither as root nor as a user)"


def call(*arguments: str) -> Result:
    """Run ``embedlab bundle`` in this process."""
    return CliRunner().invoke(app, ["bundle", *arguments], env={"NO_COLOR": "1", "COLUMNS": "200"})

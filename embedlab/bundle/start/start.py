"""Install embedlab from this folder, without any network, and open the lessons.

    python start.py                                      install, the first time, and open the lessons
    python start.py doctor                               check this machine
    python start.py run notebooks/00_start_here.ipynb    run any other command of embedlab

Nothing is written outside this folder; deleting it removes everything. This file needs only Python's standard
library and the syntax of Python 3.8, so that an old Python can say that it is too old.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NoReturn

HERE = Path(__file__).resolve().parent
VENV = HERE / "venv"
READY = VENV / "embedlab-ready.txt"
WINDOWS_PATH = 259  # characters that a path may have, unless long paths are enabled
PROCESSORS = {"amd64": "x86_64", "x64": "x86_64", "aarch64": "arm64"}  # other names of the same processor
_PRINT_VERSION = "import sys; sys.stdout.write('.'.join(map(str, sys.version_info[:2])))"


def stop(message: str) -> NoReturn:
    """Print a message and end with exit status 1."""
    sys.stderr.write(f"\n{message}\n")
    sys.exit(1)


def read_manifest() -> dict[str, Any]:
    """Read the manifest of this bundle."""
    try:
        content: dict[str, Any] = json.loads((HERE / "MANIFEST.json").read_text(encoding="utf-8"))
        return content
    except (OSError, ValueError):
        stop("MANIFEST.json is missing or damaged: the copy of the folder is incomplete. Copy it again.")


def normalize_processor(name: str) -> str:
    """Return one name for each kind of processor."""
    return PROCESSORS.get(name.lower(), name.lower())


def targets_for(targets: list[dict[str, Any]], system: str, processor: str) -> list[dict[str, Any]]:
    """Return the targets of the bundle for a kind of machine, whatever its Python."""
    wanted = normalize_processor(processor)
    return [t for t in targets if t["system"] == system and normalize_processor(t["machine"]) == wanted]


def find_other_python(targets: list[dict[str, Any]], windows: bool) -> list[str] | None:
    """Return the command of another Python on this machine that the bundle supports, or None."""
    for version in [target["python"] for target in targets]:
        command = ["py", f"-{version}"] if windows else [f"python{version}"]
        if shutil.which(command[0]) is None:
            continue
        code = [*command, "-c", _PRINT_VERSION]
        done = subprocess.run(code, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if done.returncode == 0 and done.stdout.decode().strip() == version:
            return command
    return None


def explain_no_target(targets: list[dict[str, Any]], system: str, processor: str, python: str) -> str:
    """Say what to do on a machine that the bundle does not support."""
    supported = ", ".join(f"{t['system']} ({t['machine']}) with Python {t['python']}" for t in targets)
    pythons = [t["python"] for t in targets_for(targets, system, processor)]
    fix = "Ask your teacher for a bundle for this machine."
    if pythons:
        fix = (
            f"Install Python {' or '.join(pythons)} beside yours (from python.org, or from the folder python "
        )
        fix += "here if your teacher has filled it), and start again."
    return f"This is {system} ({processor}) with Python {python}. The bundle is for: {supported}.\n{fix}"


def find_missing(manifest: dict[str, Any]) -> list[str]:
    """Return the files that are missing or have another size; pip checks the contents."""
    missing = []
    for entry in manifest["files"]:
        path = HERE / entry["path"]
        if not path.is_file() or path.stat().st_size != entry["size"]:
            missing.append(entry["path"])
    return missing


def long_paths_enabled() -> bool:
    """Whether this Windows accepts paths of more than 260 characters."""
    import importlib

    winreg: Any = importlib.import_module("winreg")
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Control\FileSystem") as key:
            return bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
    except OSError:
        return False


def path_too_long(folder: str, longest: int) -> bool:
    """Whether the longest path in an environment exceeds the limit of Windows."""
    return len(folder) + len("\\Lib\\site-packages\\") + longest > WINDOWS_PATH


def program(name: str, windows: bool) -> Path:
    """Return the path of a program of the environment."""
    return VENV / "Scripts" / f"{name}.exe" if windows else VENV / "bin" / name


def make_environment() -> dict[str, str]:
    """Return environment variables with which everything is in this folder, without a network."""
    # The user's settings for pip or for another embedlab must not apply.
    ignored = ("PIP_", "PYTHON", "EMBEDLAB_")
    env = {key: value for key, value in os.environ.items() if not key.startswith(ignored)}
    env.update(
        EMBEDLAB_CACHE=str(HERE / "cache"),
        EMBEDLAB_MODELS=str(HERE / "models"),
        EMBEDLAB_OFFLINE="1",
        HF_HUB_OFFLINE="1",
        PYTHONUTF8="1",
        PIP_CONFIG_FILE=os.devnull,
    )
    return env


def install(target: dict[str, Any], windows: bool) -> None:
    """Make the environment, or make it again if it is incomplete or outdated."""
    lock = HERE / target["lock"]
    # With the folder: an environment stops working when it is moved.
    wanted = f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {HERE}"
    if READY.is_file() and READY.read_text(encoding="utf-8") == wanted:
        return
    if VENV.exists():
        sys.stderr.write(
            "The installation is incomplete, was moved, or is of another version. Starting again.\n"
        )
        shutil.rmtree(str(VENV), ignore_errors=True)
    needed, free = target["installed_bytes"], shutil.disk_usage(str(HERE)).free
    if free < needed:
        stop(
            f"Installing needs {needed / 1e9:.1f} GB here, but only {free / 1e9:.1f} GB are free. Free some "
            "space, or move this folder to another disk."
        )
    sys.stderr.write("Installing, once. This takes a few minutes and needs no network.\n")
    if subprocess.run([sys.executable, "-m", "venv", str(VENV)], env=make_environment()).returncode:
        stop(
            "The environment could not be made. If this folder is on a USB stick, copy it to the disk first. "
            "On Debian and Ubuntu, run: sudo apt install python3-venv."
        )
    wheels = ["--no-index", "--find-links", str(HERE / "wheels"), "--requirement", str(lock)]
    options = ["--no-deps", "--require-hashes", "--disable-pip-version-check", "--quiet"]
    pip = [str(program("python", windows)), "-m", "pip", "install", *wheels, *options]
    if subprocess.run(pip, env=make_environment()).returncode:
        stop(
            "The packages could not be installed; the output of pip above says why. If it names a hash, a "
            "file was damaged while it was copied: copy the folder wheels again."
        )
    READY.write_text(wanted, encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Find the target for this machine, install it, and run embedlab."""
    manifest = read_manifest()
    system, processor = platform.system(), platform.machine()
    windows, python = system == "Windows", ".".join(map(str, sys.version_info[:2]))
    targets = targets_for(manifest["targets"], system, processor)
    target = next((t for t in targets if t["python"] == python), None)
    if target is None:
        other = find_other_python(targets, windows)
        if other is None:
            stop(explain_no_target(manifest["targets"], system, processor, python))
        return subprocess.call([*other, str(HERE / "start.py"), *arguments])
    missing = find_missing(manifest)
    if missing:
        stop("Files are missing or incomplete. Copy them again:\n  " + "\n  ".join(missing[:20]))
    if not os.access(str(HERE), os.W_OK):
        stop("This folder cannot be written to. Copy it to your own disk, and start it there.")
    if windows and path_too_long(str(VENV), target["longest_path"]) and not long_paths_enabled():
        stop("The path of this folder is too long for Windows. Move it to C:\\embedlab, and start again.")
    install(target, windows)
    command = arguments or ["lab"]
    if command[0] in ("lab", "doctor"):
        folder = [str(HERE / "my-lessons")] if command[0] == "lab" else []
        command = [command[0], "--lessons", ",".join(manifest["lessons"]), *folder, *command[1:]]
    return subprocess.call(
        [str(program("embedlab", windows)), *command], env=make_environment(), cwd=str(HERE)
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Install embedlab from this folder, without any network, and open the lessons.

    python start.py                                      installs, the first time; then opens the lessons
    python start.py doctor                               checks this machine
    python start.py run notebooks/00_start_here.ipynb    any other command of embedlab

Nothing is written outside of this folder; deleting it removes everything. This file uses nothing but Python's
standard library, and no syntax newer than Python 3.8, so that an old Python can say that it is too old.
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
WINDOWS_PATH = 259  # letters that a path may have, unless long paths are allowed
SAME = {"amd64": "x86_64", "x64": "x86_64", "aarch64": "arm64"}  # what processors are called here and there
_VERSION = "import sys; sys.stdout.write('.'.join(map(str, sys.version_info[:2])))"


def stop(words: str) -> NoReturn:
    """End with a message for people, never with a traceback."""
    sys.stderr.write(f"\n{words}\n")
    sys.exit(1)


def read_manifest() -> dict[str, Any]:
    """What this bundle holds."""
    try:
        content: dict[str, Any] = json.loads((HERE / "MANIFEST.json").read_text(encoding="utf-8"))
        return content
    except (OSError, ValueError):
        stop("MANIFEST.json is missing or damaged: the folder was not copied whole. Copy it again.")


def machine(name: str) -> str:
    """One name for each kind of processor."""
    return SAME.get(name.lower(), name.lower())


def for_machine(targets: list[dict[str, Any]], system: str, processor: str) -> list[dict[str, Any]]:
    """The parts of the bundle for a kind of machine, whatever its Python."""
    return [t for t in targets if t["system"] == system and machine(t["machine"]) == machine(processor)]


def other_python(targets: list[dict[str, Any]], windows: bool) -> list[str] | None:
    """The command of another Python on this machine that there are wheels for; None when there is none."""
    for version in [target["python"] for target in targets]:
        command = ["py", f"-{version}"] if windows else [f"python{version}"]
        if shutil.which(command[0]) is None:
            continue
        asked = subprocess.run([*command, "-c", _VERSION], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if asked.returncode == 0 and asked.stdout.decode().strip() == version:
            return command
    return None


def no_target(targets: list[dict[str, Any]], system: str, processor: str, python: str) -> str:
    """What to do on a machine that the bundle has nothing for."""
    there = ", ".join(f"{t['system']} ({t['machine']}) with Python {t['python']}" for t in targets)
    fits = [t["python"] for t in for_machine(targets, system, processor)]
    cure = "Ask your teacher for a bundle for this machine."
    if fits:
        cure = f"Install Python {' or '.join(fits)} beside yours (python.org, or the folder python here if "
        cure += "your teacher has filled it), and start again."
    return f"This is {system} ({processor}) with Python {python}. The bundle is for: {there}.\n{cure}"


def damaged(manifest: dict[str, Any]) -> list[str]:
    """Files that are missing or cut short; contents are checked when they are installed and loaded."""
    wrong = []
    for each in manifest["files"]:
        path = HERE / each["path"]
        if not path.is_file() or path.stat().st_size != each["size"]:
            wrong.append(each["path"])
    return wrong


def long_paths_allowed() -> bool:
    """Whether this Windows takes paths of more than 260 letters."""
    import importlib

    winreg: Any = importlib.import_module("winreg")
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Control\FileSystem") as key:
            return bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
    except OSError:
        return False


def too_deep(folder: str, longest: int) -> bool:
    """Whether Windows would refuse the longest path in an environment."""
    return len(folder) + len("\\Lib\\site-packages\\") + longest > WINDOWS_PATH


def program(name: str, windows: bool) -> Path:
    """A program of the environment."""
    return VENV / "Scripts" / f"{name}.exe" if windows else VENV / "bin" / name


def settings() -> dict[str, str]:
    """The environment variables: everything is in this folder, and the network is not used."""
    # What the user has set for pip or for another embedlab would mix in.
    foreign = ("PIP_", "PYTHON", "EMBEDLAB_")
    env = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
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
    """Make the environment, whole or not at all."""
    lock = HERE / target["lock"]
    # With the place: an environment does not survive when its folder is moved.
    wanted = f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {HERE}"
    if READY.is_file() and READY.read_text(encoding="utf-8") == wanted:
        return
    if VENV.exists():
        sys.stderr.write("An installation that was interrupted, moved, or of another version is made anew.\n")
        shutil.rmtree(str(VENV), ignore_errors=True)
    room, free = target["installed_bytes"], shutil.disk_usage(str(HERE)).free
    if free < room:
        stop(
            f"Installing takes {room / 1e9:.1f} GB here, and {free / 1e9:.1f} GB are free. Make room, or "
            "move this folder to another disk."
        )
    sys.stderr.write("Installing, once. This takes a few minutes and no network.\n")
    if subprocess.run([sys.executable, "-m", "venv", str(VENV)], env=settings()).returncode:
        stop(
            "The environment could not be made. Is this folder on a USB stick? Copy it to the disk first. "
            "On Debian and Ubuntu: sudo apt install python3-venv."
        )
    wheels = ["--no-index", "--find-links", str(HERE / "wheels"), "--requirement", str(lock)]
    options = ["--no-deps", "--require-hashes", "--disable-pip-version-check", "--quiet"]
    pip = [str(program("python", windows)), "-m", "pip", "install", *wheels, *options]
    if subprocess.run(pip, env=settings()).returncode:
        stop(
            "The packages could not be installed; pip says why above. If it names a hash, a file was damaged "
            "on its way: copy the folder wheels again."
        )
    READY.write_text(wanted, encoding="utf-8")


def main(arguments: list[str]) -> int:
    """Find what fits this machine, install it, and run embedlab."""
    manifest = read_manifest()
    system, processor = platform.system(), platform.machine()
    windows, python = system == "Windows", ".".join(map(str, sys.version_info[:2]))
    targets = for_machine(manifest["targets"], system, processor)
    target = next((t for t in targets if t["python"] == python), None)
    if target is None:
        other = other_python(targets, windows)
        if other is None:
            stop(no_target(manifest["targets"], system, processor, python))
        return subprocess.call([*other, str(HERE / "start.py"), *arguments])
    wrong = damaged(manifest)
    if wrong:
        stop("Not everything was copied. Copy these again:\n  " + "\n  ".join(wrong[:20]))
    if not os.access(str(HERE), os.W_OK):
        stop("This folder cannot be written. Copy it to your own disk, and start it there.")
    if windows and too_deep(str(VENV), target["longest_path"]) and not long_paths_allowed():
        stop("The path of this folder is too long for Windows. Move it to C:\\embedlab, and start again.")
    install(target, windows)
    words = arguments or ["lab"]
    if words[0] in ("lab", "doctor"):
        folder = [str(HERE / "my-lessons")] if words[0] == "lab" else []
        words = [words[0], "--lessons", ",".join(manifest["lessons"]), *folder, *words[1:]]
    return subprocess.call([str(program("embedlab", windows)), *words], env=settings(), cwd=str(HERE))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

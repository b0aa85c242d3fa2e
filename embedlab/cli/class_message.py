"""What a teacher sends to a class the day before, and what to answer when something fails.

``embedlab doctor --class`` prints it; ``embedlab doctor --summary FOLDER`` reads what comes back.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from embedlab.catalog import registry
from embedlab.errors import EmbedlabError
from embedlab.lessons import lab

# For each check of ``doctor``: what it means for a class, and what the teacher can say. The words in a
# finding's own cure are for the machine at hand; these are for thirty of them.
CURES = {
    "Python": (
        "an old Python",
        "Install Python 3.12 from python.org beside it. On Windows it is `py -3.12`, on a Mac `python3.12`.",
    ),
    "packages": (
        "the installation was interrupted, or shares its folder with another course",
        "Delete the environment (the folder `venv`) and install anew; never into one of another course.",
    ),
    "cache": (
        "the disk is full, or the home folder is on a small network drive",
        "Free some space, or set EMBEDLAB_CACHE to a folder on the local disk.",
    ),
    "network": ("nothing is wrong: the machine works from the bundle", "No action."),
    "model hub": ("nothing is wrong as long as the package index is reached", "No action."),
    "package index": (
        "a proxy or a filter of the network",
        "Try another network, or a telephone's; or bring the bundle (`embedlab bundle`), which needs none.",
    ),
    "weights": (
        "the weights of a model are missing",
        "`embedlab fetch --all`; without a network copy `models` of the bundle, set EMBEDLAB_MODELS to it.",
    ),
    "JupyterLab": (
        "JupyterLab of another environment was started, so maps would not show",
        "Start it with `embedlab lab`, from the environment that embedlab is installed in.",
    ),
    "kernel": (
        "notebooks run on another Python than the one that was checked",
        "`python -m ipykernel install --sys-prefix` in the environment; then choose the kernel Python 3.",
    ),
    "Milvus Lite": (
        "the vector store does not start; often the temporary folder is full, or a cloud drive's",
        "Install milvus-lite again as `doctor` says. Lessons 01, 08 and 09 work without it.",
    ),
    "UMAP": (
        "no map can be drawn: its compiler (numba) does not work on this machine",
        'Install umap-learn again as `doctor` says; until then `el.project(emb, method="pca")` draws.',
    ),
}


def message(lessons: list[lab.Lesson]) -> str:
    """The text for the class, then the table for the teacher.

    Parameters
    ----------
    lessons : list of Lesson
        What the class is going to do: sizes are theirs.
    """
    numbers = ",".join(f"{each.number:02}" for each in lessons)
    every = len(lessons) == len(lab.all_lessons())
    only = "" if every else f" --lessons {numbers}"
    models = [n for n in lab.models_of_lessons(lessons) if not registry.row(n).parts]
    megabytes = sum(registry.row(name).download_bytes for name in models) / 1e6
    fetch = "--all" if every else " ".join(models)
    rows = [
        f"  {what}\n      means: {meaning}\n      say:   {cure}" for what, (meaning, cure) in CURES.items()
    ]
    return f"""\
=== For the class: copy from here ===

Please do this the day before, at home or wherever the network is good. It takes up to an hour, most of it
waiting. Bring the laptop, its charger, and headphones if we do sound or film.

You need 5 GB of free disk, and Python 3.11 or newer (python.org; on Windows tick "Add python.exe to PATH").
Macs need Apple's own processor (M1 or newer) and macOS 14: torch is no longer made for older ones.

A. If you were given the folder of the course (a stick, a share): copy it to your disk, open a terminal there.
       Windows:       .\\start.bat doctor
       macOS, Linux:  sh start.sh doctor

B. If not, open a terminal in the folder of the project (or name the file that your teacher has sent):
       Windows:       py -m venv venv
                      venv\\Scripts\\activate
                      (if it says "running scripts is disabled": type cmd, press Enter, and activate again)
       macOS, Linux:  python3 -m venv venv
                      source venv/bin/activate
   and then, on all systems, {megabytes:.0f} MB of weights beside the packages:
       pip install .
       embedlab fetch {fetch}
       embedlab doctor{only}

Ready means: no line begins with "fail". Lines with "warn" are fine.
If a line says "fail", do what stands behind the arrow below it, and run the doctor again.
Still "fail"? Send me the file that this makes:
       A:             .\\start.bat doctor --json > NAME.json    or    sh start.sh doctor --json > NAME.json
       B:             embedlab doctor{only} --json > NAME.json

=== For the teacher ===

Put the files into a folder, and `embedlab doctor --summary FOLDER` says who is ready and who is not, and why.
What each failure means in a class, and what to say:

{chr(10).join(rows)}

Two more things that no doctor sees: a laptop lent by an employer may forbid running programs from the home
folder (bring a spare, or pair people up); and thirty people on one Wi-Fi fetch {30 * megabytes / 1000:.0f} GB
of weights: bring the bundle on two sticks instead.
"""


@dataclass(frozen=True)
class Result:
    """One machine of a class: the name of its file, and what fails there."""

    name: str
    failures: tuple[tuple[str, str], ...]

    @property
    def ready(self) -> bool:
        """Whether nothing fails."""
        return not self.failures


def read_results(folder: Path) -> list[Result]:
    """Read the files that a class has sent, each made by ``embedlab doctor --json``.

    A file that is no such result counts as a machine that is not ready.

    Raises
    ------
    EmbedlabError
        When there are none.
    """
    if not folder.is_dir():
        raise EmbedlabError(f"There is no folder {folder}: name the one with the .json files of the class.")
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise EmbedlabError(
            f"{folder} holds no .json files; each is made by `embedlab doctor --json > NAME.json`."
        )
    return [_result(path) for path in paths]


def _result(path: Path) -> Result:
    content = path.read_bytes()
    # PowerShell 5 writes ">" in UTF-16.
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        # Before and behind the list may stand lines of others: "[notice]" of pip, "Press any key" of a shell.
        text = content.decode(encoding)
        begin = re.search(r"\[\s*\{", text)
        if begin is None:
            raise ValueError
        findings, _ = json.JSONDecoder().raw_decode(text, begin.start())
        failures = [(str(f["what"]), str(f["words"])) for f in findings if f["status"] == "fail"]
    except (ValueError, KeyError, TypeError):
        return Result(path.stem, (("the file", "is not what `embedlab doctor --json` writes"),))
    return Result(path.stem, tuple(failures))

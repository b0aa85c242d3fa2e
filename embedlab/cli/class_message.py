"""Instructions for a class, sent the day before, and for the teacher: what to answer if a check fails.

``embedlab doctor --class`` prints them; ``embedlab doctor --summary FOLDER`` reads what comes back.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from embedlab.catalog import registry
from embedlab.cli.findings import Check
from embedlab.errors import EmbedlabError
from embedlab.lessons import lab


@dataclass(frozen=True)
class Advice:
    """What a failed check usually means in a class, and what the teacher can say."""

    meaning: str
    answer: str


# The fix in a finding is for the machine at hand; these are for a class of thirty.
ADVICE = {
    Check.PYTHON: Advice(
        "an old Python",
        "Install Python 3.12 from python.org beside it. On Windows it is `py -3.12`, on a Mac `python3.12`.",
    ),
    Check.PACKAGES: Advice(
        "the installation was interrupted, or shares its folder with another course",
        "Delete the environment (the folder `venv`) and install again; never into that of another course.",
    ),
    Check.CACHE: Advice(
        "the disk is full, or the home folder is on a small network drive",
        "Free some space, or set EMBEDLAB_CACHE to a folder on the local disk.",
    ),
    Check.NETWORK: Advice("nothing is wrong: the machine works from the bundle", "No action."),
    Check.HUB: Advice("nothing is wrong as long as the package index is reachable", "No action."),
    Check.INDEX: Advice(
        "a proxy or a filter of the network",
        "Try another network, or a phone's; or bring the bundle (`embedlab bundle`), which needs none.",
    ),
    Check.WEIGHTS: Advice(
        "the weights of a model are missing",
        "`embedlab fetch --all`; without a network copy `models` of the bundle, set EMBEDLAB_MODELS to it.",
    ),
    Check.JUPYTER: Advice(
        "JupyterLab of another environment was started, so maps would not show",
        "Start it with `embedlab lab`, from the environment that embedlab is installed in.",
    ),
    Check.KERNEL: Advice(
        "notebooks run on another Python than the one that was checked",
        "`python -m ipykernel install --sys-prefix` in the environment; then choose the kernel Python 3.",
    ),
    Check.STORE: Advice(
        "the vector store does not start; often the temporary folder is full, or a cloud drive's",
        "Install milvus-lite again as `doctor` says. Lessons 01, 08 and 09 work without it.",
    ),
    Check.MAPS: Advice(
        "no map can be drawn: its compiler (numba) does not work on this machine",
        'Install umap-learn again as `doctor` says; until then use `el.project(emb, method="pca")`.',
    ),
}


def compose_message(lessons: list[lab.Lesson]) -> str:
    """Compose the text for the class, then the table for the teacher.

    Parameters
    ----------
    lessons : list of Lesson
        What the class is going to do; the sizes are those of its models.
    """
    every = len(lessons) == len(lab.all_lessons())
    only = "" if every else f" --lessons {','.join(f'{lesson.number:02}' for lesson in lessons)}"
    models = [n for n in lab.models_of_lessons(lessons) if not registry.row(n).parts]
    megabytes = sum(registry.row(name).download_bytes for name in models) / 1e6
    fetch = "--all" if every else " ".join(models)
    return f"{_class_part(only, fetch, megabytes)}\n{_teacher_part(megabytes)}"


def _class_part(only: str, fetch: str, megabytes: float) -> str:
    return f"""\
=== For the class: copy from here ===

Please do this the day before, at home or wherever the network is good. It takes up to an hour, most of it
waiting. Bring the laptop, its charger, and headphones if we work with sound or video.

You need 5 GB of free disk space, and Python 3.11 or newer (python.org; on Windows tick "Add python.exe to
PATH"). Macs need an Apple processor (M1 or newer) and macOS 14: torch no longer supports older ones.

A. If you were given the folder of the course (a stick, a share): copy it to your disk, open a terminal there.
       Windows:       .\\start.bat doctor
       macOS, Linux:  sh start.sh doctor

B. If not, open a terminal in the folder of the project (or name the file that your teacher has sent):
       Windows:       py -m venv venv
                      venv\\Scripts\\activate
                      (if it says "running scripts is disabled": type cmd, press Enter, and activate again)
       macOS, Linux:  python3 -m venv venv
                      source venv/bin/activate
   and then, on all systems, for {megabytes:.0f} MB of weights on top of the packages:
       pip install .
       embedlab fetch {fetch}
       embedlab doctor{only}

Your machine is ready if no line begins with "fail". Lines with "warn" are fine.
If a line begins with "fail", do what the line with the arrow below it says, and run the doctor again.
Does it still say "fail"? Send me the file that this command writes:
       A:             .\\start.bat doctor --json > NAME.json    or    sh start.sh doctor --json > NAME.json
       B:             embedlab doctor{only} --json > NAME.json
"""


def _teacher_part(megabytes: float) -> str:
    rows = "\n".join(
        f"  {check}\n      means: {advice.meaning}\n      say:   {advice.answer}"
        for check, advice in ADVICE.items()
    )
    return f"""\
=== For the teacher ===

Put the files into a folder, and `embedlab doctor --summary FOLDER` lists who is ready, who is not, and why.
What each failure means in a class, and what to say:

{rows}

Two more problems that no check can see: a laptop lent by an employer may forbid running programs from the
home folder (bring a spare, or let people work in pairs); and thirty people on one Wi-Fi download
{30 * megabytes / 1000:.0f} GB of weights (bring the bundle on two sticks instead).
"""


@dataclass(frozen=True)
class Result:
    """The checks of one machine of a class.

    Attributes
    ----------
    name : str
        The name of its file, without ``.json``.
    failures : tuple of (check, message)
    """

    name: str
    failures: tuple[tuple[str, str], ...]

    @property
    def ready(self) -> bool:
        """Whether nothing fails."""
        return not self.failures


def read_results(folder: Path) -> list[Result]:
    """Read the files that a class has sent, each written by ``embedlab doctor --json``.

    A file with other content counts as a machine that is not ready.

    Raises
    ------
    EmbedlabError
        If there is no file.
    """
    if not folder.is_dir():
        raise EmbedlabError(
            f"There is no folder {folder}. Name the folder with the .json files of the class.", path=folder
        )
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise EmbedlabError(
            f"{folder} has no .json files. Each machine writes one: `embedlab doctor --json > NAME.json`.",
            path=folder,
        )
    return [_read_result(path) for path in paths]


def _read_result(path: Path) -> Result:
    content = path.read_bytes()
    # PowerShell 5 writes ">" in UTF-16.
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        # Other programs may have written around the list: "[notice]" of pip, "Press any key" of a shell.
        text = content.decode(encoding)
        begin = re.search(r"\[\s*\{", text)
        if begin is None:
            raise ValueError
        findings, _ = json.JSONDecoder().raw_decode(text, begin.start())
        failures = [(str(f["check"]), str(f["message"])) for f in findings if f["status"] == "fail"]
    except (ValueError, KeyError, TypeError):
        return Result(path.stem, (("file", "was not written by `embedlab doctor --json`"),))
    return Result(path.stem, tuple(failures))

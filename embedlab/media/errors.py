"""Errors about media files: which one cannot be read, why, and what to do about it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from embedlab.errors import Argument, BadItem, EmbedlabError, Problem, ProblemCode

Kind = Literal["image", "audio", "video"]

_NAMES: dict[Kind, str] = {"image": "The image", "audio": "The sound", "video": "The video"}
_ADVICE = {
    ProblemCode.MISSING: "Check the path",
    ProblemCode.NOT_A_FILE: "Check the path",
    ProblemCode.FORBIDDEN: "Change its permissions",
    ProblemCode.WRONG_KIND: "Choose another file",
    ProblemCode.TOO_LARGE: "Make it smaller",
    ProblemCode.SILENT: "Record it again",
}


class UnreadableMedia(BadItem):
    """An image, a sound or a video cannot be read.

    Parameters
    ----------
    source : object
        What was to be read; a path is named in the message.
    kind : {"image", "audio", "video"}
        What it was to be read as.
    problem : Problem
        Why it cannot be read.
    advice : str, optional
        What to do; by default what usually helps with ``problem.code``.

    Attributes
    ----------
    problem : Problem
        Its ``code`` is what to decide on, its ``reason`` what to show.
    path : Path or None
        The file; None for bytes and arrays.
    """

    def __init__(self, source: object, kind: Kind, problem: Problem, advice: str | None = None) -> None:
        is_path = isinstance(source, (str, os.PathLike))
        name = str(source) if is_path else _NAMES[kind]
        super().__init__(
            f"{name} cannot be read: {problem.reason}. ",
            advice or _ADVICE.get(problem.code, "Copy it again"),
            ", or pass ",
            Argument("on_error", "skip"),
            " to leave it out.",
            problems={name: problem},
            path=Path(name) if is_path else None,
        )
        self.problem = problem


class SeekFailed(EmbedlabError):
    """After seeking to a keyframe, the wanted frame of a video could not be decoded."""


def os_problem(error: OSError, path: str | os.PathLike[str]) -> Problem:
    """Translate an error of the operating system into a problem.

    Parameters
    ----------
    error : OSError
    path : path
        The file concerned. Windows answers "permission denied" for a folder.
    """
    if isinstance(error, FileNotFoundError):
        return Problem(ProblemCode.MISSING, "there is no such file")
    if isinstance(error, IsADirectoryError) or Path(path).is_dir():
        return Problem(ProblemCode.NOT_A_FILE, "it is a folder")
    if isinstance(error, PermissionError):
        return Problem(ProblemCode.FORBIDDEN, "the system does not allow it (permission denied)")
    return Problem(ProblemCode.UNREADABLE, error.strerror or type(error).__name__)

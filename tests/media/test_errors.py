"""Errors about media files: codes, facts, and the words of each front end."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from embedlab.errors import Argument, Problem, ProblemCode
from embedlab.media.containers import ffmpeg_problem
from embedlab.media.errors import UnreadableMedia, os_problem
from embedlab.media.image_source import decode_problem

SILENT = Problem(ProblemCode.SILENT, "it is silent")


def test_the_error_carries_the_problem_and_the_path() -> None:
    error = UnreadableMedia(Path("a.wav"), "audio", SILENT)
    assert (error.problem, error.path, error.problems) == (SILENT, Path("a.wav"), {"a.wav": SILENT})
    in_memory = UnreadableMedia(b"", "video", SILENT)
    assert (in_memory.path, in_memory.problems) == (None, {"The video": SILENT})


def test_each_front_end_names_the_argument_in_its_way() -> None:
    error = UnreadableMedia("a.wav", "audio", SILENT)
    assert str(error) == (
        'a.wav cannot be read: it is silent. Record it again, or pass on_error="skip" to leave it out.'
    )
    assert "--on-error skip" in error.text(lambda a: f"--{a.name.replace('_', '-')} {a.value}")
    assert Argument("on_error", "skip") in error.parts


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FileNotFoundError(errno.ENOENT, "No such file"), ProblemCode.MISSING),
        (IsADirectoryError(errno.EISDIR, "Is a directory"), ProblemCode.NOT_A_FILE),
        (PermissionError(errno.EACCES, "Permission denied"), ProblemCode.FORBIDDEN),
        (OSError(errno.EIO, "Input/output error"), ProblemCode.UNREADABLE),
    ],
)
def test_errors_of_the_system_become_codes(tmp_path: Path, error: OSError, code: ProblemCode) -> None:
    assert os_problem(error, tmp_path / "a.wav").code is code


def test_permission_denied_for_a_folder_says_that_it_is_one(tmp_path: Path) -> None:
    assert (
        os_problem(PermissionError(errno.EACCES, "Permission denied"), tmp_path).code
        is ProblemCode.NOT_A_FILE
    )


@pytest.mark.parametrize(
    ("error", "code", "is_truncated"),
    [
        (OSError("image file is truncated (3 bytes not processed)"), ProblemCode.DAMAGED, True),
        (OSError("Truncated File Read"), ProblemCode.DAMAGED, True),
        (EOFError(), ProblemCode.DAMAGED, True),
        (OSError("broken data stream"), ProblemCode.DAMAGED, False),
        (MemoryError(), ProblemCode.TOO_LARGE, False),
    ],
)
def test_words_of_pillow_become_codes(error: Exception, code: ProblemCode, is_truncated: bool) -> None:
    problem = decode_problem(error)
    assert problem.code is code
    assert ("truncated" in problem.reason) == is_truncated


def test_types_of_pyav_become_codes(tmp_path: Path) -> None:
    import av

    path = tmp_path / "a.mp4"
    path.write_bytes(b"no video")
    invalid = av.error.InvalidDataError(errno.EINVAL, "Invalid data")
    assert ffmpeg_problem(invalid, path, "video").code is ProblemCode.DAMAGED
    assert ffmpeg_problem(MemoryError(), path, "video").code is ProblemCode.TOO_LARGE
    assert ffmpeg_problem(FileNotFoundError(errno.ENOENT, "no"), path, "video").code is ProblemCode.MISSING
    assert ffmpeg_problem(ValueError("odd"), path, "video") == Problem(ProblemCode.UNREADABLE, "odd")

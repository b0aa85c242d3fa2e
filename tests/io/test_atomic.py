"""Files are written completely or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from embedlab.io.atomic import CannotWrite, atomic_write, check_writable


def write_half(target: Path) -> None:
    with atomic_write(target) as part:
        part.write_text("half")
        raise KeyboardInterrupt


def test_what_fails_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_half(target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
    with atomic_write(target) as part:
        part.write_text("new")
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("number", "advice"), [(errno.ENOSPC, "Free some space"), (errno.EACCES, "folder that you may write to")]
)
def test_an_error_of_the_system_names_the_file_and_what_to_do(
    tmp_path: Path, number: int, advice: str
) -> None:
    with pytest.raises(CannotWrite, match=advice) as caught, atomic_write(tmp_path / "a.txt"):
        raise OSError(number, "the system says so")
    assert caught.value.path == tmp_path / "a.txt"


def test_a_folder_that_does_not_exist_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="a folder that exists"):
        check_writable(tmp_path / "gone" / "a.txt")
    check_writable(tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []

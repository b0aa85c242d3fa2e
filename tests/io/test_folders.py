"""Folders that are made once: whole or not at all, whatever happens on the way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from embedlab.io.disk import CacheUnusable
from embedlab.io.folders import build_once


def half_done(folder: Path) -> None:
    (folder / "a.png").write_bytes(b"x")
    raise KeyboardInterrupt


def two_files(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "1.png").write_bytes(b"picture")
    (folder / "2.png").write_bytes(b"another")


def seen(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir() if not p.name.endswith(".lock")}


def test_an_interrupted_making_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        build_once(tmp_path / "views", half_done)
    assert seen(tmp_path) == set()
    made = build_once(tmp_path / "views", two_files)
    assert (made / "2.png").exists()
    build_once(made, half_done)  # it is there: nothing is made


def test_what_a_killed_process_left_is_cleared(tmp_path: Path) -> None:
    killed = (
        "import os, sys, pathlib; from embedlab.io.folders import build_once\n"
        "build_once(pathlib.Path(sys.argv[1]), lambda to: ((to / 'x').touch(), os._exit(9)))"
    )
    done = subprocess.run([sys.executable, "-c", killed, str(tmp_path / "views")], check=False)
    assert done.returncode == 9
    assert not (tmp_path / "views").exists()
    made = build_once(tmp_path / "views", two_files)
    assert not (made / "x").exists()
    assert seen(tmp_path) == {"views"}


@pytest.mark.parametrize("name", ["a/1.png", "2.png", ".files.json"])
def test_a_folder_that_lost_a_file_is_made_again(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = build_once(tmp_path / "views", two_files)
    (made / name).write_bytes(b"pict")
    build_once(made, two_files)
    assert (made / "a" / "1.png").read_bytes() == b"picture"
    (made / name).unlink()
    build_once(made, two_files)
    assert (made / name).exists()
    assert "building it again" in caplog.text


def test_a_cache_that_cannot_be_written_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheUnusable, match="Set EMBEDLAB_CACHE to a folder that you may write") as caught:
        build_once(tmp_path / "file" / "views", two_files)
    assert caught.value.path == tmp_path / "file"

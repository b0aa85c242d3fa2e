"""``embedlab lab``: lessons are copied, models announced, JupyterLab opened."""

from __future__ import annotations

import functools
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import nbformat
import pytest
from cli_kit import call, notebook

from embedlab import settings, weights
from embedlab.errors import EmbedlabError
from embedlab.lessons import lab


@pytest.fixture
def two_lessons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two lessons in the place of the real ones."""
    folder = tmp_path / "of the package"
    for number, models in enumerate([["text/minilm"], ["text/minilm", "text/mpnet"]]):
        path = notebook(folder / f"0{number}_lesson.ipynb", "1")
        content = nbformat.read(path, as_version=4)
        content.metadata["embedlab"] = {"lesson": number, "minutes": 5, "models": models}
        nbformat.write(content, path)
    notebook(folder / "solutions" / "01_lesson.ipynb", "2")
    notebook(folder / "mistakes.ipynb", "4")
    (folder / "glossary.md").write_text("# Glossary")
    notebook(folder / ".ipynb_checkpoints" / "00_lesson-checkpoint.ipynb", "3")
    monkeypatch.setattr(settings, "notebooks_folder", lambda: folder)
    return folder


def test_lessons_are_copied_and_a_changed_one_is_never_overwritten(two_lessons: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    first = lab.copy_lessons(mine)
    extras = ["glossary.md", "mistakes.ipynb"]
    assert first == lab.Copied(["00_lesson.ipynb", "01_lesson.ipynb", *extras, "solutions/01_lesson.ipynb"])
    (mine / "00_lesson.ipynb").write_text("my own work")
    (mine / "01_lesson.ipynb").unlink()
    again = lab.copy_lessons(mine)
    assert again == lab.Copied(["01_lesson.ipynb"], ["00_lesson.ipynb"])
    assert (mine / "00_lesson.ipynb").read_text() == "my own work"
    assert not [p for p in mine.rglob("*") if p.is_file() and p.suffix not in (".ipynb", ".md")]


def test_the_template_is_copied_with_the_lessons(tmp_path: Path) -> None:
    assert "template_your_own_data.ipynb" in lab.copy_lessons(tmp_path / "mine").written


def test_a_folder_that_cannot_be_made_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EmbedlabError, match="Choose another folder"):
        lab.copy_lessons(tmp_path / "file" / "lessons")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, dict[str, object]]]:
    """What would have been opened in JupyterLab."""
    calls: list[tuple[Path, dict[str, object]]] = []
    monkeypatch.setattr(lab, "open_lab", lambda folder, **options: calls.append((folder, options)) or 0)
    return calls


def test_lab_says_what_will_be_downloaded_and_downloads_nothing(
    two_lessons: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: list[object]
) -> None:
    here = weights.LocalWeights(tmp_path, "0" * 64, "cache")
    monkeypatch.setattr(weights, "locate", lambda name: here if name == "text/minilm" else None)
    monkeypatch.setattr(weights, "fetch", lambda *_: pytest.fail("nobody asked for a download"))
    target = tmp_path / "mine"
    result = call("lab", str(target), "--no-browser", "--port", "9999")
    assert result.exit_code == 0, result.output
    assert "text/minilm, 84 MB: already here" in result.output
    assert "text/mpnet, 404 MB: will be downloaded when lesson 1 first needs it" in result.output
    assert "embedlab fetch --all" in result.output
    assert opened == [(target, {"port": 9999, "browser": False})]


def test_lab_fetches_only_when_asked_and_opens_even_if_that_fails(
    two_lessons: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, opened: list[object]
) -> None:
    asked = []

    def fetch(name: str, progress: object) -> None:
        asked.append(name)
        raise weights.WeightsUnavailable(f"no {name} anywhere")

    monkeypatch.setattr(weights, "locate", lambda name: None)
    monkeypatch.setattr(weights, "fetch", fetch)
    result = call("lab", str(tmp_path / "mine"), "--fetch")
    assert asked == ["text/minilm", "text/mpnet"]
    assert "no text/mpnet anywhere" in result.output
    assert len(opened) == 1


def test_in_a_checkout_the_lessons_are_opened_where_they_are(opened: list[object]) -> None:
    assert call("lab").exit_code == 0
    assert opened == [(settings.notebooks_folder(), {"port": None, "browser": True})]


def test_every_lesson_declares_what_it_needs() -> None:
    for each in lab.all_lessons():
        assert each.number == int(each.path.name[:2])
        assert each.minutes > 0
    assert lab.find_lesson(2).models == ("text/minilm", "text/mpnet")


@pytest.mark.parametrize("way", ["interrupted", "terminated"])
def test_lab_really_opens_jupyterlab_and_leaves_nothing_behind(tmp_path: Path, way: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "config"
    config.mkdir()
    settings = {"allow_root": os.geteuid() == 0, "token": "for-the-test"}
    (config / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": settings}))
    command = [
        sys.executable,
        "-c",
        "from embedlab.cli.app import app; app()",
        "lab",
        str(tmp_path / "lessons"),
    ]
    command += ["--no-browser", "--port", str(port)]
    env = {**os.environ, "JUPYTER_CONFIG_DIR": str(config)}
    quiet = subprocess.DEVNULL
    # A shell's background jobs ignore an interrupt, and their children inherit that.
    heeds = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        command, env=env, stdout=quiet, stderr=quiet, start_new_session=True, preexec_fn=heeds
    ) as server:
        try:
            page = _wait_for(f"http://127.0.0.1:{port}/lab?token=for-the-test")
            assert "JupyterLab" in page
            assert list((tmp_path / "lessons").glob("*.ipynb"))
        finally:
            if way == "interrupted":
                # Twice, as a person would: JupyterLab asks once whether it is meant.
                for _ in range(2):
                    os.killpg(server.pid, signal.SIGINT)
                    with suppress(subprocess.TimeoutExpired):
                        server.wait(1)
                        break
            else:
                server.terminate()
            try:
                assert server.wait(30) is not None
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)  # or leaving the block would wait for ever
                raise
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


def _wait_for(url: str, seconds: float = 60) -> str:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)

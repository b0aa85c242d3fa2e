"""The command line as a person meets it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import numpy as np
import pytest
from typer.testing import CliRunner, Result

import embedlab
from embedlab import cache, doctor, lab, lessons
from embedlab.cache import VectorCache
from embedlab.cli import app
from embedlab.errors import EmbedlabError


def call(*arguments: str, **options: object) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"NO_COLOR": "1", "COLUMNS": "200"}, **options)


def notebook(path: Path, *cells: str) -> Path:
    content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    nbformat.write(content, path)
    return path


def test_version() -> None:
    assert call("--version").output.strip() == f"embedlab {embedlab.__version__}"


def test_the_command_line_starts_without_torch() -> None:
    code = "import sys, embedlab.cli; assert not {'torch', 'umap', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_models_lists_all_and_shows_one() -> None:
    listed = call("models")
    assert listed.exit_code == 0
    assert "text/minilm" in listed.output
    assert "Apache-2.0" in listed.output
    shown = call("models", "text/mpnet").output
    assert "768" in shown
    assert "e8c3b32edf5434bc2275fc9bab85f82640a19130" in shown


def test_an_unknown_model_is_a_message_not_a_traceback() -> None:
    result = call("fetch", "text/minlm")
    assert result.exit_code == 1
    assert "text/minilm" in result.output
    assert "Traceback" not in result.output


def test_fetch_wants_to_know_what() -> None:
    result = call("fetch")
    assert result.exit_code == 1
    assert "--all" in result.output


def test_fetch_reports_each_failure_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    monkeypatch.delenv("EMBEDLAB_MODELS", raising=False)
    result = call("fetch", "text/minilm", "text/mpnet")
    assert result.exit_code == 1
    assert "fail text/minilm" in result.output
    assert "fail text/mpnet" in result.output
    assert "EMBEDLAB_OFFLINE" in result.output


@pytest.mark.weights("text/minilm")
def test_fetch_a_lesson_says_what_served() -> None:
    result = call("fetch", "--lesson", "0")
    assert result.exit_code == 0, result.output
    assert re.search(r"ok\s+text/minilm: .*sha256 53aa5117", result.output)
    assert "There is no lesson 99" in call("fetch", "--lesson", "99").output


def test_run_prints_a_line_per_cell_and_keeps_the_original(tmp_path: Path) -> None:
    path = notebook(tmp_path / "good.ipynb", "x = 1", "", "x + 1")
    before = path.read_bytes()
    result = call("run", str(path), "--to", str(tmp_path / "out"))
    assert result.exit_code == 0, result.output
    assert re.search(r"ok\s+1/2 .* x = 1", result.output)
    assert re.search(r"ok\s+2/2 .* x \+ 1", result.output)
    assert path.read_bytes() == before
    done = nbformat.read(tmp_path / "out" / "good.ipynb", as_version=4)
    assert done.cells[2].outputs[0].data["text/plain"] == "2"


def test_run_stops_at_the_first_error(tmp_path: Path) -> None:
    path = notebook(tmp_path / "bad.ipynb", "1 + 1", "1 / 0", "print('never')")
    result = call("run", str(path))
    assert result.exit_code == 1
    assert re.search(r"fail\s+2/3", result.output)
    assert "ZeroDivisionError: division by zero" in result.output
    assert "3/3" not in result.output


def test_run_gives_up_on_a_cell_that_takes_too_long(tmp_path: Path) -> None:
    path = notebook(tmp_path / "slow.ipynb", "import time; time.sleep(60)")
    result = call("run", str(path), "--timeout", "2")
    assert result.exit_code == 1
    assert "--timeout" in result.output


@pytest.mark.parametrize("content", ["", "not json", '{"cells": 7}'])
def test_run_refuses_what_is_not_a_notebook(tmp_path: Path, content: str) -> None:
    path = tmp_path / "odd.ipynb"
    path.write_text(content)
    result = call("run", str(path))
    assert result.exit_code == 1
    assert "is not a notebook" in result.output
    assert "There is no notebook" in call("run", str(tmp_path / "missing.ipynb")).output


def test_lessons_are_copied_and_a_changed_one_is_never_overwritten(tmp_path: Path) -> None:
    first = lab.copy_lessons(tmp_path / "mine")
    assert "00_start_here.ipynb" in first.written
    assert not first.kept
    mine = tmp_path / "mine" / "00_start_here.ipynb"
    mine.write_text("my own work")
    (tmp_path / "mine" / "01_what_is_an_embedding.ipynb").unlink()
    again = lab.copy_lessons(tmp_path / "mine")
    assert again.kept == ["00_start_here.ipynb"]
    assert again.written == ["01_what_is_an_embedding.ipynb"]
    assert mine.read_text() == "my own work"


def test_a_folder_that_cannot_be_made_is_a_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EmbedlabError, match="Choose another folder"):
        lab.copy_lessons(tmp_path / "file" / "lessons")


def test_lab_says_what_will_be_downloaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    opened = []
    monkeypatch.setattr("embedlab.weights.locate", lambda name: None)
    monkeypatch.setattr(lab, "open_lab", lambda folder, **options: opened.append((folder, options)) or 0)
    result = call("lab", str(tmp_path), "--no-browser", "--port", "9999")
    assert result.exit_code == 0, result.output
    assert "text/minilm, 84 MB" in result.output
    assert "embedlab fetch --all" in result.output
    assert opened == [(tmp_path, {"port": 9999, "browser": False})]
    call("lab")
    assert opened[1][0] == lessons.folder(), "in a checkout the lessons are opened where they are"


def test_every_lesson_declares_what_it_needs() -> None:
    for each in lab.all_lessons():
        assert each.number == int(each.path.name[:2])
        assert each.minutes > 0
    assert lab.lesson(2).models == ("text/minilm", "text/mpnet")


@pytest.mark.slow
def test_lab_really_opens_jupyterlab_and_ends_on_interrupt(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "config"
    config.mkdir()
    settings = {"allow_root": os.geteuid() == 0, "token": "for-the-test"}
    (config / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": settings}))
    command = [sys.executable, "-c", "from embedlab.cli import app; app()", "lab", str(tmp_path / "lessons")]
    command += ["--no-browser", "--port", str(port)]
    env = {**os.environ, "JUPYTER_CONFIG_DIR": str(config)}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=env, stdout=quiet, stderr=quiet, start_new_session=True) as server:
        try:
            page = _wait_for(f"http://127.0.0.1:{port}/lab?token=for-the-test")
            assert "JupyterLab" in page
            assert (tmp_path / "lessons" / "00_start_here.ipynb").is_file()
        finally:
            # Twice, as a person would: JupyterLab asks once whether it is meant.
            for _ in range(2):
                os.killpg(server.pid, signal.SIGINT)
                time.sleep(1)
            assert server.wait(30) is not None


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


def test_cache_shows_and_clears() -> None:
    provenance = {"model": "text/minilm", "sha256": "x"}
    with VectorCache(provenance, 2) as kept:
        kept.put([b"a"], np.zeros((1, 2), np.float32), [False])
    assert re.search(r"vectors\s+text/minilm\s+1\s", call("cache").output)
    assert call("cache", "clear", "--vectors", input="n\n").exit_code == 1
    assert len(cache.summary()) == 1
    assert "freed" in call("cache", "clear", "--vectors", "--yes").output
    assert cache.summary().empty
    assert "Nothing of 'text/nothing'" in call("cache", "clear", "text/nothing", "--yes").output


def test_clearing_weights_removes_only_the_model_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path))
    for name in ("text/one", "text/two"):
        folder = tmp_path / "weights" / name / "revision"
        folder.mkdir(parents=True)
        (folder / "source.json").write_text("{}")
    assert call("cache", "clear", "text/one", "--weights", "--yes").exit_code == 0
    assert not (tmp_path / "weights" / "text" / "one").exists()
    assert (tmp_path / "weights" / "text" / "two").is_dir()


def test_doctor_prints_a_line_per_check_and_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = [doctor.Finding("a", "ok", "fine"), doctor.Finding("b", "warn", "so so", "do this")]
    monkeypatch.setattr(doctor, "examine", lambda: iter(findings))
    result = call("doctor")
    assert result.exit_code == 0
    assert re.search(r"warn\s+b: so so\s+→ do this", result.output)
    findings.append(doctor.Finding("c", "fail", "broken", "mend it"))
    assert call("doctor").exit_code == 1
    told = json.loads(call("doctor", "--json").output)
    assert [f["status"] for f in told] == ["ok", "warn", "fail"]


def test_doctor_finds_this_machine_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_network", lambda: iter(()))
    found = {f.what: f for f in doctor.examine()}
    assert {"Python", "packages", "cache", "JupyterLab", "Milvus Lite", "UMAP", "text/minilm"} <= set(found)
    assert not [f for f in found.values() if f.status == "fail"]


def test_doctor_names_what_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path / "file" / "cache"))
    [room] = doctor._room()
    assert (room.status, "EMBEDLAB_CACHE" in room.cure) == ("fail", True)

    monkeypatch.setattr(
        doctor.metadata, "requires", lambda _: ["numpy<1", "no-such-package-here>=1", "x; extra == 'y'"]
    )
    [packages] = doctor._packages()
    assert packages.status == "fail"
    assert "numpy" in packages.words
    assert "no-such-package-here is missing" in packages.words
    assert "x" not in packages.words.split()

    def broken() -> None:
        raise OSError("the reason")

    monkeypatch.setattr(doctor, "_python", broken)
    first = next(iter(doctor.examine()))
    assert (first.status, "the reason" in first.words) == ("fail", True)


def test_doctor_offline_does_not_ask_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    monkeypatch.setattr(doctor.subprocess, "run", lambda *a, **k: pytest.fail("the network was asked"))
    assert [f.status for f in doctor._network()] == ["warn"]
    assert not doctor.index_reachable()

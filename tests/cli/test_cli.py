"""The command line as a person meets it."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import nbformat
import numpy as np
import pytest
from typer.testing import CliRunner, Result

import embedlab
from embedlab import settings, weights
from embedlab.catalog import registry
from embedlab.cli.app import app
from embedlab.embedders import vector_cache
from embedlab.embedders.vector_cache import VectorCache
from embedlab.errors import EmbedlabError
from embedlab.lessons import lab


def call(*arguments: str, **options: object) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"NO_COLOR": "1", "COLUMNS": "200"}, **options)


def notebook(path: Path, *cells: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    nbformat.write(content, path)
    return path


def test_version() -> None:
    assert call("--version").output.strip() == f"embedlab {embedlab.__version__}"


def test_the_command_line_starts_without_torch() -> None:
    code = "import sys, embedlab.cli.app; assert not {'torch', 'umap', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_models_lists_all_and_shows_one() -> None:
    listed = call("models")
    assert listed.exit_code == 0
    assert "text/minilm" in listed.output
    assert "Apache-2.0" in listed.output
    assert "openai:model, a model behind a server" in listed.output
    shown = call("models", "text/mpnet").output
    assert "768" in shown
    assert "e8c3b32edf5434bc2275fc9bab85f82640a19130" in shown
    assert "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658" in shown
    assert "the package index (wheels)" in shown


def test_every_model_has_a_card() -> None:
    for card in registry.cards():
        assert card.summary in call("models", card.name).output


def test_a_pipe_gets_plain_text_and_whole_lines() -> None:
    command = [sys.executable, "-c", "from embedlab.cli.app import app; app()", "models"]
    env = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "FORCE_COLOR", "CLICOLOR_FORCE")}
    shown = subprocess.run([*command, "text/minilm"], env=env, capture_output=True, text=True, check=True)
    assert "\x1b" not in shown.stdout
    assert any(
        line.startswith("citation") and line.endswith("1908.10084") for line in shown.stdout.split("\n")
    )
    listed = subprocess.run(command, env={**env, "COLUMNS": "60"}, capture_output=True, text=True, check=True)
    assert max(map(len, listed.stdout.splitlines())) <= 60
    assert "…" not in listed.stdout, "nothing is cut short"


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
    assert re.search(r"^ok +text/minilm +\S.* {2}\S*text\S*minilm\S*$", result.output, re.MULTILINE)
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
    assert "----> 1 1 / 0\nZeroDivisionError: division by zero" in result.output
    assert "3/3" not in result.output


def test_run_shows_the_line_of_the_notebook_not_those_of_a_library(tmp_path: Path) -> None:
    path = notebook(tmp_path / "deep.ipynb", "import json\njson.loads('{')")
    output = call("run", str(path)).output
    assert "----> 2 json.loads('{')\nJSONDecodeError" in output
    assert "raw_decode" not in output


def test_run_changes_a_notebook_only_when_told_to(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", "6 * 7")
    before = path.read_bytes()
    refused = call("run", str(path), "--to", str(tmp_path))
    assert refused.exit_code == 1
    assert "--in-place" in refused.output
    assert path.read_bytes() == before
    assert call("run", str(path), "--in-place").exit_code == 0
    assert nbformat.read(path, as_version=4).cells[0].outputs[0].data["text/plain"] == "42"
    assert "exclude each other" in call("run", str(path), "--in-place", "--to", str(tmp_path / "out")).output


def test_run_refuses_two_copies_of_one_name(tmp_path: Path) -> None:
    first, second = notebook(tmp_path / "x" / "a.ipynb", "1"), notebook(tmp_path / "y" / "a.ipynb", "2")
    result = call("run", str(first), str(second), "--to", str(tmp_path / "out"))
    assert result.exit_code == 1
    assert "would both be copied" in result.output
    assert not (tmp_path / "out").exists()


def test_run_names_the_kernels_there_are(tmp_path: Path) -> None:
    result = call("run", str(notebook(tmp_path / "a.ipynb", "1")), "--kernel", "no-such-kernel")
    assert result.exit_code == 1
    assert re.search(r"no Jupyter kernel 'no-such-kernel'\. Choose from: .*python3", result.output)


def test_run_shows_no_noise_of_the_kernel(tmp_path: Path) -> None:
    path = notebook(tmp_path / "a.ipynb", "1")
    command = [sys.executable, "-c", "from embedlab.cli.app import app; app()", "run", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""


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


def test_cache_shows_and_clears() -> None:
    provenance = {"model": "text/minilm", "sha256": "x"}
    with VectorCache(provenance, 2) as kept:
        kept.put([b"a"], np.zeros((1, 2), np.float32), [False])
    assert re.search(r"vectors\s+text/minilm\s+1\s", call("cache").output)
    assert call("cache", "clear", "--vectors", input="n\n").exit_code == 1
    assert len(vector_cache.summary()) == 1
    assert "freed" in call("cache", "clear", "--vectors", "--yes").output
    assert vector_cache.summary().empty
    assert "Nothing of 'text/nothing'" in call("cache", "clear", "text/nothing", "--yes").output


def test_narrow_tables_fold_long_values_and_no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    long = "st:sentence-transformers/paraphrase-multilingual-mpnet-base-v2?query_prompt=query%3A%20"
    with VectorCache({"model": long, "sha256": "x"}, 2) as kept:
        kept.put([b"a"], np.zeros((1, 2), np.float32), [False])
    narrow = {"NO_COLOR": "1", "COLUMNS": "80"}
    shown = CliRunner().invoke(app, ["cache"], env=narrow).output
    assert re.search(r"what +model +vectors +MB", shown)
    assert long in re.sub(r" +1 +\d+\.\d *\n *|\s+", "", shown)
    made = weights.LocalWeights(Path("x"), "x", "cache")
    monkeypatch.setattr(weights, "locate", lambda name: made)
    listed = CliRunner().invoke(app, ["models"], env=narrow).output
    for name in ("image/efficientnet-lite0", "multimodal/aligned-minilm"):
        assert re.search(rf"^ {re.escape(name)} ", listed, re.MULTILINE)
    assert "here, all 2" in listed


def test_clearing_weights_removes_only_the_model_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path))
    for name in ("text/one", "text/two"):
        folder = tmp_path / "weights" / name / "revision"
        folder.mkdir(parents=True)
        (folder / "source.json").write_text("{}")
    assert re.search(r"weights\s+text/one", call("cache").output)
    assert call("cache", "clear", "text/one", "--weights", "--yes").exit_code == 0
    assert not (tmp_path / "weights" / "text" / "one").exists()
    assert (tmp_path / "weights" / "text" / "two").is_dir()

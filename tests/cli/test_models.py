"""``embedlab models`` and ``embedlab fetch``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_kit import call

from embedlab.catalog import registry


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

"""Errors of the package as the command line words them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import typer.main
from paths import ROOT

from embedlab.cli import console, messages
from embedlab.cli.app import app
from embedlab.errors import (
    Argument,
    BadItem,
    EmbedlabError,
    HoldsEmbeddings,
    PageTooLarge,
    UntrustedServer,
)

# Arguments of functions that no command calls with them, so that Python's spelling is the right one.
PYTHON_ONLY = {
    "base_url": "Chat(…) has no command",
    "caption": "pairs of image and text come from a DataFrame",
    "dimensions": "load_model(…); on the command line it is part of the name, openai:model?dimensions=256",
    "example": "from_module(…)",
    "hop": "windows of recordings",
    "metadata": "Items.from_folder(…)",
    "most_mb": "Explorer.to_html(…); the command line formats PageTooLarge",
    "n_components": "project(…)",
    "n_frames": "reading of frames in lessons",
    "names": "compare(…) of files takes the names of their models",
    "queries": "compare(…); embedlab compare has files of items only",
    "relevant": "compare(…); embedlab compare has files of items only",
    "plays": "Explorer.to_html(…)",
    "pooling": "load_model(…); on the command line it is part of the name, hf:org/name?pooling=cls",
    "replace": "register_model(…)",
    "seconds_each": "windows of recordings",
    "shorter_side": "reading of frames in lessons",
    "templates": "zero_shot(…)",
}


@pytest.mark.parametrize(
    ("argument", "option"),
    [
        (Argument("on_error", "skip"), "--on-error skip"),
        (Argument("encoding"), "--encoding"),
        (Argument("content", "My text"), "--content 'My text'"),
        (Argument("full", True), "--full"),
        (Argument("cost", False), "--no-cost"),
        (Argument("token_limit", 2_600_000), "--token-limit 2600000"),
        (Argument("k", 600), "-k 600"),
        (Argument("pooling", "cls"), 'pooling="cls"'),
    ],
)
def test_an_argument_becomes_an_option(argument: Argument, option: str) -> None:
    assert messages.format_option(argument) == option


def test_an_error_names_options_and_keeps_its_words() -> None:
    error = BadItem("2 items are empty. Pass ", Argument("on_error", "skip"), " (see encoding='x').")
    assert messages.format_error(error) == "2 items are empty. Pass --on-error skip (see encoding='x')."


def test_errors_with_another_fix_on_the_command_line() -> None:
    saved = messages.format_error(HoldsEmbeddings("…", path="my data.parquet"))
    assert "`embedlab explore 'my data.parquet' --html map.html`" in saved
    assert "--n-samples" in messages.format_error(PageTooLarge("…", size_mb=61.2, limit_mb=50))
    url = "http://192.0.2.7/v1"
    assert f"OPENAI_BASE_URL to {url}" in messages.format_error(UntrustedServer("…", url=url))


def _options() -> dict[str, set[str]]:
    """Every parameter of every command that is an option, and how it is written."""
    found: dict[str, set[str]] = {}
    todo = [typer.main.get_command(app)]
    while todo:
        command = todo.pop()
        todo += getattr(command, "commands", {}).values()
        for parameter in command.params:
            found.setdefault(str(parameter.name), set()).update(
                flag for flag in (*parameter.opts, *parameter.secondary_opts) if flag.startswith("-")
            )
    return {name: flags for name, flags in found.items() if flags}


def test_every_option_that_messages_may_name_exists() -> None:
    options = _options()
    for name in messages.OPTIONS:
        flag = messages.format_option(Argument(name))
        assert flag in options[name], name
    for name, flag in messages.SWITCHES_OFF.items():
        assert flag in options[name]


def _raised_arguments() -> dict[str, str]:
    """The names in ``Argument("name", …)`` anywhere in the package, each with a place."""
    found = {}
    for path in (ROOT / "embedlab").rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Argument" and call.args:
                first = call.args[0]
                if isinstance(first, ast.Constant):
                    found[str(first.value)] = f"{path.relative_to(ROOT)}:{call.lineno}"
    return found


def test_every_argument_in_a_message_is_an_option_or_for_python_only() -> None:
    raised = _raised_arguments()
    assert "on_error" in raised
    unknown = {n: at for n, at in raised.items() if n not in messages.OPTIONS and n not in PYTHON_ONLY}
    assert not unknown, "add the name to messages.OPTIONS, or to PYTHON_ONLY with the reason"


def test_what_is_for_python_only_is_no_option() -> None:
    assert not set(PYTHON_ONLY) & set(_options())


def test_an_error_is_a_message_and_exit_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    @messages.report_errors
    def command() -> None:
        raise EmbedlabError("Pass ", Argument("label"), ".")

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err.strip() == "Pass --label."


def test_a_path_in_a_hint_can_be_pasted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert console.quote("data.parquet") == "data.parquet"
    assert console.quote("my data/it's.parquet") == "'my data/it'\"'\"'s.parquet'"
    monkeypatch.setattr(console.os, "name", "nt")
    assert console.quote(r"C:\data\a.parquet") == r"C:\data\a.parquet"
    assert console.quote(r"C:\my data\a.parquet") == r'"C:\my data\a.parquet"'


def test_the_package_imports_no_maintainers_commands() -> None:
    """``embedlab.tools`` is not in the wheel."""
    for path in (ROOT / "embedlab").rglob("*.py"):
        if Path("tools") in path.relative_to(ROOT / "embedlab").parents:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in names if name.startswith("embedlab.tools")], path

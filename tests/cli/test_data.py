"""Your own data from the command line, as a shell meets it."""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cli_kit import call

from embedlab.embeddings import Embeddings

MINILM = pytest.mark.weights("text/minilm")
CSV = "key,text,topic\n007,A cat sleeps.,pets\n008,Waves break on the reef.,sea\n009,The dog barks.,pets\n"


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.csv"
    path.write_text(CSV + "010,,sea\n")
    return path


COLUMNS = ("--content", "text", "--label", "topic", "--id", "key")


@MINILM
def test_from_a_table_to_vectors_a_map_and_an_answer(notes: Path, tmp_path: Path) -> None:
    out, html = tmp_path / "data.parquet", tmp_path / "map.html"
    stopped = call("embed", notes, *COLUMNS, "--model", "text/minilm", "--out", out)
    assert stopped.exit_code == 1
    assert "010: empty text" in stopped.output
    assert "--on-error skip" in stopped.output
    assert not out.exists()
    done = call("embed", notes, *COLUMNS, "--model", "text/minilm", "--out", out, "--on-error", "skip")
    assert done.exit_code == 0, done.output
    assert re.search(r"^3 x 384 in .*data\.parquet, .*1 left out \(010\)$", done.output, re.MULTILINE)
    emb = Embeddings.load(out)
    assert emb.ids == ["007", "008", "009"]
    assert emb.items.labels == ["pets", "sea", "pets"]
    refused = call("embed", notes, *COLUMNS, "--model", "text/minilm", "--out", out, "--on-error", "skip")
    assert refused.exit_code == 1
    assert "--force" in refused.output
    mapped = call("explore", out, "--html", html, "--method", "pca", "--color-by", "label")
    assert mapped.exit_code == 0, mapped.output
    assert "A cat sleeps." in html.read_text()
    assert call("explore", out, "--html", html, "--method", "pca").exit_code == 1
    assert call("explore", out, "--html", html, "--method", "pca", "--force").exit_code == 0
    found = call("search", out, "the ocean", "-k", "1")
    assert found.exit_code == 0, found.output
    assert re.search(r"008 +sea +Waves break", found.output)


@MINILM
def test_a_folder_needs_no_more_than_the_model(tmp_path: Path) -> None:
    for name, text in {"a/one.txt": "The tide is out.", "b/two.md": "Bread wants time."}.items():
        (tmp_path / "texts" / name).parent.mkdir(parents=True)
        (tmp_path / "texts" / name).write_text(text)
    out = tmp_path / "da ta.parquet"
    done = call("embed", tmp_path / "texts", "--model", "text/minilm", "--out", out)
    assert done.exit_code == 0, done.output
    assert f"embedlab explore {shlex.quote(str(out))} --html map.html" in done.output
    assert "2 computed, 0 from the cache" in done.output, "the sample that was timed belongs to the run"
    again = call("embed", tmp_path / "texts", "--model", "text/minilm", "--out", out, "--force")
    assert "0 computed, 2 from the cache" in again.output
    assert Embeddings.load(out).items.labels == ["a", "b"]


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that nobody accepts, and no way to anyone who might."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


PAID = ("--model", "openai:text-embedding-3-small")


@pytest.mark.usefixtures("openai")
def test_what_a_server_would_cost_is_said_before(notes: Path, tmp_path: Path) -> None:
    looked = call("summary", notes, *COLUMNS, *PAID)
    assert re.search(r"3 texts for openai:\S+ are about 14 tokens .*: less than 0\.001 USD", looked.output)
    limited = call("summary", notes, *COLUMNS, *PAID, "--token-limit", "10")
    assert "The limit for one call is 10 tokens. Raise it with --token-limit 100000" in limited.output
    out = tmp_path / "x.parquet"
    refused = call("embed", notes, *COLUMNS, *PAID, "--out", out, "--on-error", "skip", "--token-limit", "10")
    assert refused.exit_code == 1
    assert "Nothing was sent" in refused.output
    assert "load_model" not in refused.output


@pytest.mark.usefixtures("openai")
def test_a_key_is_named_and_not_given(notes: Path) -> None:
    given = call("summary", notes, *COLUMNS, *PAID, "--key-from", "sk-secret123")
    assert given.exit_code == 1
    assert "--key-from" in given.output
    assert "must be the name of an environment variable" in given.output
    assert "secret" not in given.output
    other = call("summary", notes, *COLUMNS, "--model", "text/minilm", "--key-from", "OPENAI_API_KEY")
    assert "for models behind a server" in other.output


def test_a_server_that_only_a_file_names_is_not_searched(
    tmp_path: Path, make_embeddings: Callable[..., Embeddings]
) -> None:
    emb = make_embeddings(5, 8)
    stranger = dataclasses.replace(emb.model, name="openai:x?base_url=http://192.0.2.7/v1", source="server")
    path = dataclasses.replace(emb, model=stranger).save(tmp_path / "e.parquet")
    for more in ((), ("--key-from", "PATH")):
        result = call("search", path, "a private question", *more)
        assert result.exit_code == 1
        assert "OPENAI_BASE_URL" in result.output


def test_a_search_says_what_it_downloads(
    tmp_path: Path, make_embeddings: Callable[..., Embeddings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hf"))
    saved = make_embeddings(5, 384).save(tmp_path / "e.parquet")
    result = call("search", saved, "the sea")
    assert "Downloading text/minilm (84 MB), once." in result.output
    assert result.exit_code == 1, "offline"


def test_a_summary_needs_no_model_and_its_status_tells(notes: Path, tmp_path: Path) -> None:
    found = call("summary", notes, *COLUMNS, "--modality", "text")
    assert found.exit_code == 1
    assert "4 text" in found.output
    assert "010: empty text" in found.output
    good = tmp_path / "good.csv"
    good.write_text(CSV)
    assert call("summary", good, *COLUMNS, "--modality", "text").exit_code == 0
    unsaid = call("summary", good, *COLUMNS)
    assert unsaid.exit_code == 1
    assert "--modality" in unsaid.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("embed", "gone.csv", "--model", "text/minilm", "--out", "x.parquet"), "no file or folder gone.csv"),
        (("embed", "{csv}", "--model", "text/minlm", "--out", "x.parquet"), "text/minilm"),
        (("embed", "{csv}", "--model", "text/minilm", "--out", "x.csv"), "must end in .parquet"),
        (
            ("embed", "{csv}", "--model", "text/minilm", "--out", "no/x.parquet"),
            "the folder no does not exist",
        ),
        (("embed", "{csv}", "--model", "text/minilm", "--out", ".parquet"), "no name before .parquet"),
        (("embed", "{csv}", "--model", "text/minilm", "--out", "x.parquet"), "No column 'content'"),
        (
            ("embed", "{csv}", "--model", "multimodal/aligned-minilm", "--out", "x.parquet"),
            "--modality image",
        ),
        (
            ("embed", "{csv}", "--model", "text/minilm", "--out", "x.parquet", "--on-error", "no"),
            "raise or skip",
        ),
        (("embed", "{png}", "--model", "text/minilm", "--out", "x.parquet"), "neither a folder nor one of"),
        (("explore", "{csv}", "--html", "x.html"), "not a complete parquet"),
        (("explore", "{csv}", "--html", "x.html", "--method", "tea"), "umap, pca or tsne"),
        (("compare", "{csv}"), "not a complete parquet"),
        (("search", "{csv}", "x"), "not a complete parquet"),
    ],
)
def test_a_mistake_is_a_message(
    arguments: tuple[str, ...], words: str, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(notes.parent)
    (notes.parent / "a.png").touch()
    result = call(*(a.format(csv="notes.csv", png="a.png") for a in arguments))
    assert result.exit_code == 1
    assert words in result.output
    assert "Traceback" not in result.output
    assert not list(notes.parent.glob("x.*"))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no /proc")
def test_a_place_where_nothing_can_be_written_is_refused_before_any_work(
    notes: Path, tmp_path: Path, make_embeddings: Callable[..., Embeddings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("embedlab.items.Items.from_path", lambda *_, **__: pytest.fail("work began"))
    monkeypatch.setattr("embedlab.explorer.explore", lambda *_, **__: pytest.fail("work began"))
    saved = make_embeddings(5, 8).save(tmp_path / "e.parquet")
    for command in (
        ("embed", notes, "--model", "text/minilm", "--out", "/proc/x.parquet"),
        ("explore", saved, "--html", "/proc/m.html"),
    ):
        result = call(*command)
        assert result.exit_code == 1
        assert re.search(r"/proc/\w\.\w+ cannot be written: .*Choose a folder", result.output)


def test_of_a_map_of_two_items_it_says_too_few(
    tmp_path: Path, make_embeddings: Callable[..., Embeddings]
) -> None:
    saved = make_embeddings(2, 8).save(tmp_path / "e.parquet")
    mapped = call("explore", saved, "--html", tmp_path / "m.html", "--method", "pca")
    assert mapped.exit_code == 0, mapped.output
    assert "too few points to judge" in mapped.output
    assert "nan" not in mapped.output


def test_cures_are_options_of_the_command_line(tmp_path: Path) -> None:
    latin = tmp_path / "latin.csv"
    latin.write_bytes("content\nKäse\nÖl\n".encode("cp1252"))
    for result in (
        call("summary", latin, "--modality", "text"),
        call("embed", latin, "--model", "text/minilm", "--out", tmp_path / "x.parquet", "--on-error", "skip"),
    ):
        assert result.exit_code == 1
        assert "line 2, for example: not utf-8; as cp1252 it reads 'Käse'" in result.output
        assert "pass --encoding cp1252" in result.output
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "good.txt").write_text("fine")
    (tmp_path / "texts" / "latin.txt").write_bytes(b"K\xe4se")
    looked = call("summary", tmp_path / "texts", "--modality", "text")
    assert "pass --encoding cp1252, or the encoding they are in" in looked.output
    stopped = call("embed", tmp_path / "texts", "--model", "text/minilm", "--out", tmp_path / "x.parquet")
    assert "Fix them, or pass --on-error skip to leave them out." in stopped.output
    labelled = call("summary", tmp_path / "texts", "--modality", "text", "--label", "topic")
    assert "Leave out --label topic: " in labelled.output
    (tmp_path / "great.csv").write_text("Content\nfine\n")
    meant = call("summary", tmp_path / "great.csv", "--modality", "text")
    assert "Did you mean 'Content'? Name it with --content Content." in meant.output
    unknown = call("summary", latin, "--modality", "smell")
    assert "Unknown modality 'smell': choose one of text, image" in unknown.output
    for result in (looked, stopped, labelled, unknown):
        assert "on_error" not in result.output
        assert "label=" not in result.output


def test_two_models_are_compared(tmp_path: Path, make_embeddings: Callable[..., Embeddings]) -> None:
    good = make_embeddings(60, 8)
    noise = np.random.default_rng(1).normal(size=good.vectors.shape)
    files = [tmp_path / "good.parquet", tmp_path / "noise.parquet"]
    good.save(files[0])
    Embeddings(noise, good.items, good.model, "l", "m", False).save(files[1])
    html = tmp_path / "report.html"
    result = call("compare", *files, "--no-cost", "--html", html)
    assert result.exit_code == 0, result.output
    assert "Choose" in result.output
    assert "<html" in html.read_text()
    assert call("compare", files[0], "--no-cost").exit_code == 1

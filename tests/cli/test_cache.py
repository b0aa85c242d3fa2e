"""``embedlab cache``."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from cli_kit import call
from typer.testing import CliRunner

from embedlab import weights
from embedlab.cli.app import app
from embedlab.embedders import vector_cache
from embedlab.embedders.vector_cache import VectorCache


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

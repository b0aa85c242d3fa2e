"""Size, speed and memory of models."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import embedlab as el
from embedlab.comparison import cost
from embedlab.comparison.cost import CostStatus, cost_table, describe_cost
from embedlab.embeddings import Embeddings

Make = Callable[..., Embeddings]


def test_cost_that_is_not_measured(make_embeddings: Make) -> None:
    emb = make_embeddings(10, 16)
    table = cost_table([emb], measure=False)
    assert table.loc[0, "mb_per_million"] == 64
    assert table.loc[0, "params"] == emb.model.params
    assert np.isnan(table.loc[0, "items_per_second"])
    assert table.loc[0, "status"] == CostStatus.NOT_REQUESTED
    own = dataclasses.replace(emb, model=dataclasses.replace(emb.model, name="my/model"))
    table = cost_table([own], progress=False)
    assert table.loc[0, "status"] == CostStatus.NOT_LOADABLE
    assert np.isnan(table.loc[0, "file_mb"])


@pytest.mark.weights("text/minilm")
def test_cost_is_measured_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    emb = el.embed(el.Items.from_texts([f"a short text, number {i}" for i in range(20)]), "text/minilm")
    cost._measure.cache_clear()
    held = np.ones(2_000_000_000, dtype=np.uint8)  # what this process holds is not the model's
    row = cost_table([emb], progress=False).iloc[0]
    del held
    assert row["status"] == CostStatus.MEASURED
    assert row["items_per_second"] > 1
    assert row["n_measured"] >= 1
    assert 80 < row["file_mb"] < 110
    assert 200 < row["peak_mb"] < 2000
    calls = []
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: calls.append(a))
    assert cost_table([emb], progress=False).iloc[0]["items_per_second"] == row["items_per_second"]
    assert not calls, "a second comparison does not measure anew"


def test_a_model_that_breaks_when_measured_has_a_status(
    make_embeddings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    emb = make_embeddings(10)
    cost._measure.cache_clear()
    monkeypatch.setattr(sys, "executable", sys.executable)
    broken = subprocess.CompletedProcess([], 1, "", "Traceback …\nMemoryError: no room\n")
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: broken)
    row = cost_table([emb], progress=False).iloc[0]
    assert (row["status"], row["detail"]) == (CostStatus.FAILED, "MemoryError: no room")
    assert describe_cost(CostStatus.FAILED, row["detail"]) == "not measured: MemoryError: no room"

    def late(*a: object, **k: object) -> None:
        raise subprocess.TimeoutExpired("python", 300)

    cost._measure.cache_clear()
    monkeypatch.setattr(subprocess, "run", late)
    assert cost_table([emb], progress=False).loc[0, "status"] == CostStatus.TIMED_OUT
    assert "longer than 300 seconds" in describe_cost(CostStatus.TIMED_OUT)

    def fine(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        answer = {"items_per_second": 5.0, "status": CostStatus.MEASURED}
        Path(command[-1]).write_text(json.dumps(answer), encoding="utf-8")
        return subprocess.CompletedProcess(command, 0, "noise\n", "")

    cost._measure.cache_clear()
    monkeypatch.setattr(subprocess, "run", fine)
    row = cost_table([emb], progress=False).iloc[0]
    assert (row["items_per_second"], row["status"]) == (5, CostStatus.MEASURED)
    cost._measure.cache_clear()

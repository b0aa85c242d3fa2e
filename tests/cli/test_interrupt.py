"""A long run is stopped by the keyboard and continued."""

from __future__ import annotations

import functools
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from embedlab.embeddings import Embeddings

MINILM = pytest.mark.weights("text/minilm")


@MINILM
@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are those of Unix")
def test_stopped_by_the_keyboard_it_loses_nothing_and_goes_on(tmp_path: Path) -> None:
    table, out = tmp_path / "many.csv", tmp_path / "many.parquet"
    words = np.random.default_rng(0).integers(0, 9_999, (3_000, 12))
    table.write_text("content\n" + "".join(f"{' '.join(map(str, row))}\n" for row in words))
    code = (
        "import sys, pathlib; from embedlab.embedders import vector_cache as c;"
        "k = pathlib.Path(sys.argv.pop(1)); c.folder = lambda: k;"
        "from embedlab.cli.app import app; app()"
    )
    kept = tmp_path / "kept"
    command = [sys.executable, "-c", code, str(kept), "embed", str(table), "--model", "text/minilm"]
    command += ["--out", str(out)]
    heeds = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=heeds
    ) as run:
        assert run.stdout
        assert run.stderr
        while "result" not in (line := run.stdout.readline()):  # the summary is out: embedding begins
            assert line, run.stderr.read()
        before = _rows(kept)
        deadline = time.monotonic() + 120
        while _rows(kept) <= before and time.monotonic() < deadline and run.poll() is None:
            time.sleep(0.05)
        assert run.poll() is None, "it was over before it could be stopped"
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=120)
    assert run.returncode == 130, said
    assert "run the same command to continue" in said
    assert "Traceback" not in said
    assert not out.exists()
    there = _rows(kept)
    assert before < there < 3_000
    few = tmp_path / "few.csv"  # the same texts, fewer, so that the test is short
    few.write_text("\n".join(table.read_text().split("\n")[:101]) + "\n")
    command[command.index(str(table))] = str(few)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    known = int(re.search(r"([\d,]+) from the cache$", done.stdout, re.MULTILINE)[1].replace(",", ""))
    assert known > 0
    assert len(Embeddings.load(out)) == 100


def _rows(folder: Path) -> int:
    total = 0
    for path in folder.glob("*.sqlite"):
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
                total += db.execute("SELECT count(*) FROM vectors").fetchone()[0]
        except sqlite3.Error:
            continue
    return total

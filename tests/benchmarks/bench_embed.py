"""``embed()`` beside ``SentenceTransformer.encode``, and the second, cached call beside the first.

Both embed the same 1,500 texts; the two take turns, so that a slow moment of the machine hits both.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

import embedlab as el
from embedlab.embedders import vector_cache
from embedlab.embedders.text import TextEmbedder

TURNS = 5
SHARED = Path(__file__).parents[3] / "shared" / "data" / "text" / "clinc150_1500.jsonl"


def texts() -> tuple[list[str], str]:
    """1,500 short texts: the labelled queries beside the project, or the notes cut into sentences."""
    if SHARED.is_file():
        return pd.read_json(SHARED, lines=True)["text"].tolist(), "CLINC150 queries"
    notes = el.load_dataset("notes").contents
    return [f"{s}." for n in notes for s in n.split(". ")][:1500], "sentences of the notes"


def main() -> None:
    some, what = texts()
    items = el.Items.from_texts(some)
    model = el.load_model("text/minilm")
    assert isinstance(model, TextEmbedder)
    print(f"embed(), text/minilm, n = {len(some)} ({what}), {TURNS} turns each, median (fastest)")
    model.network.encode(some[:64])
    plain, ours, again = [], [], []
    for _ in range(TURNS):
        started = time.perf_counter()
        expected = model.network.encode(some, batch_size=32, show_progress_bar=False)
        plain.append(time.perf_counter() - started)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            vector_cache.folder = lambda place=Path(folder): place
            emb = model.embed(items, batch_size=32)
            ours.append(emb.report.seconds)
            again.append(model.embed(items, batch_size=32).report.seconds)
        np.testing.assert_allclose(emb.vectors, expected, atol=1e-5)
    for name, times in (("SentenceTransformer.encode", plain), ("embed()", ours), ("embed() again", again)):
        print(f"  {name:<28}{statistics.median(times):8.3f} s ({min(times):.3f})")
    ratios = [a / b for a, b in zip(ours, plain, strict=True)]
    print(
        f"  embed() / encode    {statistics.median(ratios):8.3f} ({min(ours) / min(plain):.3f})  (aim: 1.05)"
    )
    print(f"  again / first         {statistics.median(again) / statistics.median(ours):8.4f}  (aim: 0.02)")


if __name__ == "__main__":
    main()

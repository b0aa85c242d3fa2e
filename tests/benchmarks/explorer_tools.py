"""The explorer and its two rivals: the points that they get, and the code that shows them."""

from __future__ import annotations

DATA = """
import dataclasses, time
from pathlib import Path
import numpy as np, pandas as pd
import embedlab as el
from embedlab.catalog import registry

rng, n = np.random.default_rng(0), {n}
group = np.arange(n) % 10
vectors = (rng.normal(size=(10, 8)) * 3)[group] + rng.normal(size=(n, 8))
frame = pd.DataFrame({{"id": [str(i) for i in range(n)], "content": [f"point {{i}}" for i in range(n)],
                       "label": group.astype(str), "size": rng.normal(size=n)}})
items = el.Items(frame, "text", "made up")
card = dataclasses.replace(registry.row("text/minilm").card, dim=8, sha256="a" * 64)
def space(name, turn):
    turned = np.roll(vectors, turn, axis=0) if turn else vectors
    emb = el.Embeddings(turned.astype(np.float32), items, dataclasses.replace(card, name=name), card.layer,
                        card.pooling, True)
    return el.project(emb, "pca")
one = space("one", 0)
table = frame.assign(x=one.coords[:, 0], y=one.coords[:, 1]).drop(columns="id")
def note(*_):
    Path("told").write_text(str(time.time()))
"""

# What is shown, and what tells Python about a lasso.
TOOLS = {
    "embedlab": ("", "shown = el.explore(one)\nshown.observe(note, 'selected_ids')\nshown"),
    "embedlab, two maps": (
        "two = space('two', 1)",
        "shown = el.explore([one, two])\nshown.observe(note, 'selected_ids')\nshown",
    ),
    "jupyter-scatter": (
        "import jscatter",
        "shown = jscatter.Scatter(data=table, x='x', y='y', color_by='label', height=560)\n"
        "shown.tooltip(True, properties=['content'])\nshown.mouse(mode='lasso')\n"
        "shown.widget.observe(note, 'selection')\nshown.show()",
    ),
    "embedding-atlas": (
        "from embedding_atlas.widget import EmbeddingAtlasWidget",
        "shown = EmbeddingAtlasWidget(table, x='x', y='y', text='content')\nshown",
    ),
}
PACKAGE = {"jupyter-scatter": "jscatter", "embedding-atlas": "embedding_atlas"}
UNABLE = "WebGPU is unavailable"  # what embedding-atlas says if it cannot draw

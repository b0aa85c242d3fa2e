"""Embeddings, maps and models made by hand for the tests of the explorer."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from conftest import card
from PIL import Image

from embedlab.analysis.projection import Projection, project
from embedlab.catalog.cards import ModelCard
from embedlab.embeddings import Embeddings
from embedlab.explorer import Explorer
from embedlab.items import Items

DIM = 8
CARD = card(dim=DIM, sha256="a" * 64, source="folder")

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"quoted\" & 'quoted' <b>bold</b>",
    "<a href='javascript:alert(1)'>link</a>",
    "x" * 10_000,
    "שלום עולם <i>שלום</i>",
    "مرحبا \u202e reversed",
    "🦉 emoji 👩‍👩‍👧",
    "",
    "line one\nline two\r\nthree",
    "$x^2$ _underscored %{x} {braces}",
    "nul \x00 and half \ud800 pair",
)


def embeddings(
    n: int = 40,
    labels: Sequence[object] | None = None,
    texts: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    **columns: object,
) -> Embeddings:
    """``n`` seeded vectors in clouds of four, with metadata columns by keyword."""
    rng = np.random.default_rng(7)
    vectors = rng.normal(size=(n, DIM)) + 3 * rng.normal(size=(4, DIM))[np.arange(n) % 4]
    frame = pd.DataFrame(
        {
            "id": [f"i{i}" for i in range(n)] if ids is None else list(ids),
            "content": [f"text number {i}" for i in range(n)] if texts is None else list(texts),
        },
        dtype=object,  # takes texts as they come, half surrogate pairs included
    )
    if labels is not None:
        frame["label"] = pd.Series(list(labels), dtype=object)
    for name, column in columns.items():
        text = isinstance(column, list) and isinstance(column[0], str)
        frame[name] = pd.Series(column, dtype=object) if text else column
    items = Items(frame, "text", "by hand")
    return Embeddings(vectors, items, CARD, CARD.layer, CARD.pooling, True)


def flat(emb: Embeddings, n_neighbors: int = 15) -> Projection:
    """A quick map: PCA."""
    return project(emb, "pca", n_neighbors=n_neighbors)


class FakeModel:
    """Embeds a query as a fixed direction per text; counts how often it was asked."""

    def __init__(self, card: ModelCard = CARD, dim: int = DIM) -> None:
        self.card, self.dim, self.asked = card, dim, 0

    def embed(self, items: Items, *, batch_size: int = 32, progress: bool | None = None) -> Embeddings:
        raise NotImplementedError

    def embed_query(self, x: str) -> np.ndarray:
        self.asked += 1
        seed = int.from_bytes(hashlib.sha256(x.encode()).digest()[:4], "big")
        return np.random.default_rng(seed).normal(size=self.dim).astype(np.float32)


class BrokenModel(FakeModel):
    """Fails at every query, with markup in its message."""

    def embed_query(self, x: str) -> np.ndarray:
        raise RuntimeError("out of <b>memory</b> on <script>device</script>")


def other_weights() -> FakeModel:
    """A model of the same name whose weights differ."""
    return FakeModel(dataclasses.replace(CARD, sha256="b" * 64))


def asked(explorer: Explorer, what: str, id: str) -> tuple[dict[str, Any], list[bytes]]:
    """What the browser gets when it asks for something of an item: the message, and the bytes beside it."""
    sent: list[tuple[dict[str, Any], list[bytes]]] = []
    explorer.send = lambda content, buffers=None: sent.append((content, list(buffers or [])))
    row = explorer.projection.embeddings.items.ids.index(id)
    explorer._on_message({"type": what, "row": row, "ticket": "t"})
    [reply] = sent
    return reply


def shown_of(explorer: Explorer, id: str) -> str:
    """The HTML that the panel shows of an item."""
    html: str = asked(explorer, "item", id)[0]["html"]
    return html


def payload_of(explorer: Explorer) -> dict[str, Any]:
    """What the browser knows from the beginning."""
    data: dict[str, Any] = json.loads(explorer.payload)
    return data


LABELS = [f"class {i % 4}" for i in range(40)]


def send_action(explorer: Explorer, action: str, argument: object = None) -> None:
    """Send what the browser sends when a person does something."""
    message = {"type": "do", "action": action, "argument": argument, "view": "v", "acted": 1}
    explorer._on_message(message)


def state_of(explorer: Explorer) -> dict[str, Any]:
    """Return what the browser is told to show."""
    told: dict[str, Any] = json.loads(explorer.state)
    return told


def notice_of(explorer: Explorer) -> str:
    """Return the notice in the panel."""
    said = state_of(explorer)["notice"]
    return "" if said is None else f"{said['class']}: {said['text']}"


def record_replies(explorer: Explorer) -> list[tuple[dict[str, Any], list[bytes]]]:
    """Record what is sent to the browser from now on."""
    sent: list[tuple[dict[str, Any], list[bytes]]] = []
    explorer.send = lambda content, buffers=None: sent.append((content, buffers or []))
    return sent


def two_models() -> tuple[Embeddings, Embeddings]:
    """Make the same items in two spaces, the second without the first item and in another order."""
    one = embeddings(labels=LABELS)
    other = dataclasses.replace(one, vectors=np.random.default_rng(3).normal(size=(40, DIM)))
    return one, other.select([f"i{n}" for n in range(39, 0, -1)])


def preview_of(explorer: Explorer) -> Image.Image:
    """Return the picture in a stored notebook."""
    bundle, _ = explorer._repr_mimebundle_()
    return Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))

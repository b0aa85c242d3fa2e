"""Embeddings and an embedder for the tests of the store: seeded, small, without any weights."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd

from embedlab.catalog.cards import ModelCard
from embedlab.embeddings import Embeddings
from embedlab.items import Items

CARD = ModelCard(
    name="text/made-up",
    modality="text",
    dim=8,
    params=1,
    licence="MIT",
    summary="Seeded noise.",
    layer="last_hidden_state",
    pooling="mean",
    normalized=True,
    max_tokens=None,
    homepage="",
    citation="",
    revision="1" * 40,
    sha256="a" * 64,
)


def card(**changes: Any) -> ModelCard:
    return dataclasses.replace(CARD, **changes)


def cloud(
    n: int = 30, dim: int = 8, *, seed: int = 0, first: int = 0, model: ModelCard = CARD, **columns: Any
) -> Embeddings:
    """Unit vectors in all directions; ids n000, n001, …; further columns as given."""
    vectors = np.random.default_rng(seed).standard_normal((n, dim)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [f"n{i:03d}" for i in range(first, first + n)]
    frame = pd.DataFrame({"id": ids, "content": [f"text {i}" for i in ids]} | columns)
    return Embeddings(vectors, Items(frame, "text", "cloud"), model, model.layer, model.pooling, True)


def moved(emb: Embeddings, vectors: np.ndarray) -> Embeddings:
    """The same items with other vectors."""
    return dataclasses.replace(emb, vectors=vectors)


def exact(
    emb: Embeddings, query: np.ndarray, k: int, among: np.ndarray | None = None
) -> tuple[list[str], np.ndarray]:
    """Ids and cosines of the k nearest, computed with numpy."""
    units = emb.vectors / np.linalg.norm(emb.vectors, axis=1, keepdims=True)
    cosines = units @ (query / np.linalg.norm(query))
    rows = np.arange(len(emb)) if among is None else np.flatnonzero(among)
    best = rows[np.argsort(-cosines[rows], kind="stable")[:k]]
    return [emb.ids[i] for i in best], cosines[best]


class Answering:
    """An embedder that answers every text with one vector."""

    def __init__(self, vector: np.ndarray, model: ModelCard = CARD) -> None:
        self.card, self.dim, self.vector, self.asked = model, len(vector), vector, []

    def embed_query(self, x: str) -> np.ndarray:
        self.asked.append(x)
        return self.vector

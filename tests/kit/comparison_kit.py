"""Models, caveats and rankings made by hand for the tests of comparisons."""

from __future__ import annotations

import dataclasses

import numpy as np

from embedlab.comparison.caveats import Caveat, CaveatCode
from embedlab.comparison.result import Comparison
from embedlab.embeddings import Embeddings


def renamed(emb: Embeddings, name: str, **changes: object) -> Embeddings:
    return dataclasses.replace(emb, model=dataclasses.replace(emb.model, name=name, **changes))


def noisy(emb: Embeddings, amount: float, seed: int = 5) -> Embeddings:
    noise = np.random.default_rng(seed).normal(size=emb.vectors.shape)
    return dataclasses.replace(emb, vectors=emb.vectors + amount * noise)


def codes(found: Comparison) -> list[CaveatCode]:
    return [caveat.code for caveat in found.caveats]


def caveat(found: Comparison, code: CaveatCode) -> Caveat:
    [found_caveat] = [each for each in found.caveats if each.code == code]
    return found_caveat


def fan(*degrees: float) -> np.ndarray:
    """Vectors at these angles: seen from 0°, a smaller angle is nearer."""
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)

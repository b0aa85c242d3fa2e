"""Maps side by side: turned so that what is left in one is left in the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from embedlab.analysis.projection import Projection
from embedlab.errors import BadItem

TURNED = "Turned and scaled to lie like the first map (Procrustes)."


def align(projections: Sequence[Projection]) -> list[Projection]:
    """The maps, each after the first turned, mirrored, moved and scaled to lie like the first.

    All distances within a map change by one factor, so neighbours, quality and distortion stay as they are.

    Parameters
    ----------
    projections : sequence of Projection
        Of the same items in the same order.

    Raises
    ------
    BadItem
        When the items differ.
    """
    first = projections[0]
    aligned = [first]
    middle = first.coords.mean(axis=0)
    size = float(np.linalg.norm(first.coords - middle)) or 1.0
    like = turned(first.coords, None)
    for projection in projections[1:]:
        if list(projection.embeddings.items.ids) != list(first.embeddings.items.ids):
            raise BadItem("Maps can be laid side by side when they have the same items in the same order.")
        if projection.coords.shape[1] != first.coords.shape[1]:
            raise BadItem("A plane and a space cannot be laid side by side: give all maps one n_components.")
        coords = (turned(projection.coords, like) * size + middle).astype(np.float32)
        note = f"{projection.note} {TURNED}".strip()
        aligned.append(dataclasses.replace(projection, coords=coords, note=note))
    return aligned


def turned(coords: np.ndarray, like: np.ndarray | None) -> np.ndarray:
    """Coordinates in the middle and at size 1, turned or mirrored to lie like others.

    Parameters
    ----------
    coords : ndarray, shape (n_items, 2 or 3)
    like : ndarray, shape (n_items, 2 or 3), or None
        Centred and of size 1, as this function gives them; None turns nothing.

    Returns
    -------
    ndarray, shape (n_items, 2 or 3)

    Notes
    -----
    The rotation with the least squared distances: orthogonal Procrustes (Schönemann 1966, ``scipy.linalg``).
    """
    from scipy.linalg import orthogonal_procrustes

    centred: np.ndarray = coords - coords.mean(axis=0)
    centred /= np.linalg.norm(centred) or 1
    if like is None:
        return centred
    rotation: np.ndarray = orthogonal_procrustes(centred, like)[0]
    return np.asarray(centred @ rotation)

"""Rotate, mirror and scale several maps so that the same items lie in the same direction."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from embedlab.analysis.projection import Note, NoteCode, Projection
from embedlab.errors import BadItem

ALIGNED = Note(NoteCode.ALIGNED, "Turned and scaled to lie like the first map (Procrustes).")


def align(projections: Sequence[Projection]) -> list[Projection]:
    """Procrustes-align every map to the first.

    All distances within a map change by the same factor, so neighbours, quality and distortion stay valid.

    Parameters
    ----------
    projections : sequence of Projection
        Of the same items in the same order.

    Raises
    ------
    BadItem
        If the items differ, or if some maps are planes and others spaces.
    """
    first = projections[0]
    aligned = [first]
    center = first.coords.mean(axis=0)
    scale = float(np.linalg.norm(first.coords - center)) or 1.0
    target = procrustes_rotate(first.coords, None)
    for projection in projections[1:]:
        if list(projection.embeddings.items.ids) != list(first.embeddings.items.ids):
            raise BadItem("Only maps of the same items in the same order can be aligned.")
        if projection.coords.shape[1] != first.coords.shape[1]:
            raise BadItem("A plane and a space cannot be aligned: give all maps the same n_components.")
        coords = (procrustes_rotate(projection.coords, target) * scale + center).astype(np.float32)
        aligned.append(dataclasses.replace(projection, coords=coords, notes=(*projection.notes, ALIGNED)))
    return aligned


def procrustes_rotate(coords: np.ndarray, target: np.ndarray | None) -> np.ndarray:
    """Centre coordinates, scale them to norm 1, and rotate or mirror them onto a target.

    Parameters
    ----------
    coords : ndarray, shape (n_items, 2 or 3)
    target : ndarray, shape (n_items, 2 or 3), or None
        Centred and of norm 1, as this function returns them; None rotates nothing.

    Returns
    -------
    ndarray, shape (n_items, 2 or 3)

    Notes
    -----
    Orthogonal Procrustes, the rotation with the least squared distances (Schönemann 1966, ``scipy.linalg``).
    """
    from scipy.linalg import orthogonal_procrustes

    centred: np.ndarray = coords - coords.mean(axis=0)
    centred /= np.linalg.norm(centred) or 1
    if target is None:
        return centred
    rotation: np.ndarray = orthogonal_procrustes(centred, target)[0]
    return np.asarray(centred @ rotation)

"""How well vectors do at a task."""

from __future__ import annotations

import numpy as np

from embedlab.embeddings import Embeddings
from embedlab.errors import BadItem
from embedlab.neighbors import knn


def knn_accuracy(embeddings: Embeddings, k: int = 1) -> float:
    """Leave-one-out nearest-neighbour accuracy: how often the ``k`` nearest others vote for an item's label.

    Parameters
    ----------
    embeddings : Embeddings
        With labels; items without one neither ask nor vote.
    k : int
        Votes; the nearest item decides a tie.

    Returns
    -------
    float
        Share of the items, by cosine.

    Raises
    ------
    BadItem
        When fewer than two labels or ``k + 1`` labelled items are there.
    """
    labels = embeddings.items.labels or []
    known = np.array([label is not None for label in labels], dtype=bool)
    names = [label for label in labels if label is not None]
    if len(set(names)) < 2 or len(names) <= k:
        raise BadItem(
            f"{len(names)} items with {len(set(names))} different labels: at least {k + 1} items and 2 "
            "labels are needed to count how often neighbours agree."
        )
    _, classes = np.unique(names, return_inverse=True)
    near = classes[knn(embeddings.vectors[known], k).indices]
    votes = np.zeros((len(classes), classes.max() + 1))
    for place in range(k):
        # A little less for each place further away: it never outweighs a vote, and it decides a tie.
        np.add.at(votes, (np.arange(len(classes)), near[:, place]), 1 - place / (k + 1) ** 2)
    return float((votes.argmax(axis=1) == classes).mean())

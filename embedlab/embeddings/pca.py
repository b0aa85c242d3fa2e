"""Principal components of embeddings with far more dimensions than items."""

from __future__ import annotations

import dataclasses

import numpy as np

from embedlab.embeddings.embeddings import Embeddings
from embedlab.errors import Argument, BadItem


def flat_pca(emb: Embeddings, n_components: int = 64) -> Embeddings:
    """Project items onto their own first principal components.

    The axes are those of these items, so the vectors of two calls cannot be compared.

    Parameters
    ----------
    emb : Embeddings
        For example of a model ``with_pooling("flatten")``.
    n_components : int
        Less than the number of items.

    Returns
    -------
    Embeddings, n_items x n_components
        Axes by falling variance; the sign of each is such that its largest value is positive.

    Raises
    ------
    BadItem
        If there are not enough items.

    Notes
    -----
    With far fewer items than dimensions, the n x n matrix of scalar products holds all there is to know: its
    eigenvectors, times the roots of its eigenvalues, are the scores (classical scaling, Torgerson 1952).
    """
    n = len(emb)
    if not 1 <= n_components < n:
        raise BadItem(
            f"{n_components} components need more than {n_components} items, and there are {n}. Pass ",
            Argument("n_components"),
            f" from 1 to {n - 1}.",
        )
    centred = emb.vectors - emb.vectors.mean(axis=0)
    values, axes = np.linalg.eigh((centred @ centred.T).astype(np.float64))
    values, axes = values[::-1].clip(min=0), axes[:, ::-1]
    scores = axes[:, :n_components] * np.sqrt(values[:n_components])
    largest = np.abs(scores).argmax(axis=0)
    scores *= np.where(scores[largest, np.arange(n_components)] < 0, -1, 1)
    share = values[:n_components].sum() / max(values.sum(), np.finfo(float).tiny)
    pooling = f"{emb.pooling} + PCA ({share:.0%} of the variance)"
    card = dataclasses.replace(emb.model, dim=n_components, pooling=pooling, normalized=False)
    return Embeddings(scores, emb.items, card, emb.layer, pooling, False, emb.report)

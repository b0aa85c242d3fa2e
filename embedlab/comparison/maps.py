"""The linked maps of the models of a comparison."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from embedlab.analysis.projection import Method, project
from embedlab.comparison.data import ComparisonData
from embedlab.embedders import Embedder

if TYPE_CHECKING:
    from embedlab.explorer import Explorer


def explore_maps(
    data: ComparisonData,
    *,
    method: Method = "umap",
    n_neighbors: int = 15,
    random_state: int = 0,
    n_components: int = 2,
    n_samples: int | None = None,
    color_by: str | None = None,
    model: Embedder | None = None,
    height: int = 560,
) -> Explorer:
    """Project every model with its known neighbours and show the maps side by side.

    Parameters are those of :func:`explore`.
    """
    from embedlab.explorer.build import MAX_ITEMS, explore  # heavy, and the command line has no widgets

    embeddings = list(data.embeddings.values())
    if len({emb.model.name for emb in embeddings}) < len(embeddings):
        # One model at several layers: name the maps by what distinguishes them.
        embeddings = [
            dataclasses.replace(emb, model=dataclasses.replace(emb.model, name=name))
            for name, emb in data.embeddings.items()
        ]
    if n_samples is not None or len(data.items) > MAX_ITEMS:  # neighbours within a sample are others
        return explore(
            embeddings, method=method, n_neighbors=n_neighbors, random_state=random_state,
            n_components=n_components, n_samples=n_samples, color_by=color_by, model=model, height=height,
        )  # fmt: skip
    maps = [
        project(
            emb, method, n_neighbors=n_neighbors, random_state=random_state, n_components=n_components,
            neighbors=neighbors,
        )
        for emb, neighbors in zip(embeddings, data.neighbors.values(), strict=True)
    ]  # fmt: skip
    return explore(maps, random_state=random_state, color_by=color_by, model=model, height=height)
